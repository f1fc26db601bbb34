"""HTTP of the worklist: the order in which studies are read where no list was left for them."""

from __future__ import annotations

from flask import Blueprint

from dashboard.api.access import find_services
from dashboard.api.endpoint import Answer, endpoint

worklist = Blueprint("worklist", __name__)


class StudyOrder(Answer):
    """Ids of all studies, in the order in which the worklist shows them at first."""

    studies: list[str]


@worklist.get("/api/worklist")
@endpoint()
def order() -> StudyOrder:
    """Return the ids of all studies in the worklist's first order."""
    return StudyOrder(studies=find_services().store.study_order())
