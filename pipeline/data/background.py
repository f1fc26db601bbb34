"""Grey values as programs leave them: background that is not the darkest, values beyond float32.

Preprocessing and every window take the smallest value for the background. A z-scored volume with 0
outside the head, or one that is padded with -32768, breaks that; here its background becomes the
smallest value of the picture.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.data.preprocessing import FOREGROUND_FRACTION

#: Part of the slices' edges that holds the very same value where that is a background.
_EDGE_SHARE = 0.75
#: Part of all other values that may be darker than a background: where more are, all is inverted.
_MOST_DARKER = 0.75
#: A background so far below all other values, by their range, is a number that stands for nothing.
_FAR_BELOW = 1.0
#: Values that are looked at for a percentile.
_MOST_VALUES = 1_000_000

#: Largest values from and to which 32 bits hold grey values with all their steps.
_LEAST_RANGE, _MOST_RANGE = 1e-3, 1e30
#: Largest power of ten by which values are multiplied at once: 64 bits hold none above 10^308.
_MOST_POWER = 300

MID_GREY = (
    "The background of this volume is no darker than its tissue, as in a normalised (z-scored)"
    " image; it is shown and analysed as the darkest value."
)


def bring_into_range(voxels: NDArray[np.generic]) -> tuple[NDArray[np.generic], tuple[str, ...]]:
    """Multiply floats that are all tiny or huge by a power of ten.

    Args:
        voxels: Of any type and shape.

    Returns:
        The voxels, and the sentence that says by how much they were multiplied.
    """
    if voxels.dtype.kind != "f":
        return voxels, ()
    finite = np.isfinite(voxels)
    largest = float(np.abs(voxels, where=finite, out=np.zeros_like(voxels)).max(initial=0))
    if largest == 0 or _LEAST_RANGE <= largest <= _MOST_RANGE:
        return voxels, ()
    power = 3 - int(np.floor(np.log10(largest)))
    first = min(power, _MOST_POWER)
    scaled = voxels.astype(np.float64) * 10.0**first * 10.0 ** (power - first)
    return scaled, (f"The values of this volume are shown and analysed times 10^{power}.",)


def darken_background(
    pixels: NDArray[np.generic],
) -> tuple[NDArray[np.generic], tuple[str, ...]]:
    """Give a constant background the smallest value of the picture.

    Args:
        pixels: ``(n, h, w, c)``, finite. Changed in place where it can be, and only where a
            background of one value, which reaches the slices' edges, is brighter than some tissue
            or far below all of it.

    Returns:
        The pixels, and the sentence that says that mid-grey became dark. An inverted picture, whose
        background is its brightest value, stays as it is.
    """
    notes: tuple[str, ...] = ()
    for channel in range(pixels.shape[3]):
        found = _background_of(pixels[..., channel])
        if found is None:
            continue
        value, darkest = found
        if not pixels.flags.writeable:
            pixels = pixels.copy()
        volume = pixels[..., channel]
        volume[_outside(volume == value)] = darkest
        if darkest < value:
            notes = (MID_GREY,)
    return pixels, notes


def _background_of(volume: NDArray[np.generic]) -> tuple[float, float] | None:
    """Value of a background that must be changed, and the value that it must have."""
    edges = np.concatenate([volume[:, [0, -1]].ravel(), volume[:, :, [0, -1]].ravel()])
    values, counts = np.unique(edges, return_counts=True)
    value = values[counts.argmax()]
    if counts.max() < _EDGE_SHARE * edges.size:
        return None
    others = volume[volume != value]
    if not others.size:
        return None
    others = others[:: max(1, others.size // _MOST_VALUES)].astype(np.float64)
    low, high = float(others.min()), float(np.percentile(others, 99.9))
    if value < low:
        return (value, low) if low - float(value) > _FAR_BELOW * (high - low) > 0 else None
    counts_as_tissue = float(value) - low > FOREGROUND_FRACTION * (high - low)
    if not counts_as_tissue or np.mean(others < value) > _MOST_DARKER:
        return None
    return value, low


def _outside(same: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What of a background's value hangs together with the slices' edges."""
    labels, _ = ndimage.label(same, np.ones((3, 3, 3)))
    edges = np.concatenate([labels[:, [0, -1]].ravel(), labels[:, :, [0, -1]].ravel()])
    reached = np.zeros(labels.max() + 1, bool)
    reached[edges] = True
    reached[0] = False
    return np.asarray(reached[labels])
