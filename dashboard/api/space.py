"""HTTP of space: cuts across the slices, and surfaces of head and masks.

As in `dashboard.api.studies`, addresses name a digest and browsers may keep their answers. Every
value from the address is untrusted.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from flask import Blueprint, Response
from numpy.typing import NDArray

import pipeline  # its surfaces need SciPy, which the web process must start without
from dashboard.api.access import (
    RESULT_GONE,
    answer_immutable,
    answer_pixels,
    answer_reference,
    check_key,
    check_place,
    find_mask,
    find_services,
    let_go,
    load_case,
    recent_study,
    study_with_data,
)
from dashboard.figures.space import amount_of, describe_space, encode_surface, make_space_figure
from dashboard.masks.corrections import make_volume, shape_of
from dashboard.store import StudyRow
from dashboard.workspace.received import NotThere

_JSON = "application/json"
space = Blueprint("space", __name__)


@space.get("/data/<study_id>/<digest>/plane/<axis>/<int:place>/pixels/<int:channel>")
def plane_pixels(study_id: str, digest: str, axis: str, place: int, channel: int) -> Response:
    """One row or column of every slice, ``(n, length)``; see `dashboard.studies.display`."""
    row = study_with_data(study_id, digest)
    check_place(row, channel, 0)
    _check_cut(row, axis, place)
    return answer_pixels(row, channel, lambda volume: cut_plane(volume, axis, place))


@space.get("/data/<study_id>/<digest>/plane/<axis>/<int:place>/reference")
def plane_reference(study_id: str, digest: str, axis: str, place: int) -> Response:
    """The reference mask along a cut, ``(n, length)``, 0 or 255."""
    row = study_with_data(study_id, digest)
    _check_cut(row, axis, place)
    return answer_reference(row, lambda masks: cut_plane(masks, axis, place))


@space.get("/data/<study_id>/<key>/plane/<axis>/<int:place>/probability")
def plane_probability(study_id: str, key: str, axis: str, place: int) -> Response:
    """255 x the probability along a cut, ``(n, length)``."""
    row = recent_study(study_id)
    check_key(row, key)
    _check_cut(row, axis, place)

    def encode() -> bytes:
        outline = find_services().results.outline(key)
        if outline is None or outline.probability.shape != (row.slices, row.height, row.width):
            raise NotThere(RESULT_GONE)
        return np.ascontiguousarray(cut_plane(outline.probability, axis, place)).tobytes()

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
        described = {
            "space": describe_space(lying, head),
            "reference": None if case.masks is None else amount_of(case.masks, lying),
        }
        figure = make_space_figure(lying, head, surface).to_json()
        let_go(case.pixels)
        if case.masks is not None:
            let_go(case.masks)
        return f'{{"figure":{figure},{json.dumps(described)[1:]}'.encode()

    return answer_immutable(encode, mimetype=_JSON, packs=True)


@space.get("/data/<study_id>/<key>/surface/<path:mask>")
def surface(study_id: str, key: str, mask: str) -> Response:
    """The AI's mask in space at a threshold and an operating point, as JSON."""
    row = recent_study(study_id)

    def encode() -> bytes:
        volume = make_volume(find_mask(row, key, mask), shape_of(row))
        return encode_surface(load_case(row), row.start_channel, volume, "ai")

    return answer_immutable(encode, mimetype=_JSON, packs=True)


def _check_cut(row: StudyRow, axis: str, place: int) -> None:
    lengths = {"row": row.height, "column": row.width}
    if axis not in lengths or not 0 <= place < lengths[axis]:
        raise NotThere("There is no such plane.")


def cut_plane(volume: NDArray[Any], axis: str, place: int) -> NDArray[Any]:
    """One row or column of every slice of ``(n, h, w)``, as in `assets/js/volume/plane_cuts.js`."""
    return volume[:, place] if axis == "row" else volume[:, :, place]
