"""Whether an earlier call's case is that of this call: what the input decides is compared.

A checkpoint's own fields are checked by their types (`pipeline.predictions.results`). Names,
numbers and warnings of the input are compared with the case at hand; only the models' answer is
taken over.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from pipeline.data.case import Case
from pipeline.input_gate.gate import check_input
from pipeline.models.decision import DecidedBy
from pipeline.predictions.files import finding_records
from pipeline.predictions.results import CaseRecord, ImageCaseRecord, SliceRecord


def binding_of(case: Case) -> list[Any]:
    """What a case's part of results.json depends on, besides what its result's key covers."""
    masks = None
    if case.masks is not None:
        masks = hashlib.sha256(np.packbits(case.masks).tobytes()).hexdigest()
    grid = None
    if case.grid is not None:
        grid = asdict(case.grid) | {"affine": case.grid.affine.tolist()}
    return [case.sources, case.indices, case.warnings, masks, grid]


def is_case(record: CaseRecord, files: Mapping[str, str], case: Case) -> bool:
    """Whether a record is of the case at hand, and agrees with itself.

    Args:
        record: Of an earlier call.
        files: Digest of each of its files.
        case: The case at hand; its name is not compared.
    """
    own = tuple(dict.fromkeys(case.warnings))
    places = [(answer.index, answer.source) for answer in record.slices]
    pixels = case.pixels.shape[1] * case.pixels.shape[2]
    expected = {answer.mask for answer in record.slices} - {None}
    if case.grid is not None and case.grid.is_regular:
        expected.add(f"masks/{record.case_id}.nii.gz")
    return (
        record.spacing_mm == case.spacing_mm
        and (record.volume_ml is None) == (case.spacing_mm is None)
        and record.warnings[: len(own)] == own
        and record.input_findings == finding_records(check_input(case))
        and places == list(zip(case.indices, case.sources, strict=True))
        and all(_is_slice(answer, record.case_id, pixels=pixels) for answer in record.slices)
        and record.tumor == any(answer.tumor for answer in record.slices)
        and expected
        == {name for name in files if not name.startswith(f"exports/{record.case_id}/")}
    )


def _is_slice(record: SliceRecord, case_id: str, *, pixels: int) -> bool:
    """Whether a slice agrees with itself."""
    mask = f"masks/{case_id}/{record.index}.png" if record.tumor else None
    gated = record.decided_by is DecidedBy.GATE
    return (
        record.mask == mask
        and record.mask_area_px <= (pixels if record.tumor else 0)
        and (record.outline_evidence is None) == gated
    )


def is_image(
    record: ImageCaseRecord,
    files: Mapping[str, str],
    *,
    case_id: str,
    source: str,
    classes: tuple[str, ...],
    cautions: tuple[str, ...],
) -> bool:
    """Whether a record is of the image at hand, and agrees with itself."""
    (answer,) = record.slices
    return (
        record.case_id == case_id
        and record.warnings == cautions
        and answer.source == source
        and answer.answer in classes
        and set(answer.probabilities) == set(classes)
        and {answer.heat_map} == set(files) == {f"heat_maps/{case_id}.png"}
    )
