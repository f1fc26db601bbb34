"""What the dashboard may call: tasks, what is shipped for them, and the answer to one image.

Importing this imports no runtime; a network is loaded where an `ImageClassifier` is made. What
answers images is imported when it is first used, since a web process does without its readers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.classifiers.scoring import ConfusionMatrix
from pipeline.image_tasks.evaluation import ImageEvaluation
from pipeline.image_tasks.models import ImageModelInfo, read_image_model
from pipeline.image_tasks.registry import IMAGE_TASKS, find_image_task
from pipeline.image_tasks.task import ImageTask, Published

if TYPE_CHECKING:
    from pipeline.image_tasks.answers import ImageAnswer, ImageClassifier, answer_image

_ANSWERING = ("ImageAnswer", "ImageClassifier", "answer_image")

__all__ = [
    "IMAGE_TASKS",
    "ConfusionMatrix",
    "ImageAnswer",
    "ImageClassifier",
    "ImageEvaluation",
    "ImageModelInfo",
    "ImageTask",
    "Published",
    "answer_image",
    "find_image_task",
    "read_image_model",
]


def __getattr__(name: str) -> Any:
    """Import what answers images on its first use."""
    if name not in _ANSWERING:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from pipeline.image_tasks import answers

    value = getattr(answers, name)
    globals()[name] = value
    return value
