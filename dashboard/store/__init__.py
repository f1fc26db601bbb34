"""The review database: studies, jobs, results. Pages read it through `Store`."""

from dashboard.store.database import DatabaseError
from dashboard.store.rows import (
    JobRow,
    JobState,
    ModelKey,
    NewStudy,
    Origin,
    ResultSummary,
    StudyCounts,
    StudyRow,
)
from dashboard.store.store import LEASE, Store

__all__ = [
    "LEASE",
    "DatabaseError",
    "JobRow",
    "JobState",
    "ModelKey",
    "NewStudy",
    "Origin",
    "ResultSummary",
    "Store",
    "StudyCounts",
    "StudyRow",
]
