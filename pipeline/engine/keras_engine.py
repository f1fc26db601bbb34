"""Keras, the reference that every other runtime is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.engine.base import Arrays


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
