"""HTTP of the worklist: the default order in which studies are read."""

from __future__ import annotations

from flask import Blueprint

from dashboard.api.access import find_services
from dashboard.api.endpoint import Answer, endpoint

worklist = Blueprint("worklist", __name__)


class StudyOrder(Answer):
    """Ids of all studies, in the worklist's default order."""

    studies: list[str]


@worklist.get("/api/worklist")
@endpoint()
def order() -> StudyOrder:
    """Return the ids of all studies in the worklist's default order."""
    return StudyOrder(studies=find_services().store.study_order())
