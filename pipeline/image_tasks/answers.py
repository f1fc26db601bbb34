"""Answers one image: class probabilities, a saliency map, and the images that show both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.results import ModelReference
from pipeline.classifiers.calibration import apply_temperature, join_mirrored
from pipeline.engine.grad_cam import scale_map
from pipeline.engine.selection import choose_engine, open_network
from pipeline.errors import InputError
from pipeline.image_tasks.models import ImageModelInfo, read_image_model
from pipeline.image_tasks.preprocessing import prepare_image, restore_map, stretch_grey
from pipeline.image_tasks.reading import read_grey_bytes
from pipeline.sandbox.watch import ReadingLimits

#: Of every image task's network: they are small, and were not measured at less.
PRECISION = "f32"
#: How much of the picture the strongest colour hides.
_OPACITY = 0.55


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


@dataclass(frozen=True, eq=False)
class ImageAnswer:
    """The answer to one image, as it is shown and stored.

    Attributes:
        task, source: The task and the image's name.
        answer: Name of the most probable class, as the data set's folders are called.
        probabilities: Class name to calibrated probability, in the task's order; they sum to 1.
        model: The model that answered.
        cautions: Sentences that must be shown with the answer.
        grey: ``(h, w)`` uint8, the image as it is shown.
        heat: ``(h, w)`` float32 in [0, 1], where the network looked for that class; see
            `ImageResult`.
    """

    task: str
    source: str
    answer: str
    probabilities: Mapping[str, float]
    model: ModelReference
    cautions: tuple[str, ...]
    grey: NDArray[np.uint8]
    heat: NDArray[np.float32]

    def to_json(self) -> dict[str, Any]:
        """The answer as JSON, without its pictures."""
        height, width = self.grey.shape
        return {
            "task": self.task,
            "source": self.source,
            "class": self.answer,
            "probabilities": dict(self.probabilities),
            "width": width,
            "height": height,
            "model": vars(self.model),
            "cautions": list(self.cautions),
        }

    # Encoded on demand: no caller needs all three, and encoding costs more than the network.

    def image_png(self) -> bytes:
        """The image as 8-bit grey."""
        return encode_png(self.grey)

    def heat_png(self) -> bytes:
        """The heat map as 8-bit grey of the same size, 255 at the strongest.

        To be laid over the image by the reader's own opacity.
        """
        return encode_png(np.rint(self.heat * 255).astype(np.uint8))

    def overlay_png(self) -> bytes:
        """Both in one RGB picture."""
        return encode_png(draw_overlay(self.grey, self.heat))


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
        given: NDArray[np.floating]
        activations: NDArray[np.floating]
        given, activations = self._network.predict([pixels])
        if self.info.task.mirrored:
            turned = np.ascontiguousarray(pixels[:, :, ::-1])
            mirrored, seen = self._network.predict([turned])
            given = join_mirrored(given, mirrored)
            activations = (activations + seen[:, :, ::-1]) / 2
        probabilities = apply_temperature(given[0], self.info.temperature)
        answer = int(probabilities.argmax())
        heat = scale_map(activations[0, ..., answer])
        return ImageResult(probabilities, answer, restore_map(heat, prepared.placement))


def answer_image(
    task: str,
    image: bytes | Path,
    *,
    source: str,
    classifier: ImageClassifier,
    limits: ReadingLimits | None = None,
) -> ImageAnswer:
    """Answer one image with a classifier that stays loaded.

    Args:
        task: The task, which must be the classifier's.
        image: The file's bytes, or its path.
        source: The image's name for sentences and results.
        classifier: Answers; it serves one thread.
        limits: What reading the image may take.

    Raises:
        InputError: The image cannot be read.
        ValueError: The classifier is of another task.
    """
    if classifier.info.task.name != task:
        raise ValueError(f"the classifier is of task {classifier.info.task.name}, not of {task}")
    content = image if isinstance(image, bytes) else _read_bytes(image, source)
    grey = read_grey_bytes(content, source, limits=limits)
    return make_answer(classifier, grey, source=source)


def make_answer(
    classifier: ImageClassifier, grey: NDArray[np.float32], *, source: str
) -> ImageAnswer:
    """Answer a grey image ``(h, w)``, with the pictures to show."""
    result = classifier.classify(grey)
    task = classifier.info.task
    return ImageAnswer(
        task=task.name,
        source=source,
        answer=task.classes[result.answer],
        probabilities={
            name: float(value)
            for name, value in zip(task.classes, result.probabilities, strict=True)
        },
        model=classifier.reference,
        cautions=task.cautions,
        grey=np.rint(stretch_grey(grey)).astype(np.uint8),
        heat=result.heat,
    )


def draw_overlay(grey: NDArray[np.uint8], heat: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Draw a saliency map in [0, 1] over a grey image, both ``(h, w)``, as RGB ``(h, w, 3)``."""
    levels = np.rint(np.clip(heat, 0, 1) * 255).astype(np.uint8)
    colours = cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO)[..., ::-1].astype(np.float32)
    weight = (_OPACITY * np.clip(heat, 0, 1))[..., None]
    mixed = (1 - weight) * grey[..., None].astype(np.float32) + weight * colours
    return np.rint(mixed).astype(np.uint8)


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """PNG bytes of ``(h, w)`` grey or ``(h, w, 3)`` RGB.

    OpenCV compresses these pictures ten times as fast as Pillow, to a fifth more bytes.
    """
    blue_first = pixels if pixels.ndim == 2 else pixels[..., ::-1]
    return cv2.imencode(".png", np.ascontiguousarray(blue_first))[1].tobytes()


def _read_bytes(path: Path, source: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise InputError(source, f"{source} cannot be opened. Check its permissions.") from None
