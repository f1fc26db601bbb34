"""HTTP of studies: descriptions, pixels and maps.

Addresses of pixels contain their digest, so that browsers may cache them indefinitely.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from flask import Blueprint, Response

from dashboard.api.access import (
    BYTES,
    RESULT_GONE,
    DataAddress,
    HexKey,
    Place,
    ResultAddress,
    StudyAddress,
    VersionQuery,
    answer_immutable,
    answer_pixels,
    answer_reference,
    check_key,
    check_place,
    find_services,
    find_study,
    load_case,
    release_case,
    study_with_data,
    study_with_pixels,
    study_with_result,
)
from dashboard.api.endpoint import (
    JSON,
    NOTHING_HERE,
    SURFACES,
    Answer,
    Query,
    endpoint,
)
from dashboard.api.measurements import LesionsAnswer
from dashboard.api.study_answer import StudyAnswer
from dashboard.studies.description import describe_study
from dashboard.studies.display import make_thumbnail
from dashboard.studies.measures import VERSION, describe_measures
from dashboard.workspace.received import NotThere
from pipeline import AnswerMap, derived_key

_PNG = "image/png"

api = Blueprint("overread", __name__)


class PixelsAddress(DataAddress):
    """One slice of one channel."""

    channel: Place
    k: Place


class ReferenceAddress(DataAddress):
    """One slice of the reference mask."""

    k: Place


class ThumbnailAddress(DataAddress):
    """A picture of one channel."""

    channel: Place


class ThumbnailQuery(Query):
    """The slice to show, from 0; by default the middle one."""

    slice: Place | None = None


class MapAddress(ResultAddress):
    """One slice of a map of the result."""

    name: AnswerMap
    k: Place


class MeasuresAddress(DataAddress):
    """What is measured on a result."""

    key: HexKey


class Health(Answer):
    """The server and its database answer; the number of studies."""

    status: Literal["ok"] = "ok"
    studies: int


class MeasuresAnswer(LesionsAnswer):
    """What is measured on a result.

    Attributes:
        areas: By slice, pixels at or above each of 256 levels of the probability map; null where
            the segmenter was not run.
        overlap: Likewise, of those in the reference; null without one.
        reference_px: The reference's pixels by slice; null without one.
    """

    areas: list[list[int] | None]
    overlap: list[list[int] | None] | None
    reference_px: list[int] | None


@api.get("/api/health")
@endpoint()
def health() -> Health:
    """Return whether the server and its database answer."""
    return Health(studies=find_services().store.count_studies().total)


@api.get("/api/studies/<study_id>")
@endpoint()
def study(address: StudyAddress) -> StudyAnswer:
    """Return a study without its pixels."""
    row = find_study(address.study_id)
    described = describe_study(find_services(), row)
    release_case(row)
    return StudyAnswer.model_validate(described)


@api.get("/data/<study_id>/<digest>/pixels/<int:channel>/<int:k>")
@endpoint(BYTES)
def pixels(address: PixelsAddress) -> Response:
    """Return one slice of one channel, row by row, in the study's pixel_type."""
    row = study_with_pixels(address)
    check_place(row, address.channel, address.k)
    return answer_pixels(row, address.channel, lambda volume: volume[address.k])


@api.get("/data/<study_id>/<digest>/reference/<int:k>")
@endpoint(BYTES)
def reference(address: ReferenceAddress) -> Response:
    """Return the reference mask of one slice, 0 or 255."""
    row = study_with_data(address)
    check_place(row, 0, address.k)
    return answer_reference(row, lambda masks: masks[address.k])


@api.get("/data/<study_id>/<digest>/thumbnail/<int:channel>.png")
@endpoint(_PNG)
def thumbnail(address: ThumbnailAddress, query: ThumbnailQuery) -> Response:
    """Return a small picture of one slice."""
    row = study_with_pixels(address)
    k = row.slices // 2 if query.slice is None else query.slice
    check_place(row, address.channel, k)

    def encode() -> bytes:
        low, high = row.display.windows[address.channel]
        return make_thumbnail(load_case(row).pixels[k, :, :, address.channel], (low, high))

    return answer_immutable(encode, mimetype=_PNG)


@api.get(f"/data/<study_id>/<key>/<any({', '.join(AnswerMap)}):name>/<int:k>")
@endpoint(BYTES)
def answer_map(address: MapAddress) -> Response:
    """Return one slice of a map of the result, one byte a pixel."""
    row = study_with_result(address)
    check_place(row, 0, address.k)

    def encode() -> bytes:
        found = find_services().results.map_slice(address.key, address.k, address.name)
        if found is None or found.shape != (row.height, row.width):
            raise NotThere(RESULT_GONE)
        return np.ascontiguousarray(found, np.uint8).tobytes()

    return answer_immutable(encode, compress=True)


@api.get("/data/<study_id>/<digest>/measures/<key>")
@endpoint(MeasuresAnswer, rate=SURFACES)
def measures(address: MeasuresAddress, query: VersionQuery) -> Response:
    """Return diameters, and the areas at each mask threshold."""
    row = study_with_data(address)
    check_key(row, address.key)

    def measure() -> MeasuresAnswer:
        case, outline = load_case(row), results.outline(address.key)
        if outline is None or outline.probability.shape != case.pixels.shape[:3]:
            raise NotThere(RESULT_GONE)
        measured = describe_measures(outline, case.spacing_mm, case.masks)
        release_case(row)
        return MeasuresAnswer.model_validate(measured)

    def encode() -> MeasuresAnswer:
        if not results.holds(address.key):
            raise NotThere(RESULT_GONE)
        spacing_mm = load_case(row).spacing_mm
        return results.derive(
            derived_key("measures", address.key, VERSION, row.data_digest, spacing_mm),
            make=measure,
            encode=lambda found: found.model_dump_json().encode(),
            decode=MeasuresAnswer.model_validate_json,
        )

    results = find_services().results
    return answer_immutable(encode, mimetype=JSON, compress=True)


@api.route("/api/<path:rest>", methods=["GET", "PUT", "POST", "PATCH", "DELETE"])
@api.route("/data/<path:rest>", methods=["GET"])
def nothing(rest: str) -> Response:
    """Answer 404 to unknown addresses, which Dash would answer with its page."""
    raise NotThere(NOTHING_HERE)
