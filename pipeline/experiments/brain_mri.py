"""Tumor or not on 253 brain MRI pictures."""

from __future__ import annotations

from pipeline.experiments.image_folders import ImageFolderExperiment, open_image_folder
from pipeline.experiments.options import RunContext
from pipeline.image_tasks.brain_mri import TASK


def open_experiment(context: RunContext) -> ImageFolderExperiment:
    """Read the images.

    Raises:
        InputError: No folder was given, or it does not hold the classes.
    """
    return open_image_folder(TASK.name, context)
