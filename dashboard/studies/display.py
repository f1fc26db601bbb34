"""How a study's pixels are sent to the browser: encoding, display windows, thumbnails.

8-bit pixels are sent as they are. All others are sent as unsigned 16-bit numbers (browsers decode
PNG to 8 bits), with ``value = stored * slope + intercept``: exactly for uint16, int16 and for
floats that are whole numbers within 65,536 of each other (most DICOM and NIfTI); other floats are
rounded to 1/65,535 of the study's range, far below the noise of any scanner.
"""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dashboard.store.stored_json import Display
from pipeline import SEQUENCE_LABELS, Case

#: Longest side of a thumbnail in pixels.
THUMBNAIL_PX = 192

_LEVELS = 65_535
_SAMPLE_PX = 2_000_000
_FOREGROUND_SHARE = 0.06


def describe_display(case: Case) -> Display:
    """Choose how a case's pixels are sent and shown."""
    slope, intercept = _scale(case.pixels)
    sequences = [str(s) for s in case.sequences]
    channels = range(len(sequences))
    return Display(
        pixel_type="uint8" if case.pixels.dtype == np.uint8 else "uint16",
        slope=slope,
        intercept=intercept,
        windows=tuple(_window(case, channel) for channel in channels),
        value_range=tuple(_value_range(case, channel) for channel in channels),
        same_as=tuple(_same_channels(case.pixels)),
        start_channel=sequences.index("flair") if "flair" in sequences else 0,
    )


def sequence_label(sequence: str) -> str:
    """A sequence's name for readers."""
    return SEQUENCE_LABELS.get(str(sequence), SEQUENCE_LABELS["unknown"])


def encode_slice(image: NDArray[np.generic], display: Display) -> bytes:
    """Bytes of a slice ``(h, w)``: row-major, uint8 or little-endian uint16 as `display` says."""
    if display.pixel_type == "uint8":
        return np.ascontiguousarray(image, np.uint8).tobytes()
    if image.dtype == np.uint16 and (display.slope, display.intercept) == (1, 0):
        return np.ascontiguousarray(image, "<u2").tobytes()
    if image.dtype == np.int16 and display.slope == 1 and display.intercept.is_integer():
        whole = image.astype(np.int32) - int(display.intercept)
        return np.clip(whole, 0, _LEVELS, out=whole).astype("<u2").tobytes()
    stored = image.astype(np.float64)
    stored -= display.intercept
    stored /= display.slope
    np.nan_to_num(stored, copy=False, posinf=_LEVELS)
    return np.clip(np.rint(stored, out=stored), 0, _LEVELS, out=stored).astype("<u2").tobytes()


def make_thumbnail(image: NDArray[np.generic], window: tuple[float, float]) -> bytes:
    """PNG of a slice ``(h, w)`` in a display window, 8-bit grey, at most `THUMBNAIL_PX` long."""
    picture = Image.fromarray(grey_levels(image, window))
    picture.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX), Image.Resampling.BILINEAR, reducing_gap=None)
    stream = io.BytesIO()
    picture.save(stream, "PNG", compress_level=4)
    return stream.getvalue()


def grey_levels(image: NDArray[np.generic], window: tuple[float, float]) -> NDArray[np.uint8]:
    """Grey of each pixel in a display window, as in `assets/js/viewer/greyscale.js` (`lookup`).

    Args:
        image: Pixel values of any shape; NaN is black.
        window: Values that are shown black and white; levels in between are rounded down.
    """
    low, high = window
    grey = (image.astype(np.float64) - low) * 255 / max(high - low, 1e-9)
    return np.asarray(np.nan_to_num(np.clip(grey, 0, 255)).astype(np.uint8))


def find_window(volume: NDArray[np.floating]) -> tuple[float, float]:
    """Display window of a volume, taken from the brain.

    `autoWindow` in `assets/js/viewer/greyscale.js` follows the same rule for the slice in view:
    scalp fat is brighter than any lesion, so only the middle counts. Foreground is what exceeds the
    darkest value by 6% of the range (percentiles 0.1 and 99.9). The ellipse in the middle of its
    bounding box, half as wide and as high, is brain (corners of a box reach the scalp). Low is
    percentile 1 of all values there (dark CSF), at most a third of the way up to the median; high
    is 1.2 times as far above it as percentile 99.5 of the foreground there, which leaves room for a
    lesion. A percentile is the smallest value that so many values do not exceed.

    Args:
        volume: ``(n, h, w)`` pixel values; those that are not finite are ignored.

    Returns:
        ``(low, high)``; both ends of all values where no foreground is in the middle.
    """
    values = volume[np.isfinite(volume)]
    if not values.size or values.min() == values.max():
        low = float(values[0]) if values.size else 0.0
        return low, low + 1
    darkest, brightest = (_percentile(values, share) for share in (0.1, 99.9))
    floor = darkest + _FOREGROUND_SHARE * (brightest - darkest)
    foreground = np.isfinite(volume) & (volume > floor)
    region = values[:0]
    if foreground.any():
        region = volume[:, _middle(np.asarray(foreground.any(axis=0), bool))]
        region = region[np.isfinite(region)]
    inside = region[region > floor]
    if not inside.size:
        return float(values.min()), float(values.max())
    third = darkest + (_percentile(region, 50) - darkest) / 3
    low = max(darkest, min(_percentile(region, 1), third))
    return low, low + max(1.2 * (_percentile(inside, 99.5) - low), 1e-6)


def _percentile(values: NDArray[np.floating], share: float) -> float:
    return float(np.percentile(values, share, method="inverted_cdf"))


def _scale(pixels: NDArray[np.generic]) -> tuple[float, float]:
    """Slope and intercept of the 16-bit encoding."""
    if pixels.dtype in (np.uint8, np.uint16):
        return 1.0, 0.0
    if pixels.dtype == np.int16:
        return 1.0, -32768.0
    low, high, whole = np.inf, -np.inf, True
    for image in pixels:  # slice by slice: a large study is memory-mapped
        values = image[np.isfinite(image)].astype(np.float64)
        if values.size:
            low, high = min(low, values.min()), max(high, values.max())
            whole = whole and bool((values == np.rint(values)).all())
    if not low < high:
        return 1.0, float(low) if np.isfinite(low) else 0.0
    if whole and high - low <= _LEVELS:
        return 1.0, float(low)
    return float((high - low) / _LEVELS), float(low)


def _value_range(case: Case, channel: int) -> tuple[float, float]:
    """Smallest and largest value of a channel."""
    low, high = np.inf, -np.inf
    for image in case.pixels[..., channel]:  # slice by slice: a large study is memory-mapped
        values = image[np.isfinite(image)]
        if values.size:
            low, high = min(low, float(values.min())), max(high, float(values.max()))
    if low < high:
        return low, high
    return (low, low + 1) if np.isfinite(low) else (0.0, 1.0)


def _window(case: Case, channel: int) -> tuple[float, float]:
    """The window that the input states, else `find_window` of the middle half of its slices."""
    if case.window is not None and case.window[0] < case.window[1]:
        return float(case.window[0]), float(case.window[1])
    n = len(case.pixels)
    middle = case.pixels[n // 4 : n - n // 4, ..., channel]
    step = max(1, -(-middle.size // _SAMPLE_PX))
    return find_window(middle[::step].astype(np.float32))


def _middle(seen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The ellipse in the middle of what is seen ``(h, w)``, half as wide and as high."""
    rows, columns = np.nonzero(seen)
    top, bottom, left, right = rows.min(), rows.max(), columns.min(), columns.max()
    y, x = np.ogrid[: seen.shape[0], : seen.shape[1]]
    down = (2 * y - top - bottom) / (bottom - top + 1)
    across = (2 * x - left - right) / (right - left + 1)
    return np.asarray(down**2 + across**2 <= 0.25)


def _same_channels(pixels: NDArray[np.generic]) -> list[int | None]:
    """Per channel the earliest one with the same pixels in every slice, None for the first."""
    channels = pixels.shape[-1]
    same: list[int | None] = [None] * channels
    for channel in range(1, channels):
        for earlier in range(channel):
            if same[earlier] is None and all(
                np.array_equal(image[..., channel], image[..., earlier]) for image in pixels
            ):
                same[channel] = earlier
                break
    return same
