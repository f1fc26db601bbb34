"""HTTP of the worklist: the default order in which studies are read, and deleted studies."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint

from dashboard.api.access import StudyAddress, find_services, find_study
from dashboard.api.endpoint import Answer, Nothing, endpoint
from dashboard.api.errors import refuse_input
from dashboard.api.identity import requester
from dashboard.studies import deletion
from pipeline import InputError

worklist = Blueprint("worklist", __name__)
worklist.register_error_handler(InputError, refuse_input)


class StudyOrder(Answer):
    """Ids of all studies, in the worklist's default order."""

    studies: list[str]


@worklist.get("/api/worklist")
@endpoint()
def order() -> StudyOrder:
    """Return the ids of all studies in the worklist's default order."""
    return StudyOrder(studies=find_services().store.study_order())


class DeletedAnswer(Answer):
    """A deleted study, and until when it can be restored; times in UTC."""

    study_id: str
    name: str
    deleted_at: datetime
    deleted_by: str
    kept_until: datetime


class DeletedStudies(Answer):
    """The deleted studies that the reader may restore, those deleted last first."""

    studies: list[DeletedAnswer]


@worklist.get("/api/worklist/deleted")
@endpoint()
def deleted() -> DeletedStudies:
    """Return the deleted studies that the reader may restore."""
    found = deletion.list_deleted(find_services(), requester())
    return DeletedStudies(
        studies=[
            DeletedAnswer(
                study_id=one.study_id,
                name=one.name,
                deleted_at=one.deleted_at,
                deleted_by=one.deleted_by,
                kept_until=one.deleted_at + deletion.KEPT,
            )
            for one in found
        ]
    )


@worklist.delete("/api/studies/<study_id>")
@endpoint()
def delete(address: StudyAddress) -> Nothing:
    """Delete an uploaded study; it can be restored for 30 days.

    Status 403 if it is another reader's.
    """
    row = find_study(address.study_id)
    deletion.delete_study(find_services(), row.study_id, requester())
    return Nothing()


@worklist.post("/api/studies/<study_id>/restore")
@endpoint()
def restore(address: StudyAddress) -> Nothing:
    """Put a deleted study back into the worklist, with all that readers did on it.

    Status 403 if it is another reader's.
    """
    deletion.restore_study(find_services(), address.study_id, requester())
    return Nothing()
