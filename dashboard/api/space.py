"""HTTP of space: cuts across the slices, and surfaces of head and masks.

As in `dashboard.api.studies`, addresses name a digest and browsers may store their answers.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from flask import Blueprint, Response
from numpy.typing import NDArray
from pydantic import Field

import pipeline  # its surfaces need SciPy, which must not be loaded at the start
from dashboard.api.access import (
    BYTES,
    RESULT_GONE,
    DataAddress,
    MaskAddress,
    Place,
    ResultAddress,
    VersionQuery,
    answer_immutable,
    answer_pixels,
    answer_reference,
    check_place,
    find_mask,
    find_services,
    load_case,
    release_memory,
    study_with_data,
    study_with_pixels,
    study_with_result,
)
from dashboard.api.endpoint import JSON, PLANES, SURFACES, Answer, endpoint
from dashboard.figures.space import amount_of, describe_space, encode_surface, make_space_figure
from dashboard.masks.corrections import make_volume, shape_of
from dashboard.store import StudyRow
from dashboard.workspace.received import NotThere

space = Blueprint("space", __name__)

_Axis = Literal["row", "column"]


class PlaneReferenceAddress(DataAddress):
    """A row or a column of every slice."""

    axis: Annotated[_Axis, Field(title="plane")]
    place: Place


class PlanePixelsAddress(PlaneReferenceAddress):
    """The pixels of one channel there."""

    channel: Place


class PlaneResultAddress(ResultAddress):
    """A row or a column of every slice of a result."""

    axis: Annotated[_Axis, Field(title="plane")]
    place: Place


class Figure(Answer):
    """A Plotly figure."""

    data: list[dict[str, Any]]
    layout: dict[str, Any]


class Amount(Answer):
    """The size of a mask; volume_ml is null without spacing."""

    voxels: int
    volume_ml: float | None


class DrawnAxis(Answer):
    """An axis of the figure.

    Attributes:
        name: x, y or z.
        along: Axis of the study that it shows.
        reversed: Whether it runs against that axis.
        size: Length of the study along it.
        drawn: Range over which the slice is drawn.
    """

    name: Literal["x", "y", "z"]
    along: Literal["slice", "row", "column"]
    reversed: bool
    size: float
    drawn: tuple[float, float]


class SpaceDescription(Answer):
    """How a study lies in space.

    Attributes:
        unit: Unit of all lengths: "mm", or "pixels" where the spacing is unknown.
        axes: The drawn axes.
        step: Distance between slices.
        head: What the surface around the masks shows, null without one.
    """

    unit: str
    axes: list[DrawnAxis]
    step: float
    head: Literal["brain", "head"] | None


class SpaceAnswer(Answer):
    """The figure of a study in space; reference is null where the study has none."""

    figure: Figure
    space: SpaceDescription
    reference: Amount | None


class SurfaceAnswer(Answer):
    """A figure with the surface of a mask, and the mask's size."""

    figure: Figure
    amount: Amount


@space.get("/data/<study_id>/<digest>/plane/<axis>/<int:place>/pixels/<int:channel>")
@endpoint(BYTES, rate=PLANES)
def plane_pixels(address: PlanePixelsAddress) -> Response:
    """Return one row or column of every slice, ``(n, length)``, as the pixels of a slice."""
    row = study_with_pixels(address)
    check_place(row, address.channel, 0)
    _check_cut(row, address.axis, address.place)
    return answer_pixels(
        row, address.channel, lambda volume: cut_plane(volume, address.axis, address.place)
    )


@space.get("/data/<study_id>/<digest>/plane/<axis>/<int:place>/reference")
@endpoint(BYTES, rate=PLANES)
def plane_reference(address: PlaneReferenceAddress) -> Response:
    """Return the reference mask along a cut, ``(n, length)``, 0 or 255."""
    row = study_with_data(address)
    _check_cut(row, address.axis, address.place)
    return answer_reference(row, lambda masks: cut_plane(masks, address.axis, address.place))


@space.get("/data/<study_id>/<key>/plane/<axis>/<int:place>/probability")
@endpoint(BYTES, rate=PLANES)
def plane_probability(address: PlaneResultAddress) -> Response:
    """Return 255 x the probability along a cut, ``(n, length)``."""
    row = study_with_result(address)
    _check_cut(row, address.axis, address.place)

    def encode() -> bytes:
        outline = find_services().results.outline(address.key)
        if outline is None or outline.probability.shape != (row.slices, row.height, row.width):
            raise NotThere(RESULT_GONE)
        cut = cut_plane(outline.probability, address.axis, address.place)
        return np.ascontiguousarray(cut).tobytes()

    return answer_immutable(encode, compress=True)


@space.get("/data/<study_id>/<digest>/space")
@endpoint(SpaceAnswer, rate=SURFACES)
def case_space(address: DataAddress, query: VersionQuery) -> Response:
    """Return the figure in space with head and reference, and how the study lies in it."""
    row = study_with_data(address)

    def encode() -> bytes:
        case, channel = load_case(row), row.start_channel
        lying = pipeline.space_of(case, channel)
        head = pipeline.head_surface_of(case, lying, channel)
        surface = (
            None if case.masks is None else pipeline.mask_surface_of(np.asarray(case.masks), lying)
        )
        described = SpaceDescription.model_validate(describe_space(lying, head))
        reference = None
        if case.masks is not None:
            reference = Amount.model_validate(amount_of(case.masks, lying))
        figure = make_space_figure(lying, head, surface).to_json()
        release_memory(case.pixels)
        if case.masks is not None:
            release_memory(case.masks)
        # Plotly encodes its arrays itself
        amount = reference.model_dump_json() if reference else "null"
        return (
            f'{{"figure":{figure},"space":{described.model_dump_json()},"reference":{amount}}}'
        ).encode()

    return answer_immutable(encode, mimetype=JSON, compress=True)


@space.get("/data/<study_id>/<key>/surface/<path:mask>")
@endpoint(SurfaceAnswer, rate=SURFACES)
def surface(address: MaskAddress, query: VersionQuery) -> Response:
    """Return the AI's mask in space at a mask threshold and an operating point."""
    row = study_with_result(address)

    def encode() -> bytes:
        volume = make_volume(find_mask(row, address), shape_of(row))
        return encode_surface(load_case(row), row.start_channel, volume, "ai")

    return answer_immutable(encode, mimetype=JSON, compress=True)


def _check_cut(row: StudyRow, axis: _Axis, place: int) -> None:
    if place >= {"row": row.height, "column": row.width}[axis]:
        raise NotThere("No plane at this address.")


def cut_plane(volume: NDArray[Any], axis: str, place: int) -> NDArray[Any]:
    """Return a row or column of all slices ``(n, h, w)``; see `assets/js/volume/plane_cuts.js`."""
    return volume[:, place] if axis == "row" else volume[:, :, place]
