"""The registry of image tasks: tasks of single images that ship a model."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.image_tasks.task import ImageTask
from pipeline.models.entries import find_entry, read_entries

#: Modules of `pipeline.image_tasks`: a new task is one of them, with a ``TASK``, and its line here.
MODULES = ("brain_mri", "chest_xray")


def read_image_tasks(modules: Iterable[str]) -> dict[str, ImageTask]:
    """The tasks of modules, by name."""
    return read_entries("pipeline.image_tasks", modules, "TASK")


IMAGE_TASKS = read_image_tasks(MODULES)


def find_image_task(name: str) -> ImageTask:
    """The task of a name.

    Raises:
        InputError: There is no such task.
    """
    return find_entry(IMAGE_TASKS, name, kind="image task")
