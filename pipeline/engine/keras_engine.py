"""Keras, the reference that every other runtime is held against."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.attention import read_heads
from pipeline.engine.base import Arrays, NetworkStages
from pipeline.models.registry import ModelInfo, load_keras_model


class KerasStage:
    """A stage in Keras, on whichever backend Keras runs."""

    engine = "keras"

    def __init__(self, model: Any, *, precision: str = "f32") -> None:
        self.precision = precision
        self._model = model

    def predict(self, inputs: Sequence[NDArray[np.float32]]) -> Arrays:
        """Answer a batch; see `pipeline.engine.base.StageModel`."""
        answer = self._model.predict_on_batch(list(inputs))
        parts = answer if isinstance(answer, list) else [answer]
        return [np.asarray(part, np.float32) for part in parts]


def open_stages(
    info: ModelInfo, *, precision: str, engine_dir: Path, threads: int | None = None
) -> NetworkStages:
    """Load the ``.keras`` file. ``engine_dir`` and ``threads`` mean nothing to Keras.

    Raises:
        InputError: The file is missing or not the one that metadata.json describes.
    """
    model = load_keras_model(info)
    from pipeline.models.resunet import split_stages

    first, second = split_stages(model)
    return NetworkStages(
        KerasStage(first, precision=precision),
        KerasStage(second, precision=precision),
        read_heads(model),
    )
