"""Training, validation and held-out patients of the public LGG set.

Five folds by patient are fixed in advance and committed with this module: the first existed before
the others, to which `make_folds` assigned patients by tumor load (a test repeats it). The shipped
models come from the first fold. `by_slice` is the mistake that published figures were made with:
neighbouring slices of one patient on both sides of the split. It is here to be measured, side by
side with the folds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import with_config

from pipeline.errors import InputError
from pipeline.storage.atomic_files import write_text
from pipeline.storage.checked_json import STRICT, dump_json, read_json
from pipeline.storage.field_types import Name

FOLDS_FILE = Path(__file__).with_name("lgg_folds.json")
SHIPPED_FOLD = 1
N_FOLDS = 5
_SEED = 20261121
Role = Literal["train", "validation", "held_out"]
_ROLES: tuple[Role, ...] = ("train", "validation", "held_out")


@dataclass(frozen=True)
class Split:
    """Patients by role; no patient is in two lists.

    Attributes:
        name: Such as ``fold 1``.
        train: Patients that the network learns from.
        validation: Patients that choose thresholds and calibration.
        held_out: Patients on which nothing is chosen; the figures that are reported are theirs.
    """

    name: Name
    train: tuple[Name, ...]
    validation: tuple[Name, ...]
    held_out: tuple[Name, ...]

    def __post_init__(self) -> None:
        patients = self.train + self.validation + self.held_out
        if len(set(patients)) != len(patients):
            raise ValueError(f"lists a patient twice: {self.name}")


@dataclass(frozen=True)
class SliceSplit:
    """Slices of all patients, assigned at random: every patient is on both sides.

    Attributes:
        name: ``by slice``.
        held_out: For each patient the positions (from 0) of the slices that are not learned from.
        validation: Likewise, those that choose thresholds and calibration.
    """

    name: str
    held_out: Mapping[str, frozenset[int]] = field(repr=False)
    validation: Mapping[str, frozenset[int]] = field(repr=False)


def institution(patient: str) -> str:
    """Institution code of a TCGA patient, the second part of the folder's name."""
    return patient.split("_")[1]


def assign(
    tumor_load: Mapping[str, int], counts: Sequence[int], *, seed: int = _SEED
) -> list[tuple[str, ...]]:
    """Assign patients to groups, stratified by institution and tumor load.

    Patients are ordered by institution, then by load with ties broken at random; each group takes
    its share at even distances of what is left, so that each sees every institution and the whole
    range of loads.

    Args:
        tumor_load: Tumor pixels of each patient.
        counts: Patients of each group; who is left over is in none.
        seed: Seed of the draw.

    Raises:
        ValueError: There are fewer patients than asked for.
    """
    if sum(counts) > len(tumor_load):
        raise ValueError(f"of {len(tumor_load)} patients {sum(counts)} cannot be set aside")
    rng = np.random.default_rng(seed)
    tie = {patient: rng.random() for patient in sorted(tumor_load)}
    rest = sorted(tumor_load, key=lambda p: (institution(p), tumor_load[p], tie[p]))
    groups = []
    for count in counts:
        step = len(rest) / max(count, 1)
        start = rng.uniform(0, step)
        chosen = {rest[int(start + i * step)] for i in range(count)}
        groups.append(tuple(sorted(chosen)))
        rest = [p for p in rest if p not in chosen]
    return groups


def make_folds(
    tumor_load: Mapping[str, int],
    *,
    first: Split,
    n_folds: int = N_FOLDS,
    validation: int = 8,
    seed: int = _SEED,
) -> tuple[Split, ...]:
    """Make folds in which every patient is held out once.

    Args:
        tumor_load: Tumor pixels of each patient.
        first: The first fold, as it was committed before the others.
        n_folds: Number of folds.
        validation: Validation patients of each.
        seed: Seed of the draw.
    """
    rest = {p: load for p, load in tumor_load.items() if p not in first.held_out}
    sizes = [len(part) for part in np.array_split(np.arange(len(rest)), n_folds - 1)]
    folds = [first]
    for number, held_out in enumerate(assign(rest, sizes, seed=seed), start=2):
        others = {p: load for p, load in tumor_load.items() if p not in held_out}
        folds.append(
            _with_validation(f"fold {number}", others, held_out, validation, seed + number)
        )
    return tuple(folds)


def leave_institution_out(
    tumor_load: Mapping[str, int], code: str, *, validation: int = 8, seed: int = _SEED
) -> Split:
    """Hold out all patients of one institution.

    Raises:
        ValueError: No patient is from there, or all are.
    """
    held_out = tuple(sorted(p for p in tumor_load if institution(p) == code))
    others = {p: load for p, load in tumor_load.items() if p not in held_out}
    if not held_out or len(others) <= validation:
        known = ", ".join(sorted({institution(p) for p in tumor_load}))
        raise ValueError(f"institution must be one of {known}, got {code}")
    return _with_validation(f"without {code}", others, held_out, validation, seed)


def split_by_slice(
    n_slices: Mapping[str, int],
    *,
    held_out: float = 0.2,
    validation: float = 0.1,
    seed: int = _SEED,
) -> SliceSplit:
    """Assign the slices of all patients at random.

    Args:
        n_slices: Slices of each patient.
        held_out: Part of all slices, about that of the split by patient.
        validation: Likewise.
        seed: Seed of the draw.
    """
    rng = np.random.default_rng(seed)
    rows = [(patient, k) for patient in sorted(n_slices) for k in range(n_slices[patient])]
    order = rng.permutation(len(rows))
    first, second = round(len(rows) * held_out), round(len(rows) * (held_out + validation))

    def gather(chosen: np.ndarray) -> dict[str, frozenset[int]]:
        picked = [rows[i] for i in chosen]
        return {p: frozenset(k for q, k in picked if q == p) for p in sorted(n_slices)}

    return SliceSplit("by slice", gather(order[:first]), gather(order[first:second]))


@with_config(STRICT)
@dataclass(frozen=True)
class _File:
    """A file of folds."""

    folds: tuple[Split, ...]

    def __post_init__(self) -> None:
        held_out = [patient for fold in self.folds for patient in fold.held_out]
        if len(set(held_out)) != len(held_out):
            raise ValueError("must not hold out a patient in two folds")


def save_folds(folds: Sequence[Split], path: Path = FOLDS_FILE) -> None:
    """Write folds as JSON.

    Raises:
        ValueError: A patient is held out in two of them.
    """
    write_text(path, json.dumps(dump_json(_File(tuple(folds))), indent=1) + "\n")


def load_folds(path: Path = FOLDS_FILE) -> tuple[Split, ...]:
    """Read folds; the committed ones by default.

    Raises:
        InputError: The file is missing or not valid: a patient stands twice in a fold, or is held
            out in two.
    """
    file = read_json(path, _File, shown=path.name, remedy="restore the committed file")
    if file is None:
        raise InputError(path.name, f"{path.name} is missing; restore the committed file.")
    return file.folds


def load_fold(number: int = SHIPPED_FOLD) -> Split:
    """One of the committed folds, counted from 1; by default the shipped models'.

    Raises:
        ValueError: There is no such fold.
    """
    folds = load_folds()
    if not 1 <= number <= len(folds):
        raise ValueError(f"fold must be 1 to {len(folds)}, got {number}")
    return folds[number - 1]


def role_of(split: str, patient: str) -> Role | None:
    """Role of a patient in the committed fold of this name; None where it is unknown."""
    for fold in load_folds():
        if fold.name == split:
            return next((role for role in _ROLES if patient in getattr(fold, role)), None)
    return None


def _with_validation(
    name: str,
    others: Mapping[str, int],
    held_out: tuple[str, ...],
    validation: int,
    seed: int,
) -> Split:
    (chosen,) = assign(others, [validation], seed=seed)
    train = tuple(sorted(p for p in others if p not in chosen))
    return Split(name=name, train=train, validation=chosen, held_out=tuple(sorted(held_out)))
