"""Masks as run lengths of flattened pixels, as public courses write them, and as JSON.

A run is a start and a length; pixels count from 1, down the columns first, then to the right (the
order of the Kaggle competitions on segmentation, whose CSV files the courses on the LGG data copy).
``1 3 10 2`` marks pixels 1, 2, 3, 10 and 11. An empty mask is an empty text.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.interchange.content import Outlines

#: Columns of the CSV.
COLUMNS = ("slice", "height", "width", "rle")
#: How pixels are counted, as both files state.
ORDER = "column-major, from 1"


def encode_runs(mask: NDArray[np.bool_]) -> str:
    """The runs of a mask ``(h, w)``."""
    flat = np.concatenate([[False], np.asarray(mask, bool).ravel(order="F"), [False]])
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    starts, ends = edges[::2], edges[1::2]
    return " ".join(map(str, np.stack([starts, ends - starts], axis=1).ravel().tolist()))


def decode_runs(text: str, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """The mask ``(h, w)`` of runs.

    Raises:
        ValueError: The text holds no runs, or one that leaves the image or meets another.
    """
    words = text.split()
    if len(words) % 2 or not all(word.isascii() and word.isdigit() for word in words):
        raise ValueError("runs are pairs of whole numbers")
    if any(len(word) > 18 for word in words):
        raise ValueError("a run leaves the image")
    runs = np.array(words, np.int64).reshape(-1, 2)
    flat = np.zeros(shape[0] * shape[1], bool)
    end = 0
    for start, length in runs.tolist():
        if length < 1 or start - 1 < end or start - 1 + length > flat.size:
            raise ValueError("a run leaves the image or meets another")
        end = start - 1 + length
        flat[start - 1 : end] = True
    return flat.reshape(shape, order="F")


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


def write_measurements_csv(outlines: Sequence[Outlines], indices: Sequence[int]) -> str:
    """A row for each lesion; what is not known is empty.

    Cells that begin like a formula get an apostrophe: spreadsheets would run them.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(
        (
            "outline",
            "lesion",
            "side",
            "location",
            "location_code",
            "volume_ml",
            "longest_mm",
            "perpendicular_mm",
            "measured_on_slice",
            "first_slice",
            "last_slice",
            "comment",
        )
    )
    for one in outlines:
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
                    _cell(lesion.comment),
                ]
            )
    return buffer.getvalue()


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _cell(text: str) -> str:
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text
