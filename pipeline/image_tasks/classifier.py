"""Answers one image: class probabilities, and a heat map of where the network looked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.classifiers.calibration import apply_temperature
from pipeline.engine.grad_cam import scale_map
from pipeline.engine.selection import choose_engine, open_network
from pipeline.image_tasks.models import ImageModelInfo, read_image_model
from pipeline.image_tasks.preprocessing import prepare_image, restore_map
from pipeline.results import ModelReference

#: Of every image task's network: they are small, and were not measured at less.
PRECISION = "f32"


@dataclass(frozen=True, eq=False)
class ImageResult:
    """What the network says of one image.

    Attributes:
        probabilities: ``(classes,)`` calibrated, in the task's order; they sum to 1.
        answer: Number of the most probable class.
        heat: ``(h, w)`` float32 in [0, 1] on the image's own grid: what spoke for that class.
    """

    probabilities: NDArray[np.float64]
    answer: int
    heat: NDArray[np.float32]


class ImageClassifier:
    """The shipped model of an image task, ready to answer.

    Args:
        models_dir: Folder of the tasks' models.
        task: The task.
        engine: One of `pipeline.engine.selection.CHOICES`.
        engine_dir: Where exported models are kept.
        threads: CPU threads to use; None leaves the choice to the runtime.

    Raises:
        InputError: The model is missing, damaged or not exported.
    """

    def __init__(
        self,
        models_dir: Path,
        task: str,
        *,
        engine: str = "auto",
        engine_dir: Path,
        threads: int | None = None,
    ) -> None:
        self.info: ImageModelInfo = read_image_model(models_dir, task)
        (self._network,), _ = open_network(
            self.info,
            engine=choose_engine(self.info, engine, precision=PRECISION, engine_dir=engine_dir),
            precision=PRECISION,
            engine_dir=engine_dir,
            threads=threads,
        )

    @property
    def reference(self) -> ModelReference:
        """The model as named in every result."""
        info, network = self.info, self._network
        return ModelReference(
            info.name, info.version, info.digest, network.engine, network.precision
        )

    def classify(self, grey: NDArray[np.float32]) -> ImageResult:
        """Answer a grey image ``(h, w)`` of any size and range."""
        prepared = prepare_image(grey, fit=self.info.task.fit, size=self.info.input_size)
        pixels = prepared.pixels[None].astype(np.float32)
        given, activations = self._network.predict([pixels])
        probabilities = apply_temperature(given[0], self.info.temperature)
        answer = int(probabilities.argmax())
        heat = scale_map(activations[0, ..., answer])
        return ImageResult(probabilities, answer, restore_map(heat, prepared.placement))
