"""Keras, the reference that every other runtime is held against."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.models.registry import ModelInfo, load_keras_model


class KerasStage:
    """A network in Keras, on whichever backend Keras runs."""

    engine = "keras"

    def __init__(self, model: Any, *, precision: str = "f32") -> None:
        self.precision = precision
        self._model = model

    def predict(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Answer a batch; see `pipeline.engine.base.StageModel`."""
        return np.asarray(self._model.predict_on_batch(batch), np.float32)


def open_stage(
    info: ModelInfo, *, precision: str, engine_dir: Path, threads: int | None = None
) -> KerasStage:
    """Load the ``.keras`` file. ``engine_dir`` and ``threads`` mean nothing to Keras.

    Raises:
        InputError: The file is missing or not the one that metadata.json describes.
    """
    return KerasStage(load_keras_model(info.folder), precision=precision)
