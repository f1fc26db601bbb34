"""Measures of a result: diameters of its lesions, and area and overlap at each mask threshold.

The browser applies a mask threshold without a request: areas, volume and Dice at every level of the
probability map follow from two small tables.
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
    Outline,
    areas_by_level,
    measure_lesions,
    overlaps_by_level,
)

#: Part of the addresses, because browsers cache the responses: raise it when responses change.
VERSION = 5
#: A mask that takes longer to measure is noise, or an attempt to overload the server.
LIMIT_S = 20.0
#: Note on measurements of a mask that is not the one at the default thresholds.
OF_ANOTHER_MASK = "Measured on the mask in view, not at the default thresholds."


def describe_addresses(row: StudyRow, key: str) -> dict[str, str]:
    """Addresses of the measures of a result.

    Returns:
        measures_url; diameters_url, with the placeholder ``{mask}``: the mask threshold as a level
        of the map, and after a slash 100 x the operating point where it is not the default.
    """
    return {
        "measures_url": f"/data/{row.study_id}/{row.data_digest}/measures/{key}?v={VERSION}",
        "diameters_url": f"/data/{row.study_id}/{key}/diameters/{{mask}}?v={VERSION}",
    }


def describe_measures(
    outline: Outline,
    spacing_mm: tuple[float, float, float] | None,
    reference: NDArray[np.bool_] | None = None,
) -> dict[str, Any]:
    """Measure a result for the browser.

    Args:
        outline: Scores and probability map of the result.
        spacing_mm: The study's, (z, y, x) or None.
        reference: Reference masks ``(n, h, w)`` bool, or None.

    Returns:
        unit, notes, lesions (the largest first, ``k`` their slice from 0, lines in pixels with
        pixel centres at whole numbers, ``boxes`` as in `LesionMeasurement`); areas: per slice the
        pixels at or above each of 256 levels, None for slices without segmentation; overlap: the
        same for the reference's pixels; reference_px: all of these per slice. The last two are None
        without a reference.
    """
    outlined = [one is not None for one in outline.outline_evidence]
    areas = areas_by_level(outline.probability)
    overlap = None if reference is None else overlaps_by_level(outline.probability, reference)
    return {
        **_describe(measure_lesions(outline.masks(), spacing_mm)),
        "areas": _rows(areas, outlined),
        "overlap": None if overlap is None else _rows(overlap, outlined),
        "reference_px": None
        if reference is None
        else [int(np.count_nonzero(mask)) for mask in reference],
    }


def describe_lesions(
    masks: MaskSlices, spacing_mm: tuple[float, float, float] | None
) -> dict[str, Any]:
    """Measure a mask that a reader has in view, at other than the default thresholds.

    Args:
        masks: Its slices; missing ones are empty.
        spacing_mm: The study's, (z, y, x) or None.

    Returns:
        unit, notes and lesions, as in `describe_measures`.

    Raises:
        InputError: It takes longer than `LIMIT_S`.
    """
    described = _describe(measure_lesions(masks, spacing_mm, limit_s=LIMIT_S))
    return {**described, "notes": [OF_ANOTHER_MASK, *described["notes"]]}


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
