"""HTTP of a study's reading: who has it open, what is recorded, decisions, priority, history.

A request names the revision of the reading that its page has seen. If something else was recorded
meanwhile, or another reader has the study, the answer is 409 with the present reading, and nothing
changes.
"""

from __future__ import annotations

import base64
from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, ClassVar

import numpy as np
from flask import Blueprint, Response, request
from pydantic import AfterValidator, Field

from dashboard.api.access import (
    Place,
    StudyAddress,
    find_services,
    find_study,
    load_case,
    still_there,
)
from dashboard.api.corrections import (
    SentDraft,
    SentView,
    find_whole_mask,
    is_changed,
    longest_mask,
    make_version,
)
from dashboard.api.endpoint import (
    SURFACES,
    Answer,
    Body,
    ErrorAnswer,
    Nothing,
    check_printable,
    endpoint,
    json_response,
)
from dashboard.api.entries import conflict_sentence
from dashboard.api.errors import refuse_input
from dashboard.api.identity import author, current_reader, entry_of_reader
from dashboard.api.measurements import Revision
from dashboard.decisions.lesions import ListedLesion, lesions_as_read
from dashboard.decisions.locations import check_location
from dashboard.decisions.signing import check_decision, check_verdict, is_intact, make_record
from dashboard.masks.corrections import decode_ai, shape_of
from dashboard.masks.encoding import encode_mask
from dashboard.reports.exports import with_report
from dashboard.store import StudyRow
from dashboard.store.amendments import AmendedPart
from dashboard.store.claims import AmendmentNeeded, Claimed
from dashboard.store.corrections import plan_version
from dashboard.store.entries import EntriesConflict
from dashboard.store.history import EventRow, list_events
from dashboard.store.reading_content import (
    JUDGES_RESULT,
    NEEDS_REASON,
    Comparison,
    Decision,
    Difficulty,
    Event,
    EventDetails,
    KeyImage,
    LesionReading,
    LesionSource,
    LesionVerdict,
    Reading,
    Reason,
    Side,
    SignedContent,
    Verdict,
)
from dashboard.store.readings import (
    STAT,
    ReadingConflict,
    ReadingRow,
    SignedLine,
    decide,
    discard_amendment,
    find_open_time,
    find_reading,
    find_signed,
    leave_study,
    list_records,
    open_study,
    read_amendment,
    read_record,
    set_priority,
    sign,
    write_reading,
)
from dashboard.store.states import Step, StepRefused, StudyState, shown_state
from dashboard.store.stored_json import Entry
from dashboard.studies.analysis import find_result
from dashboard.studies.entries import restore
from dashboard.workspace.received import NotThere, RequestRefused
from pipeline import InputError

_LONGEST_BODY = 256 * 1024
UNNAMED = "Enter your name first: it is stored with the decision."
_REFUSED = {
    Step.DECIDE: "Open the study in Review before you record a decision.",
    Step.WITHDRAW: "There is no decision to withdraw.",
    Step.SIGN: "Record a decision before you sign.",
    Step.AMEND: "Only a signed study can be amended.",
}

decision = Blueprint("decision", __name__)
decision.register_error_handler(InputError, refuse_input)

_Key = Annotated[str, Field(pattern=r"^[0-9a-z-]{1,64}$")]
_Layer = Annotated[str, Field(pattern=r"^[a-z]{1,20}$")]
_Words = Annotated[str, Field(max_length=4000)]


class SentOpening(Body):
    """A page that has the study open.

    Attributes:
        take_over: Claim it although another reader has it.
        amends: Number of the last signed record, to amend it; null for a study that is not signed.
    """

    take_over: bool = False
    amends: Annotated[int, Field(ge=1, lt=2**31)] | None = None


class SentLesion(Body):
    """What is recorded of one lesion; see `LesionReading`."""

    key: _Key
    verdict: LesionVerdict | None = None
    location: Annotated[str, AfterValidator(check_location)] | None = None
    comment: _Words = ""


class SentKeyImage(Body):
    """A key image; see `KeyImage`. The server adds who marked it, and when."""

    id: _Key
    k: Place
    channel: Annotated[int, Field(ge=0, lt=64)]
    window: tuple[float, float]
    layers: Annotated[tuple[_Layer, ...], Field(max_length=16)] = ()
    caption: Annotated[str, Field(max_length=1000), AfterValidator(check_printable)] = ""


class LesionAnswer(Answer):
    """A lesion of the list; see `ListedLesion`.

    Attributes:
        k: Slice on which its area is largest, from 0.
        longest, perpendicular: Diameters in mm, in pixels without spacing; null where the lesion
            is beyond those that are measured.
        box: Left, top, right and bottom on that slice, in pixels.
        mask: Its voxels, as `dashboard.masks.encoding` writes them, in base64.
    """

    number: int
    key: str
    source: LesionSource
    verdict: LesionVerdict
    voxels: int
    volume_ml: float | None
    k: int
    first: int
    last: int
    side: Side
    score: float | None
    longest: float | None
    perpendicular: float | None
    box: tuple[int, int, int, int]
    mask: str


class LesionListAnswer(Answer):
    """Lesions of the mask in view, then those that are not in it.

    Attributes:
        not_listed: How many smaller ones are not listed.
        is_changed: Whether the mask in view is another one than the AI's at the default thresholds.
    """

    lesions: list[LesionAnswer]
    not_listed: int
    is_changed: bool


class SentReading(Body):
    """What is recorded of a study; what is missing stays as it is.

    Attributes:
        revision: Of the reading that the page has seen.
        lesions: All lesions about which something is recorded.
        notes: In the reader's words.
        key_images: All key images, in their order.
        slices_shown: Slices that were on screen, from 0; they are added to those before.
    """

    shown: ClassVar[str] = "Your reading"
    remedy: ClassVar[str] = "change it"
    revision: Revision
    lesions: Annotated[list[SentLesion], Field(max_length=1000)] | None = None
    notes: Annotated[str, Field(max_length=20_000)] | None = None
    key_images: Annotated[list[SentKeyImage], Field(max_length=200)] | None = None
    slices_shown: Annotated[list[Place], Field(max_length=100_000)] | None = None


class SentDecision(Body):
    """A decision on the study; a verdict of null withdraws it.

    Attributes:
        revision: Of the reading that the page has seen.
        verdict, reason, comment, difficulty: As of `Decision`.
        view: The mask in view, against which "accept" is checked at once; a signature checks it
            in any case.
    """

    shown: ClassVar[str] = "Your decision"
    remedy: ClassVar[str] = "change it"
    revision: Revision
    verdict: Verdict | None
    reason: Reason | None = None
    comment: _Words = ""
    difficulty: Difficulty | None = None
    view: SentView | None = None


class SentSignature(SentDraft):
    """A signature under what is in the reader's view.

    Attributes:
        reading: Revision of the reading that the page has seen.
        token: Chosen by the page; a request with the same one signs nothing twice.
        amends: Number of the record that is amended; null for a first signature.
        reason: Why it is amended; "" for a first signature.
    """

    shown: ClassVar[str] = "Your signature"
    remedy: ClassVar[str] = "load the page again"
    reading: Revision
    token: Annotated[str, Field(pattern=r"^[0-9a-f]{16,64}$")]
    amends: Annotated[int, Field(ge=1, lt=2**31)] | None = None
    reason: _Words = ""


class RecordAddress(StudyAddress):
    """A signed record, by its number from 1."""

    number: Annotated[int, Field(ge=0, lt=2**31, title="record")]


class SentDiscard(Body):
    """An amendment to discard: the revision of the reading that the page has seen."""

    shown: ClassVar[str] = "The request"
    remedy: ClassVar[str] = "load the page again"
    revision: Revision


class SentPriority(Body):
    """Whether the study is to be read first."""

    stat: bool


class ClaimAnswer(Answer):
    """Who has the study, until when (ISO 8601, UTC), and whether that is this reader."""

    author: str
    own: bool
    until: str


class RecordLine(Answer):
    """A signed record, without what was signed.

    Attributes:
        number: From 1 within the study.
        author, signed_at: Who signed it, and when (ISO 8601, UTC).
        verdict: The decision.
        reason: Why it amends the record before it, or "".
        digest: SHA-256 of what was signed.
    """

    number: int
    author: str
    signed_at: str
    verdict: Verdict
    reason: str
    digest: str


class RecordAnswer(RecordLine):
    """A signed record.

    Attributes:
        intact: Whether it still has the digest with which it was signed.
        content: What was signed.
    """

    intact: bool
    content: SignedContent


class ReadingAnswer(Answer):
    """The reading of a study.

    Attributes:
        state: Where the study stands.
        stat: Whether it is to be read first.
        revision: Increases with each change of what is recorded; sent with the next one.
        decision, lesions, notes, key_images, slices_shown, comparison: What is recorded.
        claim: Who has the study; null for nobody.
        changed_by: Who recorded something last, or "".
        records: Signed records, the newest first.
    """

    state: StudyState
    stat: bool
    revision: int
    decision: Decision | None
    lesions: list[LesionReading]
    notes: str
    key_images: list[KeyImage]
    slices_shown: list[int]
    comparison: Comparison | None
    claim: ClaimAnswer | None
    changed_by: str
    records: list[RecordLine]


class OpenedAnswer(Answer):
    """The reading of a study that a page has open.

    Attributes:
        reading: The reading.
        others: Names of other readers who have it open.
        open_s: How long this reader has had it open in all, in seconds.
    """

    reading: ReadingAnswer
    others: list[str]
    open_s: float


class ReadingConflictAnswer(ErrorAnswer):
    """The reading as it is now."""

    reading: ReadingAnswer


class AmendmentAnswer(Answer):
    """What an open amendment has changed."""

    changes: list[AmendedPart]


class EventAnswer(Answer):
    """A line of the history; see `EventDetails`."""

    at: str
    author: str
    event: Event
    details: EventDetails


class HistoryAnswer(Answer):
    """What happened to a study, the oldest first."""

    events: list[EventAnswer]


@decision.get("/api/studies/<study_id>/reading")
@endpoint()
def show(address: StudyAddress) -> ReadingAnswer:
    """Return the reading of a study."""
    row = find_study(address.study_id)
    return describe_reading(row, find_reading(find_services().store, row.study_id))


@decision.post("/api/studies/<study_id>/opening")
@endpoint()
def open_page(address: StudyAddress, sent: SentOpening) -> OpenedAnswer:
    """Note that the reader has the study open, and claim it if nobody else has it.

    A page sends this when it opens the study, and again at least every minute. A signed study is
    claimed only to amend it.
    """
    row = find_study(address.study_id)
    store = find_services().store
    with still_there():
        opened = open_study(
            store, row.study_id, author(), take_over=sent.take_over, amends=sent.amends
        )
    return OpenedAnswer(
        reading=describe_reading(row, opened.reading),
        others=list(opened.others),
        open_s=opened.open_s,
    )


@decision.delete("/api/studies/<study_id>/opening")
@endpoint()
def leave_page(address: StudyAddress) -> Nothing:
    """Note that the reader has closed the study, and end their claim."""
    row = find_study(address.study_id)
    with still_there():
        leave_study(find_services().store, row.study_id, author())
    return Nothing()


@decision.get("/api/studies/<study_id>/amendment")
@endpoint()
def show_amendment(address: StudyAddress) -> AmendmentAnswer:
    """Return what the reader's open amendment of a signed study has changed."""
    row = find_study(address.study_id)
    with still_there():
        begun = read_amendment(find_services().store, row.study_id, author())
    return AmendmentAnswer(changes=list(begun.changes))


@decision.delete("/api/studies/<study_id>/amendment")
@endpoint(others={HTTPStatus.CONFLICT: ReadingConflictAnswer})
def discard(address: StudyAddress, sent: SentDiscard) -> ReadingAnswer:
    """End the reader's amendment: everything returns to what was signed.

    Versions of the mask that were saved in it stay in the list of versions.
    """
    row, store = find_study(address.study_id), find_services().store
    with still_there():
        begun = read_amendment(store, row.study_id, author(), revision=sent.revision)
        try:
            restore(find_services(), row, begun.entries, begun.reference, by=entry_of_reader())
        except EntriesConflict as error:
            raise RequestRefused(conflict_sentence(error.last)) from None
        written = discard_amendment(
            store, row.study_id, author(), revision=sent.revision, changes=begun.changes
        )
    return describe_reading(find_study(row.study_id), written)


@decision.put("/api/studies/<study_id>/reading")
@endpoint(others={HTTPStatus.CONFLICT: ReadingConflictAnswer}, longest=_LONGEST_BODY)
def write(address: StudyAddress, sent: SentReading) -> ReadingAnswer:
    """Record notes, lesions, key images and the slices that were shown."""
    row = find_study(address.study_id)
    _check_slices(row, [*(sent.slices_shown or ()), *(one.k for one in sent.key_images or ())])
    entry = entry_of_reader()
    with still_there():
        written = write_reading(
            find_services().store,
            row.study_id,
            author(),
            revision=sent.revision,
            change=lambda before: _changed(before, sent, entry),
        )
    return describe_reading(row, written)


@decision.put("/api/studies/<study_id>/decision")
@endpoint(others={HTTPStatus.CONFLICT: ReadingConflictAnswer}, longest=longest_mask)
def write_decision(address: StudyAddress, sent: SentDecision) -> ReadingAnswer:
    """Record a decision on a study whose marked slices were shown, or withdraw it.

    "Accept" is refused while the mask in view is not the AI's.
    """
    row, who = find_study(address.study_id), current_reader()
    if not who.is_named:
        raise RequestRefused(UNNAMED)
    store = find_services().store
    found = None
    if sent.verdict is not None:
        if sent.verdict in NEEDS_REASON and sent.reason is None:
            raise RequestRefused("Choose a reason for this decision.", field="reason")
        _check_shown(row, find_reading(store, row.study_id), sent.verdict)
        if sent.view is not None and sent.verdict is Verdict.ACCEPT:
            mask = find_whole_mask(row, sent.view)
            check_verdict(sent.verdict, is_changed=is_changed(row, mask))
        found = Decision(
            verdict=sent.verdict,
            reason=sent.reason,
            comment=sent.comment,
            difficulty=sent.difficulty,
            by=entry_of_reader(),
        )
    with still_there():
        written = decide(store, row.study_id, author(), found, revision=sent.revision)
    return describe_reading(row, written)


@decision.post("/api/studies/<study_id>/lesions")
@endpoint(LesionListAnswer, longest=longest_mask, rate=SURFACES)
def lesions(address: StudyAddress, sent: SentView) -> Response:
    """Return the lesion list of what is in the reader's view; nothing is stored."""
    row = find_study(address.study_id)
    mask = find_whole_mask(row, sent)
    found = lesions_as_read(find_services(), row, load_case(row), mask)
    answer = LesionListAnswer(
        lesions=[_describe_lesion(row, one) for one in found.lesions],
        not_listed=found.not_listed,
        is_changed=is_changed(row, mask),
    )
    return json_response(answer)


@decision.put("/api/studies/<study_id>/priority")
@endpoint()
def write_priority(address: StudyAddress, sent: SentPriority) -> ReadingAnswer:
    """Set whether the study is to be read first."""
    row = find_study(address.study_id)
    store = find_services().store
    with still_there():
        set_priority(store, row.study_id, author(), stat=sent.stat)
    return describe_reading(row, find_reading(store, row.study_id))


@decision.post("/api/studies/<study_id>/records")
@endpoint(
    status=HTTPStatus.CREATED,
    others={HTTPStatus.CONFLICT: ReadingConflictAnswer},
    longest=longest_mask,
)
def sign_study(address: StudyAddress, sent: SentSignature) -> RecordLine:
    """Sign what is in the reader's view, or amend what was signed.

    A changed mask is saved as a version with the signature, and is not if that is refused. The same
    request sent again returns the record that it signed.
    """
    row, who = find_study(address.study_id), current_reader()
    if not who.is_named:
        raise RequestRefused(UNNAMED)
    if sent.amends is not None and not sent.reason.strip():
        raise RequestRefused("Say why the signed study is amended.", field="reason")
    store, by = find_services().store, author()
    reading = find_reading(store, row.study_id)
    if (known := find_signed(store, row.study_id, sent.token)) is not None:
        return _describe_record(known)
    records = list_records(store, row.study_id)
    if reading.revision != sent.reading or sent.amends != (records[0].number if records else None):
        raise ReadingConflict(reading)
    claim = reading.claim
    is_own = claim is not None and claim.reader_id == by.reader_id
    if reading.state.is_signed and not is_own:
        raise AmendmentNeeded
    if claim and not is_own:
        raise Claimed(claim)
    mask, based_on = find_whole_mask(row, sent), sent.based_on.base()
    has_changed = is_changed(row, mask)
    check_decision(reading.content, is_changed=has_changed)
    version = None
    if has_changed:
        made = make_version(row, sent, who)
        version = plan_version(store, row.study_id, made, writer=sent.window())
    parts, case = find_services(), load_case(row)
    found = lesions_as_read(parts, row, case, mask)
    with still_there():
        record = make_record(
            parts,
            row,
            reading.content,
            mask,
            case=case,
            lesions=found,
            by=by,
            at=store.clock(),
            token=sent.token,
            based_on=version.based_on if version else based_on,
            mask_version=version.number if version else None,
            open_s=find_open_time(store, row.study_id, by.reader_id),
            amends=sent.amends,
            reason=sent.reason.strip(),
        )
        ai = decode_ai(row, record.ai_mask)
        record = with_report(parts, row, record, by=by, case=case, mask=mask, ai=ai, lesions=found)
        line = sign(store, row.study_id, by, record, revision=sent.reading, version=version)
    return _describe_record(line)


@decision.get("/api/studies/<study_id>/records/<int:number>")
@endpoint()
def show_record(address: RecordAddress) -> RecordAnswer:
    """Return a signed record, and whether it is intact."""
    row = find_study(address.study_id)
    found = read_record(find_services().store, row.study_id, address.number)
    if found is None:
        raise NotThere(f"No signed record {address.number} of this study exists.")
    line, mask, ai_mask = found
    return RecordAnswer(
        **_describe_record(line).model_dump(),
        intact=is_intact(line, mask, ai_mask),
        content=line.content,
    )


@decision.get("/api/studies/<study_id>/history")
@endpoint()
def history(address: StudyAddress) -> HistoryAnswer:
    """Return what happened to a study."""
    row = find_study(address.study_id)
    events = list_events(find_services().store, row.study_id)
    return HistoryAnswer(events=[_describe_event(one) for one in events])


@decision.errorhandler(ReadingConflict)
def answer_conflict(error: ReadingConflict) -> Response:
    """Return what another reader or window has recorded, so that the reader can choose."""
    by = error.reading.changed_author
    sentence = f"{by or 'Another window'} has changed this study meanwhile; look at it again."
    return _conflict(error.reading, sentence)


@decision.errorhandler(Claimed)
def answer_claimed(error: Claimed) -> Response:
    """Return who has the study."""
    sentence = f"{error.claim.author} is reading this study; take it over to change it."
    row = find_study((request.view_args or {})["study_id"])
    return _conflict(find_reading(find_services().store, row.study_id), sentence)


@decision.errorhandler(StepRefused)
def answer_refused(error: StepRefused) -> Response:
    """Return why the state of the study does not allow the step."""
    sentence = _REFUSED.get(error.step, "The study's state does not allow this.")
    return json_response(ErrorAnswer(error=sentence), HTTPStatus.CONFLICT)


def describe_reading(row: StudyRow, reading: ReadingRow) -> ReadingAnswer:
    """Describe the reading of a study for the browser."""
    who, content, claim = current_reader(), reading.content, reading.claim
    records = list_records(find_services().store, row.study_id) if reading.state.is_signed else []
    return ReadingAnswer(
        state=shown_state(reading.state, has_result=row.positive_slices is not None),
        stat=reading.priority == STAT,
        revision=reading.revision,
        decision=content.decision,
        lesions=list(content.lesions),
        notes=content.notes,
        key_images=list(content.key_images),
        slices_shown=list(content.shown),
        comparison=content.comparison,
        claim=ClaimAnswer(
            author=claim.author,
            own=claim.reader_id == who.reader_id,
            until=claim.until.isoformat(),
        )
        if claim
        else None,
        changed_by=reading.changed_author,
        records=[_describe_record(one) for one in records],
    )


def _changed(before: Reading, sent: SentReading, entry: Entry) -> Reading:
    """What is recorded after a request; key images that are known keep who marked them."""
    after = before
    if sent.lesions is not None:
        after = replace(after, lesions=tuple(LesionReading(**vars(one)) for one in sent.lesions))
    if sent.notes is not None:
        after = replace(after, notes=sent.notes)
    if sent.key_images is not None:
        known = {one.id: one.by for one in before.key_images}
        images = tuple(
            KeyImage(**vars(one), by=known.get(one.id, entry)) for one in sent.key_images
        )
        after = replace(after, key_images=images)
    if sent.slices_shown is not None:
        after = replace(after, shown=tuple(sorted({*before.shown, *sent.slices_shown})))
    return after


def _check_slices(row: StudyRow, places: list[int]) -> None:
    if any(k >= row.slices for k in places):
        raise RequestRefused("A slice of your reading does not exist; load the page again.")


def _check_shown(row: StudyRow, reading: ReadingRow, verdict: Verdict) -> None:
    """Refuse a decision on an AI result that is not there, or that nobody has looked at."""
    result = find_result(find_services(), row)
    if result is None and verdict in JUDGES_RESULT:
        raise RequestRefused(
            "There is no AI result to accept or reject. Wait for the analysis, or correct the mask"
            " and choose Accept with changes."
        )
    marked = [k for k, one in enumerate(result.slices) if one.tumor] if result else []
    missing = [k for k in marked if k not in set(reading.content.shown)]
    if missing:
        raise RequestRefused(
            f"Look at the marked slices first: {len(missing)} of {len(marked)} were not shown yet,"
            f" the first is slice {row.indices[missing[0]]}."
        )


def _describe_record(line: SignedLine) -> RecordLine:
    return RecordLine(
        number=line.number,
        author=line.author,
        signed_at=line.signed_at.isoformat(),
        verdict=line.content.decision.verdict,
        reason=line.content.reason,
        digest=line.digest,
    )


def _describe_lesion(row: StudyRow, lesion: ListedLesion) -> LesionAnswer:
    rows, columns = np.nonzero(lesion.mask[lesion.largest])
    measured = lesion.measured
    return LesionAnswer(
        number=lesion.number,
        key=lesion.key,
        source=lesion.source,
        verdict=lesion.verdict,
        voxels=lesion.voxels,
        volume_ml=lesion.volume_ml,
        k=lesion.largest,
        first=lesion.first,
        last=lesion.last,
        side=lesion.side,
        score=lesion.score,
        longest=measured.longest.length if measured else None,
        perpendicular=measured.perpendicular.length if measured else None,
        box=(
            int(columns.min()),
            int(rows.min()),
            int(columns.max()) + 1,
            int(rows.max()) + 1,
        ),
        mask=base64.b64encode(encode_mask(lesion.mask, shape_of(row))).decode("ascii"),
    )


def _conflict(reading: ReadingRow, sentence: str) -> Response:
    row = find_study((request.view_args or {})["study_id"])
    answer = ReadingConflictAnswer(error=sentence, reading=describe_reading(row, reading))
    return json_response(answer, HTTPStatus.CONFLICT)


def _describe_event(event: EventRow) -> EventAnswer:
    return EventAnswer(
        at=event.at.isoformat(), author=event.author, event=event.event, details=event.details
    )
