"""HTTP of measurements: diameters of the AI's mask, and what a reader has measured on a study.

One document holds all of it, with a revision. A window that did not see what another one wrote is
answered with 409 and with that, and puts both together (`assets/js/measure/measure_store.js`).

A measurement is ``{"id", "kind", "k", "points"}``: ``k`` its slice from 0, points ``[x, y]`` in
image coordinates, where pixel (0, 0) covers 0 to 1. Lengths, areas and statistics are not sent:
they follow from the points, and browsers compute them. What follows from two diameters by RANO is
answered here: the rule and its sentences are the pipeline's.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from http import HTTPStatus

from flask import Blueprint, Response, jsonify

from dashboard.api.access import (
    answer_immutable,
    find_mask,
    find_services,
    find_study,
    load_case,
    read_object,
    recent_study,
)
from dashboard.api.errors import refuse_input
from dashboard.api.identity import current_reader
from dashboard.store import StudyRow
from dashboard.store.measurements import (
    MeasurementConflict,
    MeasurementsRow,
    read_measurements,
    write_measurements,
)
from dashboard.store.stored_json import Measurement
from dashboard.studies.measures import describe_lesions
from dashboard.workspace.received import NotThere
from pipeline import Fields, InputError, judge_diameters, measure_line

#: Least and greatest number of points by kind. An ellipse is in the rectangle of its two;
#: diameters are the ends of the longest and those of the perpendicular.
POINTS = {
    "ruler": (2, 2),
    "angle": (3, 3),
    "area": (3, 1000),
    "ellipse": (2, 2),
    "diameters": (4, 4),
}
MOST_ITEMS = 400
_LONGEST_BODY = 1024 * 1024
_MOST = 2**31 - 2
_ID = re.compile(r"[a-z0-9]{4,32}")
_KIND = re.compile("|".join(POINTS))
_FIELDS = {"id", "kind", "k", "points"}
_SENT = "The measurements"

measurement = Blueprint("measurement", __name__)
measurement.register_error_handler(InputError, refuse_input)


@measurement.get("/api/studies/<study_id>/measurements")
def show(study_id: str) -> Response:
    """What this reader has measured."""
    row, who = find_study(study_id), current_reader()
    return _answer(read_measurements(find_services().store, row.study_id, who.reader_id))


@measurement.put("/api/studies/<study_id>/measurements")
def write(study_id: str) -> Response:
    """Keep all that this reader has measured, in the place of the revision that was seen."""
    row, who = find_study(study_id), current_reader()
    sent = Fields(read_object(_LONGEST_BODY), _SENT)
    revision = sent.whole("revision", 0, _MOST)
    items = read_items(sent, row)
    try:
        kept = write_measurements(
            find_services().store, row.study_id, who.reader_id, revision=revision, items=items
        )
    except LookupError:
        raise NotThere("There is no such study; it may have been deleted.") from None
    return _answer(kept)


@measurement.post("/api/studies/<study_id>/measurements/judge")
def judge(study_id: str) -> Response:
    """What two diameters that a reader set say by RANO; nothing is kept."""
    row = find_study(study_id)
    sent = Fields(read_object(_LONGEST_BODY), "The diameters")
    points, slices = _read_points(sent, "diameters", row), sent.whole("slices", 1, row.slices)
    spacing = load_case(row).spacing_mm
    lengths = (
        measure_line(points[0], points[1], spacing),
        measure_line(points[2], points[3], spacing),
    )
    measurable, reason = judge_diameters(lengths, slices=slices, in_mm=spacing is not None)
    return jsonify({"lengths": lengths, "measurable": measurable, "reason": reason})


@measurement.get("/data/<study_id>/<key>/diameters/<path:mask>")
def diameters(study_id: str, key: str, mask: str) -> Response:
    """Diameters of the AI's mask at a threshold and an operating point, as JSON."""
    row = recent_study(study_id)

    def encode() -> bytes:
        masks = find_mask(row, key, mask)
        return json.dumps(describe_lesions(masks, load_case(row).spacing_mm)).encode()

    return answer_immutable(encode, mimetype="application/json", packs=True)


@measurement.errorhandler(MeasurementConflict)
def tell_conflict(error: MeasurementConflict) -> Response:
    """Another window wrote meanwhile: give that, so that nothing is lost."""
    response = _answer(error.row, error="Another window has measured meanwhile.")
    response.status_code = HTTPStatus.CONFLICT
    return response


def read_items(sent: Fields, row: StudyRow) -> list[Measurement]:
    """The measurements that were sent, checked against their study.

    Raises:
        InputError: One does not fit.
    """
    items = sent.get("items")
    fits = isinstance(items, list) and len(items) <= MOST_ITEMS
    sent.require(fits, f"items must be a list of at most {MOST_ITEMS}")
    read = [_read_item(sent.part(item), row) for item in items or ()]
    sent.require(len({item.id for item in read}) == len(read), "an id occurs twice")
    return read


def _read_item(item: Fields, row: StudyRow) -> Measurement:
    kind = item.text("kind", _KIND)
    item.require(item.keys() <= _FIELDS, f"a measurement has {', '.join(sorted(_FIELDS))} only")
    return Measurement(
        id=item.text("id", _ID),
        kind=kind,
        k=item.whole("k", 0, row.slices - 1),
        points=_read_points(item, kind, row),
    )


def _read_points(item: Fields, kind: str, row: StudyRow) -> tuple[tuple[float, float], ...]:
    points = item.get("points")
    least, most = POINTS[kind]
    fits = isinstance(points, list) and least <= len(points) <= most
    item.require(fits, f"{kind} has {least} to {most} points")
    read = []
    for point in points or ():
        fits = isinstance(point, list) and len(point) == 2 and all(map(_is_number, point))
        fits = fits and 0 <= point[0] <= row.width and 0 <= point[1] <= row.height
        item.require(fits, "points must be [x, y] within the image")
        read.append((round(float(point[0]), 3), round(float(point[1]), 3)))
    return tuple(read)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _answer(row: MeasurementsRow, **more: str) -> Response:
    items = [asdict(item) for item in row.items]
    return jsonify({"revision": row.revision, "items": items, **more})
