"""Masks as run lengths (`pipeline.data.run_lengths`) in CSV and JSON, and tables of lesions."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.data.run_lengths import ORDER, encode_runs
from pipeline.interchange.content import Origin, Outlines, withheld_words

#: Columns of the CSV of a mask.
COLUMNS = ("slice", "height", "width", "rle")
#: Columns of the CSV of lesions.
_LESION_COLUMNS = (
    "outline", "lesion", "side", "location", "location_code", "volume_ml", "longest_mm",
    "perpendicular_mm", "measured_on_slice", "first_slice", "last_slice", "comment",
)  # fmt: skip


def write_runs_csv(masks: NDArray[np.bool_], indices: Sequence[int]) -> str:
    """All slices of a mask ``(n, h, w)`` as CSV, the empty ones too."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for index, mask in zip(indices, masks, strict=True):
        writer.writerow([index, *mask.shape, encode_runs(mask)])
    return buffer.getvalue()


def write_runs_json(
    masks: NDArray[np.bool_],
    indices: Sequence[int],
    *,
    outlines: Outlines | None = None,
    facts: Mapping[str, object] | None = None,
) -> str:
    """The same as JSON, with lesions and further facts.

    Args:
        masks: ``(n, h, w)`` bool.
        indices: Number of each slice.
        outlines: Of the same mask, for its lesions.
        facts: More keys of the document, such as the model.
    """
    document = {
        **(facts or {}),
        "order": ORDER,
        "height": int(masks.shape[1]),
        "width": int(masks.shape[2]),
        "slices": [
            {"slice": int(index), "rle": encode_runs(mask)}
            for index, mask in zip(indices, masks, strict=True)
        ],
        "lesions": [
            {
                "number": one.number,
                "tracking": one.tracking,
                "volume_ml": one.volume_ml,
                "longest_mm": one.longest_mm,
                "perpendicular_mm": one.perpendicular_mm,
                "first_slice": int(indices[one.first]),
                "last_slice": int(indices[one.last]),
            }
            for one in (outlines.lesions if outlines else ())
        ],
    }
    return json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def write_measurements_csv(
    outlines: Sequence[Outlines], indices: Sequence[int], *, withheld: str = ""
) -> str:
    """A row for each lesion; what is not known is empty.

    Cells that begin like a formula get an apostrophe: spreadsheets would run them.

    Args:
        outlines: Whose lesions.
        indices: Number of each slice.
        withheld: Why figures of the AI result are withheld: the AI's outline then has one row,
            whose comment says so; "" for nothing.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(_LESION_COLUMNS)
    for one in outlines:
        if withheld and one.origin is Origin.AI:
            words = spreadsheet_text(withheld_words(withheld))
            writer.writerow([one.origin.value, *[""] * (len(_LESION_COLUMNS) - 2), words])
            continue
        for lesion in one.lesions:
            location, on = lesion.location, lesion.measured_on
            writer.writerow(
                [
                    one.origin.value,
                    lesion.number,
                    lesion.side.value,
                    location.meaning if location else "",
                    location.code if location else "",
                    _number(lesion.volume_ml),
                    _number(lesion.longest_mm),
                    _number(lesion.perpendicular_mm),
                    "" if on is None else indices[on],
                    indices[lesion.first],
                    indices[lesion.last],
                    spreadsheet_text(lesion.comment),
                ]
            )
    return buffer.getvalue()


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def spreadsheet_text(text: str) -> str:
    """A cell's text, with an apostrophe before what a spreadsheet would run as a formula."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text
