"""Studies that nobody has seen."""

from __future__ import annotations

import io
import secrets
from dataclasses import dataclass

import nibabel
import numpy as np


@dataclass(frozen=True)
class StudyMaker:
    """Makes NIfTI volumes of a head-like ellipsoid with a bright spot, each with other pixels.

    Attributes:
        slices: How many.
        size: Rows and columns.
    """

    slices: int = 36
    size: int = 256

    def make(self) -> bytes:
        """A volume as a NIfTI file, int16; the noise differs from one call to the next."""
        noise = np.random.default_rng(secrets.randbits(64))
        volume = self._head() + noise.integers(0, 20, (self.size, self.size, 1), dtype=np.int16)
        image = nibabel.Nifti1Image(volume, np.diag([-0.9, -0.9, 4.0, 1.0]))
        stream = io.BytesIO()
        image.to_file_map({"image": nibabel.FileHolder(fileobj=stream)})
        return stream.getvalue()

    def _head(self) -> np.ndarray:
        edge = np.linspace(-1, 1, self.size)
        x, y = edge[:, None, None], edge[None, :, None]
        z = np.linspace(-1, 1, self.slices)[None, None, :] if self.slices > 1 else np.zeros(1)
        head = (x / 0.7) ** 2 + (y / 0.85) ** 2 + (z / 1.2) ** 2 < 1
        spot = ((x - 0.3) / 0.2) ** 2 + ((y - 0.1) / 0.2) ** 2 + (z / 0.4) ** 2 < 1
        return np.asarray(300 * head + 400 * spot, np.int16)
