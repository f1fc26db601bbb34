"""The LGG MRI Segmentation set as training data: decoded once, kept as one array per patient."""

from __future__ import annotations

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
    """Patient folders below ``data``, in the public layout or one level deeper.

    Raises:
        InputError: None is found.
    """
    folders = {p.name: p for p in sorted(data.glob("**/TCGA_*")) if p.is_dir()}
    if not folders:
        raise InputError(
            data.name,
            f"{data.name} holds no patient folder of the LGG set (TCGA_...); give the folder"
            " that holds them, kaggle_3m in the public download.",
        )
    return folders


def read_volume(folder: Path) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Read a patient's slices ``(n, h, w, 3)`` uint8 and masks ``(n, h, w)`` bool, in order."""
    images = [
        p
        for p in folder.iterdir()
        if p.suffix.lower() in _IMAGE_SUFFIXES and not p.stem.endswith("_mask")
    ]
    images.sort(key=lambda p: int(p.stem.rsplit("_", 1)[1]))
    slices, masks = [], []
    for path in images:
        pixels = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
        if pixels is None:
            raise InputError(path.name, f"{path.name} cannot be read as an image.")
        mask_path = next(folder.glob(f"{path.stem}_mask.*"), None)
        mask = None if mask_path is None else cv2.imread(str(mask_path), cv2.IMREAD_GRAYSCALE)
        slices.append(pixels)
        masks.append(np.zeros(pixels.shape[:2], bool) if mask is None else mask > 0)
    return np.stack(slices), np.stack(masks)


def load_training_volumes(data: Path, patients: Sequence[str]) -> list[TrainingVolume]:
    """Read and scale the given patients.

    Raises:
        InputError: If a patient's folder is missing.
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
