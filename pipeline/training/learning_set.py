"""The slices that a run learns from and those that choose for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.datasets.lgg import TrainingVolume, find_patients, load_training_volumes, read_volume
from pipeline.datasets.splits import (
    SliceSplit,
    Split,
    leave_institution_out,
    load_fold,
    split_by_slice,
)
from pipeline.errors import InputError

#: Volumes and, for each, the slices ``(n,)`` bool that count.
ChosenSlices = list[tuple[TrainingVolume, NDArray[np.bool_]]]


@dataclass(frozen=True, eq=False)
class LearningSet:
    """What one run sees; held-out slices are not in it.

    Attributes:
        name: Name of the split.
        by: ``patient`` or ``slice``.
        train: Slices to learn from.
        validation: Slices that choose calibration and thresholds.
        held_out: Number of patients that are held out; 0 where the split is by slice.
    """

    name: str
    by: str
    train: ChosenSlices
    validation: ChosenSlices
    held_out: int


def resolve_split(
    data: Path, *, fold: int, without: str | None, by_slice: bool
) -> Split | SliceSplit:
    """The split that a command line asks for.

    Raises:
        InputError: There is no such fold or institution, or no patients.
    """
    try:
        if by_slice:
            return split_by_slice({p: len(v[0]) for p, v in _read_all(data)})
        if without is not None:
            load = {p: int(np.count_nonzero(v[1])) for p, v in _read_all(data)}
            return leave_institution_out(load, without)
        return load_fold(fold)
    except ValueError as error:
        raise InputError("split", f"{str(error)[:1].upper()}{str(error)[1:]}.") from error


def load_learning_set(data: Path, split: Split | SliceSplit) -> LearningSet:
    """Read and scale what a run needs.

    Raises:
        InputError: A patient of the split is missing.
    """
    if isinstance(split, Split):
        return LearningSet(
            name=split.name,
            by="patient",
            train=_all_slices(load_training_volumes(data, split.train)),
            validation=_all_slices(load_training_volumes(data, split.validation)),
            held_out=len(split.held_out),
        )
    volumes = load_training_volumes(data, tuple(split.held_out))
    train: ChosenSlices = []
    validation: ChosenSlices = []
    for volume in volumes:
        n = len(volume.scaled)
        chooses = _marked(n, split.validation[volume.patient])
        train.append((volume, ~(_marked(n, split.held_out[volume.patient]) | chooses)))
        validation.append((volume, chooses))
    return LearningSet(split.name, "slice", train, validation, held_out=0)


def _all_slices(volumes: list[TrainingVolume]) -> ChosenSlices:
    return [(volume, np.ones(len(volume.scaled), bool)) for volume in volumes]


def _marked(n: int, positions: Iterable[int]) -> NDArray[np.bool_]:
    marked = np.zeros(n, bool)
    marked[sorted(positions)] = True
    return marked


def _read_all(data: Path) -> list[tuple[str, tuple[NDArray[np.uint8], NDArray[np.bool_]]]]:
    return [(patient, read_volume(folder)) for patient, folder in find_patients(data).items()]
