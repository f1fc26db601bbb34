"""From a `Case` to the network's input, one way for training, evaluation and inference.

The networks see three channels (pre-contrast T1, FLAIR, post-contrast T1) on a square grid.
Intensities are standardised per volume and channel over the foreground, so that scanners and bit
depths meet; a missing sequence is replaced by FLAIR, as the LGG data set's authors did (Buda et al.
2019, arXiv 1906.03720).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.data.case import Case, SequenceName

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


def model_channels(case: Case) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Stack pre-contrast, FLAIR and post-contrast.

    Returns:
        ``(n, h, w, 3)`` float32 in the case's own values, and warnings.
    """
    warnings: list[str] = []
    chosen = chosen_channels(case.sequences)
    if SequenceName.FLAIR not in case.sequences and len(case.sequences) > 1:
        warnings.append("No sequence was identified as FLAIR: only one sequence was analysed.")
    stacked = np.stack([case.pixels[..., i] for i in chosen], axis=-1).astype(np.float32)
    return stacked, tuple(warnings)


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
    shifted = channel - channel.min()
    foreground = shifted > FOREGROUND_FRACTION * np.percentile(shifted, 99.9)
    if not foreground.any():
        return ScaledChannel(np.zeros_like(channel), 0.0, 1.0, foreground)
    low, high = np.percentile(shifted[foreground], PERCENTILES)
    scaled = np.empty(shifted.shape, np.float32)
    inside = []
    # Slice by slice: what fits the processor's cache takes half the time.
    for k, part in enumerate(shifted):
        exact = part - low
        exact /= max(float(high - low), 1e-6)
        np.clip(exact, 0.0, 1.0, out=exact)
        inside.append(exact[foreground[k]])
        scaled[k] = exact
    tissue = np.concatenate(inside)
    deviation = max(float(tissue.std()), 1e-3)
    return ScaledChannel(scaled, float(tissue.mean()), deviation, foreground)


def normalise_volume(volume: NDArray[np.float32]) -> NDArray[np.float32]:
    """Standardise ``(n, h, w, 3)`` per channel over the volume's foreground."""
    return _standardise(volume)[0]


def _standardise(
    volume: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """The standardised volume, and ``(n, h, w)`` bool, the foreground of any channel."""
    result = np.empty_like(volume, dtype=np.float32)
    foreground = np.zeros(volume.shape[:3], bool)
    channels = [volume[..., i] for i in range(volume.shape[-1])]
    # NumPy lets go of the interpreter.
    with ThreadPoolExecutor(min(len(channels), os.cpu_count() or 1)) as threads:
        for i, channel in enumerate(threads.map(scale_channel, channels)):
            values = channel.values
            values -= channel.mean
            values /= channel.deviation
            result[..., i] = values
            foreground |= channel.foreground
    return result, foreground


def add_neighbours(
    volume: NDArray[np.float32], positions: NDArray[np.integer]
) -> NDArray[np.float32]:
    """Add FLAIR of the slices below and above to each slice.

    Args:
        volume: ``(n, size, size, 3)``, the second channel FLAIR.
        positions: ``(n,)`` slice numbers in rising order.

    Returns:
        ``(n, size, size, 5)`` float32. At the ends, and beside a slice that is missing, a slice is
        its own neighbour.
    """
    n = len(volume)
    result = np.empty((*volume.shape[:3], len(INPUT_CHANNELS)), np.float32)
    result[..., :3] = volume
    adjacent = np.diff(positions) == 1
    for k in range(n):
        below = k - 1 if k > 0 and adjacent[k - 1] else k
        above = k + 1 if k < n - 1 and adjacent[k] else k
        result[k, :, :, 3] = volume[below, :, :, 1]
        result[k, :, :, 4] = volume[above, :, :, 1]
    return result


def preprocess_case(case: Case, *, size: int = INPUT_SIZE) -> PreparedCase:
    """Bring a case to the networks' input.

    Args:
        case: Any case.
        size: Side of the networks' input in pixels.
    """
    stacked, warnings = model_channels(case)
    spacing = None if case.spacing_mm is None else case.spacing_mm[1:]
    grid = InPlaneGrid.fit((stacked.shape[1], stacked.shape[2]), spacing, size=size)
    resampled = np.stack([grid.to_model(image) for image in stacked])
    standardised, foreground = _standardise(resampled)
    volume = add_neighbours(standardised, np.array(case.indices))
    return PreparedCase(volume=volume, foreground=foreground, grid=grid, warnings=warnings)
