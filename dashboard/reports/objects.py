"""A study as read in the terms of `pipeline.interchange`, which makes DICOM objects of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

import pipeline
from dashboard.decisions.lesions import component_key
from dashboard.decisions.locations import LOCATIONS
from dashboard.masks.corrections import make_volume, shape_of
from dashboard.reports.pictures import diameters_on, lines_of, shown_outlines
from dashboard.reports.sources import StudyAsRead
from dashboard.store import StudyRow
from dashboard.store.reading_content import (
    Comparison,
    KeyImage,
    LesionVerdict,
    ReadContent,
    SignedLesion,
    Verdict,
    is_refused,
)
from dashboard.store.readings import list_records
from dashboard.workspace.services import Services
from pipeline import (
    Algorithm,
    Assessment,
    DrawnLine,
    ExportedLesion,
    ExportedStudy,
    Judgement,
    KeyView,
    LineKind,
    Location,
    Origin,
    Outlines,
    Reader,
    Side,
    Signed,
)

_JUDGEMENTS: Final = {
    Verdict.ACCEPT: Judgement.ACCEPTED,
    Verdict.ACCEPT_WITH_CHANGES: Judgement.CHANGED,
    Verdict.REJECT: Judgement.REJECTED,
    Verdict.CANNOT_ASSESS: Judgement.NOT_ASSESSABLE,
}
#: Time points through which a lesion is followed back.
_MOST_STEPS: Final = 50
#: How long the measurement of a mask may take: beyond it, nothing is exported.
_LIMIT_S: Final = 30.0


def make_exported_study(services: Services, row: StudyRow, read: StudyAsRead) -> ExportedStudy:
    """A signed study as DICOM objects state it: of its records and its pixels alone.

    Args:
        services: The server's parts.
        row: The study.
        read: The study as read; it is signed.

    Raises:
        ValueError: It is not signed.
        InputError: A mask is too irregular to be measured.
    """
    content, signature = read.content, read.signature
    if signature is None:
        raise ValueError("only a signed study has identifiers")
    result, assessment = content.result, _assessment(content)
    is_accepted = assessment is not None and assessment.is_accepting
    return ExportedStudy(
        case=read.case,
        digest=signature.digest,
        at=signature.at,
        algorithm=Algorithm(result.network, result.version, result.digest) if result else None,
        reader=Reader(signature.author),
        is_signed=True,
        assessment=assessment,
        ai=None if read.ai is None else _outlines(services, row, read, Origin.AI),
        read=_outlines(services, row, read, Origin.READER) if is_accepted else None,
        amends=_amended(services, row, content),
        withheld=result.unfit if result else "",
    )


def _assessment(content: ReadContent) -> Assessment | None:
    decided = content.decision
    if decided is None:
        return None
    return Assessment(_JUDGEMENTS[decided.verdict], str(decided.reason or ""), decided.comment)


def key_views(read: StudyAsRead) -> tuple[KeyView, ...]:
    """The key images that the reader marked, with the layers that were shown on them.

    Whose outlines they show is as in the report.

    A reference is not part of a record, so it is not drawn.
    """
    slices, channels = read.case.n_slices, len(read.case.sequences)
    return tuple(
        KeyView(
            k=one.k,
            channel=one.channel,
            window=one.window,
            origins=shown_outlines(
                one.layers,
                one.k,
                read=read.mask,
                ai=read.ai,
                is_refused=is_refused(read.content),
            ),
            lines=tuple(_lines(read, one)),
            caption=one.caption,
        )
        for one in read.content.key_images
        if one.k < slices and one.channel < channels
    )


def _lines(read: StudyAsRead, image: KeyImage) -> Iterator[DrawnLine]:
    if "diameters" in image.layers:
        for points in diameters_on(read.lesions.lesions, image.k):
            yield DrawnLine(kind=LineKind.DIAMETERS, points=points)
    for item in read.content.measurements if "measurements" in image.layers else ():
        if item.k == image.k:
            kind = LineKind.ARROW if item.kind == "arrow" else LineKind.MEASUREMENT
            for points in lines_of(item):
                yield DrawnLine(kind=kind, points=points, text=item.text)


def _amended(services: Services, row: StudyRow, content: ReadContent) -> Signed | None:
    lines = list_records(services.store, row.study_id) if content.amends is not None else []
    found = next((one for one in lines if one.number == content.amends), None)
    return Signed(found.digest, found.signed_at) if found else None


def _outlines(services: Services, row: StudyRow, read: StudyAsRead, origin: Origin) -> Outlines:
    """A mask of the record, with what the record says of its lesions.

    The counted lesions of a record are the components of the mask as read, the largest first. Those
    of the AI mask are found by their keys, so that both outlines of a lesion have one name.
    """
    assert read.signature is not None  # checked by the caller
    is_reader = origin is Origin.READER
    mask = make_volume((read.mask if is_reader else read.ai) or {}, shape_of(row))
    found = pipeline.outline_lesions(
        origin, mask, read.case, study=row.study_id, limit_s=_LIMIT_S, must_measure=True
    )
    content, at = read.content, read.signature.at
    counted = {one.number: one for one in content.lesions
               if one.verdict is not LesionVerdict.REMOVE}  # fmt: skip
    by_key = {one.key: one for one in content.lesions if one.source == "ai"}
    lesions = []
    for lesion in found.lesions:
        key = _own_key("reader" if is_reader else "ai", found.labels, lesion)
        signed = counted.get(lesion.number) if is_reader else by_key.get(key)
        if signed is None:  # beyond those that are listed, or within a larger one as read
            named = replace(lesion, tracking=f"{row.study_id}/{key}")
            lesions.append(_without_diameters(named) if is_reader else named)
            continue
        tracking = _tracking(services, row.study_id, signed, content.comparison, at)
        named = replace(lesion, tracking=tracking)
        lesions.append(_as_signed(named, signed) if is_reader else named)
    return replace(found, lesions=tuple(lesions))


def _own_key(source: str, labels: NDArray[np.uint16], lesion: ExportedLesion) -> str:
    row, column = np.argwhere(labels[lesion.first] == lesion.number)[0]
    return component_key(source, lesion.first, int(row), int(column))


def _as_signed(lesion: ExportedLesion, signed: SignedLesion) -> ExportedLesion:
    """A lesion of the mask as read, with the record's figures and words."""
    words = LOCATIONS.get(signed.location or "")
    in_mm = signed.unit == "mm" and signed.longest is not None
    shown = lesion if in_mm else _without_diameters(lesion)
    return replace(
        shown,
        location=Location(signed.location, words) if signed.location and words else None,
        side=Side(signed.side),
        volume_ml=signed.volume_ml,
        longest_mm=signed.longest if in_mm else None,
        perpendicular_mm=signed.perpendicular if in_mm else None,
        comment=signed.comment,
    )


def _without_diameters(lesion: ExportedLesion) -> ExportedLesion:
    return replace(lesion, longest_mm=None, perpendicular_mm=None, measured_on=None)


def _tracking(
    services: Services,
    study_id: str,
    lesion: SignedLesion,
    comparison: Comparison | None,
    at: datetime,
) -> str:
    """The same text for the same lesion at all time points: study and key where it is seen first.

    A lesion is followed to the signed prior with which its study was compared, and to those before
    it, for as long as it is one lesion in both. Later amendments of a prior change nothing.
    """
    for _ in range(_MOST_STEPS):
        earlier = _in_prior(services, lesion, comparison, at)
        if earlier is None or comparison is None:
            break
        study_id = comparison.study_id
        lesion, comparison, at = earlier
    return f"{study_id}/{lesion.key}"


def _in_prior(
    services: Services, lesion: SignedLesion, comparison: Comparison | None, at: datetime
) -> tuple[SignedLesion, Comparison | None, datetime] | None:
    """The lesion of a prior, as it was signed by then, that a lesion continues on its own."""
    if comparison is None or comparison.source != "signed":
        return None
    before = [one.prior_lesions for one in comparison.lesions if one.lesions == (lesion.number,)]
    if len(before) != 1 or len(before[0]) != 1:
        return None
    for line in list_records(services.store, comparison.study_id):
        if line.signed_at <= at:
            found = [one for one in line.content.lesions if one.number == before[0][0]]
            return (found[0], line.content.comparison, line.signed_at) if found else None
    return None
