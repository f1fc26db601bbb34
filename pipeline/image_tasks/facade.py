"""What the dashboard may call: tasks, what is shipped for them, and the answer to one image.

Importing this imports no runtime. `answer_image` runs a network in the calling process (a worker);
`answer_image_in_own_process` runs it in another one, for a web process that has no worker at hand.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import InputError
from pipeline.image_tasks.models import ImageModelInfo, read_image_model
from pipeline.image_tasks.registry import IMAGE_TASKS, find_image_task
from pipeline.image_tasks.task import ImageTask
from pipeline.results import ModelReference

if TYPE_CHECKING:
    from pipeline.image_tasks.classifier import ImageClassifier

__all__ = [
    "IMAGE_TASKS",
    "ImageAnswer",
    "ImageModelInfo",
    "ImageTask",
    "answer_image",
    "answer_image_in_own_process",
    "find_image_task",
    "read_image_model",
]

_PROJECT = Path(__file__).resolve().parents[2]
_TIMEOUT_S = 300


@dataclass(frozen=True, eq=False)
class ImageAnswer:
    """The answer to one image, as it is shown and kept.

    Attributes:
        task, source: The task and the image's name.
        answer: Name of the most probable class, as the data set's folders are called.
        probabilities: Class name to calibrated probability, in the task's order; they sum to 1.
        width, height: Of the image in pixels.
        model: The model that answered.
        cautions: Sentences that must be shown with the answer.
        image_png: The image as 8-bit grey, ``height x width``.
        heat_png: Where the network looked for that class: 8-bit grey of the same size, 255 at the
            strongest. To be laid over the image by the reader's own opacity.
        overlay_png: Both in one RGB picture.
    """

    task: str
    source: str
    answer: str
    probabilities: Mapping[str, float]
    width: int
    height: int
    model: ModelReference
    cautions: tuple[str, ...]
    image_png: bytes
    heat_png: bytes
    overlay_png: bytes

    def to_json(self) -> dict[str, Any]:
        """The answer as JSON; pictures in base64."""
        return {
            "task": self.task,
            "source": self.source,
            "class": self.answer,
            "probabilities": dict(self.probabilities),
            "width": self.width,
            "height": self.height,
            "model": vars(self.model),
            "cautions": list(self.cautions),
            "image_png": base64.b64encode(self.image_png).decode("ascii"),
            "heat_png": base64.b64encode(self.heat_png).decode("ascii"),
            "overlay_png": base64.b64encode(self.overlay_png).decode("ascii"),
        }


def answer_image(
    task: str, image: bytes | Path, *, source: str, classifier: ImageClassifier
) -> ImageAnswer:
    """Answer one image in this process, with a classifier that stays loaded.

    Args:
        task: The task, which must be the classifier's.
        image: The file's bytes, or its path.
        source: The image's name for sentences and results.
        classifier: `pipeline.image_tasks.classifier.ImageClassifier`.

    Raises:
        InputError: The image cannot be read.
    """
    from pipeline.image_tasks.answering import make_answer
    from pipeline.image_tasks.reading import read_grey_bytes

    if classifier.info.task.name != task:
        raise ValueError(f"the classifier is of task {classifier.info.task.name}, not of {task}")
    content = image if isinstance(image, bytes) else _read_bytes(image, source)
    return make_answer(classifier, read_grey_bytes(content, source), source=source)


def answer_image_in_own_process(
    task: str, image: Path, *, source: str, models_dir: Path, engine_dir: Path
) -> dict[str, Any]:
    """Answer one image in a process of its own; returns `ImageAnswer.to_json`.

    The model is exported first where that has not been done, which takes some ten seconds, once.

    Raises:
        InputError: The task is unknown, the image cannot be read, or no model could answer.
    """
    find_image_task(task)
    command = [sys.executable, "-m", "pipeline.image_tasks.answering", task, str(image.resolve())]
    command += ["--source", source, "--models", str(models_dir.resolve())]
    command += ["--engine-dir", str(engine_dir.resolve())]
    unanswered = InputError(source, f"{source} could not be answered. Try again.")
    try:
        finished = subprocess.run(
            command, cwd=_PROJECT, capture_output=True, timeout=_TIMEOUT_S, check=False
        )
        answer = json.loads(finished.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        raise unanswered from None
    if not isinstance(answer, dict):
        raise unanswered
    if "error" in answer:
        raise InputError(source, str(answer["error"]))
    return answer


def _read_bytes(path: Path, source: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise InputError(source, f"{source} cannot be opened. Check its permissions.") from None
