"""What is measured on an answer: diameters of its lesions, and what each mask threshold takes in.

The browser follows the mask threshold without asking again: areas, volume and Dice at every level
of the probability map are in two small tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline import (
    BidimensionalMeasurement,
    CaseResult,
    areas_by_level,
    measure_lesions,
    overlaps_by_level,
)

#: In the address, because browsers keep the answer for ever: raise it when other things are told.
VERSION = 4


def describe_measures(
    result: CaseResult, reference: NDArray[np.bool_] | None = None
) -> dict[str, Any]:
    """Measure an answer for the browser.

    Args:
        result: The answer.
        reference: ``(n, h, w)`` bool, or None where there is none.

    Returns:
        unit, notes, cautions (those of the notes that hold for any mask), lesions (the largest
        first, ``k`` their slice from 0, lines in pixels with pixel centres at whole numbers,
        ``boxes`` as of `LesionMeasurement`); areas: per slice the pixels at or above each of 256
        levels, None where the segmenter was not run; overlap: likewise of the reference's pixels,
        and reference_px: all of them per slice, both None without a reference.
    """
    outlined = [one.outline_evidence is not None for one in result.slices]
    areas = areas_by_level(result.probability)
    overlap = None if reference is None else overlaps_by_level(result.probability, reference)
    return {
        **_describe_lesions(measure_lesions(result.masks(), result.spacing_mm)),
        "areas": _rows(areas, outlined),
        "overlap": None if overlap is None else _rows(overlap, outlined),
        "reference_px": None
        if reference is None
        else [int(np.count_nonzero(mask)) for mask in reference],
    }


def _describe_lesions(measured: BidimensionalMeasurement) -> dict[str, Any]:
    return {
        "unit": measured.unit,
        "notes": list(measured.notes),
        "cautions": list(measured.cautions),
        "lesions": [
            {
                "number": lesion.number,
                "k": lesion.position,
                "slices": lesion.slices,
                "boxes": [list(box) for box in lesion.boxes],
                "longest": asdict(lesion.longest),
                "perpendicular": asdict(lesion.perpendicular),
                "measurable": lesion.measurable,
                "reason": lesion.reason,
            }
            for lesion in measured.lesions
        ],
    }


def _rows(table: NDArray[np.int64], wanted: Sequence[bool]) -> list[list[int] | None]:
    return [
        row.tolist() if is_wanted else None for row, is_wanted in zip(table, wanted, strict=True)
    ]
