"""Slice classifiers on the LGG set, on slices held out at random and on patients held out.

The same recipe is measured on both splits. A random split leaves slices of every patient on both
sides, and neighbours look alike; the other is what a new patient would meet.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from pipeline.classifiers.images import LabelledImages
from pipeline.classifiers.scoring import score_images
from pipeline.datasets.lgg import find_patients, read_volume
from pipeline.datasets.splits import assign
from pipeline.errors import InputError, ProgressCallback
from pipeline.experiments.configuration import PlannedRow
from pipeline.experiments.documents import DataFacts, Measurement
from pipeline.experiments.plans import RunContext, make_plan

CLASSES = ("no tumor", "tumor")
BY_SLICE, BY_PATIENT = "by slice", "by patient"
#: Part of the slices, or of the patients, that is held out, as published.
HELD_OUT = 0.15
_SEED = 20261121


@dataclass(frozen=True, eq=False)
class LggSlices:
    """All slices of the set, their patients, and the tumor pixels of each patient."""

    slices: LabelledImages
    tumor_load: Mapping[str, int]
    context: RunContext

    def facts(self) -> DataFacts:
        """Counts and digest of the slices."""
        tumor = int((self.slices.labels == 1).sum())
        return DataFacts(
            images=f"{len(self.slices):,} slices, {tumor:,} with tumor, of "
            f"{len(self.tumor_load)} patients",
            digest=hashlib.sha256(
                np.ascontiguousarray(self.slices.images).tobytes() + self.slices.labels.tobytes()
            ).hexdigest(),
        )

    def measure(self, row: PlannedRow, progress: ProgressCallback) -> Measurement:
        """Train on one side of the row's split and score the other."""
        from pipeline.classifiers.training import fit_classifier

        held_out = self.held_out(row.split)
        train, test = self.slices.pick(~held_out), self.slices.pick(held_out)
        plan = make_plan(row, self.context)
        fitted = fit_classifier(plan, train, progress=progress)
        return Measurement(
            initial_weights=fitted.coverage.label,
            scores=score_images(fitted.probabilities(test.images), test),
            seconds_per_epoch=round(fitted.seconds_per_epoch, 3),
            details={
                "training_slices": len(train),
                "held_out_slices": len(test),
                "held_out_patients": len(np.unique(test.groups)),
                "precision": plan.precision,
            },
        )

    def held_out(self, split: str) -> NDArray[np.bool_]:
        """The slices ``(n,)`` that are held out.

        Raises:
            InputError: The split is unknown.
        """
        if split == BY_SLICE:
            count = round(len(self.slices) * HELD_OUT)
            order = np.random.default_rng(_SEED).permutation(len(self.slices))
            return np.isin(np.arange(len(self.slices)), order[:count])
        if split == BY_PATIENT:
            (patients,) = assign(
                self.tumor_load, [round(len(self.tumor_load) * HELD_OUT)], seed=_SEED
            )
            return np.isin(self.slices.groups, patients)
        raise InputError(split, f"A split must be {BY_SLICE} or {BY_PATIENT}, got {split}.")


def open_experiment(name: str, context: RunContext) -> LggSlices:
    """Read the set.

    Raises:
        InputError: No folder was given, or it does not hold the set.
    """
    if context.data is None:
        raise InputError("--data", "Give the folder of the LGG set with --data.")
    return read_slices(context.data, context)


def read_slices(data: Path, context: RunContext) -> LggSlices:
    """Read all slices: three channels as published, with tumor where the mask holds any."""
    images, labels, patients, load = [], [], [], {}
    for patient, folder in tqdm(find_patients(data).items(), "Reading patients", unit="patient"):
        pixels, masks = read_volume(folder)
        images.append(pixels)
        labels.append(masks.any(axis=(1, 2)))
        patients += [patient] * len(pixels)
        load[patient] = int(masks.sum())
    slices = LabelledImages(
        images=np.concatenate(images),
        labels=np.concatenate(labels).astype(np.intp),
        groups=np.array(patients),
        classes=CLASSES,
    )
    return LggSlices(slices, load, context)
