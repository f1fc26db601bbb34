"""Measured rows on disk, so that what was measured once is only pooled the next time.

Rows are bound to everything that decides them: the weights, how their answers are used, the runtime
and the way in which rows are measured. Where any of it has changed, or the file does not hold what
it should, the rows are not used and the patients are measured again.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from pipeline.data.preprocessing import PREPROCESSING_VERSION
from pipeline.errors import InputError
from pipeline.evaluation.rows import EvaluationRows
from pipeline.storage.atomic_files import write_json
from pipeline.storage.checked_json import read_json_object

ROWS_FILE = "rows.json"
#: Changes when the same answer gives other rows, or the same network another answer.
ROWS_VERSION = 2


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
    write_json(path, {"binding": dict(binding), **asdict(rows)}, lines=False)


def load_rows(path: Path, binding: Mapping[str, Any]) -> EvaluationRows:
    """Read the rows that are bound to just this; no rows where there are none, or others."""
    try:
        content = read_json_object(path, path.name)
        if content is None or content.pop("binding", None) != dict(binding):
            return EvaluationRows()
        rows: EvaluationRows = _adapter().validate_python(content)
        rows.check()
    except (InputError, ValueError):
        return EvaluationRows()
    counted = Counter(row.case_id for row in rows.slices)
    whole = all(counted[row.case_id] == row.slices for row in rows.patients)
    return rows if whole else EvaluationRows()


@cache
def _adapter() -> TypeAdapter[EvaluationRows]:
    return TypeAdapter(EvaluationRows)
