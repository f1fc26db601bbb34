"""The one interface behind which every runtime stands."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class StageModel(Protocol):
    """One stage's network, loaded by a runtime and ready to answer.

    Attributes:
        engine: Name of the runtime, such as ``openvino``.
        precision: Precision it computes at, such as ``f32``.
    """

    engine: str
    precision: str

    def predict(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Answer a batch.

        Args:
            batch: ``(b, size, size, 3)`` float32, standardised (`pipeline.data.preprocessing`).

        Returns:
            float32 in [0, 1]: ``(b, 1)`` of a classifier, ``(b, size, size, 1)`` of a segmenter.
        """
        ...
