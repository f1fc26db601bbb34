"""Compares a case with what the network was trained on, before anybody relies on the result.

Each finding says in one sentence how the case differs, and why the result may be wrong. None of
them blocks: they are recorded with the result. What can be measured in the images is compared with
the training patients (``ranges.json``, written by ``python -m pipeline measure-inputs``); what
cannot, such as the slice distance, for which the public LGG set states no spacing, is called
unknown.

Where a case's own warnings say the same already, the finding is that warning, verbatim, so that a
page that shows both can leave one out.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from pipeline.data.case import RADIOLOGICAL_AXIAL, Case
from pipeline.data.sequences import sequence_warnings
from pipeline.input_gate.measures import InputMeasures, measure_input
from pipeline.input_gate.ranges import LEAST_MARGIN, InputRanges, shipped_ranges

#: Slices from which adjacent slices and smoothing through the volume are of use.
_VOLUME = 3


class InputAspect(StrEnum):
    """What a finding is about."""

    SEQUENCE = "sequence"
    ORIENTATION = "orientation"
    INTENSITY = "intensity"
    HEAD = "head"
    RESOLUTION = "resolution"
    FIELD_OF_VIEW = "field of view"
    SLICE_DISTANCE = "slice distance"
    SLICE_COUNT = "slice count"
    GAPS = "gaps"


@dataclass(frozen=True)
class InputFinding:
    """One way in which a case differs from what the network was trained on.

    Attributes:
        aspect: What it is about; no aspect has two findings.
        sentence: How it differs, and why the result may be wrong.
    """

    aspect: InputAspect
    sentence: str


#: Words by which a case's own warnings are recognised as being about an aspect.
_OWN_WARNINGS = {
    InputAspect.SEQUENCE: re.compile(
        r"^Not (FLAIR|MRI)\b|^Sequence unknown:| assumed to be "
        r"|not FLAIR;|sequence of this image is not known|not MRI;| taken to be "  # before 0.2
    ),
    InputAspect.ORIENTATION: re.compile(
        r"trained on axial slices|lies obliquely|left and right are not"
    ),
    InputAspect.SLICE_COUNT: re.compile(r"^This is a single slice;"),
    InputAspect.GAPS: re.compile(r"missing: the distance|distance between slices varies"),
}


def check_input(case: Case, ranges: InputRanges | None = None) -> tuple[InputFinding, ...]:
    """Find how a case differs from what the network was trained on.

    Args:
        case: Any case; masks do not matter.
        ranges: Of the training patients; by default those of the shipped network's.

    Returns:
        At most one finding of each aspect, in the order of `InputAspect`.
    """
    known = ranges or shipped_ranges()
    sentences: dict[InputAspect, str | None] = {
        InputAspect.SEQUENCE: next(iter(sequence_warnings(case.sequences)), None),
        InputAspect.ORIENTATION: _judge_orientation(case),
        InputAspect.SLICE_COUNT: _judge_count(case, known),
        InputAspect.GAPS: _judge_gaps(case),
    }
    sentences |= _judge_pictures(case, known)
    for aspect, pattern in _OWN_WARNINGS.items():
        own = (warning for warning in case.warnings if pattern.search(warning))
        sentences[aspect] = next(own, sentences[aspect])
    return tuple(InputFinding(a, sentences[a] or "") for a in InputAspect if sentences.get(a))


def _judge_orientation(case: Case) -> str | None:
    if case.orientation == RADIOLOGICAL_AXIAL:
        return None
    if case.orientation is None:
        return (
            "Orientation unknown: the models were trained on axial slices, and the result may be"
            " wrong on others."
        )
    letters = {case.orientation.left, case.orientation.top}
    if letters & {"S", "I"}:
        return "Not axial: the models were trained on axial slices, and the result may be wrong."
    return "Rotated or mirrored relative to the training slices: the result may be wrong."


def _judge_count(case: Case, known: InputRanges) -> str | None:
    n = case.n_slices
    if n < _VOLUME:
        words = "Single slice" if n == 1 else f"Only {n} slices"
        return (
            f"{words}: the models also use adjacent slices, which are missing here; the result is"
            " less certain."
        )
    if not known.outside("slices", n):
        return None
    return (
        f"Unusual number of slices: {n} (training {known.words('slices')}); the models were not"
        " tested on such a series."
    )


def _judge_gaps(case: Case) -> str | None:
    missing = int((np.diff(case.indices) - 1).clip(min=0).sum())
    if not missing:
        return None
    words = "1 slice number is" if missing == 1 else f"{missing} slice numbers are"
    return (
        f"Gap in the series: {words} missing. At the gap the models lack an adjacent slice, and"
        " whatever lies in it is neither segmented nor counted."
    )


def _judge_pictures(case: Case, known: InputRanges) -> dict[InputAspect, str | None]:
    """Findings of what is measured in the images.

    An image that shows no head, or is blank, has no size of a head: one sentence is enough.
    """
    found = measure_input(case)
    if found is None:
        words = "Blank images: all pixels have the same value, and there is no result."
        return {InputAspect.INTENSITY: words}
    intensity = _judge_intensity(found, known)
    if found.corner - known.ranges["corner"][1] > LEAST_MARGIN["corner"]:
        return {InputAspect.INTENSITY: intensity}
    aspect, fill = (
        known.outside(name, getattr(found, name)) for name in ("head_aspect", "head_fill")
    )
    if aspect or fill:
        words = (
            "Unusual shape: what is bright does not look like a head in axial slices, and the"
            " result may be meaningless."
        )
        return {InputAspect.INTENSITY: intensity, InputAspect.HEAD: words}
    return {
        InputAspect.INTENSITY: intensity,
        InputAspect.RESOLUTION: _judge_resolution(found, known),
        InputAspect.FIELD_OF_VIEW: _judge_field(case, found, known),
        # How similar slices are depends on their contrast: where that is unusual, they say nothing.
        InputAspect.SLICE_DISTANCE: None if intensity else _judge_distance(case, found, known),
    }


def _judge_intensity(found: InputMeasures, known: InputRanges) -> str | None:
    rules: tuple[tuple[str, int, Callable[[], str]], ...] = (
        (
            "corner",
            1,
            lambda: (
                "Bright background, for example an inverted image or one cropped within the head:"
                " the models were trained on bright heads on black, and the result may be"
                " meaningless."
            ),
        ),
        (
            "saturated",
            1,
            lambda: (
                f"Saturation: {found.saturated:.0%} of the head has the maximum value, for example"
                " where bright areas were clipped; differences there are lost."
            ),
        ),
        (
            "grey_levels",
            -1,
            lambda: (
                f"Few grey levels: only {found.grey_levels} different values; faint borders may be"
                " lost."
            ),
        ),
        (
            "contrast",
            -1,
            lambda: (
                "Low contrast: less than in any training patient, for example skull-stripped"
                " images; faint borders may be missed."
            ),
        ),
        (
            "contrast",
            1,
            lambda: (
                "High contrast: more than in any training patient, for example where a few pixels"
                " are far brighter than the rest; faint borders may be missed."
            ),
        ),
    )
    for name, side, words in rules:
        if known.outside(name, getattr(found, name)) == side:
            return words()
    return None


def _judge_resolution(found: InputMeasures, known: InputRanges) -> str | None:
    if known.outside("head_px", found.head_px) >= 0:
        return None
    return (
        f"Low matrix: head spans {found.head_px:.0f} px (training {known.words('head_px')}); small"
        " or faint lesions may be missed."
    )


def _judge_field(case: Case, found: InputMeasures, known: InputRanges) -> str | None:
    side = known.outside("head_grid_px", found.head_grid_px)
    if not side:
        return None
    size = "large" if side > 0 else "small"
    words = (
        f"Head unusually {size} as the models see it: {found.head_grid_px:.0f} px (training"
        f" {known.words('head_grid_px')}); the result may be wrong"
    )
    without = "; without a pixel spacing it cannot be rescaled"
    return words + (without if case.spacing_mm is None else "") + "."


def _judge_distance(case: Case, found: InputMeasures, known: InputRanges) -> str | None:
    side = 0 if found.likeness is None else known.outside("likeness", found.likeness)
    if not side:
        return None
    apart = "" if case.spacing_mm is None else f" (slice distance {case.spacing_mm[0]:.1f} mm)"
    words = "more" if side > 0 else "less"
    where = "larger" if side > 0 else "smaller"
    return (
        f"Adjacent slices are {words} similar than in any training patient{apart}: the models use"
        f" adjacent slices, and were probably trained on {where} distances, which the training"
        " files do not state."
    )
