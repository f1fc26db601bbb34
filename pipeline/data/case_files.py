"""A case on disk: ``case.json``, ``pixels.npy`` and, where there is a reference, ``masks.npy``."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.data.case import (
    Case,
    InputGrid,
    NiftiPlacement,
    Orientation,
    SequenceName,
    SourceKind,
    StudyLabels,
)
from pipeline.data.cautions import Caution, InputAspect, ReadingAspect, Severity
from pipeline.errors import InputError

_SCHEMA = 1
_ASPECTS: dict[str, InputAspect | ReadingAspect] = {
    aspect.value: aspect for aspect in (*InputAspect, *ReadingAspect)
}


def save_case(case: Case, folder: Path) -> None:
    """Write a case to ``folder``, whole or not at all; an older one there is replaced.

    Args:
        case: The case.
        folder: Its folder; the parent is made where it is missing.

    Raises:
        OSError: If the disk refuses.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        np.save(draft / "pixels.npy", np.ascontiguousarray(case.pixels), allow_pickle=False)
        if case.masks is not None:
            np.save(draft / "masks.npy", np.ascontiguousarray(case.masks), allow_pickle=False)
        text = json.dumps(_to_json(case), indent=1, allow_nan=False)
        (draft / "case.json").write_text(text, encoding="utf-8")
        _put_in_place(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _put_in_place(draft: Path, folder: Path) -> None:
    """Rename a finished folder to its place; a folder cannot be renamed over a full one."""
    if not folder.exists():
        os.rename(draft, folder)
        return
    old = draft.with_name(f"{draft.name}-old")
    os.rename(folder, old)
    try:
        os.rename(draft, folder)
    finally:
        shutil.rmtree(old, ignore_errors=True)


def load_case(folder: Path) -> Case:
    """Read a case that `save_case` wrote; pixels and masks are memory-mapped, read-only.

    Raises:
        InputError: If it is not there, or damaged.
    """
    try:
        stated = json.loads((folder / "case.json").read_text(encoding="utf-8"))
        if stated["schema"] != _SCHEMA:
            raise ValueError("another schema")
        pixels = np.load(folder / "pixels.npy", mmap_mode="r", allow_pickle=False)
        mask_path = folder / "masks.npy"
        masks = None
        if stated["has_masks"]:
            masks = np.load(mask_path, mmap_mode="r", allow_pickle=False)
        return _from_json(stated, pixels, masks)
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        raise InputError(
            folder.name, "The stored images of this study cannot be read. Add the study again."
        ) from None


def _to_json(case: Case) -> dict[str, Any]:
    grid = case.grid
    return {
        "schema": _SCHEMA,
        "case_id": case.case_id,
        "kind": case.kind.value,
        "sequences": [name.value for name in case.sequences],
        "indices": list(case.indices),
        "sources": list(case.sources),
        "spacing_mm": case.spacing_mm,
        "orientation": None if case.orientation is None else asdict(case.orientation),
        "orientation_assumed": case.orientation_assumed,
        "positions_mm": case.positions_mm,
        "grid": None
        if grid is None
        else {
            "shape": list(grid.shape),
            "affine": np.asarray(grid.affine, float).tolist(),
            "axes": list(grid.axes),
            "flips": list(grid.flips),
            "slots": grid.slots,
            "is_stated": grid.is_stated,
            "placement": None if grid.placement is None else _placement_to_json(grid.placement),
        },
        "labels": asdict(case.labels),
        "warnings": list(case.warnings),
        "cautions": [_caution_to_json(caution) for caution in case.cautions],
        "window": case.window,
        "has_masks": case.masks is not None,
    }


def _from_json(stated: dict[str, Any], pixels: Any, masks: Any) -> Case:
    grid = stated["grid"]
    return Case(
        case_id=str(stated["case_id"]),
        kind=SourceKind(stated["kind"]),
        pixels=pixels,
        sequences=tuple(SequenceName(name) for name in stated["sequences"]),
        indices=tuple(int(i) for i in stated["indices"]),
        sources=tuple(str(source) for source in stated["sources"]),
        spacing_mm=_floats(stated["spacing_mm"]),  # type: ignore[arg-type]
        orientation=None if stated["orientation"] is None else Orientation(**stated["orientation"]),
        positions_mm=_floats(stated["positions_mm"]),
        masks=masks,
        grid=None
        if grid is None
        else InputGrid(
            shape=tuple(int(size) for size in grid["shape"]),  # type: ignore[arg-type]
            affine=np.array(grid["affine"], np.float64),
            axes=tuple(int(axis) for axis in grid["axes"]),  # type: ignore[arg-type]
            flips=tuple(int(axis) for axis in grid["flips"]),
            slots=_floats(grid.get("slots")),
            placement=_placement_from_json(grid.get("placement")),
            is_stated=bool(grid.get("is_stated", True)),
        ),
        labels=StudyLabels(**stated["labels"]),
        cautions=_cautions_from_json(stated),
        window=_floats(stated["window"]),  # type: ignore[arg-type]
        orientation_assumed=bool(stated.get("orientation_assumed", False)),
    )


def _caution_to_json(caution: Caution) -> dict[str, Any]:
    return {
        "sentence": caution.sentence,
        "aspect": None if caution.aspect is None else caution.aspect.value,
        "severity": caution.severity.name.lower(),
    }


def _cautions_from_json(stated: dict[str, Any]) -> tuple[Caution, ...]:
    """Cautions; folders of earlier versions hold their sentences alone."""
    if "cautions" not in stated:
        return tuple(Caution(str(sentence)) for sentence in stated["warnings"])
    return tuple(
        Caution(
            str(one["sentence"]),
            None if one["aspect"] is None else _ASPECTS[one["aspect"]],
            Severity[str(one["severity"]).upper()],
        )
        for one in stated["cautions"]
    )


def _placement_to_json(placement: NiftiPlacement) -> dict[str, Any]:
    """Numbers in hexadecimal: headers hold NaN too, and none may be rounded."""
    return {
        name: [float(number).hex() for number in value] if isinstance(value, tuple) else value
        for name, value in asdict(placement).items()
    }


def _placement_from_json(stated: dict[str, Any] | None) -> NiftiPlacement | None:
    if stated is None:
        return None
    return NiftiPlacement(
        pixdim=_hexadecimals(stated["pixdim"], 4),
        qform_code=int(stated["qform_code"]),
        sform_code=int(stated["sform_code"]),
        quaternion=_hexadecimals(stated["quaternion"], 3),
        offset=_hexadecimals(stated["offset"], 3),
        sform=_hexadecimals(stated["sform"], 12),
        unit=int(stated["unit"]),
    )


def _hexadecimals(values: Any, count: int) -> tuple[float, ...]:
    if len(values) != count:
        raise ValueError(f"expected {count} numbers, got {len(values)}")
    return tuple(float.fromhex(value) for value in values)


def _floats(values: Any) -> tuple[float, ...] | None:
    return None if values is None else tuple(float(value) for value in values)
