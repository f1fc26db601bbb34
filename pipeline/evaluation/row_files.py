"""Measured rows on disk, so that what was measured once is only pooled the next time.

Rows are bound to everything that decides them: the weights, how their answers are used, the runtime
and the way in which rows are measured. Where any of it has changed, or the file does not hold what
it should, the rows are not used and the patients are measured again.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Strict, with_config

from pipeline.data.preprocessing import PREPROCESSING_VERSION
from pipeline.errors import InputError
from pipeline.evaluation.rows import EvaluationRows, PatientRow, SliceRow
from pipeline.storage.checked_json import STRICT, read_json, write_document
from pipeline.storage.field_types import Name

ROWS_FILE = "rows.json"
#: Changes when the same answer gives other rows, or the same network another answer.
ROWS_VERSION = 2


def rows_binding(
    digest: str, metadata: bytes, *, engine: str, precision: str
) -> dict[str, str | int]:
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


@with_config(STRICT)
@dataclass(frozen=True)
class _File:
    """rows.json: what the rows are bound to, and the rows."""

    binding: Mapping[Name, Annotated[str, Strict()] | Annotated[int, Strict()]]
    patients: tuple[PatientRow, ...]
    slices: tuple[SliceRow, ...]


def save_rows(path: Path, rows: EvaluationRows, binding: Mapping[str, str | int]) -> None:
    """Write rows and what they are bound to.

    Raises:
        OSError: The file cannot be written.
    """
    write_document(path, _File(dict(binding), rows.patients, rows.slices), lines=False)


def load_rows(path: Path, binding: Mapping[str, str | int]) -> EvaluationRows:
    """Read the rows that are bound to just this; none where the file is missing or another."""
    try:
        file = read_json(path, _File, shown=path.name, remedy="measure again")
        if file is None or file.binding != dict(binding):
            return EvaluationRows()
        rows = EvaluationRows(file.patients, file.slices)
        rows.check()
    except (InputError, ValueError):
        return EvaluationRows()
    counted = Counter(row.case_id for row in rows.slices)
    whole = all(counted[row.case_id] == row.slices for row in rows.patients)
    return rows if whole else EvaluationRows()
