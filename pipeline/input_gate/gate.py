"""Compares a case with what the network was trained on, before anybody relies on the result.

Each finding says in one sentence how the case differs, and why the result may be wrong. None of
them blocks: they are recorded with the result. Where one is `Severity.UNFIT`, no headline is drawn
from it (`pipeline.analysis.results.CaseResult.unfit`): images that are not FLAIR, not axial, or
further from the training patients than `ranges.FAR_MARGINS` allows. Of blank images nothing is
shown at all (`Severity.NO_RESULT`). What can be measured in the images is compared with the
training patients (``ranges.json``, written by ``python -m pipeline measure-inputs``); what cannot,
such as the slice distance, for which the public LGG set states no spacing, is called unknown.

Where a case has a caution of its own of the same aspect that weighs as much, the finding is that
caution.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pipeline.data.case import RADIOLOGICAL_AXIAL, Case, SequenceName
from pipeline.data.cautions import Caution, InputAspect, Severity, merge_cautions
from pipeline.data.preprocessing import flair_channel
from pipeline.data.sequences import missing_sequences_warning, sequence_cautions
from pipeline.input_gate.measures import InputMeasures, measure_input
from pipeline.input_gate.ranges import LEAST_MARGIN, InputRanges, shipped_ranges

#: Slices from which adjacent slices and smoothing through the volume are of use.
_VOLUME = 3


def check_input(case: Case, ranges: InputRanges | None = None) -> tuple[Caution, ...]:
    """Find how a case differs from what the network was trained on.

    Args:
        case: Any case; masks do not matter.
        ranges: Of the training patients; by default those of the shipped network's.

    Returns:
        At most one caution of each `InputAspect`, in their order.
    """
    known = ranges or shipped_ranges()
    found = (
        *case.cautions,
        *sequence_cautions(case.sequences),
        *_judge_missing(case),
        *_judge_orientation(case),
        *_judge_count(case, known),
        *_judge_gaps(case),
        *_judge_pictures(case, known),
    )
    by_aspect = {c.aspect: c for c in merge_cautions(found)}
    return tuple(by_aspect[aspect] for aspect in InputAspect if aspect in by_aspect)


def _judge_missing(case: Case) -> tuple[Caution, ...]:
    """T1 or T1 with contrast that is not there, or only as a copy of FLAIR."""
    if SequenceName.FLAIR not in case.sequences:
        return ()
    flair = case.pixels[..., flair_channel(case.sequences)]
    missing = [
        name
        for name in (SequenceName.PRE, SequenceName.POST)
        if name not in case.sequences
        or np.array_equal(case.pixels[..., case.sequences.index(name)], flair)
    ]
    if not missing:
        return ()
    return (Caution(missing_sequences_warning(missing), InputAspect.SEQUENCE),)


def _judge_orientation(case: Case) -> tuple[Caution, ...]:
    aspect = InputAspect.ORIENTATION
    if case.orientation == RADIOLOGICAL_AXIAL:
        return ()
    if case.orientation is None:
        words = (
            "Orientation unknown: the models were trained on axial slices, and the result may be"
            " wrong on others."
        )
        return (Caution(words, aspect),)
    letters = {case.orientation.left, case.orientation.top}
    if letters & {"S", "I"}:
        words = "Not axial: the models were trained on axial slices, and the result may be wrong."
        return (Caution(words, aspect, Severity.UNFIT),)
    words = "Rotated or mirrored relative to the training slices: the result may be wrong."
    return (Caution(words, aspect),)


def _judge_count(case: Case, known: InputRanges) -> tuple[Caution, ...]:
    n = case.n_slices
    if n < _VOLUME:
        count = "Single slice" if n == 1 else f"Only {n} slices"
        words = (
            f"{count}: the models also use adjacent slices, which are missing here; the result is"
            " less certain."
        )
        return (Caution(words, InputAspect.SLICE_COUNT),)
    if not known.outside("slices", n):
        return ()
    words = (
        f"Unusual number of slices: {n} (training {known.words('slices')}); the models were not"
        " tested on such a series."
    )
    return (Caution(words, InputAspect.SLICE_COUNT),)


def _judge_gaps(case: Case) -> tuple[Caution, ...]:
    missing = int((np.diff(case.indices) - 1).clip(min=0).sum())
    if not missing:
        return ()
    count = "1 slice number is" if missing == 1 else f"{missing} slice numbers are"
    words = (
        f"Gap in the series: {count} missing. At the gap the models lack an adjacent slice, and"
        " whatever lies in it is neither segmented nor counted."
    )
    return (Caution(words, InputAspect.GAPS),)


def _judge_pictures(case: Case, known: InputRanges) -> tuple[Caution, ...]:
    """Cautions of what is measured in the images.

    An image that shows no head, or is blank, has no size of a head: one sentence is enough.
    """
    found = measure_input(case)
    if found is None:
        words = "No result: the images are blank, all pixels have the same value."
        return (Caution(words, InputAspect.INTENSITY, Severity.NO_RESULT),)
    intensity = _judge_intensity(found, known)
    if found.corner - known.ranges["corner"][1] > LEAST_MARGIN["corner"]:
        return intensity
    shapes = [(name, getattr(found, name)) for name in ("head_aspect", "head_fill")]
    if any(known.outside(name, value) for name, value in shapes):
        words = (
            "Unusual shape: what is bright does not look like a head in axial slices, and the"
            " result may be meaningless."
        )
        far = any(known.is_far(name, value) for name, value in shapes)
        severity = Severity.UNFIT if far else Severity.CAUTION
        return (*intensity, Caution(words, InputAspect.HEAD, severity))
    return (
        *intensity,
        *_judge_resolution(found, known),
        *_judge_field(case, found, known),
        # How similar slices are depends on their contrast: where that is unusual, they say nothing.
        *(() if intensity else _judge_distance(case, found, known)),
    )


def _caution(
    known: InputRanges, aspect: InputAspect, name: str, value: float, words: str
) -> tuple[Caution, ...]:
    """The caution on a measure outside its range."""
    severity = Severity.UNFIT if known.is_far(name, value) else Severity.CAUTION
    return (Caution(words, aspect, severity),)


def _judge_intensity(found: InputMeasures, known: InputRanges) -> tuple[Caution, ...]:
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
        value = getattr(found, name)
        if known.outside(name, value) == side:
            return _caution(known, InputAspect.INTENSITY, name, value, words())
    return ()


def _judge_resolution(found: InputMeasures, known: InputRanges) -> tuple[Caution, ...]:
    if known.outside("head_px", found.head_px) >= 0:
        return ()
    words = (
        f"Low matrix: head spans {found.head_px:.0f} px (training {known.words('head_px')}); small"
        " or faint lesions may be missed."
    )
    return _caution(known, InputAspect.RESOLUTION, "head_px", found.head_px, words)


def _judge_field(case: Case, found: InputMeasures, known: InputRanges) -> tuple[Caution, ...]:
    side = known.outside("head_grid_px", found.head_grid_px)
    if not side:
        return ()
    size = "large" if side > 0 else "small"
    words = (
        f"Head unusually {size} after scaling: {found.head_grid_px:.0f} px (training"
        f" {known.words('head_grid_px')}); the result may be wrong"
    )
    without = "; without a pixel spacing it cannot be rescaled" if case.spacing_mm is None else ""
    return _caution(
        known, InputAspect.FIELD_OF_VIEW, "head_grid_px", found.head_grid_px, f"{words}{without}."
    )


def _judge_distance(case: Case, found: InputMeasures, known: InputRanges) -> tuple[Caution, ...]:
    """Likeness of slices never makes a case unfit: it depends on what the slices show, too."""
    side = 0 if found.likeness is None else known.outside("likeness", found.likeness)
    if not side:
        return ()
    apart = "" if case.spacing_mm is None else f" (slice distance {case.spacing_mm[0]:.1f} mm)"
    more = "more" if side > 0 else "less"
    where = "larger" if side > 0 else "smaller"
    words = (
        f"Adjacent slices are {more} similar than in any training patient{apart}: the models use"
        f" adjacent slices, and were probably trained on {where} distances, which the training"
        " files do not state."
    )
    return (Caution(words, InputAspect.SLICE_DISTANCE),)
