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

from dashboard.masks.encoding import MaskSlices
from dashboard.store import StudyRow
from pipeline import (
    BidimensionalMeasurement,
    CaseResult,
    areas_by_level,
    measure_lesions,
    overlaps_by_level,
)

#: In the addresses, because browsers keep the answers: raise it when they change.
VERSION = 5
#: A mask that takes more seconds to measure is noise, or drawn to keep the server busy.
LIMIT_S = 20.0
_OF_ANOTHER_MASK = "Measured on the mask in view, not on that of the shipped threshold."


def describe_addresses(row: StudyRow, key: str) -> dict[str, str]:
    """Where the measures of an answer are.

    Returns:
        measures_url; diameters_url, with ``{mask}`` to be filled in: the level of the mask, and
        behind a slash 100 x the operating point where that is not the shipped one.
    """
    return {
        "measures_url": f"/data/{row.study_id}/{row.data_digest}/measures/{key}?v={VERSION}",
        "diameters_url": f"/data/{row.study_id}/{key}/diameters/{{mask}}?v={VERSION}",
    }


def describe_measures(
    result: CaseResult, reference: NDArray[np.bool_] | None = None
) -> dict[str, Any]:
    """Measure an answer for the browser.

    Args:
        result: The answer.
        reference: ``(n, h, w)`` bool, or None where it is missing.

    Returns:
        unit, notes, lesions (the largest
        first, ``k`` their slice from 0, lines in pixels with pixel centres at whole numbers,
        ``boxes`` as of `LesionMeasurement`); areas: per slice the pixels at or above each of 256
        levels, None where nothing was outlined; overlap: likewise of the reference's pixels,
        and reference_px: all of them per slice, both None without a reference.
    """
    outlined = [one.outline_evidence is not None for one in result.slices]
    areas = areas_by_level(result.probability)
    overlap = None if reference is None else overlaps_by_level(result.probability, reference)
    return {
        **_describe(measure_lesions(result.masks(), result.spacing_mm)),
        "areas": _rows(areas, outlined),
        "overlap": None if overlap is None else _rows(overlap, outlined),
        "reference_px": None
        if reference is None
        else [int(np.count_nonzero(mask)) for mask in reference],
    }


def describe_lesions(
    masks: MaskSlices, spacing_mm: tuple[float, float, float] | None
) -> dict[str, Any]:
    """Measure a mask that a reader has in view, other than that of the shipped thresholds.

    Args:
        masks: Its slices; those left out are empty.
        spacing_mm: The study's, (z, y, x) or None.

    Returns:
        unit, notes and lesions, as of `describe_measures`.

    Raises:
        InputError: It takes longer than `LIMIT_S`.
    """
    described = _describe(measure_lesions(masks, spacing_mm, limit_s=LIMIT_S))
    return {**described, "notes": [_OF_ANOTHER_MASK, *described["notes"]]}


def _describe(measured: BidimensionalMeasurement) -> dict[str, Any]:
    return {
        "unit": measured.unit,
        "notes": list(measured.notes),
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
