"""The files that ``predict`` writes for slices: masks, and the case's part of results.json."""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
from collections.abc import Container, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from pipeline.analysis.expected_dice import VolumeRatio
from pipeline.analysis.results import CaseResult
from pipeline.data.case import InputGrid
from pipeline.data.cautions import Caution, InputAspect
from pipeline.data.mask_export import encode_nifti_mask
from pipeline.errors import InputError
from pipeline.models.decision import DecidedBy
from pipeline.models.registry import TaskInfo
from pipeline.predictions.checkpoints import is_export, remove_file
from pipeline.predictions.results import (
    CASE_ID,
    CaseRecord,
    ErrorRecord,
    FindingRecord,
    NetworkRecord,
    Results,
    SliceRecord,
    TwoStageNetworks,
)
from pipeline.storage.atomic_files import write_bytes

_OUR_MASK = re.compile(r"[0-9]+\.png")


class FolderError(InputError):
    """The output folder cannot be written."""


def write_masks(
    output: Path,
    case_id: str,
    result: CaseResult,
    grid: InputGrid | None,
    *,
    volume: VolumeRatio | None = None,
) -> tuple[CaseRecord, dict[str, str]]:
    """Write a PNG for each slice that is called tumor, and NIfTI where the input's grid is regular.

    Files that an earlier call left for a case of this name are removed: they would pass for these.

    Returns:
        The case's part of results.json, and the SHA-256 of each file by its name in the folder.

    Raises:
        OSError: The folder cannot be written; nothing is left of this case's masks then.
    """
    from PIL import Image

    if re.fullmatch(CASE_ID, case_id) is None:
        raise ValueError(f"a case's name must be safe for a file system, got {case_id!r}")
    masks = result.masks()
    names: list[str | None] = [None] * len(result.slices)
    digests: dict[str, str] = {}
    sweep_masks(output, case_id, keep=())
    try:
        for k, (answer, mask) in enumerate(zip(result.slices, masks, strict=True)):
            if answer.tumor:
                names[k] = name = f"masks/{case_id}/{answer.index}.png"
                (output / name).parent.mkdir(parents=True, exist_ok=True)
                packed = io.BytesIO()
                # Masks pack well at any level; the fastest takes a quarter of the time.
                pixels = np.where(mask, np.uint8(255), np.uint8(0))
                Image.fromarray(pixels).save(packed, "PNG", compress_level=1)
                # not durable: the checkpoint has its digest, and a call that resumes compares it
                write_bytes(output / name, packed.getbuffer(), durable=False)
                digests[name] = hashlib.sha256(packed.getbuffer()).hexdigest()
        if grid is not None and grid.is_regular:
            name = f"masks/{case_id}.nii.gz"
            content = encode_nifti_mask(masks, grid)
            (output / name).parent.mkdir(parents=True, exist_ok=True)
            write_bytes(output / name, content, durable=False)
            digests[name] = hashlib.sha256(content).hexdigest()
    except OSError:
        with contextlib.suppress(OSError):
            sweep_masks(output, case_id, keep=())
        raise
    return describe_case(result, names, volume), digests


def sweep_masks(output: Path, case_id: str, *, keep: Container[str]) -> None:
    """Remove masks and exports of a case of this name, but for those to ``keep``; nothing else.

    Raises:
        OSError: The folder cannot be written.
    """
    found = [p.name for p in (output / "masks" / case_id).glob("*.png")]
    named = [f"masks/{case_id}/{name}" for name in found if _OUR_MASK.fullmatch(name)]
    home = output / "exports" / case_id
    others = [p.relative_to(home).as_posix() for p in (*home.glob("*"), *home.glob("images/*"))]
    named += [f"exports/{case_id}/{name}" for name in others if is_export(name)]
    for file in (*named, f"masks/{case_id}.nii.gz"):
        if file not in keep:
            remove_file(output, file)


def describe_results(
    models: TaskInfo, cases: Iterable[CaseRecord], errors: Iterable[InputError]
) -> Results:
    """The whole of results.json."""
    network = NetworkRecord(models.network.name, models.network.digest)
    return Results(
        task=models.task,
        models=TwoStageNetworks(network, network),
        cases=tuple(cases),
        errors=tuple(map(ErrorRecord.of, errors)),
    )


def describe_case(
    result: CaseResult, masks: Iterable[str | None], volume: VolumeRatio | None = None
) -> CaseRecord:
    """One case of results.json.

    Args:
        result: The case's.
        masks: Name of the file of each slice, or None.
        volume: How volumes of masks and references compare, where it was learned.
    """
    spacing, unfit = result.spacing_mm, result.unfit
    return CaseRecord(
        case_id=result.case_id,
        spacing_mm=None if spacing is None else (spacing[0], spacing[1], spacing[2]),
        tumor=result.tumor,
        volume_ml=result.volume_ml,
        volume_range_ml=volume.range_ml(result.volume_ml) if volume and not unfit else None,
        left_out_ml=result.left_out_ml,
        unfit=None if unfit is None else unfit.sentence,
        dice=result.dice,
        warnings=result.warnings,
        input_findings=finding_records(result.input_findings),
        slices=tuple(
            SliceRecord(
                index=int(answer.index),
                source=answer.source,
                tumor_probability=answer.slice_score,
                tumor=answer.tumor,
                classifier_score=answer.classifier_score,
                outline_evidence=answer.outline_evidence,
                decided_by=DecidedBy(answer.decided_by),
                mask=name,
                mask_area_px=answer.mask_area_px,
                left_out_px=answer.left_out_px,
                doubts=answer.doubts,
                dice=answer.dice,
            )
            for answer, name in zip(result.slices, masks, strict=True)
        ),
    )


def finding_records(findings: Iterable[Caution]) -> tuple[FindingRecord, ...]:
    """Input findings as results.json holds them."""
    return tuple(
        FindingRecord(one.aspect, one.sentence)
        for one in findings
        if isinstance(one.aspect, InputAspect)
    )


def rename_case(record: CaseRecord, case_id: str) -> CaseRecord:
    """The same case by another name."""
    old = f"masks/{record.case_id}/"
    slices = [
        replace(answer, mask=answer.mask and answer.mask.replace(old, f"masks/{case_id}/", 1))
        for answer in record.slices
    ]
    return replace(record, case_id=case_id, slices=tuple(slices))


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn what the file system refuses into one sentence about the folder.

    Raises:
        FolderError: It refused.
    """
    try:
        yield
    except OSError as error:
        name = folder.name or str(folder)
        message = f"The folder {name} cannot be written: {error.strerror or 'unknown reason'}."
        raise FolderError(name, message) from error
