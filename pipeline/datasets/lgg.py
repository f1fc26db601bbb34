"""The LGG MRI Segmentation set as training data: decoded once, kept as one array per patient."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from pipeline.data.preprocessing import add_neighbours, scale_channel
from pipeline.errors import InputError

_IMAGE_SUFFIXES = {".tif", ".tiff", ".webp", ".png"}
#: Number of a slice in its file's name without the suffix.
_NUMBER = re.compile(r"_([0-9]{1,9})$")


@dataclass(frozen=True, eq=False)
class TrainingVolume:
    """One patient, scaled for training.

    Attributes:
        patient: Folder name.
        scaled: ``(n, h, w, 3)`` uint8, 255 x the channel scaled by its foreground's percentiles.
        mean, deviation: ``(3,)`` float32 over the foreground of the scaled volume, in [0, 1].
        masks: ``(n, h, w)`` bool reference masks.
    """

    patient: str
    scaled: NDArray[np.uint8]
    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]
    masks: NDArray[np.bool_]

    def with_neighbours(self, k: int) -> NDArray[np.uint8]:
        """Slice ``k`` as the network sees it, not standardised yet: ``(h, w, 5)`` uint8."""
        below, above = max(k - 1, 0), min(k + 1, len(self.scaled) - 1)
        neighbours = self.scaled[[below, above], :, :, 1].transpose(1, 2, 0)
        return np.concatenate([self.scaled[k], neighbours], axis=-1)

    def standardised(self) -> NDArray[np.float32]:
        """The volume as the network sees it outside training, ``(n, h, w, 5)`` float32."""
        scaled = np.divide(self.scaled, 255, dtype=np.float32)
        standardised = np.asarray((scaled - self.mean) / self.deviation, np.float32)
        return add_neighbours(standardised, np.arange(len(scaled)))


def find_patients(data: Path) -> dict[str, Path]:
    """Patient folders anywhere below ``data``, by name.

    Raises:
        InputError: None is found.
    """
    folders = {p.name: p for p in sorted(data.glob("**/TCGA_*")) if p.is_dir()}
    if not folders:
        name = data.resolve().name
        raise InputError(
            name,
            f"{name} holds no patient folder of the LGG set (TCGA_...); give the folder"
            " that holds them, kaggle_3m in the public download.",
        )
    return folders


def read_volume(folder: Path) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Read a patient's slices and masks, in order of the numbers at the ends of their names.

    Args:
        folder: Holds images, and masks named like them with ``_mask`` at the end. A slice without a
            mask is one without tumor.

    Returns:
        Slices ``(n, h, w, 3)`` uint8 and masks ``(n, h, w)`` bool.

    Raises:
        InputError: There is no image, or one has no number, cannot be read, or differs in size from
            the others or from its mask.
    """
    images = {}
    for path in folder.iterdir():
        if path.suffix.lower() in _IMAGE_SUFFIXES and not path.stem.endswith("_mask"):
            match = _NUMBER.search(path.stem)
            if match is None:
                raise _error(path, "has no slice number at the end of its name, such as _12")
            images[path] = int(match[1])
    if not images:
        raise _error(folder, "holds no images")
    slices: list[NDArray[np.uint8]] = []
    masks: list[NDArray[np.bool_]] = []
    for path in sorted(images, key=lambda p: images[p]):
        pixels = _decode(path, cv2.IMREAD_COLOR_RGB)
        mask_path = next(folder.glob(f"{path.stem}_mask.*"), None)
        if mask_path is None:
            mask = np.zeros(pixels.shape[:2], np.uint8)
        else:
            mask = _decode(mask_path, cv2.IMREAD_GRAYSCALE)
        if mask.shape != pixels.shape[:2] or (slices and pixels.shape != slices[0].shape):
            raise _error(path, "differs in size from its mask or from the patient's other slices")
        slices.append(pixels)
        masks.append(mask > 0)
    return np.stack(slices), np.stack(masks)


def _decode(path: Path, how: int) -> NDArray[np.uint8]:
    pixels = cv2.imread(str(path), how)
    if pixels is None:
        raise _error(path, "cannot be read as an image")
    return np.asarray(pixels, np.uint8)


def _error(path: Path, what: str) -> InputError:
    return InputError(path.name, f"{path.name} {what}.")


def load_training_volumes(data: Path, patients: Sequence[str]) -> list[TrainingVolume]:
    """Read and scale the given patients.

    Raises:
        InputError: A patient's folder is missing or cannot be read, as `read_volume` says.
    """
    folders = find_patients(data)
    volumes = []
    for patient in tqdm(patients, desc="Reading patients", unit="patient"):
        if patient not in folders:
            raise InputError(data.name, f"{data.name} lacks the patient {patient} of the split.")
        pixels, masks = read_volume(folders[patient])
        channels = [scale_channel(pixels[..., i].astype(np.float32)) for i in range(3)]
        volumes.append(
            TrainingVolume(
                patient=patient,
                scaled=np.stack([np.rint(c.values * 255) for c in channels], -1).astype(np.uint8),
                mean=np.array([c.mean for c in channels], np.float32),
                deviation=np.array([c.deviation for c in channels], np.float32),
                masks=masks,
            )
        )
    return volumes
