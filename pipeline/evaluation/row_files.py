"""Measured rows on disk, so that what was measured once is only pooled the next time.

Rows are bound to everything that decides them: the weights, how their answers are used, the runtime
and the way in which rows are measured. Where any of it has changed, or the file does not hold what
it should, the rows are not used and the patients are measured again.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from pipeline.atomic_files import write_json
from pipeline.checked_json import read_json_object
from pipeline.data.preprocessing import PREPROCESSING_VERSION
from pipeline.errors import InputError
from pipeline.evaluation.rows import EvaluationRows, PatientRow, SliceRow

ROWS_FILE = "rows.json"
#: Changes when the same answer gives other rows, or the same network another answer.
ROWS_VERSION = 2
Row = TypeVar("Row", PatientRow, SliceRow)


def rows_binding(digest: str, metadata: bytes, *, engine: str, precision: str) -> dict[str, Any]:
    """What rows depend on.

    Args:
        digest: SHA-256 (hex) of the weights.
        metadata: The network's metadata.json, which holds its rule, thresholds and smoothing.
        engine: Runtime that answers.
        precision: At which it computes.
    """
    return {
        "version": ROWS_VERSION,
        "network": digest,
        "metadata": hashlib.sha256(metadata).hexdigest(),
        "preprocessing_version": PREPROCESSING_VERSION,
        "engine": engine,
        "precision": precision,
    }


def save_rows(path: Path, rows: EvaluationRows, binding: Mapping[str, Any]) -> None:
    """Write rows and what they are bound to.

    Raises:
        OSError: The file cannot be written.
    """
    content = {
        "binding": dict(binding),
        "patients": [asdict(row) for row in rows.patients],
        "slices": [asdict(row) for row in rows.slices],
    }
    write_json(path, content, lines=False)


def load_rows(path: Path, binding: Mapping[str, Any]) -> EvaluationRows:
    """Read the rows that are bound to just this; no rows where there are none, or others."""
    try:
        content = read_json_object(path, path.name)
        if content is None or content.get("binding") != dict(binding):
            return EvaluationRows()
        patients = tuple(_read_row(PatientRow, row) for row in content["patients"])
        slices = tuple(_read_row(SliceRow, row) for row in content["slices"])
    except (InputError, ValueError, KeyError, TypeError):
        return EvaluationRows()
    counted = {row.case_id: row.slices for row in patients}
    found = [row.case_id for row in slices]
    whole = all(found.count(case_id) == number for case_id, number in counted.items())
    fits = whole and len(counted) == len(patients) and len(found) == sum(counted.values())
    return EvaluationRows(patients, slices) if fits else EvaluationRows()


def _read_row(kind: type[Row], content: dict[str, Any]) -> Row:
    """A row whose fields have the types that they were written with."""
    row = kind(**content)
    for name, expected in get_type_hints(kind).items():
        value = getattr(row, name)
        if not isinstance(value, expected):
            raise ValueError(f"{name} must be {expected}, got {value!r}")
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{name} must be finite")
    return row
