"""HTTP of what readers enter for a study: its label, a spacing, a reference.

A request names the revision of the entries that its reader has seen. If another reader has changed
the study meanwhile, the answer is 409 and nothing changes.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, ClassVar

from flask import Blueprint, Response
from pydantic import Field

from dashboard.api.access import StudyAddress, find_services, find_study
from dashboard.api.endpoint import Answer, Body, ErrorAnswer, endpoint, json_response
from dashboard.api.errors import refuse_input
from dashboard.api.identity import current_reader, entry_of_reader, requester
from dashboard.api.measurements import Revision
from dashboard.api.study_answer import EntriesAnswer
from dashboard.api.uploads import NO_FILES, AddedStudy, describe_added, find_uploads
from dashboard.store import StudyRow
from dashboard.store.entries import EntriesConflict
from dashboard.store.stored_json import Entry
from dashboard.studies import deletion, entries, intake
from dashboard.studies.description import describe_entries
from dashboard.studies.uploads import folder_entries
from dashboard.workspace.received import NotThere, RequestRefused
from pipeline import InputError

UNNAMED = "Enter your name first: it is stored with the change."

entry = Blueprint("entries", __name__)
entry.register_error_handler(InputError, refuse_input)


class SentRevision(Body):
    """The revision of the entries that the reader has seen."""

    shown: ClassVar[str] = "Your entry"
    remedy: ClassVar[str] = "change it"
    revision: Revision


class SentLabel(SentRevision):
    """A label for a study on screen; an empty one restores the original name."""

    label: Annotated[str, Field(max_length=1000)]


class SentSpacing(SentRevision):
    """Distances in mm between slices, rows and columns, or null to remove them."""

    spacing_mm: tuple[float, float, float] | None


class SentReference(SentRevision):
    """An upload with the files of a reference, which is deleted once it was read."""

    batch: Annotated[str, Field(pattern=r"^[0-9a-f]{16,64}$")]
    files: Annotated[int, Field(ge=1, le=1_000_000)]


class DividedAnswer(Answer):
    """The studies that a stack of pictures was divided into."""

    studies: list[AddedStudy]


@entry.put("/api/studies/<study_id>/label")
@endpoint()
def rename(address: StudyAddress, sent: SentLabel) -> EntriesAnswer:
    """Change what the study is called on screen; identifiers of its files stay."""
    row, by = find_study(address.study_id), _signature()
    return _answer(entries.rename(find_services(), row, sent.label, revision=sent.revision, by=by))


@entry.put("/api/studies/<study_id>/spacing")
@endpoint()
def change_spacing(address: StudyAddress, sent: SentSpacing) -> EntriesAnswer:
    """Enter, change or remove the spacing of a study whose files state none."""
    row, by = find_study(address.study_id), _signature()
    changed = entries.change_spacing(
        find_services(), row, sent.spacing_mm, revision=sent.revision, by=by
    )
    return _answer(changed)


@entry.put("/api/studies/<study_id>/reference")
@endpoint()
def attach_reference(address: StudyAddress, sent: SentReference) -> EntriesAnswer:
    """Attach the mask in an upload as the study's reference."""
    row, by = find_study(address.study_id), _signature()
    with find_uploads().take(sent.batch, by.reader_id, files=sent.files) as folder:
        if folder is None:
            raise NotThere(NO_FILES)
        changed = entries.attach_reference(
            find_services(), row, folder_entries(folder), revision=sent.revision, by=by
        )
    return _answer(changed)


@entry.delete("/api/studies/<study_id>/reference")
@endpoint()
def detach_reference(address: StudyAddress, sent: SentRevision) -> EntriesAnswer:
    """Detach the attached reference; the one that the files state is shown again."""
    row, by = find_study(address.study_id), _signature()
    return _answer(entries.detach_reference(find_services(), row, revision=sent.revision, by=by))


@entry.post("/api/studies/<study_id>/divide")
@endpoint()
def divide(address: StudyAddress) -> DividedAnswer:
    """Replace pictures that were joined by their numbers by a study for each."""
    row, who = find_study(address.study_id), requester()
    deletion.check_deletable(find_services(), row, who)
    found = intake.split_study(find_services(), row, by=who)
    return DividedAnswer(studies=[describe_added(row, new=True) for row in found])


@entry.errorhandler(EntriesConflict)
def answer_conflict(error: EntriesConflict) -> Response:
    """Return the sentence on a study that another reader has changed."""
    return json_response(ErrorAnswer(error=conflict_sentence(error.last)), HTTPStatus.CONFLICT)


def conflict_sentence(last: Entry | None) -> str:
    """The sentence on a change that came after another reader's."""
    return f"{last.author if last else 'Another reader'} has changed this study; look at it again."


def _signature() -> Entry:
    """Who is changing the study, and when.

    Raises:
        RequestRefused: The reader has not entered a name.
    """
    if not current_reader().is_named:
        raise RequestRefused(UNNAMED)
    return entry_of_reader()


def _answer(row: StudyRow) -> EntriesAnswer:
    described = describe_entries(find_services().load_stated(row), row)
    return EntriesAnswer.model_validate(described)
