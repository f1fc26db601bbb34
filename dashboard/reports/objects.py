"""A study as read in the terms of `pipeline.interchange`, which makes DICOM objects of it."""

from __future__ import annotations

from typing import Final

import numpy as np

import pipeline
from dashboard.decisions.lesions import ListedLesion
from dashboard.decisions.locations import LOCATIONS
from dashboard.masks.corrections import make_volume, shape_of
from dashboard.reports.sources import StudyAsRead
from dashboard.store import StudyRow
from dashboard.store.reading_content import (
    Comparison,
    LesionVerdict,
    ReadContent,
    SignedLesion,
    Verdict,
)
from dashboard.store.readings import list_records
from dashboard.workspace.services import Services
from pipeline import (
    Algorithm,
    ExportedLesion,
    ExportedStudy,
    KeyView,
    Location,
    Origin,
    Outlines,
    Reader,
    Side,
    Signed,
)

#: Decisions under which the mask is the reader's.
_ACCEPTING: Final = frozenset({Verdict.ACCEPT, Verdict.ACCEPT_WITH_CHANGES})
#: Time points through which a lesion is followed back.
_MOST_STEPS: Final = 50


def make_exported_study(services: Services, row: StudyRow, read: StudyAsRead) -> ExportedStudy:
    """A signed study as DICOM objects state it.

    Args:
        services: The server's parts.
        row: The study.
        read: The study as read; it is signed.

    Raises:
        ValueError: It is not signed.
    """
    content, signature = read.content, read.signature
    if signature is None:
        raise ValueError("only a signed study has identifiers")
    result, decision = content.result, content.decision
    is_accepted = decision is not None and decision.verdict in _ACCEPTING
    ai = None
    if read.ai is not None:
        volume = make_volume(read.ai, shape_of(row))
        ai = pipeline.outline_lesions(Origin.AI, volume, read.case, study=f"{row.study_id}/AI")
    return ExportedStudy(
        case=read.case,
        digest=signature.digest,
        at=signature.at,
        algorithm=Algorithm(result.network, result.version, result.digest) if result else None,
        reader=Reader(signature.author),
        is_signed=True,
        ai=ai,
        read=_outlines(services, row, read) if is_accepted else None,
        amends=_amended(services, row, content),
    )


def key_views(content: ReadContent) -> tuple[KeyView, ...]:
    """The key images that the reader marked."""
    return tuple(
        KeyView(k=one.k, channel=one.channel, window=one.window, caption=one.caption)
        for one in content.key_images
    )


def _amended(services: Services, row: StudyRow, content: ReadContent) -> Signed | None:
    lines = list_records(services.store, row.study_id) if content.amends is not None else []
    found = next((one for one in lines if one.number == content.amends), None)
    return Signed(found.digest, found.signed_at) if found else None


def _outlines(services: Services, row: StudyRow, read: StudyAsRead) -> Outlines:
    labels = np.zeros(shape_of(row), np.uint16)
    signed = {one.number: one for one in read.content.lesions}
    used: set[str] = set()
    lesions = []
    for one in read.lesions.lesions:
        if one.verdict is LesionVerdict.REMOVE or one.number not in signed:
            continue
        for k, mask in one.mask.items():
            labels[k][mask] = one.number
        own = f"{row.study_id}/{one.number}"
        tracking = _tracking(services, row.study_id, read.content.comparison, one.number)
        tracking = own if tracking in used else tracking  # of a lesion that has split, the first
        used.add(tracking)
        lesions.append(_lesion(one, signed[one.number], tracking))
    return Outlines(origin=Origin.READER, labels=labels, lesions=tuple(lesions))


def _lesion(listed: ListedLesion, signed: SignedLesion, tracking: str) -> ExportedLesion:
    in_mm = signed.unit == "mm" and listed.measured is not None
    words = LOCATIONS.get(signed.location or "")
    return ExportedLesion(
        number=signed.number,
        tracking=tracking,
        location=Location(signed.location, words) if signed.location and words else None,
        side=Side(signed.side),
        volume_ml=signed.volume_ml,
        longest_mm=signed.longest if in_mm else None,
        perpendicular_mm=signed.perpendicular if in_mm else None,
        measured_on=listed.measured.position if in_mm and listed.measured else None,
        first=signed.first,
        last=signed.last,
        comment=signed.comment,
    )


def _tracking(services: Services, study_id: str, comparison: Comparison | None, number: int) -> str:
    """The same text for the same lesion at all time points: the name that it had at the first."""
    for _ in range(_MOST_STEPS):
        matched = [
            one.prior_lesions
            for one in (comparison.lesions if comparison else ())
            if number in one.lesions and one.prior_lesions
        ]
        if comparison is None or not matched:
            break
        study_id, number = comparison.study_id, min(matched[0])
        records = list_records(services.store, study_id)
        comparison = records[0].content.comparison if records else None
    return f"{study_id}/{number}"
