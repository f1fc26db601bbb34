"""HTTP of the worklist: the order in which studies are read where no list was left for them."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify
from sqlalchemy import select

from dashboard.api.access import find_services
from dashboard.store import Store
from dashboard.store.schema import StudyRecord

worklist = Blueprint("worklist", __name__)


@worklist.get("/api/worklist")
def order() -> Response:
    """Ids of all studies, in the order in which the worklist shows them at first."""
    return jsonify({"studies": study_order(find_services().store)})


def study_order(store: Store) -> list[str]:
    """Ids of all studies, the newest first: the order of `Store.list_studies`, and cheaper."""
    query = select(StudyRecord.study_id)
    with store.reading() as session:
        return list(
            session.scalars(query.order_by(StudyRecord.added_at.desc(), StudyRecord.study_id))
        )
