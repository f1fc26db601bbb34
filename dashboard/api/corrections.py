"""HTTP of corrected masks: a reader's draft of a study, and its saved versions.

Masks travel as `dashboard.masks.encoding` writes them, in base64 within JSON. If another window has
written the draft meanwhile, the answer is 409 with that draft, so that nothing is lost.
"""

from __future__ import annotations

import base64
from http import HTTPStatus
from typing import Annotated, Any

import numpy as np
from flask import Blueprint, Response, request
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

import pipeline
from dashboard.api.access import (
    HexKey,
    StudyAddress,
    find_services,
    find_study,
    load_case,
    recent_study,
    still_there,
)
from dashboard.api.endpoint import (
    JSON,
    SURFACES,
    Answer,
    Body,
    ErrorAnswer,
    Nothing,
    endpoint,
    json_response,
)
from dashboard.api.errors import refuse_input
from dashboard.api.identity import Reader, current_reader
from dashboard.api.measurements import LesionsAnswer, Revision
from dashboard.api.space import SurfaceAnswer
from dashboard.figures.space import encode_surface
from dashboard.masks import corrections
from dashboard.masks.corrections import shape_of
from dashboard.masks.encoding import decode_mask, encode_mask, longest_encoding
from dashboard.store import StudyRow
from dashboard.store import corrections as stored
from dashboard.store.corrections import DraftConflict, DraftRow, NewVersion, VersionLine, Writer
from dashboard.store.readings import find_last_record
from dashboard.store.stored_json import MaskBase, MaskFacts
from dashboard.studies.measures import describe_lesions
from dashboard.workspace.received import RequestRefused
from pipeline import InputError

#: Room for the other fields of a body.
_ROOM = 4096
UNNAMED = "Enter your name first: it is stored with the version."

correction = Blueprint("correction", __name__)
correction.register_error_handler(InputError, refuse_input)


def _decode(text: object) -> object:
    try:
        return base64.b64decode(text if isinstance(text, str) else "?", validate=True)
    except ValueError:
        raise ValueError("must be a mask in base64") from None


#: A mask as `dashboard.masks.encoding` writes it, in base64.
SentMask = Annotated[
    bytes,
    BeforeValidator(_decode),
    WithJsonSchema({"type": "string", "contentEncoding": "base64"}),
]
_Number = Annotated[int, Field(ge=0, lt=2**31)]


class VersionAddress(StudyAddress):
    """A saved version, by its number from 1."""

    number: Annotated[int, Field(ge=0, lt=2**31, title="version")]


class SentBase(Body):
    """The base of a correction: a result at a threshold, a version, or an empty mask.

    Attributes:
        result_key, threshold: The AI's result, and the probability from which a pixel belongs to
            its mask.
        operating_point: Slice score from which a slice is positive, null for the default.
        version: Number of a saved version; the other fields then describe its own base.
        network: The network's name, which the server ignores.
    """

    result_key: HexKey | None = None
    threshold: Annotated[float, Field(ge=0.001, le=1)] | None = None
    operating_point: Annotated[float, Field(ge=0, le=1)] | None = None
    version: _Number | None = None
    network: Annotated[str, Field(max_length=200)] | None = None

    @model_validator(mode="after")
    def _check_complete(self) -> SentBase:
        if (self.result_key is None) != (self.threshold is None) and self.version is None:
            raise ValueError("must name a result and its threshold, or a version")
        return self

    def base(self) -> MaskBase:
        """Return the base that it names."""
        if self.version is not None:
            return MaskBase(version=self.version)
        if self.result_key is None:
            return MaskBase()
        return MaskBase(self.result_key, self.threshold, self.operating_point)


class SentView(Body):
    """The mask in a reader's view: the slices that were touched, over their base."""

    based_on: SentBase
    mask: SentMask


class SentWriter(Body):
    """The window that writes.

    Attributes:
        writer: Its random name.
        step: Increases with each request.
        revision: Revision of the draft that the window saw last, 0 for none.
    """

    writer: Annotated[str, Field(pattern=r"^[0-9a-f]{8,64}$")]
    step: _Number
    revision: Revision

    def window(self) -> Writer:
        """Return the window in the store's terms."""
        return Writer(name=self.writer, step=self.step, revision=self.revision)


class SentDraft(SentView, SentWriter):
    """A reader's draft, or a version to be saved."""


class DraftAnswer(Answer):
    """A reader's draft.

    Attributes:
        revision: Increases with each change.
        changed_at: ISO 8601, UTC.
        based_on: Its base.
        mask: The slices that were touched.
        base_mask: The mask of the version that it is based on, or null.
        ai_mask: The AI mask that it is based on, if the present result is another one.
    """

    revision: int
    changed_at: str
    based_on: MaskBase
    mask: str
    base_mask: str | None
    ai_mask: str | None


class DraftStored(Answer):
    """The revision of a draft that was stored, and when (ISO 8601, UTC)."""

    revision: int
    changed_at: str


class DraftConflictAnswer(ErrorAnswer):
    """The draft that another window has written meanwhile."""

    draft: DraftAnswer


class VersionAnswer(Answer):
    """A saved version, without its masks.

    Attributes:
        number: From 1 within the study.
        author: Who saved it.
        own: Whether that is this reader.
        saved_at: ISO 8601, UTC.
        based_on: Its base.
        facts: What was measured on it.
    """

    number: int
    author: str
    own: bool
    saved_at: str
    based_on: MaskBase
    facts: MaskFacts


class VersionMasks(VersionAnswer):
    """A saved version with its mask and the AI mask that it is based on."""

    mask: str
    ai_mask: str | None


class CorrectionsAnswer(Answer):
    """The reader's draft, or null, and all versions, the newest first.

    Attributes:
        in_view: Number of the version that is in view without a draft: the signed one, of a study
            that is not signed the reader's last; null for the AI mask.
    """

    in_view: int | None
    draft: DraftAnswer | None
    versions: list[VersionAnswer]


def longest_mask(address: StudyAddress) -> int:
    """Return the length of the study's largest mask in base64."""
    return 4 * longest_encoding(shape_of(recent_study(address.study_id))) // 3 + _ROOM


@correction.get("/api/studies/<study_id>/corrections")
@endpoint()
def show(address: StudyAddress) -> CorrectionsAnswer:
    """Return the reader's draft and all versions without their masks."""
    row, who = find_study(address.study_id), current_reader()
    store = find_services().store
    draft = stored.read_draft(store, row.study_id, who.reader_id)
    lines = stored.list_versions(store, row.study_id)
    signed = find_last_record(store, row.study_id)
    own = next((one.number for one in lines if one.reader_id == who.reader_id), None)
    return CorrectionsAnswer(
        in_view=signed.content.mask_version if signed else own,
        draft=_describe_draft(row, draft) if draft else None,
        versions=[VersionAnswer(**_describe_line(row, line, who)) for line in lines],
    )


@correction.put("/api/studies/<study_id>/draft")
@endpoint(others={HTTPStatus.CONFLICT: DraftConflictAnswer}, longest=longest_mask)
def write_draft(address: StudyAddress, sent: SentDraft) -> DraftStored:
    """Store the slices that were touched, in place of the draft before."""
    row, who = find_study(address.study_id), current_reader()
    touched = decode_mask(sent.mask, shape_of(row))
    parts = find_services()
    before = stored.read_draft(parts.store, row.study_id, who.reader_id)
    found = corrections.find_base(parts, row, sent.based_on.base(), draft=before)
    with still_there():
        draft = stored.write_draft(
            parts.store,
            row.study_id,
            who.reader_id,
            writer=sent.window(),
            based_on=found.described,
            content=encode_mask(touched, shape_of(row)),
            ai_content=found.ai_content,
        )
    return DraftStored(revision=draft.revision, changed_at=draft.changed_at.isoformat())


@correction.delete("/api/studies/<study_id>/draft")
@endpoint(others={HTTPStatus.CONFLICT: DraftConflictAnswer})
def drop_draft(address: StudyAddress, sent: SentWriter) -> Nothing:
    """Delete the reader's draft."""
    row, who = find_study(address.study_id), current_reader()
    with still_there():
        stored.drop_draft(find_services().store, row.study_id, who.reader_id, writer=sent.window())
    return Nothing()


@correction.post("/api/studies/<study_id>/versions")
@endpoint(status=HTTPStatus.CREATED, longest=longest_mask)
def save_version(address: StudyAddress, sent: SentDraft) -> VersionAnswer:
    """Save what is in the reader's view as a new version."""
    row, who = find_study(address.study_id), current_reader()
    if not who.is_named:
        raise RequestRefused(UNNAMED)
    version, store = make_version(row, sent, who), find_services().store
    with still_there():
        line = stored.add_version(store, row.study_id, version, writer=sent.window())
    return VersionAnswer(**_describe_line(row, line, who))


def make_version(row: StudyRow, sent: SentView, who: Reader) -> NewVersion:
    """Measure what is in a reader's view as a version; nothing is stored."""
    touched = decode_mask(sent.mask, shape_of(row))
    parts = find_services()
    before = stored.read_draft(parts.store, row.study_id, who.reader_id)
    found = corrections.find_base(parts, row, sent.based_on.base(), draft=before)
    mask = corrections.merge(found.slices, touched)
    ai_mask = corrections.decode_ai(row, found.ai_content)
    facts = corrections.measure_version(load_case(row), mask, ai_mask=ai_mask, touched=len(touched))
    added, removed = corrections.count_changes(found.slices, mask)
    return NewVersion(
        reader_id=who.reader_id,
        author=who.name,
        based_on=found.described,
        facts=facts,
        content=encode_mask(mask, shape_of(row)),
        ai_content=found.ai_content,
        added=added,
        removed=removed,
    )


def is_changed(row: StudyRow, mask: dict[int, NDArray[np.bool_]]) -> bool:
    """Return whether a mask is another one than the AI's at the default thresholds.

    Without a result, every mask that is not empty is.
    """
    parts = find_services()
    key = parts.result_key(row.content_digest)
    outline = parts.results.outline(key) if key else None
    ai = {k: one for k, one in outline.mask_slices().items() if one.any()} if outline else {}
    return ai.keys() != mask.keys() or any((mask[k] != one).any() for k, one in ai.items())


@correction.get("/api/studies/<study_id>/versions/<int:number>")
@endpoint()
def show_version(address: VersionAddress) -> VersionMasks:
    """Return one version with its masks."""
    row, who = find_study(address.study_id), current_reader()
    version = corrections.find_version(find_services(), row, address.number)
    return VersionMasks(
        **_describe_line(row, version.line, who),
        mask=_as_text(version.content),
        ai_mask=_as_text(version.ai_content) if version.ai_content else None,
    )


@correction.get("/api/studies/<study_id>/versions/<int:number>.nii.gz")
@endpoint("application/gzip")
def download_version(address: VersionAddress) -> Response:
    """Return one version's mask as a NIfTI file on the input's own voxels."""
    row = find_study(address.study_id)
    version = corrections.find_version(find_services(), row, address.number)
    mask = corrections.make_volume(decode_mask(version.content, shape_of(row)), shape_of(row))
    case = load_case(row)
    content = pipeline.encode_nifti_mask(mask, case.grid, case.spacing_mm)
    response = Response(content, mimetype="application/gzip")
    name = f"{row.case_id}_mask_v{address.number}.nii.gz"
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


@correction.post("/api/studies/<study_id>/corrections/surface")
@endpoint(SurfaceAnswer, longest=longest_mask, rate=SURFACES)
def surface(address: StudyAddress, sent: SentView) -> Response:
    """Return the surface in space of what is in the reader's view; nothing is stored."""
    row = find_study(address.study_id)
    mask = corrections.make_volume(find_whole_mask(row, sent), shape_of(row))
    body = encode_surface(load_case(row), row.start_channel, mask, "correction")
    return Response(body, mimetype=JSON)


@correction.post("/api/studies/<study_id>/corrections/diameters")
@endpoint(longest=longest_mask, rate=SURFACES)
def diameters(address: StudyAddress, sent: SentView) -> LesionsAnswer:
    """Return the diameters of what is in the reader's view; nothing is stored."""
    row = find_study(address.study_id)
    found = describe_lesions(find_whole_mask(row, sent), load_case(row).spacing_mm)
    return LesionsAnswer.model_validate(found)


@correction.errorhandler(DraftConflict)
def answer_conflict(error: DraftConflict) -> Response:
    """Return the draft that another window wrote, so that the reader can choose."""
    row = find_study((request.view_args or {})["study_id"])
    sentence = "Another window has changed this draft."
    conflict = DraftConflictAnswer(error=sentence, draft=_describe_draft(row, error.draft))
    return json_response(conflict, HTTPStatus.CONFLICT)


def find_whole_mask(row: StudyRow, sent: SentView) -> dict[int, NDArray[np.bool_]]:
    """Return the mask in the reader's view: the slices that were sent, over their base."""
    touched = decode_mask(sent.mask, shape_of(row))
    parts = find_services()
    draft = stored.read_draft(parts.store, row.study_id, current_reader().reader_id)
    below = corrections.find_base(parts, row, sent.based_on.base(), draft=draft)
    return corrections.merge(below.slices, touched)


def _describe_draft(row: StudyRow, draft: DraftRow) -> DraftAnswer:
    """Describe a draft, with the mask of its base if the present result is another one."""
    parts, base = find_services(), draft.based_on
    present = parts.result_key(row.content_digest)
    version = None if base.version is None else corrections.find_version(parts, row, base.version)
    ai_content = None if base.result_key == present else draft.ai_content
    return DraftAnswer(
        revision=draft.revision,
        changed_at=draft.changed_at.isoformat(),
        based_on=base,
        mask=_as_text(draft.content),
        base_mask=_as_text(version.content) if version else None,
        ai_mask=_as_text(ai_content) if ai_content else None,
    )


def _describe_line(row: StudyRow, line: VersionLine, who: Reader) -> dict[str, Any]:
    return {
        "number": line.number,
        "author": line.author,
        "own": line.reader_id == who.reader_id,
        "saved_at": line.saved_at.isoformat(),
        "based_on": line.based_on,
        "facts": corrections.facts_with(load_case(row), line.facts),
    }


def _as_text(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")
