"""What makes an earlier call's case that of this one, and whether it is whole: nothing is trusted.

Names, numbers and warnings of the input are compared with the case at hand; only what the models
said is taken over, each value within its range.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from pipeline.data.case import Case
from pipeline.input_gate.gate import check_input, describe_findings
from pipeline.models.decision import DecidedBy
from pipeline.predictions.checkpoints import SAFE_NAME
from pipeline.storage.checked_json import Fields

_CASE_KEYS = {"case_id", "spacing_mm", "tumor", "volume_ml", "dice", "warnings", "slices"}
_SLICE_KEYS = {
    "index", "source", "tumor_probability", "tumor", "classifier_score", "outline_evidence",
    "decided_by", "mask", "mask_area_px", "dice",
}  # fmt: skip
_IMAGE_SLICE_KEYS = {"index", "source", "class", "probabilities", "heat_map"}
_WORD = re.compile("|".join(DecidedBy))
#: Millilitres: more than any scanner's field of view holds.
_MAX_ML = 1e9


def binding_of(case: Case) -> list[Any]:
    """All of a case that stands in its part of results.json beside what its result's key covers."""
    masks = None
    if case.masks is not None:
        masks = hashlib.sha256(np.packbits(case.masks).tobytes()).hexdigest()
    grid = case.grid
    lies = None
    if grid is not None:
        placement = grid.placement and repr(grid.placement)  # headers hold NaN too
        lies = [grid.shape, grid.affine.tolist(), grid.axes, grid.flips, grid.slots, placement]
    return [case.sources, case.indices, case.warnings, masks, lies]


def check_case(fields: Fields, files: Mapping[str, str], case: Case) -> None:
    """Check a case of an earlier call against the one at hand.

    Args:
        fields: It, as it stands in results.json.
        files: Digest of each of its files.
        case: The case at hand; its name is not looked at.

    Raises:
        InputError: It does not fit.
    """
    _check_keys(fields, _CASE_KEYS | {"input_findings"})
    case_id = fields.text("case_id", SAFE_NAME)
    spacing = None if case.spacing_mm is None else [float(mm) for mm in case.spacing_mm]
    fields.require(fields.get("spacing_mm") == spacing, "spacing_mm is not the input's")
    _check_warnings(fields, case.warnings)
    findings = describe_findings(check_input(case))
    fields.require(fields.get("input_findings") == findings, "input_findings are not the input's")
    if spacing is None:
        fields.require(fields.get("volume_ml") is None, "volume_ml must be null")
    else:
        fields.number("volume_ml", 0, _MAX_ML)
    _check_optional(fields, "dice")
    slices = fields.get("slices")
    fields.require(isinstance(slices, list), "slices must be a list")
    fields.require(len(slices) == case.n_slices, "slices are not those of the input")
    expected = set()
    if case.grid is not None and case.grid.is_regular:
        expected = {f"masks/{case_id}.nii.gz"}
    for answer, index, source in zip(slices, case.indices, case.sources, strict=True):
        one = fields.part(answer)
        _check_place(one, index, source)
        _check_slice(one, case_id, pixels=case.pixels.shape[1] * case.pixels.shape[2])
        expected |= {one.get("mask")} - {None}
    fields.require(expected == set(files), "files are not those of its slices")
    tumor = any(answer["tumor"] for answer in slices)
    fields.require(fields.get("tumor") is tumor, "tumor contradicts the slices")


def _check_slice(one: Fields, case_id: str, *, pixels: int) -> None:
    _check_keys(one, _SLICE_KEYS)
    one.number("tumor_probability", 0, 1)
    one.number("classifier_score", 0, 1)
    tumor, mask, area = one.get("tumor"), one.get("mask"), one.get("mask_area_px")
    name = f"masks/{case_id}/{one.get('index')}.png" if tumor else None
    one.require(isinstance(tumor, bool) and mask == name, "mask does not fit tumor")
    fits = type(area) is int and 0 <= area <= (pixels if tumor else 0)
    one.require(fits, "mask_area_px is not of this slice")
    gated = one.text("decided_by", _WORD) == DecidedBy.GATE
    one.require((one.get("outline_evidence") is None) == gated, "outline_evidence does not fit")
    _check_optional(one, "outline_evidence")
    _check_optional(one, "dice")


def check_image(
    fields: Fields,
    files: Mapping[str, str],
    *,
    case_id: str,
    source: str,
    classes: tuple[str, ...],
    cautions: tuple[str, ...],
) -> None:
    """Check an image of an earlier call against the one at hand.

    Raises:
        InputError: It does not fit.
    """
    _check_keys(fields, _CASE_KEYS)
    fields.require(fields.get("case_id") == case_id, "case_id is another one")
    for name in ("spacing_mm", "tumor", "volume_ml", "dice"):
        fields.require(fields.get(name) is None, f"{name} must be null")
    fields.require(fields.get("warnings") == list(cautions), "warnings are not the task's")
    slices = fields.get("slices")
    fields.require(isinstance(slices, list) and len(slices) == 1, "slices must hold one")
    one = fields.part(slices[0])
    _check_keys(one, _IMAGE_SLICE_KEYS)
    _check_place(one, 1, source)
    picture = f"heat_maps/{case_id}.png"
    fields.require(one.get("heat_map") == picture and set(files) == {picture}, "heat_map differs")
    fields.require(one.get("class") in classes, "class is none of the task's")
    probabilities = one.mapping("probabilities")
    _check_keys(probabilities, set(classes))
    for name in classes:
        probabilities.number(name, 0, 1)


def _check_keys(fields: Fields, keys: set[str]) -> None:
    fields.require(fields.keys() == keys, f"fields must be {', '.join(sorted(keys))}")


def _check_place(one: Fields, index: int, source: str) -> None:
    same = type(one.get("index")) is int and one.get("index") == index
    one.require(same and one.get("source") == source, "it is another slice")


def _check_optional(fields: Fields, name: str) -> None:
    if fields.get(name) is not None:
        fields.number(name, 0, 1)


def _check_warnings(fields: Fields, known: tuple[str, ...]) -> None:
    warnings = fields.get("warnings")
    fits = isinstance(warnings, list) and all(isinstance(text, str) for text in warnings)
    fields.require(fits, "warnings must be a list of sentences")
    own = list(dict.fromkeys(known))
    fields.require(warnings[: len(own)] == own, "warnings are not the input's")
