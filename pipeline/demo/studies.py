"""Make the demo studies: template, patient, lesion, scanner, DICOM files and their truth."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import with_config
from scipy import ndimage

from pipeline.data.case import SequenceName
from pipeline.demo import series
from pipeline.demo.acquisition import (
    REFERENCE_SHARE,
    WHITE_MATTER_VALUE,
    NoiseModel,
    acquire,
    average_slices,
    coil_weighting,
    reference_mask,
)
from pipeline.demo.anatomy import Anatomy, make_anatomy
from pipeline.demo.contrast import render
from pipeline.demo.geometry import SliceGrid, make_source_map
from pipeline.demo.lesions import Lesion, grow_lesion
from pipeline.demo.marking import burn_in
from pipeline.demo.plans import DEMO_SEED, DEMO_STUDIES, DEMO_VERSION, Side, StudyPlan
from pipeline.demo.template import load_template
from pipeline.errors import InputError, ProgressCallback
from pipeline.storage.atomic_files import replacing_folder
from pipeline.storage.checked_json import STRICT, read_json, write_document
from pipeline.storage.field_types import Amount, Count, Flag, Name, Text

#: The manifest, stored with the studies: side, site and volume of each lesion.
MANIFEST_NAME = "demo.json"
_SERIES = {
    SequenceName.FLAIR: series.FLAIR,
    SequenceName.PRE: series.PRE,
    SequenceName.POST: series.POST,
}


@dataclass(frozen=True)
class StudyEntry:
    """What is truly in a study.

    Attributes:
        lesion: Whether it has one.
        side, site: Where the lesion is; None without one.
        volume_ml: Of the reference mask; None without a lesion.
        slices: Numbers, from 1, of the slices with lesion.
        skull_stripped: Whether everything outside the brain is blanked.
        sequences: The series of images.
    """

    lesion: Flag
    side: Side | None
    site: Name | None
    volume_ml: Amount | None
    slices: tuple[Count, ...]
    skull_stripped: Flag
    sequences: tuple[SequenceName, ...]


@with_config(STRICT)
@dataclass(frozen=True, kw_only=True)
class Manifest:
    """demo.json: the studies by patient, and how their lesions were made."""

    schema: Literal[1] = 1
    version: Literal[1] = DEMO_VERSION
    about: Text = "Synthetic demo studies. A count of lesions found here is never an accuracy."
    reference: Text = f"lesion makes up at least {REFERENCE_SHARE:g} of a voxel's tissue"
    studies: Mapping[Name, StudyEntry]


@dataclass(frozen=True, eq=False)
class DemoStudy:
    """A study before it is written.

    Attributes:
        plan: What it was made from.
        grid: Its slices.
        images: ``(slices, rows, columns)`` uint16 per sequence, as displayed, marked SYNTHETIC.
        mask: ``(slices, rows, columns)`` bool reference mask; empty where there is no lesion.
    """

    plan: StudyPlan
    grid: SliceGrid
    images: dict[SequenceName, NDArray[np.uint16]]
    mask: NDArray[np.bool_]

    @property
    def volume_ml(self) -> float:
        """Volume of the reference mask, from slice positions."""
        voxel_mm3 = float(abs(np.linalg.det(self.grid.affine()[:3, :3])))
        return float(self.mask.sum()) * voxel_mm3 / 1000.0


def make_demo_studies(
    folder: Path,
    *,
    progress: ProgressCallback | None = None,
    studies: Sequence[StudyPlan] = DEMO_STUDIES,
    template_mm: int = 1,
) -> None:
    """Write the demo studies below ``folder`` as DICOM series, with `MANIFEST_NAME`.

    A study appears whole or not at all, and one that is there already is left alone; the same
    folder may be given again after an interruption.

    Args:
        folder: Made where it does not exist.
        progress: Called before each study and at the end; what it raises stops the work.
        studies: Which ones; tests pass small ones.
        template_mm: Voxel of the template; tests take a coarse one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    entries = _read_entries(folder)
    for done, plan in enumerate(studies):
        if progress is not None:
            progress(done, len(studies), f"Making demo study {plan.patient_id}")
        if plan.patient_id in entries and (folder / plan.patient_id).is_dir():
            continue
        study = make_study(plan, template_mm=template_mm)
        _write_study(study, folder)
        entries[plan.patient_id] = _describe(study)
        write_document(folder / MANIFEST_NAME, Manifest(studies=entries))
    if progress is not None:
        progress(len(studies), len(studies), "Demo studies made")


def make_study(plan: StudyPlan, *, template_mm: int = 1) -> DemoStudy:
    """Make one study; the same plan gives the same pixels."""
    rng = np.random.default_rng([DEMO_SEED, DEMO_VERSION, zlib.crc32(plan.patient_id.encode())])
    template = load_template(template_mm)
    anatomy = make_anatomy(template, age=plan.age, rng=rng)
    lesion = None
    if plan.lesion is not None:
        volume_ml = plan.lesion.volume_ml / plan.lesion.growth**1.5
        lesion = grow_lesion(anatomy, plan.lesion, volume_ml=volume_ml, rng=rng)
    grid = SliceGrid.of(plan)
    source = make_source_map(grid, template, lesion, age=plan.age, rng=rng)
    sequences = [SequenceName.FLAIR]
    if plan.with_t1:
        sequences += [SequenceName.PRE, SequenceName.POST]
    volumes = [render(anatomy, lesion, sequence) for sequence in sequences]
    volumes += _shares(anatomy, lesion)
    *signals, brain, share = average_slices(volumes, source, grid)
    if plan.skull_stripped:
        blank = _outside_brain(brain)
    images = {}
    for sequence, signal in zip(sequences, signals, strict=True):
        coil = coil_weighting(grid, rng)
        values = acquire(signal, coil, NoiseModel(plan.noise), rng)
        if plan.skull_stripped:
            values[blank] = 0.0
        stored = np.clip(np.round(values), 0, 4095).astype(np.uint16)
        images[sequence] = burn_in(stored, round(WHITE_MATTER_VALUE))
    return DemoStudy(plan, grid, images, reference_mask(share, plan.pixel_mm))


def _shares(anatomy: Anatomy, lesion: Lesion | None) -> list[NDArray[np.float32]]:
    """Brain (with its fluid) and lesion as parts of each template voxel."""
    brain = anatomy.gm + anatomy.wm + anatomy.csf
    return [brain, np.zeros_like(brain) if lesion is None else lesion.share]


def _outside_brain(brain: NDArray[np.float32]) -> NDArray[np.bool_]:
    """What a skull-stripping program blanks."""
    return np.asarray(ndimage.gaussian_filter(brain, (0, 1.0, 1.0)) < 0.6)


def _write_study(study: DemoStudy, folder: Path) -> None:
    """Write a study whole or not at all, so that no half study is ever seen."""
    target = folder / study.plan.patient_id
    with replacing_folder(target) as draft:
        for sequence, pixels in study.images.items():
            series.write_series(pixels, _SERIES[sequence], study.plan, study.grid, draft)
        mask = study.mask.astype(np.uint8) * np.uint8(255)
        series.write_series(mask, series.MASK, study.plan, study.grid, draft)


def _describe(study: DemoStudy) -> StudyEntry:
    lesion = study.plan.lesion
    return StudyEntry(
        lesion=lesion is not None,
        side=None if lesion is None else lesion.side,
        site=None if lesion is None else lesion.site,
        volume_ml=None if lesion is None else round(study.volume_ml, 1),
        slices=tuple(int(k) + 1 for k in np.flatnonzero(study.mask.any(axis=(1, 2)))),
        skull_stripped=study.plan.skull_stripped,
        sequences=tuple(study.images),
    )


def _read_entries(folder: Path) -> dict[str, StudyEntry]:
    """Entries of the studies that this version made; none where the manifest is another's."""
    try:
        manifest = read_json(
            folder / MANIFEST_NAME, Manifest, shown=MANIFEST_NAME, remedy="make the studies again"
        )
    except InputError:
        return {}
    return {} if manifest is None else dict(manifest.studies)
