"""Patients in the layout of the public data set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from fake_models import SIZE
from PIL import Image


def write_patient(data: Path, patient: str, *, masks: bool = True) -> None:
    """Three slices in the public layout, two of them with tumor."""
    folder = data / patient
    folder.mkdir(parents=True)
    for k in range(1, 4):
        pixels = np.full((SIZE, SIZE, 3), 60, np.uint8)
        pixels[:4] = 0
        pixels[8:14, 8:16] = 200 if k > 1 else 60
        Image.fromarray(pixels).save(folder / f"{patient}_{k}.tif")
        if masks:
            mask = Image.fromarray((pixels[..., 0] == 200).astype(np.uint8) * 255)
            mask.save(folder / f"{patient}_{k}_mask.tif")
