"""HTTP of space: cuts across the slices, and surfaces of head and masks.

As in `dashboard.routes`, addresses name a digest and their answers are kept for ever. Every value
from the address is untrusted.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from flask import Blueprint, Flask, Response, current_app
from numpy.typing import NDArray

import pipeline  # its surfaces need SciPy, which the web process must start without
from dashboard.display import encode_slice
from dashboard.figures.space import describe_space, make_space_figure
from dashboard.mask_surfaces import amount_of, encode_surface
from dashboard.recent_maps import RecentMaps
from dashboard.route_errors import NotThere
from dashboard.store import StudyRow
from dashboard.study_access import (
    RESULT_GONE,
    answer_immutable,
    check_key,
    check_place,
    find_services,
    let_go,
    load_case,
    recent_study,
    study_with_data,
)

if TYPE_CHECKING:
    from pipeline import CaseResult

_MAPS = "overread_recent_maps"
_NO_REFERENCE = "This study has no reference outline."
_JSON = "application/json"
space = Blueprint("space", __name__)


def register(server: Flask) -> None:
    """Add the routes to a server."""
    server.config[_MAPS] = RecentMaps()
    server.register_blueprint(space)


@space.get("/data/<study_id>/<digest>/plane/<axis>/<int:place>/pixels/<int:channel>")
def plane_pixels(study_id: str, digest: str, axis: str, place: int, channel: int) -> Response:
    """One row or column of every slice, ``(n, length)``, encoded as `dashboard.display` says."""
    row = study_with_data(study_id, digest)
    check_place(row, channel, 0)
    _check_cut(row, axis, place)

    def encode() -> bytes:
        volume = load_case(row).pixels
        body = encode_slice(cut_plane(volume[..., channel], axis, place), row.display)
        let_go(volume)
        return body

    return answer_immutable(encode)


@space.get("/data/<study_id>/<digest>/plane/<axis>/<int:place>/reference")
def plane_reference(study_id: str, digest: str, axis: str, place: int) -> Response:
    """The reference mask along a cut, ``(n, length)``, 0 or 255."""
    row = study_with_data(study_id, digest)
    _check_cut(row, axis, place)

    def encode() -> bytes:
        masks = load_case(row).masks
        if masks is None:
            raise NotThere(_NO_REFERENCE)
        body = (cut_plane(masks, axis, place).astype(np.uint8) * np.uint8(255)).tobytes()
        let_go(masks)
        return body

    return answer_immutable(encode, packs=True)


@space.get("/data/<study_id>/<key>/plane/<axis>/<int:place>/probability")
def plane_probability(study_id: str, key: str, axis: str, place: int) -> Response:
    """255 x the segmenter's probability along a cut, ``(n, length)``."""
    row = recent_study(study_id)
    check_key(row, key)
    _check_cut(row, axis, place)

    def encode() -> bytes:
        maps: RecentMaps = current_app.config[_MAPS]
        found = maps.get(key, lambda: _read_map(key))
        if found is None or found.shape != (row.slices, row.height, row.width):
            raise NotThere(RESULT_GONE)
        return np.ascontiguousarray(cut_plane(found, axis, place)).tobytes()

    return answer_immutable(encode, packs=True)


@space.get("/data/<study_id>/<digest>/space")
def case_space(study_id: str, digest: str) -> Response:
    """The figure in space with head and reference, and how the study lies in it, as JSON."""
    row = study_with_data(study_id, digest)

    def encode() -> bytes:
        case, channel = load_case(row), row.start_channel
        lying = pipeline.space_of(case, channel)
        head = pipeline.head_surface_of(case, lying, channel)
        surface = (
            None if case.masks is None else pipeline.mask_surface_of(np.asarray(case.masks), lying)
        )
        told = {
            "space": describe_space(lying, head),
            "reference": None if case.masks is None else amount_of(case.masks, lying),
        }
        figure = make_space_figure(lying, head, surface).to_json()
        let_go(case.pixels)
        if case.masks is not None:
            let_go(case.masks)
        return f'{{"figure":{figure},{json.dumps(told)[1:]}'.encode()

    return answer_immutable(encode, mimetype=_JSON, packs=True)


@space.get("/data/<study_id>/<key>/surface/<int:level>")
@space.get("/data/<study_id>/<key>/surface/<int:level>/<int:percent>")
def surface(study_id: str, key: str, level: int, percent: int | None = None) -> Response:
    """The AI's mask in space, as JSON.

    Args:
        study_id: The study.
        key: The result's.
        level: Smallest value of the probability map that belongs to the mask, 1 to 255.
        percent: 100 x the slice score from which slices are called; without it those that were.
    """
    row = recent_study(study_id)
    check_key(row, key)
    if not 1 <= level <= 255 or not (percent is None or 1 <= percent <= 99):
        raise NotThere("There is no such threshold.")

    def encode() -> bytes:
        case = load_case(row)
        result = find_services().results.get(key, case)
        if result is None:
            raise NotThere(RESULT_GONE)
        mask = (result.probability >= level) & _called(result, percent)[:, None, None]
        return encode_surface(case, row.start_channel, mask, "ai")

    return answer_immutable(encode, mimetype=_JSON, packs=True)


def _called(result: CaseResult, percent: int | None) -> NDArray[np.bool_]:
    """Slices that are called, as `assets/js/calls.js` has them: ``(n,)``."""
    if percent is None:
        return np.array([one.tumor for one in result.slices], bool)
    return np.array([one.tumor_probability >= percent / 100 for one in result.slices], bool)


def _read_map(key: str) -> NDArray[np.uint8] | None:
    answer = find_services().results.answer(key)
    return None if answer is None else answer.probability.copy()  # not a part of a larger array


def _check_cut(row: StudyRow, axis: str, place: int) -> None:
    lengths = {"row": row.height, "column": row.width}
    if axis not in lengths or not 0 <= place < lengths[axis]:
        raise NotThere("There is no such plane.")


def cut_plane(volume: NDArray[Any], axis: str, place: int) -> NDArray[Any]:
    """One row or column of every slice of ``(n, h, w)``, as `assets/js/plane_cuts.js` has it."""
    return volume[:, place] if axis == "row" else volume[:, :, place]
