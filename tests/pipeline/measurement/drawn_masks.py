"""Masks that a reader can measure by hand, and both of their lengths."""

import numpy as np
from shared_cases import read_picture

from pipeline.measurement.chords import longest_diameters, longest_perpendicular


def shape(*rows: str) -> np.ndarray:
    """A drawing: # belongs to the shape."""
    return read_picture(list(rows))


def disc(radius: float) -> np.ndarray:
    n = int(2 * radius + 5)
    y, x = np.mgrid[:n, :n] - n // 2
    return np.asarray(y * y + x * x <= radius * radius)


def both(mask: np.ndarray, spacing: tuple[float, float] = (1.0, 1.0)) -> tuple[float, float]:
    """Lengths of diameter and perpendicular; of several diameters that with the best product."""
    found = [
        (chord.length, longest_perpendicular(mask, chord, spacing).length)
        for chord in longest_diameters(mask, spacing)
    ]
    return max(found)
