"""Patient-level split of the public LGG set, committed beside this module."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

SPLIT_FILE = Path(__file__).with_name("lgg_split.json")


@dataclass(frozen=True)
class Split:
    """Patients by what they are for; nobody stands in two lists.

    Attributes:
        train: Patients that the networks learn from.
        validation: Patients that choose thresholds and show progress during training.
        held_out: Patients on which nothing is chosen; the figures that are reported are theirs.
    """

    train: tuple[str, ...]
    validation: tuple[str, ...]
    held_out: tuple[str, ...]


def institution(patient: str) -> str:
    """Institution code of a TCGA patient, the second part of the folder's name."""
    return patient.split("_")[1]


def make_split(
    tumor_load: dict[str, int], *, validation: int, held_out: int, seed: int = 20261121
) -> Split:
    """Split patients, stratified by institution and tumor load.

    Patients are ordered by institution, then by load with ties broken at random, and dealt at even
    distances, so that each part sees every institution and the whole range of loads.

    Args:
        tumor_load: Tumor pixels of each patient.
        validation: Number of validation patients.
        held_out: Number of held-out patients.
        seed: Seed of the draw.
    """
    total = len(tumor_load)
    if validation + held_out >= total:
        raise ValueError(f"of {total} patients {validation + held_out} cannot be set aside")
    rng = np.random.default_rng(seed)
    tie = {patient: rng.random() for patient in sorted(tumor_load)}
    ordered = sorted(tumor_load, key=lambda p: (institution(p), tumor_load[p], tie[p]))

    def deal(patients: list[str], count: int) -> set[str]:
        if not count:
            return set()
        step = len(patients) / count
        start = rng.uniform(0, step)
        return {patients[int(start + i * step)] for i in range(count)}

    kept = deal(ordered, held_out)
    rest = [p for p in ordered if p not in kept]
    chosen = deal(rest, validation)
    return Split(
        train=tuple(sorted(p for p in rest if p not in chosen)),
        validation=tuple(sorted(chosen)),
        held_out=tuple(sorted(kept)),
    )


def save_split(split: Split, path: Path = SPLIT_FILE) -> None:
    """Write a split as JSON."""
    path.write_text(json.dumps(asdict(split), indent=1) + "\n")


def load_split(path: Path = SPLIT_FILE) -> Split:
    """Read a split; the committed one by default.

    Raises:
        ValueError: If a patient stands in two lists.
    """
    lists = {name: tuple(patients) for name, patients in json.loads(path.read_text()).items()}
    split = Split(**lists)
    everybody = split.train + split.validation + split.held_out
    if len(set(everybody)) != len(everybody):
        raise ValueError(f"{path.name} holds a patient twice")
    return split
