"""What the children of `pipeline.interchange.archive` do: the files of a study as one ZIP."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pipeline.data.case import Case
from pipeline.data.case_files import restore_case
from pipeline.errors import InputError
from pipeline.interchange.content import (
    Algorithm,
    Assessment,
    ExportedLesion,
    ExportedStudy,
    ExportKind,
    KeyView,
    Origin,
    Outlines,
    Reader,
    Signed,
)
from pipeline.sandbox.messages import Message
from pipeline.storage.declared_models import DeclaredModel

#: Every file of a ZIP has this date: the same files give the same bytes.
_SAME_DATE = (1980, 1, 1, 0, 0, 0)
_NOTES = "not-written.txt"


class SentOutlines(DeclaredModel):
    """Outlines, whose labels come along."""

    origin: Origin
    lesions: Annotated[tuple[ExportedLesion, ...], Field(max_length=65535)]


class SentStudy(DeclaredModel):
    """An `ExportedStudy` but for its case and its arrays."""

    digest: str
    at: datetime
    algorithm: Algorithm | None
    reader: Reader | None
    is_signed: bool
    assessment: Assessment | None
    ai: SentOutlines | None
    read: SentOutlines | None
    amends: Signed | None
    withheld: str


class ArchiveRequest(DeclaredModel):
    """What to make; pixels, labels and the PDF come along, in this order."""

    description: str
    study: SentStudy
    replaced: SentStudy | None
    kinds: tuple[ExportKind, ...]
    views: Annotated[tuple[KeyView, ...], Field(max_length=200)]
    replaced_views: Annotated[tuple[KeyView, ...], Field(max_length=200)]
    reason: str
    channel: int
    has_pdf: bool


def send_study(study: ExportedStudy) -> tuple[SentStudy, list[NDArray[np.generic]]]:
    """A study, to be sent with its arrays."""
    drawn = [one for one in (study.ai, study.read) if one is not None]
    sent = {one.origin: SentOutlines(origin=one.origin, lesions=one.lesions) for one in drawn}
    facts = SentStudy(
        digest=study.digest,
        at=study.at,
        algorithm=study.algorithm,
        reader=study.reader,
        is_signed=study.is_signed,
        assessment=study.assessment,
        ai=sent.get(Origin.AI),
        read=sent.get(Origin.READER),
        amends=study.amends,
        withheld=study.withheld,
    )
    return facts, [one.labels for one in drawn]


class MakeArchive:
    """Makes the files of a study."""

    def answer(self, request: Message, progress: Callable[[int, int, str], None]) -> Message:
        """Return the ZIP as an array of bytes.

        Raises:
            InputError: None of the files can be made.
        """
        asked = ArchiveRequest.model_validate_json(request.document)
        arrays = iter(request.arrays)
        case = restore_case(asked.description, next(arrays), None)
        study = _study(asked.study, case, arrays)
        replaced = _study(asked.replaced, case, arrays) if asked.replaced else None
        pdf = next(arrays).tobytes() if asked.has_pdf else None
        content = _zip(asked, study, replaced, pdf, progress)
        return Message("{}", (np.frombuffer(content, np.uint8),))


def _study(sent: SentStudy, case: Case, arrays: Iterator[NDArray[np.generic]]) -> ExportedStudy:
    def outlines(one: SentOutlines | None) -> Outlines | None:
        if one is None:
            return None
        labels = np.asarray(next(arrays), np.uint16)
        return Outlines(origin=one.origin, labels=labels, lesions=one.lesions)

    return ExportedStudy(
        case=case,
        digest=sent.digest,
        at=sent.at,
        algorithm=sent.algorithm,
        reader=sent.reader,
        is_signed=sent.is_signed,
        assessment=sent.assessment,
        ai=outlines(sent.ai),
        read=outlines(sent.read),
        amends=sent.amends,
        withheld=sent.withheld,
    )


def _zip(
    asked: ArchiveRequest,
    study: ExportedStudy,
    replaced: ExportedStudy | None,
    pdf: bytes | None,
    progress: Callable[[int, int, str], None],
) -> bytes:
    from pipeline.interchange.exports import ExportedFile, write_exports

    buffer, sentences = io.BytesIO(), list[str]()
    with zipfile.ZipFile(buffer, "w") as archive:
        made = list(
            write_exports(
                study,
                asked.kinds,
                views=asked.views,
                pdf=pdf,
                replaced=replaced,
                replaced_views=asked.replaced_views,
                reason=asked.reason,
                channel=asked.channel,
                progress=progress,
            )
        )
        for one in made:
            if isinstance(one, ExportedFile):
                _add(archive, one.name, one.content)
            else:
                sentences.append(one.sentence)
        if len(sentences) == len(made):
            raise InputError("", " ".join(sentences) or "There is nothing to export.")
        if sentences:
            _add(archive, _NOTES, ("\n".join(sentences) + "\n").encode("utf-8"))
    return buffer.getvalue()


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, _SAME_DATE)
    entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
    archive.writestr(entry, content, compresslevel=1)
