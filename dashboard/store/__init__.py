"""The review database: studies, jobs, results. Pages read it through `Store`."""

from dashboard.store.database import DatabaseError, LostDatabase
from dashboard.store.rows import (
    STUDY_ID,
    DeletedStudy,
    JobRow,
    JobState,
    ModelKey,
    NewStudy,
    Origin,
    ResultClaims,
    ResultSummary,
    StudyCounts,
    StudyId,
    StudyRow,
)
from dashboard.store.store import LEASE, Store

__all__ = [
    "LEASE",
    "STUDY_ID",
    "DatabaseError",
    "DeletedStudy",
    "JobRow",
    "JobState",
    "LostDatabase",
    "ModelKey",
    "NewStudy",
    "Origin",
    "ResultClaims",
    "ResultSummary",
    "Store",
    "StudyCounts",
    "StudyId",
    "StudyRow",
]
