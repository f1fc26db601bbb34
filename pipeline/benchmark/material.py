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
#: Studies of a folder.
FOLDER_STUDIES = 4
_SIDE = 256
#: Names that no patient has: ZZ is no institution of TCGA.
_PATIENT = "TCGA_ZZ_{:04}_20000101"
_CHANNELS = (SequenceName.PRE, SequenceName.FLAIR, SequenceName.POST)


@dataclass(frozen=True)
class Material:
    """Files to answer.

    Attributes:
        slice_file: The slice with the largest lesion, an image of three channels.
        study: Folder of a patient with `STUDY_SLICES` slices and their masks.
        folder: Folder of `FOLDER_STUDIES` such patients.
    """

    slice_file: Path
    study: Path
    folder: Path


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
    outlines = study.mask[chosen].astype(np.uint8) * 255
    patient = _write_patient(folder / "study", 0, images[chosen], outlines)
    for number in range(FOLDER_STUDIES):
        # Moved a little, so that no two are the same.
        moved = (np.roll(part, 2 * number, axis=1) for part in (images[chosen], outlines))
        _write_patient(folder / "studies", number, *moved)
    largest = int(study.mask.sum(axis=(1, 2)).argmax())
    slice_file = folder / "slice.tif"
    _write(slice_file, images[largest])
    return Material(slice_file, patient, folder / "studies")


def _write_patient(
    folder: Path, number: int, images: NDArray[np.uint8], outlines: NDArray[np.uint8]
) -> Path:
    """Write slices and masks of a patient; returns the patient's folder."""
    name = _PATIENT.format(number)
    patient = folder / name
    patient.mkdir(parents=True, exist_ok=True)
    for k, (image, outline) in enumerate(zip(images, outlines, strict=True), start=1):
        _write(patient / f"{name}_{k}.tif", image)
        _write(patient / f"{name}_{k}_mask.tif", outline)
    return patient


def _to_eight_bits(volume: NDArray[np.uint16]) -> NDArray[np.uint8]:
    high = float(np.percentile(volume, 99.9))
    return np.asarray(np.clip(volume / high * 255, 0, 255), np.uint8)


def _write(path: Path, image: NDArray[np.uint8]) -> None:
    size = (_SIDE, _SIDE)
    nearest = image.ndim == 2  # a mask stays one
    how = cv2.INTER_NEAREST if nearest else cv2.INTER_AREA
    resized = cv2.resize(image, size, interpolation=how)
    cv2.imwrite(str(path), resized if nearest else resized[..., ::-1])
