"""Masks as run lengths in a table (CSV) or JSON: of Overread, and as public courses write them.

A table has a column of runs (``rle``, ``EncodedPixels``) and one that says of which image they are:
its number in the study (``slice``), or its file (``id``, ``ImageId``). Rows of other images are
passed over: courses have one table for all patients. Several rows of one image are joined.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, Strict

from pipeline.data.case import Case
from pipeline.data.reading.format_kinds import InputFile, MaskFormat
from pipeline.data.reading.limits import MAX_FILES, MAX_SIDE_PX, check_memory
from pipeline.data.reading.names import strip_suffix
from pipeline.data.reading.references import slices_of_names
from pipeline.data.run_lengths import ORDER, decode_runs
from pipeline.errors import InputError
from pipeline.storage.checked_json import read_json

_RUNS = frozenset("rle encodedpixels encoded_pixels mask_rle rle_mask segmentation".split())
_NUMBERS = frozenset("slice slice_number".split())
_NAMES = frozenset(
    "id imageid image_id img_id image img filename file_name file image_path path name".split()
)
_SIZES = (frozenset({"height", "rows", "h"}), frozenset({"width", "columns", "w"}))
#: What tables write for an empty mask.
_EMPTY = frozenset({"", "nan", "none", "null", "-1"})
#: Bytes of a table in memory, as a multiple of the file's: its text, its cells, its runs.
_COPIES = 8
_LONGEST_CELL = 1 << 26
_ADVICE = "Save it as the table that Overread exports (slice, height, width, rle)"


@dataclass(frozen=True)
class _Row:
    """The runs of an image or of a part of it.

    Attributes:
        image: Number of the slice as the study counts, or the name of the image's file.
        size: Rows and columns, where they are stated.
        runs: As `pipeline.data.run_lengths` writes them.
        line: Of the file, for sentences.
    """

    image: int | str
    size: tuple[int, int] | None
    runs: str
    line: int


_Number = Annotated[int, Strict(), Field(ge=-(2**31), lt=2**31)]
_Side = Annotated[int, Strict(), Field(ge=1, le=MAX_SIDE_PX)]


@dataclass(frozen=True)
class _Slice:
    """A slice of the document."""

    slice: _Number
    rle: str


@dataclass(frozen=True)
class _Document:
    """What is read of Overread's JSON; it holds more."""

    order: Literal["column-major, from 1"]
    height: _Side
    width: _Side
    slices: Annotated[tuple[_Slice, ...], Field(max_length=MAX_FILES)]


def _is_document(head: bytes) -> bool:
    return head.lstrip().startswith(b"{") and f'"order": "{ORDER}"'.encode() in head


def _is_run_lengths(head: bytes) -> bool:
    if _is_document(head):
        return True
    first = head.removeprefix(b"\xef\xbb\xbf").split(b"\n")[0].rstrip(b"\r")
    try:
        columns = _columns_of(first.decode("utf-8"))
    except UnicodeDecodeError:
        return False
    return bool(_RUNS & {*columns}) and bool((_NUMBERS | _NAMES) & {*columns})


def _columns_of(line: str) -> list[str]:
    return [re.sub(r"[\s-]+", "_", one.strip(" \"'")).lower() for one in re.split("[,;\t]", line)]


def _read(file: InputFile, case: Case) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    check_memory(file.source, _COPIES * file.path.stat().st_size)
    with file.path.open("rb") as stream:
        rows = _rows_of_document(file) if _is_document(stream.read(1024)) else _rows_of_table(file)
    size = (case.pixels.shape[1], case.pixels.shape[2])
    numbers, n_others = _slices_of(rows, file, case)
    masks = np.zeros(case.pixels.shape[:3], bool)
    for row, k in zip(rows, numbers, strict=True):
        if k is None:
            continue
        if row.size is not None and row.size != size:
            (height, width), (rows_of_case, columns) = row.size, size
            raise InputError(
                file.source,
                f"{file.name} holds masks of {width} x {height} pixels, the images of this study"
                f" are {columns} x {rows_of_case} pixels.",
            )
        try:
            masks[k] |= decode_runs(row.runs, size)
        except ValueError as error:
            raise InputError(
                file.source,
                f"{file.name}, line {row.line}: {error}. Pixels count from 1, down the first"
                " column, then down the next one.",
            ) from None
    return masks, (others_note(file.name, n_others),) if n_others else ()


def others_note(name: str, n: int) -> str:
    """The sentence on rows of other images."""
    if n == 1:
        return f"1 row of {name} is of another image and was passed over."
    return f"{n:,} rows of {name} are of other images and were passed over."


def _rows_of_document(file: InputFile) -> list[_Row]:
    found = read_json(file.path, _Document, shown=file.name, remedy="export the mask again")
    assert found is not None  # it was opened before
    size = (found.height, found.width)
    return [_Row(one.slice, size, one.rle, at) for at, one in enumerate(found.slices, start=1)]


def _rows_of_table(file: InputFile) -> list[_Row]:
    try:
        text = file.path.read_text("utf-8-sig")
        csv.field_size_limit(_LONGEST_CELL)
        return list(_parse_table(text))
    except UnicodeDecodeError:
        problem = "is no text in UTF-8"
    except (csv.Error, ValueError) as error:
        problem = f"is not valid: {error}"
    raise InputError(file.source, f"{file.name} {problem}. {_ADVICE}.")


def _parse_table(text: str) -> Iterator[_Row]:
    """The rows of a table.

    Raises:
        ValueError: One cannot be right.
    """
    head = text.split("\n", 1)[0]
    divider = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=divider, strict=True)
    columns = _columns_of(divider.join(next(reader)).replace(divider, ","))
    runs_at = _find(columns, _RUNS)
    number_at, name_at = _find(columns, _NUMBERS), _find(columns, _NAMES)
    sizes_at = [_find(columns, names) for names in _SIZES]
    needed = [at for at in (runs_at, number_at, name_at, *sizes_at) if at is not None]
    for count, cells in enumerate(reader, start=1):
        line = reader.line_num
        if not any(cells):
            continue
        if len(cells) <= max(needed) or count > MAX_FILES:
            raise ValueError(
                f"line {line} has {len(cells)} columns, not {len(columns)}"
                if count <= MAX_FILES
                else f"it has more than {MAX_FILES:,} rows"
            )
        runs = "" if runs_at is None else cells[runs_at].strip()
        image: int | str = cells[name_at].strip() if name_at is not None else ""
        if number_at is not None:
            image = _whole(cells[number_at], line)
        sides = [_whole(cells[at], line) for at in sizes_at if at is not None]
        size = (sides[0], sides[1]) if len(sides) == 2 else None
        yield _Row(image, size, "" if runs.lower() in _EMPTY else runs, line)


def _find(columns: Sequence[str], names: frozenset[str]) -> int | None:
    return next((at for at, one in enumerate(columns) if one in names), None)


def _whole(text: str, line: int) -> int:
    if not re.fullmatch(r"-?\d{1,9}", text.strip()):
        raise ValueError(f"line {line} has no whole number where one is needed")
    return int(text)


def _slices_of(rows: Sequence[_Row], file: InputFile, case: Case) -> tuple[list[int | None], int]:
    """Slice of each row, and how many rows are of other images.

    Numbers are those of the study's slices. Names lead to files; where none does, images are taken
    in their order, if there is one for each slice.

    Raises:
        InputError: No row is of this study.
    """
    by_number = {index: k for k, index in enumerate(case.indices)}
    images = list(dict.fromkeys(row.image for row in rows))
    names = [one for one in images if isinstance(one, str)]
    found: dict[int | str, int | None] = {
        one: by_number.get(one) for one in images if isinstance(one, int)
    }
    stems = [strip_suffix(PurePosixPath(one.replace("\\", "/")).name) for one in names]
    found |= dict(zip(names, slices_of_names(stems, case), strict=True))
    if all(k is None for k in found.values()) and len(names) == case.n_slices:
        found |= dict(zip(names, range(case.n_slices), strict=True))
    numbers = [found[row.image] for row in rows]
    if all(k is None for k in numbers):
        raise InputError(file.source, f"{file.name} holds no mask of an image of this study.")
    return numbers, sum(k is None for k in numbers)


RUN_LENGTHS = MaskFormat(
    name="run lengths",
    suffixes=(".csv", ".json"),
    matches=_is_run_lengths,
    read=_read,
)
