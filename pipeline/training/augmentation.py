"""Random changes to training slices: what scanners, protocols and head positions do to them.

All functions take the random generator as an argument and change nothing in place. Images are
``(h, w, 5)`` float32 in [0, 1] (scaled by the volume's percentiles): pre-contrast, FLAIR and
post-contrast of the slice, then FLAIR of the slices below and above. Masks are ``(h, w)`` uint8,
0 or 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]
Mask = NDArray[np.uint8]

#: Sequence that each channel was taken with; copies of one sequence vary together.
CHANNEL_SEQUENCE = np.array([0, 1, 2, 1, 1])


@dataclass(frozen=True)
class AugmentationPlan:
    """How often and how strongly; probabilities in [0, 1].

    Attributes:
        crop: Side of the crop in pixels, or None for the whole slice.
        rotation_degrees: Largest rotation to either side.
        scale: Smallest and largest magnification.
        shift_px: Largest shift of the crop from the slice's middle.
        elastic: Probability of an elastic deformation.
        single_flair: Probability that FLAIR fills all channels.
        missing_channel: Probability, for pre- and post-contrast each, that FLAIR replaces it.
        skull_stripped: Probability that scalp and skull are taken off.
        per_slice: Probability that the slice stands alone, as an image without neighbours:
            standardised by itself, and its own neighbour.
    """

    crop: int | None = 192
    rotation_degrees: float = 15.0
    scale: tuple[float, float] = (0.8, 1.2)
    shift_px: float = 24.0
    elastic: float = 0.3
    single_flair: float = 0.15
    missing_channel: float = 0.08
    skull_stripped: float = 0.12
    per_slice: float = 0.15


def strip_skull(image: Image, mask: Mask, *, rim_px: int) -> Image:
    """Blacken a rim of the head, as wide as scalp and skull, but never the outlined lesion."""
    head = (image[..., 1] > 0.08).astype(np.uint8)
    closed = cv2.morphologyEx(head, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    contours, _ = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    filled = cv2.drawContours(np.zeros_like(closed), contours, -1, 1, cv2.FILLED)
    distance = cv2.distanceTransform(cv2.copyMakeBorder(filled, 1, 1, 1, 1, 0), cv2.DIST_L2, 3)
    keep = (distance[1:-1, 1:-1] > rim_px) | (mask > 0)
    return np.where(keep[..., None], image, np.float32(0))


def choose_sources(
    rng: np.random.Generator, plan: AugmentationPlan, *, alone: bool
) -> NDArray[np.intp]:
    """Channel that each of the five channels is taken from.

    FLAIR replaces sequences that a study lacks; the neighbours change places, since series are
    numbered either way; a slice ``alone`` is its own neighbour.
    """
    source = np.arange(5)
    if rng.random() < plan.single_flair:
        source[[0, 2]] = 1
    for channel in (0, 2):
        if rng.random() < plan.missing_channel:
            source[channel] = 1
    if rng.random() < 0.5:
        source[[3, 4]] = source[[4, 3]]
    if alone:
        source[[3, 4]] = 1
    return source


def warp(
    image: Image, mask: Mask, rng: np.random.Generator, plan: AugmentationPlan
) -> tuple[Image, Mask]:
    """Flip, rotate, scale, shift, bend and crop at once; the mask by nearest neighbour.

    Args:
        image: ``(h, w, c)`` float32.
        mask: ``(h, w)`` uint8.
        rng: Draws.
        plan: How far; ``plan.crop`` is the side of what is returned, None for the input's size.
    """
    height, width = mask.shape
    side_y, side_x = (height, width) if plan.crop is None else (plan.crop, plan.crop)
    angle = np.deg2rad(rng.uniform(-plan.rotation_degrees, plan.rotation_degrees))
    scale_y, scale_x = rng.uniform(*plan.scale) * rng.uniform(0.95, 1.05, 2)
    dy, dx = rng.uniform(-plan.shift_px, plan.shift_px, 2)
    y, x = np.mgrid[0:side_y, 0:side_x].astype(np.float32)
    y, x = (y - (side_y - 1) / 2) / scale_y, (x - (side_x - 1) / 2) / scale_x
    if rng.random() < 0.5:
        x = -x
    map_x = (np.cos(angle) * x - np.sin(angle) * y + (width - 1) / 2 + dx).astype(np.float32)
    map_y = (np.sin(angle) * x + np.cos(angle) * y + (height - 1) / 2 + dy).astype(np.float32)
    if rng.random() < plan.elastic:
        for coordinates in (map_x, map_y):
            coarse = rng.normal(0, 5.0, (6, 6)).astype(np.float32)
            coordinates += cv2.resize(coarse, (side_x, side_y), interpolation=cv2.INTER_CUBIC)
    warped = cv2.remap(image, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    outline = cv2.remap(mask, map_x, map_y, cv2.INTER_NEAREST)
    return np.asarray(warped, np.float32), np.asarray(outline, np.uint8)


def vary_intensity(image: Image, rng: np.random.Generator, *, sequence: NDArray[np.intp]) -> Image:
    """Gamma and bias field on values in [0, 1], blur and noise.

    Args:
        image: ``(h, w, c)`` float32 in [0, 1]; what is returned may lie outside.
        rng: Draws.
        sequence: ``(c,)`` from 0 to 2, the sequence of each channel: gamma is one for each.
    """
    result = image
    if rng.random() < 0.5:
        gamma = np.exp(rng.normal(0, 0.25, 3)).astype(np.float32)[sequence]
        result = np.power(np.clip(result, 1e-6, 1), gamma)
    if rng.random() < 0.4:
        coarse = np.exp(rng.normal(0, 0.15, (4, 4))).astype(np.float32)
        field = cv2.resize(coarse, result.shape[1::-1], interpolation=cv2.INTER_CUBIC)
        result = result * field[..., None]
    if rng.random() < 0.15:
        blurred = cv2.GaussianBlur(result, (0, 0), sigmaX=rng.uniform(0.5, 1.3))
        result = np.asarray(blurred, np.float32)
    if rng.random() < 0.3:
        deviation = rng.uniform(0.01, 0.06)
        result = result + rng.standard_normal(result.shape, dtype=np.float32) * deviation
    return result.astype(np.float32, copy=False)


def standardise(
    image: Image,
    mean: NDArray[np.float32],
    deviation: NDArray[np.float32],
    rng: np.random.Generator,
    *,
    sequence: NDArray[np.intp],
    by_itself: bool,
) -> Image:
    """Standardise by the volume's statistics, or the slice's own, then vary gain and offset.

    ``mean`` and ``deviation`` are ``(3,)``, one for each sequence.
    """
    if by_itself:
        foreground = image[..., 1] > 0.05
        if np.count_nonzero(foreground) > 500:
            inside = image[..., :3][foreground]
            own = np.maximum(inside.std(0), 0.05)
            mean, deviation = mean.copy(), deviation.copy()
            mean[sequence[:3]], deviation[sequence[:3]] = inside.mean(0), own
    gain = rng.uniform(0.85, 1.15, 3).astype(np.float32)[sequence]
    offset = rng.uniform(-0.15, 0.15, 3).astype(np.float32)[sequence]
    return ((image - mean[sequence]) / deviation[sequence] * gain + offset).astype(np.float32)


def augment(
    scaled: NDArray[np.uint8],
    mask: NDArray[np.bool_],
    mean: NDArray[np.float32],
    deviation: NDArray[np.float32],
    *,
    rng: np.random.Generator,
    plan: AugmentationPlan,
) -> tuple[Image, Mask]:
    """Make one training example.

    Args:
        scaled: ``(h, w, 5)`` uint8, `TrainingVolume.with_neighbours` of a slice.
        mask: ``(h, w)`` bool reference mask.
        mean: ``(3,)`` of the volume's scaled foreground, for each sequence.
        deviation: ``(3,)``, likewise.
        rng: Random generator.
        plan: What may happen.

    Returns:
        ``(crop, crop, 5)`` float32 standardised image and ``(crop, crop)`` uint8 mask, 0/1.
    """
    image: Image = np.divide(scaled, 255, dtype=np.float32)
    outline = mask.astype(np.uint8)
    stripped = rng.random() < plan.skull_stripped
    alone = rng.random() < plan.per_slice
    if stripped:
        image = strip_skull(image, outline, rim_px=int(rng.integers(8, 22)))
    source = choose_sources(rng, plan, alone=alone)
    sequence = CHANNEL_SEQUENCE[source]
    image, outline = warp(image[..., source], outline, rng, plan)
    image = vary_intensity(image, rng, sequence=sequence)
    by_itself = stripped or alone
    shown = standardise(image, mean, deviation, rng, sequence=sequence, by_itself=by_itself)
    return shown, outline
