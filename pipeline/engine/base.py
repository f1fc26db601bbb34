"""The one interface of every runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.engine.grad_cam import HeadWeights

Arrays = list[NDArray[np.float32]]


@dataclass(frozen=True)
class StageSettings:
    """How a runtime runs an exported stage.

    Attributes:
        precision: Precision to compute at.
        cache_dir: Keeps what was compiled for this machine; None compiles each time. Runtimes that
            compile nothing ignore it.
        threads: CPU threads to use; None leaves the choice to the runtime.
        largest: At int8, by the name of a convolution the largest value that it reads
            (`pipeline.models.int8_ranges`); the others are computed at float32.
        streams: Parts of a batch that are answered at once, each on its share of the threads.
            Runtimes that know no such thing ignore it.
    """

    precision: str = "f32"
    cache_dir: Path | None = None
    threads: int | None = None
    largest: Mapping[str, float] = field(default_factory=dict)
    streams: int = 1


#: At float32, nothing kept.
PLAIN = StageSettings()


class StageModel(Protocol):
    """One stage of a network (`NetworkInfo.stages`), loaded by a runtime and ready to answer.

    Attributes:
        engine: Name of the runtime, such as ``openvino``.
        precision: Precision it computes at, such as ``f32``.
    """

    engine: str
    precision: str

    def predict(self, inputs: Sequence[NDArray[np.float32]]) -> Arrays:
        """Answer a batch.

        Args:
            inputs: float32. Of the network for slices: stage one takes slices
                ``(b, size, size, channels)``, standardised (`pipeline.data.preprocessing`), stage
                two the features that stage one gave. Of a network for single images: pixels
                ``(b, size, size, 3)`` in [0, 255].

        Returns:
            float32. Of stage one, scores ``(b, 1)`` in [0, 1] and the encoder's features, finest
            first; of stage two, probability maps ``(b, size, size, 1)`` in [0, 1]. Of a network for
            single images, probabilities ``(b, classes)`` in [0, 1] and class activation maps
            ``(b, h, w, classes)`` of any range.
        """
        ...


@dataclass(frozen=True)
class NetworkStages:
    """Both stages of the network for slices, on one runtime.

    Attributes:
        first: Classifies, and gives the features.
        second: Outlines.
        heads: What the classifier weighs its features by; None where no saliency map is asked for.
    """

    first: StageModel
    second: StageModel
    heads: HeadWeights | None = None
