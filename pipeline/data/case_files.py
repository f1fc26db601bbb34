"""A case on disk: ``case.json``, ``pixels.npy`` and, where there is a reference, ``masks.npy``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import AliasChoices, BeforeValidator, Field, field_validator, model_validator

from pipeline.data.case import (
    Case,
    InputGrid,
    NiftiPlacement,
    Orientation,
    PatientIdentity,
    SequenceName,
    SourceKind,
    StudyLabels,
)
from pipeline.data.cautions import Caution, InputAspect, ReadingAspect, Severity
from pipeline.data.dicom_source import DicomSource, SourceImage
from pipeline.errors import InputError
from pipeline.storage.atomic_files import replacing_folder, write_json
from pipeline.storage.checked_json import read_json
from pipeline.storage.declared_models import DeclaredModel
from pipeline.storage.digests import file_digest, file_marks
from pipeline.storage.field_types import Uid

_SCHEMA = 1
#: As of `Case.pixels`.
_PIXEL_TYPES = frozenset({"|u1", "<u2", "<i2", "<f4"})
_Millimetres = Annotated[float, Field(gt=0)]
_Count = Annotated[int, Field(ge=1, lt=2**31)]
_Axis = Annotated[int, Field(ge=0, le=2)]
_Edge = Annotated[str, Field(max_length=8)]
_Row = tuple[float, float, float, float]


def _read_hexadecimal(text: object) -> float:
    try:
        return float.fromhex(str(text))
    except OverflowError:
        raise ValueError("must be a number") from None


#: A number in hexadecimal: headers hold NaN too, and none may be rounded.
_Exact = Annotated[float, Field(allow_inf_nan=True), BeforeValidator(_read_hexadecimal)]


class _Orientation(DeclaredModel):
    left: _Edge
    right: _Edge
    top: _Edge
    bottom: _Edge


class _Placement(DeclaredModel):
    pixdim: tuple[_Exact, _Exact, _Exact, _Exact]
    qform_code: int
    sform_code: int
    quaternion: tuple[_Exact, _Exact, _Exact]
    offset: tuple[_Exact, _Exact, _Exact]
    sform: Annotated[tuple[_Exact, ...], Field(min_length=12, max_length=12)]
    unit: int


class _Grid(DeclaredModel):
    shape: tuple[_Count, _Count, _Count]
    affine: tuple[_Row, _Row, _Row, _Row]
    axes: tuple[_Axis, _Axis, _Axis]
    flips: Annotated[tuple[_Axis, ...], Field(max_length=3)]
    slots: tuple[float, ...] | None = None
    placement: _Placement | None = None
    #: Earlier versions called it otherwise.
    is_stated: bool = Field(True, validation_alias=AliasChoices("is_stated", "is_sized"))

    @field_validator("axes")
    @classmethod
    def _check_axes(cls, axes: tuple[int, int, int]) -> tuple[int, int, int]:
        if len(set(axes)) < 3:
            raise ValueError("must name each axis once")
        return axes

    @field_validator("flips")
    @classmethod
    def _check_flips(cls, flips: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(flips)) < len(flips):
            raise ValueError("must name each axis at most once")
        return flips

    @model_validator(mode="after")
    def _check_slots(self) -> _Grid:
        slots = self.slots
        if slots is None:
            return self
        if len(slots) != self.shape[self.axes[0]]:
            raise ValueError("must have a slot for each slice")
        if any(above <= below for below, above in pairwise(slots)):
            raise ValueError("must have slots that rise")
        return self


class _Labels(DeclaredModel):
    patient: str
    study_date: str
    description: str
    synthetic: bool


class _Patient(DeclaredModel):
    patient_id: str
    issuer: str
    name: str
    sex: str
    birth_date: str


class _SourceImage(DeclaredModel):
    sop_class: Uid
    sop_instance: Uid
    frame: _Count | None
    position: tuple[float, float, float]


class _DicomSource(DeclaredModel):
    study_uid: Uid
    series_uid: Uid
    frame_of_reference: Uid
    study_date: str
    study_time: str
    study_id: str
    accession_number: str
    referring_physician: str
    orientation: tuple[float, float, float, float, float, float]
    pixel_spacing: tuple[_Millimetres, _Millimetres]
    thickness: _Millimetres | None
    size: tuple[_Count, _Count]
    axes: tuple[_Axis, _Axis, _Axis]
    flips: Annotated[tuple[_Axis, ...], Field(max_length=3)]
    images: tuple[_SourceImage, ...]


class _Caution(DeclaredModel):
    sentence: str
    aspect: InputAspect | ReadingAspect | None
    severity: Literal["caution", "unfit"]


class _CaseFile(DeclaredModel):
    """What ``case.json`` holds; fields with a default are missing in folders of earlier versions.

    Lengths that depend on the pixels are checked by `Case`.
    """

    case_schema: Literal[1] = Field(alias="schema")
    case_id: str
    kind: SourceKind
    sequences: tuple[SequenceName, ...]
    indices: tuple[int, ...]
    sources: tuple[str, ...]
    spacing_mm: tuple[_Millimetres, _Millimetres, _Millimetres] | None
    orientation: _Orientation | None
    orientation_assumed: bool = False
    positions_mm: tuple[float, ...] | None
    grid: _Grid | None
    labels: _Labels
    patient: _Patient | None = None
    warnings: tuple[str, ...]
    cautions: tuple[_Caution, ...] | None = None
    window: tuple[float, float] | None
    dicom: _DicomSource | None = None
    has_masks: bool

    @model_validator(mode="after")
    def _check_lengths(self) -> _CaseFile:
        count = len(self.indices)
        lengths = {len(self.sources), len(self.positions_mm or self.indices)}
        if self.dicom is not None:
            lengths.add(len(self.dicom.images))
        if lengths != {count}:
            raise ValueError("has lists of different lengths")
        return self


def save_case(
    case: Case, folder: Path, *, record: Callable[[str, Path], None] = lambda digest, draft: None
) -> str:
    """Write a case to ``folder``, whole or not at all; an older one there is replaced.

    Args:
        case: The case.
        folder: Its folder; the parent is made where it is missing.
        record: Called before the files appear with their digest, to store it somewhere else, and
            with the folder that becomes theirs, which may get more files.

    Returns:
        The files' digest, as of `digest_case_files`.

    Raises:
        OSError: If the disk refuses.
    """
    with replacing_folder(folder) as draft:
        np.save(draft / "pixels.npy", np.ascontiguousarray(case.pixels), allow_pickle=False)
        if case.masks is not None:
            np.save(draft / "masks.npy", np.ascontiguousarray(case.masks), allow_pickle=False)
        write_json(draft / "case.json", _to_json(case))
        digest = digest_case_files(draft)
        record(digest, draft)
    return digest


def digest_case_files(folder: Path) -> str:
    """SHA-256 over the digests of a case's files, 64 hexadecimal digits.

    Files that did not change since the process computed their digests are not read again.

    Raises:
        OSError: A file is missing or cannot be read.
    """
    masks = folder / "masks.npy"
    paths = [folder / "case.json", folder / "pixels.npy", *([masks] if masks.exists() else [])]
    with ThreadPoolExecutor(len(paths)) as pool:  # hashing leaves the other processors idle
        digests = pool.map(file_digest, paths)
        lines = "".join(
            f"{path.name} {digest}\n" for path, digest in zip(paths, digests, strict=True)
        )
    return hashlib.sha256(lines.encode()).hexdigest()


def case_file_marks(folder: str) -> tuple[tuple[int, ...] | None, ...] | None:
    """What changes with a case's files (`pipeline.storage.digests.file_marks`).

    Returns:
        None while one of them changed too recently.

    Raises:
        OSError: A file is missing.
    """
    marks = [file_marks(f"{folder}/case.json"), file_marks(f"{folder}/pixels.npy")]
    if None in marks:
        return None
    try:
        masks = file_marks(f"{folder}/masks.npy")
    except FileNotFoundError:
        return (*marks, None)
    return None if masks is None else (*marks, masks)


def load_case(folder: Path) -> Case:
    """Read a case that `save_case` wrote; pixels and masks are memory-mapped, read-only.

    Raises:
        InputError: If it is not there, or damaged.
    """
    stated = read_json(
        folder / "case.json",
        _CaseFile,
        shown="The stored description of this study",
        remedy="add the study again",
    )
    try:
        if stated is None:
            raise ValueError("no description")
        pixels = _map_array(folder / "pixels.npy")
        masks = None
        if stated.has_masks:
            masks = _map_array(folder / "masks.npy")
        return _to_case(stated, pixels, masks)
    except (OSError, ValueError):
        raise InputError(
            folder.name, "The stored images of this study cannot be read. Add the study again."
        ) from None


def _map_array(path: Path) -> NDArray[Any]:
    """Map an array's file, read-only.

    Raises:
        OSError: It cannot be read.
        ValueError: It is damaged.
    """
    try:
        return np.lib.format.open_memmap(path, mode="r")
    except OSError:
        raise
    except Exception:  # whatever a damaged header does to NumPy's parser
        raise ValueError("no array") from None


def describe_case(case: Case) -> str:
    """Everything of a case but its arrays, as the JSON of ``case.json``.

    Raises:
        ValueError: A number is not finite.
    """
    return json.dumps(_to_json(case), allow_nan=False)


def restore_case(
    description: str, pixels: NDArray[np.generic], masks: NDArray[np.bool_] | None
) -> Case:
    """The case of a description from outside, with its arrays.

    Raises:
        ValueError: The description is not valid, or does not fit the arrays.
    """
    stated = _CaseFile.model_validate_json(description)
    if stated.has_masks is not (masks is not None):
        raise ValueError("the description does not fit the arrays")
    return _to_case(stated, pixels, masks)


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
        "patient": asdict(case.patient),
        "warnings": list(case.warnings),
        "cautions": [_caution_to_json(caution) for caution in case.cautions],
        "window": case.window,
        "dicom": None if case.dicom is None else asdict(case.dicom),
        "has_masks": case.masks is not None,
    }


def _to_case(stated: _CaseFile, pixels: Any, masks: Any) -> Case:
    if pixels.dtype.str not in _PIXEL_TYPES or (masks is not None and masks.dtype != np.bool_):
        raise ValueError("the arrays are of other types")
    if stated.grid is not None:
        shape = tuple(stated.grid.shape[axis] for axis in stated.grid.axes)
        if shape != pixels.shape[:3]:
            raise ValueError("the grid does not fit the pixels")
    cautions = stated.cautions
    return Case(
        case_id=stated.case_id,
        kind=stated.kind,
        pixels=pixels,
        sequences=stated.sequences,
        indices=stated.indices,
        sources=stated.sources,
        spacing_mm=stated.spacing_mm,
        orientation=Orientation(**dict(stated.orientation)) if stated.orientation else None,
        positions_mm=stated.positions_mm,
        masks=masks,
        grid=_to_grid(stated.grid) if stated.grid else None,
        labels=StudyLabels(**dict(stated.labels)),
        patient=PatientIdentity(**dict(stated.patient)) if stated.patient else PatientIdentity(),
        cautions=tuple(map(Caution, stated.warnings))  # of folders of earlier versions
        if cautions is None
        else tuple(
            Caution(one.sentence, one.aspect, Severity[one.severity.upper()]) for one in cautions
        ),
        window=stated.window,
        orientation_assumed=stated.orientation_assumed,
        dicom=_to_source(stated.dicom) if stated.dicom else None,
    )


def _to_source(stated: _DicomSource) -> DicomSource:
    images = tuple(SourceImage(**dict(image)) for image in stated.images)
    return DicomSource(**(dict(stated) | {"images": images}))


def _to_grid(stated: _Grid) -> InputGrid:
    return InputGrid(
        shape=stated.shape,
        affine=np.array(stated.affine, np.float64),
        axes=stated.axes,
        flips=stated.flips,
        slots=stated.slots,
        placement=NiftiPlacement(**dict(stated.placement)) if stated.placement else None,
        is_stated=stated.is_stated,
    )


def _caution_to_json(caution: Caution) -> dict[str, Any]:
    return {
        "sentence": caution.sentence,
        "aspect": None if caution.aspect is None else caution.aspect.value,
        "severity": caution.severity.name.lower(),
    }


def _placement_to_json(placement: NiftiPlacement) -> dict[str, Any]:
    """Numbers in hexadecimal: headers hold NaN too, and none may be rounded."""
    return {
        name: [float(number).hex() for number in value] if isinstance(value, tuple) else value
        for name, value in asdict(placement).items()
    }
