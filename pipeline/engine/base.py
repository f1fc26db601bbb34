"""The one interface behind which every runtime stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.attention import HeadWeights

Arrays = list[NDArray[np.float32]]


class StageModel(Protocol):
    """One stage of the network, loaded by a runtime and ready to answer.

    Attributes:
        engine: Name of the runtime, such as ``openvino``.
        precision: Precision it computes at, such as ``f32``.
    """

    engine: str
    precision: str

    def predict(self, inputs: Sequence[NDArray[np.float32]]) -> Arrays:
        """Answer a batch.

        Args:
            inputs: float32. Of stage one, slices ``(b, size, size, channels)``, standardised
                (`pipeline.data.preprocessing`); of stage two, the features that stage one gave.

        Returns:
            float32. Of stage one, scores ``(b, 1)`` in [0, 1] and the encoder's features, finest
            first; of stage two, probability maps ``(b, size, size, 1)`` in [0, 1].
        """
        ...


@dataclass(frozen=True)
class NetworkStages:
    """Both stages of one network, on one runtime.

    Attributes:
        first: Classifies, and gives the features.
        second: Outlines.
        heads: What the classifier weighs its features by; None where nobody wants to know where it
            looked.
    """

    first: StageModel
    second: StageModel
    heads: HeadWeights | None = None
