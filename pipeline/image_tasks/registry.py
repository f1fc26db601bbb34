"""The one table of image tasks."""

from __future__ import annotations

from pipeline.errors import InputError
from pipeline.image_tasks import brain_mri, chest_xray
from pipeline.image_tasks.task import ImageTask

#: Name to task. A new task is a module with a ``TASK`` and a line here.
IMAGE_TASKS: dict[str, ImageTask] = {
    task.name: task
    for task in (
        brain_mri.TASK,
        chest_xray.TASK,
    )
}


def find_image_task(name: str) -> ImageTask:
    """The task of that name.

    Raises:
        InputError: There is none.
    """
    if name not in IMAGE_TASKS:
        known = ", ".join(IMAGE_TASKS)
        raise InputError(name, f"There is no image task {name!r}; known: {known}.")
    return IMAGE_TASKS[name]
