"""The registry of image tasks: tasks of single images that ship a model."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module

from pipeline.errors import InputError
from pipeline.image_tasks.task import ImageTask

#: Modules of `pipeline.image_tasks`: a new task is one of them, with a ``TASK``, and its line here.
MODULES = (
    "brain_mri",
    "chest_xray",
)


def read_image_tasks(modules: Iterable[str]) -> dict[str, ImageTask]:
    """The tasks of modules, by name."""
    tasks = [import_module(f"pipeline.image_tasks.{name}").TASK for name in modules]
    return {task.name: task for task in tasks}


IMAGE_TASKS = read_image_tasks(MODULES)


def find_image_task(name: str) -> ImageTask:
    """The task of that name.

    Raises:
        InputError: There is no such task.
    """
    if name not in IMAGE_TASKS:
        known = ", ".join(IMAGE_TASKS)
        raise InputError(name, f"There is no image task {name!r}; known: {known}.")
    return IMAGE_TASKS[name]
