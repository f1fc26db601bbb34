"""What is timed: a synthetic study that looks real, as files in the public LGG layout."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.data.case import SequenceName
from pipeline.demo.plans import DEMO_STUDIES
from pipeline.demo.studies import make_study

#: Slices of a usual study of the LGG set (the mean is 36).
STUDY_SLICES = 36
_SIDE = 256
#: A name that no patient has: ZZ is no institution of TCGA.
_PATIENT = "TCGA_ZZ_0000_20000101"
_CHANNELS = (SequenceName.PRE, SequenceName.FLAIR, SequenceName.POST)


@dataclass(frozen=True)
class Material:
    """Files to answer.

    Attributes:
        slice_file: The slice with the largest lesion, an image of three channels.
        study: Folder of a patient with `STUDY_SLICES` slices and their masks.
    """

    slice_file: Path
    study: Path


def write_material(folder: Path, *, template_mm: int = 2) -> Material:
    """Make the study below ``folder``.

    Args:
        folder: Made where it does not exist.
        template_mm: Voxel of the template; a coarse one is made in seconds.
    """
    plan = next(plan for plan in DEMO_STUDIES if plan.lesion is not None and plan.with_t1)
    study = make_study(plan, template_mm=template_mm)
    total = len(study.mask)
    chosen = np.linspace(0, total - 1, STUDY_SLICES).round().astype(int)
    images = np.stack([_to_eight_bits(study.images[name]) for name in _CHANNELS], axis=-1)
    patient = folder / "study" / _PATIENT
    patient.mkdir(parents=True, exist_ok=True)
    for number, k in enumerate(chosen, start=1):
        stem = patient / f"{_PATIENT}_{number}"
        _write(stem.with_name(f"{stem.name}.tif"), images[k])
        _write(stem.with_name(f"{stem.name}_mask.tif"), study.mask[k].astype(np.uint8) * 255)
    largest = int(study.mask.sum(axis=(1, 2)).argmax())
    slice_file = folder / "slice.tif"
    _write(slice_file, images[largest])
    return Material(slice_file, patient)


def _to_eight_bits(volume: NDArray[np.uint16]) -> NDArray[np.uint8]:
    high = float(np.percentile(volume, 99.9))
    return np.asarray(np.clip(volume / high * 255, 0, 255), np.uint8)


def _write(path: Path, image: NDArray[np.uint8]) -> None:
    size = (_SIDE, _SIDE)
    nearest = image.ndim == 2  # a mask stays one
    how = cv2.INTER_NEAREST if nearest else cv2.INTER_AREA
    resized = cv2.resize(image, size, interpolation=how)
    cv2.imwrite(str(path), resized if nearest else resized[..., ::-1])
