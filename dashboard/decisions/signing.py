"""Signed records: what a signature freezes, and the digest that shows a later change."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import datetime

import pipeline
from dashboard.decisions.lesions import LesionList, ListedLesion
from dashboard.decisions.priors import compare_with_prior, find_prior
from dashboard.jobs.claims import find_dice_model
from dashboard.masks.corrections import make_volume, shape_of
from dashboard.masks.encoding import MaskSlices, encode_mask
from dashboard.store import StudyRow
from dashboard.store.history import Author
from dashboard.store.measurements import read_measurements
from dashboard.store.reading_content import (
    Comparison,
    Decision,
    LesionReading,
    ReadContent,
    Reading,
    SignedContent,
    SignedLesion,
    SignedResult,
    StudyFacts,
    Verdict,
)
from dashboard.store.readings import NewRecord, SignedLine
from dashboard.store.stored_json import MaskBase, dump_json
from dashboard.studies.analysis import find_result
from dashboard.workspace.received import RequestRefused
from dashboard.workspace.services import Services
from pipeline import Case, ResultWithoutMaps, estimate_dice, volume_ml

NO_DECISION = "Record a decision before you sign."
CHANGED = (
    "The mask was changed, so the AI result was not accepted as it is; choose Accept with changes,"
    " or revert to the AI mask."
)
UNCHANGED = (
    "The mask is the AI's, without a change; choose Accept, or correct the mask before you sign."
)


def make_record(
    services: Services,
    row: StudyRow,
    reading: Reading,
    mask: MaskSlices,
    *,
    case: Case,
    lesions: LesionList,
    by: Author,
    at: datetime,
    token: str,
    based_on: MaskBase,
    mask_version: int | None,
    open_s: float,
    amends: int | None,
    reason: str,
) -> NewRecord:
    """Collect what a signature freezes.

    Args:
        services: The server's parts.
        row: The study.
        reading: What is recorded of it.
        mask: The mask as read, whole.
        case: The study's case.
        lesions: The lesion list of the mask.
        by: The reader.
        at: When they sign, UTC.
        token: Names the request.
        based_on: What the mask starts from.
        mask_version: The saved version of it; None for the AI mask as it is.
        open_s: How long they had the study open, in seconds.
        amends: Number of the record that this one amends, or None.
        reason: Why, or "".

    Raises:
        RequestRefused: No decision is recorded, or it does not fit the mask.
        InputError: The files of a prior are damaged.
    """
    decision = check_decision(reading, is_changed=mask_version is not None)
    read = describe_reading(
        services,
        row,
        reading,
        mask,
        case=case,
        lesions=lesions,
        reader_id=by.reader_id,
        based_on=based_on,
        mask_version=mask_version,
        open_s=open_s,
    )
    content = SignedContent(
        **{**vars(read), "decision": decision, "amends": amends, "reason": reason}
    )
    key = services.result_key(row.content_digest)
    outline = services.results.outline(key) if content.result and key else None
    shape = shape_of(row)
    record = NewRecord(
        content=content,
        mask=encode_mask(mask, shape),
        ai_mask=encode_mask(outline.mask_slices(), shape) if outline else None,
        signed_at=at,
        digest="",
        token=token,
    )
    digest = digest_record(content, record.mask, record.ai_mask, by=by, at=at)
    return replace(record, digest=digest)


def describe_reading(
    services: Services,
    row: StudyRow,
    reading: Reading,
    mask: MaskSlices,
    *,
    case: Case,
    lesions: LesionList,
    reader_id: str,
    based_on: MaskBase,
    mask_version: int | None,
    open_s: float = 0.0,
) -> ReadContent:
    """Collect what is recorded of a study and measured on a mask.

    Args:
        services: The server's parts.
        row: The study.
        reading: What is recorded of it.
        mask: The mask as read, whole.
        case: The study's case.
        lesions: The lesion list of the mask.
        reader_id: Whose measurements count.
        based_on: What the mask starts from.
        mask_version: The saved version of it; None for the AI mask as it is.
        open_s: How long the reader had the study open, in seconds.

    Raises:
        InputError: The files of a prior are damaged.
    """
    result = find_result(services, row)
    areas = make_volume(mask, shape_of(row)).sum(axis=(1, 2)).tolist()
    return ReadContent(
        study=_facts(row, case),
        result=_result(services, row, result) if result else None,
        decision=reading.decision,
        notes=reading.notes,
        key_images=reading.key_images,
        comparison=_comparison(services, row, reading, mask),
        lesions=_lesions(lesions, reading),
        volume_ml=volume_ml(areas, case.spacing_mm, case.slice_weights),
        based_on=based_on,
        mask_version=mask_version,
        measurements=read_measurements(services.store, row.study_id, reader_id).items,
        open_s=open_s,
        software=pipeline.__version__,
    )


def digest_record(
    content: SignedContent, mask: bytes, ai_mask: bytes | None, *, by: Author, at: datetime
) -> str:
    """SHA-256 of a record: what was signed, both masks, who signed, and when."""
    head = {
        "content": dump_json(SignedContent, content),
        "reader_id": by.reader_id,
        "author": by.name,
        "signed_at": at.isoformat(),
        "mask": hashlib.sha256(mask).hexdigest(),
        "ai_mask": None if ai_mask is None else hashlib.sha256(ai_mask).hexdigest(),
    }
    text = json.dumps(head, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def is_intact(line: SignedLine, mask: bytes, ai_mask: bytes | None) -> bool:
    """Whether a stored record still has the digest with which it was signed."""
    by = Author(line.reader_id, line.author)
    return digest_record(line.content, mask, ai_mask, by=by, at=line.signed_at) == line.digest


def check_verdict(verdict: Verdict, *, is_changed: bool) -> None:
    """Refuse to accept an AI result as it is whose mask was changed.

    Args:
        verdict: The decision.
        is_changed: Whether the mask as read is another one than the AI's.

    Raises:
        RequestRefused: The decision does not fit the mask.
    """
    if is_changed and verdict is Verdict.ACCEPT:
        raise RequestRefused(CHANGED, field="verdict")


def check_decision(reading: Reading, *, is_changed: bool) -> Decision:
    """Return the decision that a signature confirms.

    Args:
        reading: What is recorded of the study.
        is_changed: Whether the mask as read is another one than the AI's.

    Raises:
        RequestRefused: No decision is recorded, or it does not fit the mask.
    """
    if reading.decision is None:
        raise RequestRefused(NO_DECISION)
    check_verdict(reading.decision.verdict, is_changed=is_changed)
    if not is_changed and reading.decision.verdict is Verdict.ACCEPT_WITH_CHANGES:
        raise RequestRefused(UNCHANGED, field="verdict")
    return reading.decision


def _comparison(
    services: Services, row: StudyRow, reading: Reading, mask: MaskSlices
) -> Comparison | None:
    """The comparison of the signed mask; as it was recorded where the prior is gone."""
    recorded = reading.comparison
    prior = find_prior(services, row, recorded.study_id) if recorded else None
    if recorded is None or prior is None:
        return recorded
    return compare_with_prior(services, row, prior, mask, registered=recorded.registered)


def _facts(row: StudyRow, case: Case) -> StudyFacts:
    return StudyFacts(
        study_id=row.study_id,
        case_id=row.case_id,
        name=row.name,
        patient=row.patient,
        study_date=row.study_date,
        description=row.description,
        content_digest=row.content_digest,
        data_digest=row.data_digest,
        sequences=row.sequences,
        slices=row.slices,
        spacing_mm=case.spacing_mm,
        spacing_by=row.entries.spacing_by if row.entries.spacing_mm else None,
    )


def _result(services: Services, row: StudyRow, result: ResultWithoutMaps) -> SignedResult:
    estimate = estimate_dice(find_dice_model(services), result)
    network = result.network
    return SignedResult(
        key=services.result_key(row.content_digest) or "",
        network=network.name,
        version=network.version,
        digest=network.digest,
        engine=network.engine,
        precision=network.precision,
        operating_point=result.operating_point,
        mask_threshold=result.mask_threshold,
        volume_ml=result.volume_ml,
        left_out_ml=result.left_out_ml,
        expected_dice=estimate.expected if estimate else None,
        cautions=tuple(one.sentence for one in result.cautions),
        unfit=result.unfit.sentence if result.unfit else "",
    )


def _lesions(listed: LesionList, reading: Reading) -> tuple[SignedLesion, ...]:
    recorded = {one.key: one for one in reading.lesions}
    return tuple(
        _lesion(one, recorded.get(one.key) or LesionReading(key=one.key)) for one in listed.lesions
    )


def _lesion(lesion: ListedLesion, recorded: LesionReading) -> SignedLesion:
    measured = lesion.measured
    return SignedLesion(
        number=lesion.number,
        key=lesion.key,
        source=lesion.source,
        verdict=lesion.verdict,
        location=recorded.location,
        comment=recorded.comment,
        side=lesion.side,
        volume_ml=lesion.volume_ml,
        voxels=lesion.voxels,
        first=lesion.first,
        last=lesion.last,
        longest=measured.longest.length if measured else None,
        perpendicular=measured.perpendicular.length if measured else None,
        unit="px" if lesion.volume_ml is None else "mm",
        score=lesion.score,
    )
