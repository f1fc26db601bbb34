"""The registry of experiments: a new one is a configuration, a module and a line here."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Protocol

from pipeline.errors import InputError
from pipeline.experiments.configuration import (
    FOLDER,
    Configuration,
    PlannedRow,
    read_configuration,
)
from pipeline.experiments.documents import DataFacts, Measurement
from pipeline.experiments.options import RunContext
from pipeline.results import ProgressCallback

#: Name, which is also that of the configuration, to the module that opens it.
EXPERIMENTS = {
    "lgg-slices": "pipeline.experiments.lgg_slices",
    "runtimes": "pipeline.experiments.runtimes",
    "brain-mri": "pipeline.experiments.brain_mri",
    "chest-xray": "pipeline.experiments.chest_xray",
    "feature-cache": "pipeline.experiments.feature_speed",
}


class Experiment(Protocol):
    """An experiment whose data were read.

    A module of the registry has ``open_experiment(context: RunContext) -> Experiment``, which
    raises `InputError` where the data are missing.
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
        InputError: There is no such experiment, or its configuration does not fit.
    """
    if name not in EXPERIMENTS:
        known = ", ".join(EXPERIMENTS)
        raise InputError(name, f"There is no experiment {name}; known are {known}.")
    return read_configuration(folder / f"{name}.toml")


def open_experiment(name: str, context: RunContext) -> Experiment:
    """Read the data of an experiment.

    Raises:
        InputError: The data are missing or cannot be read.
    """
    opened: Experiment = import_module(EXPERIMENTS[name]).open_experiment(context)
    return opened
