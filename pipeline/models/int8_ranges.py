"""How large what a network's convolutions read becomes: what answering at int8 needs.

``int8.json``, stored with the weights, names the convolutions that are computed with whole numbers
and the largest value that each of them read on training patients; all others stay at float32.
``python -m pipeline calibrate`` writes it, `pipeline.engine.openvino_int8` uses it. It counts only
where it is of exactly these weights.
"""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, with_config

from pipeline.errors import InputError
from pipeline.storage.checked_json import STRICT, read_json, write_document
from pipeline.storage.field_types import Count, Digest, Name, PlainName

_LOG = logging.getLogger(__name__)
RANGES_FILE = "int8.json"
_Largest = Annotated[float, Field(ge=1e-3, le=1e6)]


@with_config(STRICT)
@dataclass(frozen=True, kw_only=True)
class Int8Ranges:
    """int8.json.

    Attributes:
        keras_digest: SHA-256 of the weights.
        slices: Slices of training patients that it was measured on.
        patients: Of how many patients they are.
        date: When.
        largest: By the name of a convolution, the largest value that it reads.
    """

    schema: Literal[1] = 1
    keras_digest: Digest
    patients: Count
    slices: Count
    date: Name
    largest: Annotated[dict[PlainName, _Largest], Field(min_length=1, max_length=256)]

    def digest(self) -> str:
        """SHA-256 of what decides the answers."""
        return hashlib.sha256(json.dumps(sorted(self.largest.items())).encode()).hexdigest()


def read_ranges(folder: Path, keras_digest: str) -> Int8Ranges | None:
    """The ranges of exactly these weights; None without any, or where the file does not fit."""
    try:
        found = read_json(
            folder / RANGES_FILE,
            Int8Ranges,
            shown=RANGES_FILE,
            remedy="run python -m pipeline calibrate",
        )
    except InputError as error:
        _LOG.warning("%s", error.message)
        return None
    return found if found is not None and found.keras_digest == keras_digest else None


def write_ranges(folder: Path, ranges: Int8Ranges) -> Path:
    """Store the ranges with the weights.

    Raises:
        OSError: They cannot be written.
    """
    path = folder / RANGES_FILE
    write_document(path, ranges)
    return path
