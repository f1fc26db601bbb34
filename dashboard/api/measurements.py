"""HTTP of measurements: diameters of the AI's mask, and what a reader has measured on a study.

One document holds all of them, with a revision. A window that has not seen what another one wrote
receives 409 with it, and merges both (`assets/js/measure/measure_store.js`).

Lengths, areas and statistics are not sent: they follow from the points, and browsers compute them.
RANO is applied to two diameters here: the rule and its sentences are the pipeline's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Final, Literal, NamedTuple, TypeAlias

from flask import Blueprint, Response
from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from dashboard.api.access import (
    MaskAddress,
    Place,
    StudyAddress,
    VersionQuery,
    answer_immutable,
    find_mask,
    find_services,
    find_study,
    load_case,
    still_there,
    study_with_result,
)
from dashboard.api.endpoint import (
    JSON,
    SURFACES,
    Answer,
    Body,
    ErrorAnswer,
    check_printable,
    endpoint,
    json_response,
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
from dashboard.workspace.received import RequestRefused
from pipeline import InputError, judge_diameters, measure_line


class _Kind(NamedTuple):
    """What a kind of measurement is called in a sentence, and how many points it has."""

    words: str
    least: int
    most: int


#: The kinds. An ellipse fills the rectangle of its two points; an arrow has its head first;
#: diameters are the ends of the longest and of the perpendicular.
_KINDS: Final[Mapping[str, _Kind]] = {
    "ruler": _Kind("a ruler", 2, 2),
    "angle": _Kind("an angle", 3, 3),
    "area": _Kind("an area", 3, 1000),
    "ellipse": _Kind("an ellipse", 2, 2),
    "arrow": _Kind("an arrow", 2, 2),
    "diameters": _Kind("diameters", 4, 4),
}
if TYPE_CHECKING:
    _KindName: TypeAlias = str
else:
    _KindName = Literal[*_KINDS]
MOST_ITEMS = 400
LONGEST_TEXT: Final = 120
_LONGEST_BODY = 1024 * 1024
MOST_POINTS: Final = max(kind.most for kind in _KINDS.values())

measurement = Blueprint("measurement", __name__)
measurement.register_error_handler(InputError, refuse_input)

_Coordinate = Annotated[
    float, Field(ge=0, le=1_000_000), AfterValidator(lambda value: round(value, 3))
]
#: [x, y] in image coordinates, where pixel (0, 0) covers 0 to 1.
Point = tuple[_Coordinate, _Coordinate]
Revision = Annotated[int, Field(ge=0, lt=2**31 - 1)]


class SentMeasurement(Body):
    """One measurement.

    Attributes:
        id: Chosen by the browser.
        kind: What the points mean.
        k: The slice, from 0.
        points: In the order in which the reader set them.
        text: Of an arrow.
    """

    id: Annotated[str, Field(pattern=r"^[a-z0-9]{4,32}$")]
    kind: _KindName
    k: Place
    points: Annotated[tuple[Point, ...], Field(max_length=MOST_POINTS)]
    text: Annotated[str, Field(max_length=LONGEST_TEXT), AfterValidator(check_printable)] = ""

    @field_validator("points")
    @classmethod
    def _check_points(cls, points: tuple[Point, ...], info: ValidationInfo) -> tuple[Point, ...]:
        name = info.data.get("kind")
        if name is None:  # not valid itself
            return points
        kind = _KINDS[name]
        if not kind.least <= len(points) <= kind.most:
            least, most = f"{kind.least}", f" to {kind.most}" if kind.most > kind.least else ""
            raise ValueError(f"must have {least}{most} points for {kind.words}")
        return points

    @field_validator("text")
    @classmethod
    def _check_text(cls, text: str, info: ValidationInfo) -> str:
        if text and info.data.get("kind") != "arrow":
            raise ValueError("must be empty for anything but an arrow")
        return text


class SentMeasurements(Body):
    """All measurements of a reader, to replace the revision that the browser has seen."""

    revision: Revision
    items: Annotated[list[SentMeasurement], Field(max_length=MOST_ITEMS)]

    @field_validator("items")
    @classmethod
    def _check_ids(cls, items: list[SentMeasurement]) -> list[SentMeasurement]:
        if len({item.id for item in items}) < len(items):
            raise ValueError("must not hold an id twice")
        return items


class SentDiameters(Body):
    """Two diameters, and the number of slices of their lesion."""

    points: tuple[Point, Point, Point, Point]
    slices: Annotated[int, Field(ge=1, lt=2**31)]


class Measurements(Answer):
    """All measurements of a reader; the revision increases with each change."""

    revision: int
    items: tuple[Measurement, ...]


class MeasurementsConflict(Measurements, ErrorAnswer):
    """The measurements that another window has written meanwhile."""


class DiametersJudged(Answer):
    """Two diameters judged by RANO.

    Attributes:
        lengths: Of both, in mm, or in pixels without spacing.
        measurable: Null without spacing.
        reason: Why, in one sentence.
    """

    lengths: tuple[float, float]
    measurable: bool | None
    reason: str


class Chord(Answer):
    """A line in pixels with pixel centres at whole numbers; its length in the answer's unit."""

    x1: float
    y1: float
    x2: float
    y2: float
    length: float


class Lesion(Answer):
    """A connected part of a mask.

    Attributes:
        number: From 1, the largest first.
        k: Slice of its diameters, from 0.
        slices: Number of slices that it spans.
        boxes: [k, left, top, right, bottom], one for each slice.
        longest, perpendicular: Its diameters.
        measurable: By RANO; null without spacing.
        reason: Why, in one sentence.
    """

    number: int
    k: int
    slices: int
    boxes: list[tuple[int, int, int, int, int]]
    longest: Chord
    perpendicular: Chord
    measurable: bool | None
    reason: str


class LesionsAnswer(Answer):
    """The lesions of a mask, with sentences on how they were measured."""

    unit: Literal["mm", "px"]
    notes: list[str]
    lesions: list[Lesion]


@measurement.get("/api/studies/<study_id>/measurements")
@endpoint()
def show(address: StudyAddress) -> Measurements:
    """Return this reader's measurements."""
    row, who = find_study(address.study_id), current_reader()
    return _answer(read_measurements(find_services().store, row.study_id, who.reader_id))


@measurement.put("/api/studies/<study_id>/measurements")
@endpoint(others={HTTPStatus.CONFLICT: MeasurementsConflict}, longest=_LONGEST_BODY)
def write(address: StudyAddress, sent: SentMeasurements) -> Measurements:
    """Store all measurements of this reader, in place of the revision that was seen."""
    row, who = find_study(address.study_id), current_reader()
    for number, item in enumerate(sent.items):
        _check_inside(row, item.points, k=item.k, place=f"items[{number}].")
    with still_there():
        stored = write_measurements(
            find_services().store,
            row.study_id,
            who.reader_id,
            revision=sent.revision,
            items=[Measurement(**dict(item)) for item in sent.items],
        )
    return _answer(stored)


@measurement.post("/api/studies/<study_id>/measurements/judge")
@endpoint()
def judge(address: StudyAddress, sent: SentDiameters) -> DiametersJudged:
    """Judge two diameters by RANO; nothing is stored."""
    row = find_study(address.study_id)
    _check_inside(row, sent.points, k=sent.slices - 1, slice_field="slices")
    spacing = load_case(row).spacing_mm
    first, second, third, fourth = sent.points
    lengths = measure_line(first, second, spacing), measure_line(third, fourth, spacing)
    measurable, reason = judge_diameters(lengths, slices=sent.slices, in_mm=spacing is not None)
    return DiametersJudged(lengths=lengths, measurable=measurable, reason=reason)


@measurement.get("/data/<study_id>/<key>/diameters/<path:mask>")
@endpoint(LesionsAnswer, rate=SURFACES)
def diameters(address: MaskAddress, query: VersionQuery) -> Response:
    """Return diameters of the AI's mask at a mask threshold and an operating point."""
    row = study_with_result(address)

    def encode() -> LesionsAnswer:
        found = describe_lesions(find_mask(row, address), load_case(row).spacing_mm)
        return LesionsAnswer.model_validate(found)

    return answer_immutable(encode, mimetype=JSON, compress=True)


@measurement.errorhandler(MeasurementConflict)
def answer_conflict(error: MeasurementConflict) -> Response:
    """Return what another window wrote meanwhile, so that nothing is lost."""
    sentence = "Another window has changed the measurements."
    return json_response(
        MeasurementsConflict(error=sentence, **dict(_answer(error.row))), HTTPStatus.CONFLICT
    )


def _check_inside(
    row: StudyRow,
    points: Iterable[Sequence[float]],
    *,
    k: int,
    place: str = "",
    slice_field: str = "k",
) -> None:
    """Refuse points and slices outside the study.

    Args:
        row: The study.
        points: ``(x, y)`` in image coordinates.
        k: The slice, from 0.
        place: Path to the fields in the request, with its full stop.
        slice_field: Field that states the slice.

    Raises:
        RequestRefused: A point or the slice is outside.
    """
    if k >= row.slices:
        raise RequestRefused(
            f"The slice must be one of the study's {row.slices}.", field=f"{place}{slice_field}"
        )
    if any(x > row.width or y > row.height for x, y in points):
        raise RequestRefused("The points must be [x, y] within the image.", field=f"{place}points")


def _answer(row: MeasurementsRow) -> Measurements:
    return Measurements(revision=row.revision, items=row.items)
