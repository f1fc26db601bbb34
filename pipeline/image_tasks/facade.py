"""What the dashboard may call: tasks, what is shipped for them, and the answer to one image.

Importing this imports no runtime; a network is loaded where an `ImageClassifier` is made.
"""

from __future__ import annotations

from pipeline.image_tasks.answers import ImageAnswer, ImageClassifier, answer_image
from pipeline.image_tasks.models import ImageModelInfo, read_image_model
from pipeline.image_tasks.registry import IMAGE_TASKS, find_image_task
from pipeline.image_tasks.task import ImageTask

__all__ = [
    "IMAGE_TASKS",
    "ImageAnswer",
    "ImageClassifier",
    "ImageModelInfo",
    "ImageTask",
    "answer_image",
    "find_image_task",
    "read_image_model",
]
