"""Four classes of chest X-rays."""

from __future__ import annotations

from pipeline.experiments.image_folders import ImageFolderExperiment, open_image_folder
from pipeline.experiments.options import RunContext
from pipeline.image_tasks.chest_xray import TASK


def open_experiment(context: RunContext) -> ImageFolderExperiment:
    """Read the images.

    Raises:
        InputError: No folder was given, or it does not hold the classes.
    """
    return open_image_folder(TASK.name, context)
