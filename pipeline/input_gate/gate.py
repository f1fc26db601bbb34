"""Holds a case against what the network was trained on, before anybody believes the result.

Each finding says in one sentence why the result may be wrong. None of them blocks: they are
recorded with the result. What the pictures of the training patients can tell is held against them
(``ranges.json``, written by ``python -m pipeline measure-inputs``); what they cannot, such as
the distance of slices, for the public LGG set states no spacing, is said to be unknown.

Where a case's own warnings say it already, the finding is that warning, word for word, so that a
reader who shows both can leave one out.
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

#: Slices from which the network's neighbours and its smoothing say something.
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
    """One thing in which a case is not what the network was trained on.

    Attributes:
        aspect: What it is about; no aspect has two findings.
        sentence: Why the result may be wrong.
    """

    aspect: InputAspect
    sentence: str


#: Words in a case's own warnings by which they are known to tell of an aspect.
_TOLD = {
    InputAspect.SEQUENCE: re.compile(
        r"not FLAIR;|sequence of this image is not known|not MRI;|(is|are) taken to be "
    ),
    InputAspect.ORIENTATION: re.compile(
        r"trained on axial slices|lies obliquely|left and right are not"
    ),
    InputAspect.SLICE_COUNT: re.compile(r"^This is a single slice;"),
    InputAspect.GAPS: re.compile(r"missing: the distance|distance between slices varies"),
}


def check_input(case: Case, ranges: InputRanges | None = None) -> tuple[InputFinding, ...]:
    """Find in what a case is not what the network was trained on.

    Args:
        case: Any case; masks do not matter.
        ranges: Of the training patients; by default those of the shipped network's.

    Returns:
        At most one finding of each aspect, in the order of `InputAspect`.
    """
    known = ranges or shipped_ranges()
    told: dict[InputAspect, str | None] = {
        InputAspect.SEQUENCE: next(iter(sequence_warnings(case.sequences)), None),
        InputAspect.ORIENTATION: _judge_orientation(case),
        InputAspect.SLICE_COUNT: _judge_count(case, known),
        InputAspect.GAPS: _judge_gaps(case),
    }
    told |= _judge_pictures(case, known)
    for aspect, pattern in _TOLD.items():
        told[aspect] = next((w for w in case.warnings if pattern.search(w)), told[aspect])
    return tuple(InputFinding(a, told[a] or "") for a in InputAspect if told.get(a))


def _judge_orientation(case: Case) -> str | None:
    if case.orientation == RADIOLOGICAL_AXIAL:
        return None
    if case.orientation is None:
        return (
            "The input does not say how its slices lie in the patient; on other than axial slices"
            " the result may be wrong, since the models were trained on axial ones."
        )
    letters = {case.orientation.left, case.orientation.top}
    if letters & {"S", "I"}:
        return (
            "The slices are not axial; the models were trained on axial slices, so that the result"
            " may be wrong."
        )
    return (
        "The slices are turned or mirrored against those that the models were trained on, so that"
        " the result may be wrong."
    )


def _judge_count(case: Case, known: InputRanges) -> str | None:
    n = case.n_slices
    if n < _VOLUME:
        words = "This is one slice" if n == 1 else f"These are {n} slices"
        return (
            f"{words}; the models look at the slices beside and smooth through the volume, which is"
            " not possible here, so that the result is less sure."
        )
    side = known.outside("slices", n)
    if not side:
        return None
    words = "more" if side > 0 else "fewer"
    return (
        f"There are {n} slices, {words} than in any training patient ({known.words('slices')}); the"
        " models, which look at the slices beside, were not tried on such a stack."
    )


def _judge_gaps(case: Case) -> str | None:
    missing = int((np.diff(case.indices) - 1).clip(min=0).sum())
    if not missing:
        return None
    words = "1 slice number is" if missing == 1 else f"{missing} slice numbers are"
    return (
        f"{words} missing in the row; beside the gap the models lack the neighbouring slice, and"
        " what lies in it is neither outlined nor counted."
    )


def _judge_pictures(case: Case, known: InputRanges) -> dict[InputAspect, str | None]:
    """Findings of what is measured in the pictures.

    A picture that is no head, or blank, has no size of a head: one sentence is enough.
    """
    found = measure_input(case)
    if found is None:
        words = "The pictures are blank: all pixels hold the same value, and there is no result."
        return {InputAspect.INTENSITY: words}
    intensity = _judge_intensity(found, known)
    if found.corner - known.ranges["corner"][1] > LEAST_MARGIN["corner"]:
        return {InputAspect.INTENSITY: intensity}
    aspect, fill = (
        known.outside(name, getattr(found, name)) for name in ("head_aspect", "head_fill")
    )
    if aspect or fill:
        words = (
            "What is bright in the pictures does not have the shape of a head in axial slices;"
            " the models know nothing else, so that the result may be meaningless."
        )
        return {InputAspect.INTENSITY: intensity, InputAspect.HEAD: words}
    return {
        InputAspect.INTENSITY: intensity,
        InputAspect.RESOLUTION: _judge_resolution(found, known),
        InputAspect.FIELD_OF_VIEW: _judge_field(case, found, known),
        # How alike slices are follows their contrast: where that is odd, they say nothing.
        InputAspect.SLICE_DISTANCE: None if intensity else _judge_distance(case, found, known),
    }


def _judge_intensity(found: InputMeasures, known: InputRanges) -> str | None:
    rules: tuple[tuple[str, int, Callable[[], str]], ...] = (
        (
            "corner",
            1,
            lambda: (
                "The background is bright, as in an inverted picture or one cut within the"
                " head; the models were trained on bright heads on black, so that the result may be"
                " meaningless."
            ),
        ),
        (
            "saturated",
            1,
            lambda: (
                f"{found.saturated:.0%} of the head holds the largest value, as where bright"
                " parts were cut off; what differed there cannot be told apart."
            ),
        ),
        (
            "grey_levels",
            -1,
            lambda: (
                f"The pictures hold only {found.grey_levels} different values; faint borders"
                " may be lost."
            ),
        ),
        (
            "contrast",
            -1,
            lambda: (
                "The head has less contrast than in any training patient, as where the skull was"
                " cut away; faint borders may be missed."
            ),
        ),
        (
            "contrast",
            1,
            lambda: (
                "The head has more contrast than in any training patient, as where a few pixels"
                " outshine all others; faint borders may be missed."
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
        f"The head is only {found.head_px:.0f} pixels long, {known.words('head_px')} in the"
        " training patients; small or faint parts may be missed."
    )


def _judge_field(case: Case, found: InputMeasures, known: InputRanges) -> str | None:
    side = known.outside("head_grid_px", found.head_grid_px)
    if not side:
        return None
    seen = "larger" if side > 0 else "smaller"
    words = (
        f"The models see the head {found.head_grid_px:.0f} pixels long, {seen} than in any training"
        f" patient ({known.words('head_grid_px')}), so that the result may be wrong"
    )
    without = "; without a pixel spacing it cannot be brought to their size"
    return words + (without if case.spacing_mm is None else "") + "."


def _judge_distance(case: Case, found: InputMeasures, known: InputRanges) -> str | None:
    side = 0 if found.likeness is None else known.outside("likeness", found.likeness)
    if not side:
        return None
    apart = "" if case.spacing_mm is None else f" (they lie {case.spacing_mm[0]:.1f} mm apart)"
    words = "more alike" if side > 0 else "less alike"
    where = "further apart" if side > 0 else "closer together"
    return (
        f"Neighbouring slices are {words} than in any training patient{apart}; the models look at"
        f" the slices beside and probably learned on some that lie {where}, though the training"
        " files state no distance."
    )
