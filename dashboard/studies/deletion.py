"""Deleting uploaded studies: by whom, restoring them, and deleting everything after 30 days.

A deleted study leaves the worklist. Its files and readers' work on it (corrections, drafts,
measurements, entries) stay until it is purged.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.jobs import table
from dashboard.store import DeletedStudy, Origin, StudyRow
from dashboard.store.history import Author
from dashboard.store.readings import list_records
from dashboard.studies import intake
from dashboard.workspace.received import NO_STUDY, Forbidden
from dashboard.workspace.services import Services
from dashboard.workspace.settings import Settings
from pipeline import InputError

#: How long a deleted study can be restored.
KEPT = timedelta(days=30)
NOT_YOURS = "Only the reader who uploaded this study, or the administrator, may do this."
SIGNED = "This study has a signed record and cannot be deleted."
ONLY_UPLOADS = "Only uploaded studies can be deleted here."


@dataclass(frozen=True)
class Requester(Author):
    """The reader who asks.

    Attributes:
        is_admin: Whether this is the administrator.
    """

    is_admin: bool = False


def may_change(settings: Settings, study: StudyRow | DeletedStudy, who: Requester) -> bool:
    """Whether a reader may delete or restore a study.

    Of an upload by an earlier version the reader is unknown: the administrator may, or every reader
    if there is no administrator.
    """
    if who.is_admin:
        return True
    return study.reader_id == who.reader_id if study.reader_id else not settings.admin


def check_deletable(services: Services, row: StudyRow, who: Requester) -> None:
    """Refuse to delete a study.

    Raises:
        InputError: It is not an upload.
        Forbidden: It is another reader's, or signed.
    """
    if row.origin is not Origin.UPLOAD:
        raise InputError("", ONLY_UPLOADS)
    if not may_change(services.settings, row, who):
        raise Forbidden(NOT_YOURS)
    if list_records(services.store, row.study_id):
        raise Forbidden(SIGNED)


def delete_study(services: Services, study_id: str, who: Requester) -> None:
    """Take an uploaded study out of the worklist.

    Raises:
        InputError: It is missing, or it is not an upload.
        Forbidden: It is another reader's, or signed.
    """
    row = services.store.study(study_id)
    if row is None:
        raise InputError("", NO_STUDY)
    check_deletable(services, row, who)
    if not services.store.delete_study(study_id, by=who, even_if_signed=False):
        check_deletable(services, row, who)  # it was signed meanwhile
    intake.list_hidden(services)  # it may have stood for a study of library or demo


def list_deleted(services: Services, who: Requester) -> list[DeletedStudy]:
    """The deleted studies that a reader may restore, those deleted last first."""
    earliest = services.store.clock() - KEPT
    return [
        study
        for study in services.store.deleted_studies()
        if study.deleted_at >= earliest and may_change(services.settings, study, who)
    ]


def restore_study(services: Services, study_id: str, who: Requester) -> StudyRow:
    """Put a deleted study back into the worklist, with all that readers did on it.

    Raises:
        InputError: It was not deleted, or it can no longer be restored.
        Forbidden: It is another reader's.
    """
    earliest = services.store.clock() - KEPT
    found = {one.study_id: one for one in services.store.deleted_studies()}.get(study_id)
    if found is None or found.deleted_at < earliest:
        raise InputError("", NO_STUDY)
    if not may_change(services.settings, found, who):
        raise Forbidden(NOT_YOURS)
    services.store.restore_study(study_id, by=who)
    if services.store.model is not None:
        table.submit(services.store, study_id)
    row = services.store.study(study_id)
    if row is None:  # deleted again meanwhile
        raise InputError("", NO_STUDY)
    return row


def purge_deleted(services: Services, *, before: datetime | None = None) -> int:
    """Delete all of the studies that can no longer be restored; returns how many.

    Args:
        services: The server's parts.
        before: Delete those that were deleted before this time, `KEPT` ago by default.
    """
    purged = services.store.purge_deleted(before or services.store.clock() - KEPT)
    for study_id in purged:
        services.files.delete(study_id)
    return len(purged)
