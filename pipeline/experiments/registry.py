"""The registry of experiments: published systems, run again.

A new one is a configuration, a module and a line here; one on the pictures of an image task is only
a configuration with the task's name.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Protocol

from pipeline.errors import ProgressCallback
from pipeline.experiments.configuration import (
    FOLDER,
    Configuration,
    PlannedRow,
    read_configuration,
)
from pipeline.experiments.documents import DataFacts, Measurement
from pipeline.experiments.plans import RunContext
from pipeline.image_tasks.registry import IMAGE_TASKS
from pipeline.models.entries import find_entry


def configured_tasks(folder: Path = FOLDER) -> list[str]:
    """The image tasks that have a configuration."""
    return [name for name in IMAGE_TASKS if (folder / f"{name}.toml").is_file()]


#: Name, which is also that of the configuration, to the module that opens it.
EXPERIMENTS = {
    "lgg-slices": "pipeline.experiments.lgg_slices",
    "runtimes": "pipeline.experiments.runtimes",
    **dict.fromkeys(configured_tasks(), "pipeline.experiments.image_folders"),
    "feature-cache": "pipeline.experiments.feature_speed",
}


class Experiment(Protocol):
    """An experiment whose data were read.

    A module of the registry has ``open_experiment(name: str, context: RunContext) -> Experiment``,
    which raises `InputError` where the data are missing.
    """

    def facts(self) -> DataFacts:
        """What it is measured on."""

    def measure(self, row: PlannedRow, progress: ProgressCallback) -> Measurement:
        """Measure a row.

        Raises:
            NotRun: It cannot be measured here.
        """


def find_configuration(name: str, folder: Path = FOLDER) -> Configuration:
    """The committed configuration of an experiment.

    Raises:
        InputError: It is unknown, or its configuration does not fit.
    """
    find_entry(EXPERIMENTS, name, kind="experiment")
    return read_configuration(folder / f"{name}.toml")


def open_experiment(name: str, context: RunContext) -> Experiment:
    """Read the data of an experiment.

    Raises:
        InputError: The data are missing or cannot be read.
    """
    opened: Experiment = import_module(EXPERIMENTS[name]).open_experiment(name, context)
    return opened
