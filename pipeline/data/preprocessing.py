"""From a `Case` to the network's input, one way for training, evaluation and inference.

The networks see three channels (pre-contrast T1, FLAIR, post-contrast T1) on a square grid.
Intensities are standardised per volume and channel over the foreground, so that scanners and bit
depths meet; a missing sequence is replaced by FLAIR, as the LGG data set's authors did (Buda et al.
2019, arXiv 1906.03720).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.data.case import Case, SequenceName
from pipeline.data.percentiles import (
    CountedValues,
    PositiveValues,
    Ranked,
    percentile,
    percentiles,
)

#: Raise whenever the same case would reach the networks differently; part of every result's key.
PREPROCESSING_VERSION = 2
#: Side of the network's input in pixels.
INPUT_SIZE = 256
#: Side of the network's field of view where the pixel spacing is known; the usual one for the head.
FIELD_OF_VIEW_MM = 240.0
#: Foreground begins at this part of the channel's robust maximum (grey value 10 of 255).
FOREGROUND_FRACTION = 10 / 255
#: Percentiles of the foreground that become 0 and 1.
PERCENTILES = (2.0, 99.5)
#: The robust maximum, of which `FOREGROUND_FRACTION` is taken.
_ROBUST_MAXIMUM = 99.9
#: Sequences in the order in which the networks expect their channels.
CHANNELS = (SequenceName.PRE, SequenceName.FLAIR, SequenceName.POST)
#: Channels of the network's input: the three sequences, and FLAIR of the slices beside.
INPUT_CHANNELS = (*(str(name) for name in CHANNELS), "flair-below", "flair-above")
#: Substitutes for FLAIR, the most similar first.
_STAND_INS = (
    SequenceName.UNKNOWN,
    SequenceName.T2,
    SequenceName.POST,
    SequenceName.PRE,
    SequenceName.OTHER,
)
#: Pixels whose values are few enough to be counted.
_COUNTED = (np.uint8, np.uint16, np.int16)
#: Of a scaled foreground; less is noise.
_LEAST_DEVIATION = 1e-3
_BY_LIKENESS = (SequenceName.FLAIR, *_STAND_INS)


@dataclass(frozen=True)
class InPlaneGrid:
    """Square grid of the network over an input slice; centres coincide.

    Attributes:
        input_shape: (height, width) of the input slice in pixels.
        size: Side of the square grid in pixels.
        step: (y, x) input pixels per grid pixel.
    """

    input_shape: tuple[int, int]
    size: int
    step: tuple[float, float]

    @classmethod
    def fit(
        cls,
        shape: tuple[int, int],
        spacing_yx_mm: tuple[float, float] | None,
        *,
        size: int = INPUT_SIZE,
    ) -> InPlaneGrid:
        """Choose the grid for slices of ``shape`` (height, width).

        With spacing the grid spans `FIELD_OF_VIEW_MM`; without, the longer side of the slice.
        """
        if spacing_yx_mm is None:
            step = max(shape) / size
            return cls(input_shape=shape, size=size, step=(step, step))
        pixel_mm = FIELD_OF_VIEW_MM / size
        y_mm, x_mm = spacing_yx_mm
        return cls(input_shape=shape, size=size, step=(pixel_mm / y_mm, pixel_mm / x_mm))

    @property
    def is_identity(self) -> bool:
        """True where the grid is the slice itself."""
        return self.input_shape == (self.size, self.size) and self.step == (1.0, 1.0)

    def _grid_to_input(self) -> NDArray[np.float64]:
        """2x3 matrix from grid (x, y) to input (x, y), pixel centres at whole numbers."""
        (height, width), (step_y, step_x) = self.input_shape, self.step
        middle = (self.size - 1) / 2
        return np.array(
            [
                [step_x, 0.0, (width - 1) / 2 - step_x * middle],
                [0.0, step_y, (height - 1) / 2 - step_y * middle],
            ]
        )

    def to_model(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Resample ``(h, w[, c])`` to ``(size, size[, c])``, linearly; outside is the minimum."""
        if self.is_identity:
            return image
        blurred = image
        if max(self.step) > 1.0:
            # Linear sampling of every second pixel would alias: remove what the grid cannot hold.
            sigma_y, sigma_x = (max(0.5 * (s - 1.0), 1e-3) for s in self.step)
            blurred = np.asarray(
                cv2.GaussianBlur(image, (0, 0), sigmaX=sigma_x, sigmaY=sigma_y), np.float32
            )
        low = float(image.min())
        warped = cv2.warpAffine(
            blurred,
            self._grid_to_input(),
            (self.size, self.size),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=(low,) * 4,
        )
        return np.asarray(warped, np.float32)

    def to_input(self, probability: NDArray[np.float32]) -> NDArray[np.float32]:
        """Bring a ``(size, size)`` probability map back to ``(h, w)``; 0 outside the grid."""
        if self.is_identity:
            return probability
        height, width = self.input_shape
        warped = cv2.warpAffine(
            probability,
            self._grid_to_input(),
            (width, height),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=0,
        )
        return np.asarray(warped, np.float32)


@dataclass(frozen=True, eq=False)
class PreparedCase:
    """A case as the networks see it.

    Attributes:
        volume: ``(n, size, size, 5)`` float32, standardised, with `add_neighbours`.
        foreground: ``(n, size, size)`` bool, what is not air in any of the three sequences.
        grid: The way back to the input's pixels.
        warnings: Plain sentences about what stood in for what.
    """

    volume: NDArray[np.float32]
    foreground: NDArray[np.bool_]
    grid: InPlaneGrid
    warnings: tuple[str, ...]


def flair_channel(sequences: Sequence[SequenceName]) -> int:
    """Position of FLAIR, or of its substitute if FLAIR is missing."""
    return min(
        range(len(sequences)),
        key=lambda position: _BY_LIKENESS.index(sequences[position]),
    )


def chosen_channels(sequences: Sequence[SequenceName]) -> tuple[int, int, int]:
    """Positions of what the network sees as pre-contrast, FLAIR and post-contrast.

    A missing sequence is replaced by FLAIR; where there is no FLAIR, one other sequence fills all
    three.
    """
    position = {name: i for i, name in reversed(list(enumerate(sequences)))}
    flair = flair_channel(sequences)
    if SequenceName.FLAIR not in position:
        return flair, flair, flair
    before, _, after = (position.get(name, flair) for name in CHANNELS)
    return before, flair, after


def _warnings_of(case: Case) -> tuple[str, ...]:
    """Sentences about what the network does not see."""
    if SequenceName.FLAIR not in case.sequences and len(case.sequences) > 1:
        return ("No sequence was identified as FLAIR: only one sequence was analysed.",)
    return ()


class ScaledChannel(NamedTuple):
    """One channel of a volume, scaled.

    Attributes:
        values: ``(n, h, w)`` float32 in [0, 1].
        mean, deviation: Of the scaled foreground; 0 and 1 if there is no foreground.
        foreground: ``(n, h, w)`` bool.
    """

    values: NDArray[np.float32]
    mean: float
    deviation: float
    foreground: NDArray[np.bool_]


def scale_channel(channel: NDArray[np.float32]) -> ScaledChannel:
    """Scale one channel of a volume by its foreground's percentiles.

    Args:
        channel: ``(n, h, w)`` in any unit; the smallest value is taken as background.
    """
    shifted = np.ascontiguousarray(channel - channel.min(), np.float32)
    ranked = PositiveValues(shifted)
    foreground = shifted > _foreground_from(ranked)
    inside = int(np.count_nonzero(foreground))
    if not inside:
        return ScaledChannel(np.zeros_like(shifted), 0.0, 1.0, foreground)
    low, high = percentiles(ranked, PERCENTILES, leave_out=shifted.size - inside)
    scaled = np.empty_like(shifted)
    tissue = np.empty(inside)
    filled = 0
    # Slice by slice: what fits the processor's cache takes half the time.
    for k, part in enumerate(shifted):
        exact = _scale(part, low, high)
        here = exact[foreground[k]]
        tissue[filled : filled + here.size] = here
        filled += here.size
        scaled[k] = exact
    deviation = max(float(tissue.std()), _LEAST_DEVIATION)
    return ScaledChannel(scaled, float(tissue.mean()), deviation, foreground)


def _foreground_from(ranked: Ranked) -> np.floating:
    """The grey value above which the foreground begins."""
    return FOREGROUND_FRACTION * percentile(ranked, _ROBUST_MAXIMUM)


def _scale(values: NDArray[np.float32], low: np.float64, high: np.float64) -> NDArray[np.float64]:
    exact = values - low
    exact /= max(float(high - low), 1e-6)
    return np.clip(exact, 0.0, 1.0, out=exact)


class _Standardised(NamedTuple):
    """One channel of a volume, standardised over its foreground: ``(n, h, w)`` float32 and bool."""

    values: NDArray[np.float32]
    foreground: NDArray[np.bool_]


def _standardise(channel: NDArray[np.float32]) -> _Standardised:
    """Standardise a channel of any values."""
    scaled = scale_channel(channel)
    values = scaled.values
    values -= scaled.mean
    values /= scaled.deviation
    return _Standardised(values, scaled.foreground)


def _standardise_counted(channel: NDArray[np.generic]) -> _Standardised:
    """Standardise a channel of whole numbers, each grey value once; the same to rounding."""
    first = int(channel.min())
    # Slice by slice, for the processor's cache.
    places = (np.subtract(part, first, dtype=np.intp) for part in channel)
    counts = np.zeros(int(channel.max()) - first + 1, np.int64)
    for place in places:
        counts += np.bincount(place.reshape(-1), minlength=len(counts))
    levels = np.arange(len(counts), dtype=np.float32)
    ranked = CountedValues(levels, counts)
    inside = levels > _foreground_from(ranked)
    table = np.zeros_like(levels)
    if inside.any():
        low, high = percentiles(ranked, PERCENTILES, leave_out=int(counts[~inside].sum()))
        exact = _scale(levels, low, high)
        mean = float(np.average(exact[inside], weights=counts[inside]))
        variance = np.average((exact[inside] - mean) ** 2, weights=counts[inside])
        table = exact.astype(np.float32)
        table -= mean
        table /= max(float(np.sqrt(variance)), _LEAST_DEVIATION)
    values = np.empty(channel.shape, np.float32)
    foreground = np.empty(channel.shape, bool)
    for k, part in enumerate(channel):
        place = np.subtract(part, first, dtype=np.intp)
        np.take(table, place, out=values[k], mode="clip")
        np.take(inside, place, out=foreground[k], mode="clip")
    return _Standardised(values, foreground)


def normalise_volume(volume: NDArray[np.float32]) -> NDArray[np.float32]:
    """Standardise ``(n, h, w, c)`` per channel over the volume's foreground."""
    return np.stack([_standardise(part).values for part in np.moveaxis(volume, -1, 0)], axis=-1)


def _neighbours(positions: NDArray[np.integer]) -> Iterator[tuple[int, int]]:
    """The slices below and above each slice.

    At the ends, and beside a slice that is missing, a slice is its own neighbour.
    """
    n, adjacent = len(positions), np.diff(positions) == 1
    for k in range(n):
        below = k - 1 if k > 0 and adjacent[k - 1] else k
        above = k + 1 if k < n - 1 and adjacent[k] else k
        yield below, above


def add_neighbours(
    volume: NDArray[np.float32], positions: NDArray[np.integer]
) -> NDArray[np.float32]:
    """Add FLAIR of the slices below and above to each slice.

    Args:
        volume: ``(n, size, size, 3)``, the second channel FLAIR.
        positions: ``(n,)`` slice numbers in rising order.

    Returns:
        ``(n, size, size, 5)`` float32.
    """
    result = np.empty((*volume.shape[:3], len(INPUT_CHANNELS)), np.float32)
    result[..., :3] = volume
    for k, (below, above) in enumerate(_neighbours(positions)):
        result[k, :, :, 3] = volume[below, :, :, 1]
        result[k, :, :, 4] = volume[above, :, :, 1]
    return result


def preprocess_case(case: Case, *, size: int = INPUT_SIZE) -> PreparedCase:
    """Bring a case to the networks' input.

    Args:
        case: Any case.
        size: Side of the networks' input in pixels.
    """
    chosen, warnings = chosen_channels(case.sequences), _warnings_of(case)
    spacing = None if case.spacing_mm is None else case.spacing_mm[1:]
    grid = InPlaneGrid.fit((case.pixels.shape[1], case.pixels.shape[2]), spacing, size=size)
    different = sorted(set(chosen))
    channels: Iterable[_Standardised]
    if grid.is_identity and case.pixels.dtype in _COUNTED:
        channels = [_standardise_counted(case.pixels[..., i]) for i in different]
    else:
        stacked = (np.stack([part[..., i] for i in different], axis=-1) for part in case.pixels)
        resampled = [grid.to_model(part.astype(np.float32)) for part in stacked]
        # OpenCV leaves a single channel's axis out.
        columns = np.stack([part.reshape(size, size, len(different)) for part in resampled])
        planes = [np.ascontiguousarray(plane) for plane in np.moveaxis(columns, -1, 0)]
        # NumPy lets go of the interpreter.
        with ThreadPoolExecutor(min(len(planes), os.cpu_count() or 1)) as threads:
            channels = list(threads.map(_standardise, planes))
    found = dict(zip(different, channels, strict=True))
    before, flair, after = (found[i].values for i in chosen)
    volume = np.empty((*flair.shape, len(INPUT_CHANNELS)), np.float32)
    for k, (below, above) in enumerate(_neighbours(np.array(case.indices))):
        cv2.merge([before[k], flair[k], after[k], flair[below], flair[above]], dst=volume[k])
    foreground = np.logical_or.reduce([one.foreground for one in found.values()])
    return PreparedCase(volume=volume, foreground=foreground, grid=grid, warnings=warnings)
