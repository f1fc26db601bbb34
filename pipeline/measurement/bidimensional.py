"""Bidimensional measurement of the FLAIR abnormality from a mask, as a reader would do it by hand.

Per lesion (voxels that touch through faces, edges or corners), on the axial slice where the product
is largest, the longest diameter and the longest perpendicular to it (`pipeline.measurement.chords`)
are what RANO measures. This is a measurement, not an assessment: it has no response category, and
its notes say what it is not.

Criteria of measurability: Wen et al. 2023, RANO 2.0, Journal of Clinical Oncology 41(33).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipeline.errors import InputError
from pipeline.measurement.chords import (
    Chord,
    longest_diameters,
    longest_perpendicular,
    most_product,
    widest_extent,
)
from pipeline.measurement.lesions import Lesion, Masks, find_lesions

#: Both diameters of a measurable lesion reach this.
MEASURABLE_MM = 10.0
#: Slices on which a measurable lesion is seen.
MEASURABLE_SLICES = 2
#: Beyond this distance of slices RANO asks for more.
_USUAL_DISTANCE_MM = 5.0
#: Products that differ by rounding only are the same.
_SAME = 1e-9
#: Lesions that are measured, the largest first.
MOST_LESIONS = 16

NOT_WITHOUT_THE_READER = (
    "Cysts, cavities and surgical changes must be excluded by the reader: the mask does not"
    " distinguish them."
)
NOT_ENHANCING = (
    "This is the FLAIR abnormality, which includes edema and treatment change. Enhancing disease"
    " is measured separately, on post-contrast T1."
)
IN_PIXELS = "No pixel spacing: lengths are in pixels, and RANO cannot be applied."


@dataclass(frozen=True)
class LesionMeasurement:
    """One lesion's two diameters.

    Attributes:
        number: From 1, the largest lesion first.
        voxels: Of the lesion.
        slices: Number of slices on which it is seen.
        position: Slice on which it is measured, from 0.
        longest: Longest diameter in plane.
        perpendicular: Longest perpendicular to it.
        product: Of both lengths.
        measurable: Whether it is by RANO 2.0; None without spacing.
        reason: Why, in one sentence.
        boxes: Where it is on its slices: (slice, left, top, right, bottom), in pixels from 0, right
            and bottom beyond the last.
    """

    number: int
    voxels: int
    slices: int
    position: int
    longest: Chord
    perpendicular: Chord
    product: float
    measurable: bool | None
    reason: str
    boxes: tuple[tuple[int, int, int, int, int], ...]


@dataclass(frozen=True)
class BidimensionalMeasurement:
    """All lesions of a mask.

    Attributes:
        unit: ``mm``, or ``px`` without spacing.
        lesions: The largest first.
        not_measured: Smaller lesions beyond `MOST_LESIONS`.
        notes: Plain sentences that belong to the figures.
    """

    unit: str
    lesions: tuple[LesionMeasurement, ...]
    not_measured: int
    notes: tuple[str, ...]


def measure_lesions(
    masks: Masks,
    spacing_mm: tuple[float, float, float] | None,
    *,
    limit_s: float | None = None,
) -> BidimensionalMeasurement:
    """Measure every lesion of a mask.

    Args:
        masks: ``(n, h, w)`` bool, axial slices in order; or its slices ``(h, w)`` by position, in
            which those left out are empty.
        spacing_mm: (z, y, x), or None where it is not known.
        limit_s: Give up soon after so many seconds: a mask of noise would take hours. None never.

    Raises:
        InputError: It took longer.
        ValueError: The masks have no three axes, or a spacing is not above 0.
    """
    if isinstance(masks, np.ndarray) and masks.ndim != 3:
        raise ValueError(f"masks must be (n, h, w), got shape {masks.shape}")
    if spacing_mm is not None and not all(np.isfinite(mm) and mm > 0 for mm in spacing_mm):
        raise ValueError(f"spacing must be above 0, got {spacing_mm}")
    ends = None if limit_s is None else time.monotonic() + limit_s

    def check_time() -> None:
        if ends is not None and time.monotonic() > ends:
            raise InputError("", "The mask is too irregular to be measured in time.")

    lesions, count = find_lesions(masks, most=MOST_LESIONS, before_slice=check_time)
    measured = [
        _measure_lesion(number, lesion, spacing_mm, before_slice=check_time)
        for number, lesion in enumerate(lesions, start=1)
    ]
    notes = [] if spacing_mm is not None else [IN_PIXELS]
    if spacing_mm is not None and spacing_mm[0] > _USUAL_DISTANCE_MM:
        notes.append(
            f"Slice distance {spacing_mm[0]:.1f} mm: RANO recommends 5 mm or less without gaps, and"
            " requires larger lesions otherwise."
        )
    left = count - len(measured)
    if left:
        words = "1 smaller lesion was" if left == 1 else f"{left} smaller lesions were"
        notes.append(f"{words} not measured.")
    if measured:
        notes += [NOT_WITHOUT_THE_READER, NOT_ENHANCING]
    unit = "px" if spacing_mm is None else "mm"
    return BidimensionalMeasurement(unit, tuple(measured), left, tuple(notes))


def _below(length_mm: float) -> str:
    """A length below `MEASURABLE_MM` with the digits that show it is: 9.96, not 10.0."""
    words = (f"{length_mm:.{digits}f}" for digits in range(1, 10))
    return next((one for one in words if float(one) < MEASURABLE_MM), f"{length_mm}")


def judge_diameters(
    lengths: tuple[float, float], *, slices: int, in_mm: bool
) -> tuple[bool | None, str]:
    """Whether a lesion is measurable by RANO 2.0, and why, in one sentence.

    Args:
        lengths: Of the longest diameter and of its perpendicular.
        slices: Number of slices on which it is seen.
        in_mm: Whether lengths are in mm; in pixels nothing follows from them.

    Returns:
        None and the reason where it is not known.
    """
    if not in_mm:
        return None, "Measurability not available (no pixel spacing)."
    short = [length for length in lengths if length < MEASURABLE_MM - 1e-9]
    if short:
        return False, f"Not measurable: {_below(min(short))} mm is below {MEASURABLE_MM:.0f} mm."
    if slices < MEASURABLE_SLICES:
        return False, "Not measurable: seen on one slice only, two are required."
    reached = f"both diameters are at least {MEASURABLE_MM:.0f} mm"
    return True, f"Measurable: {reached}, seen on {slices} slices."


def _measure_lesion(
    number: int,
    lesion: Lesion,
    spacing_mm: tuple[float, float, float] | None,
    *,
    before_slice: Callable[[], None],
) -> LesionMeasurement:
    spacing = (1.0, 1.0) if spacing_mm is None else (spacing_mm[1], spacing_mm[2])
    bounds = {k: most_product(shape, spacing) for k, (_, _, shape) in lesion.pieces.items()}
    best: tuple[float, int, Chord, Chord] | None = None
    for k in sorted(bounds, key=lambda k: (-bounds[k], k)):
        if best is not None and bounds[k] < best[0] * (1 - _SAME):
            break
        before_slice()
        y, x, shape = lesion.pieces[k]
        for longest in longest_diameters(shape, spacing):
            limit = longest.length * widest_extent(shape, longest, spacing)
            if best is not None and limit < best[0] * (1 - _SAME):
                continue
            across = longest_perpendicular(shape, longest, spacing)
            product = longest.length * across.length
            if best is None or _is_better(product, k, best[0], best[1]):
                best = (product, k, _moved(longest, y, x), _moved(across, y, x))
    assert best is not None
    product, position, longest, across = best
    slices = len(lesion.pieces)
    lengths = (longest.length, across.length)
    measurable, reason = judge_diameters(lengths, slices=slices, in_mm=spacing_mm is not None)
    return LesionMeasurement(
        number=number,
        voxels=lesion.voxels,
        slices=slices,
        position=position,
        longest=longest,
        perpendicular=across,
        product=product,
        measurable=measurable,
        reason=reason,
        boxes=tuple(
            (k, x, y, x + shape.shape[1], y + shape.shape[0])
            for k, (y, x, shape) in sorted(lesion.pieces.items())
        ),
    )


def _is_better(product: float, k: int, best: float, best_k: int) -> bool:
    """Whether a product is larger, or the same on an earlier slice."""
    if product > best * (1 + _SAME):
        return True
    return product >= best * (1 - _SAME) and k < best_k


def _moved(chord: Chord, y: int, x: int) -> Chord:
    return Chord(chord.x1 + x, chord.y1 + y, chord.x2 + x, chord.y2 + y, chord.length)
