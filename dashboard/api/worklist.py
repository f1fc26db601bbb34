"""HTTP of the worklist: the order in which studies are read where no list was left for them."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify

from dashboard.api.access import find_services

worklist = Blueprint("worklist", __name__)


@worklist.get("/api/worklist")
def order() -> Response:
    """Ids of all studies, in the order in which the worklist shows them at first."""
    return jsonify({"studies": find_services().store.study_order()})
