"""3D surfaces: transparent head or brain, the masks of AI, reference and reader, the current slice.

The axes point to the patient's left, posterior and superior (`pipeline.surfaces.patient_axes`).
The background is black, as for the image, so both themes use the colours of the dark theme. The
legend is beside the figure; there are no hover boxes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

import pipeline  # its surfaces need SciPy, which the web process must start without
from dashboard.figures.template import DARK, FONT

if TYPE_CHECKING:
    from pipeline import Case, CaseSpace, HeadSurface, Mesh

#: Traces by their index in the figure; `assets/js/volume/space.js` has the same order.
TRACES = ("ai", "reference", "head", "slice", "frame", "correction")
MaskName = Literal["ai", "reference", "correction"]
#: Light from the side of the camera, hardly any gloss, so that shading shows the shape.
_LIGHTING = {"ambient": 0.45, "diffuse": 0.75, "specular": 0.08, "roughness": 0.9, "fresnel": 0.05}
_GLASS = {"ambient": 0.5, "diffuse": 0.8, "specular": 0.05, "roughness": 0.9, "fresnel": 0.3}
_HEAD = "#c3ccd6"  # tissue grey, lighter than muted text because it is transparent
_BACKGROUND = "#000000"
_MARGIN = 0.04  # fraction of the longest side between head and slice edge or letters
#: From the front, slightly from the patient's left and from above.
_EYE = {"x": 0.75, "y": -1.45, "z": 0.65}


def make_mask_figure(mesh: Mesh | None, name: MaskName) -> go.Figure:
    """A figure of one mask, with the same trace as in `make_space_figure`.

    Args:
        mesh: Surface in the axes of the figure, or None if the mask is empty.
        name: Which mask it is.
    """
    return go.Figure(data=[_make_mask(mesh, name)], layout={"template": "none"})


def make_space_figure(
    space: CaseSpace, head: HeadSurface | None, reference: Mesh | None
) -> go.Figure:
    """The figure without the masks of AI and reader, which change and are added by the browser.

    Args:
        space: Geometry of the case.
        head: Surface of head or brain, None if none was found.
        reference: Surface of the reference mask, None if it is missing.
    """
    box = _box(space, head)
    gap = _MARGIN * max(high - low for low, high in box.values())
    scene: dict[str, Any] = {
        f"{axis}axis": {
            "visible": False,
            "showspikes": False,
            "range": [low - 1.2 * gap, high + 1.2 * gap],
        }
        for axis, (low, high) in box.items()
    }
    scene |= {
        "aspectmode": "data",
        "dragmode": "orbit",
        "hovermode": "closest",
        "bgcolor": _BACKGROUND,
        "camera": {"eye": _EYE},
        "uirevision": "kept",
        "annotations": _letters(space, box, gap),
    }
    return go.Figure(
        data=[
            _make_mask(None, "ai"),
            _make_mask(reference, "reference"),
            _make_mesh(head.mesh if head else None, _HEAD, 0.2, _GLASS, "head"),
            _make_mesh(None, DARK.accent, 0.14, _GLASS, "slice"),
            _make_frame(),
            _make_mask(None, "correction"),
        ],
        layout={
            "template": "none",
            "margin": {"l": 0, "r": 0, "t": 0, "b": 0, "pad": 0},
            "paper_bgcolor": _BACKGROUND,
            "font": {"family": FONT, "size": 12, "color": DARK.text},
            "showlegend": False,
            "scene": scene,
        },
    )


def describe_space(space: CaseSpace, head: HeadSurface | None) -> dict[str, Any]:
    """The geometry that the browser needs to place the slice, JSON-ready.

    Returns:
        unit; axes: for each axis of the figure its name, the direction of the case along it
        (``slice``, ``row``, ``column``), whether that is reversed, its length, and the range over
        which the slice is drawn; step: distance between slices; head: ``brain``, ``head`` or None.
    """
    box = _box(space, head)
    directions = ("slice", "row", "column")
    return {
        "unit": space.unit,
        "axes": [
            {
                "name": axis,
                "along": directions[drawn.case_axis],
                "reversed": drawn.reversed,
                "size": space.size[drawn.case_axis],
                "drawn": box[axis],
            }
            for axis, drawn in _drawn(space).items()
        ],
        "step": space.spacing[0],
        "head": None if head is None else "brain" if head.is_brain else "head",
    }


def _drawn(space: CaseSpace) -> dict[str, Any]:
    return dict(zip("xyz", space.axes.all(), strict=True))


def _make_mask(mesh: Mesh | None, name: MaskName) -> go.Mesh3d:
    looks = {"ai": (DARK.ai, 1.0), "reference": (DARK.reference, 0.22)}
    colour, opacity = looks.get(name, (DARK.correction, 1.0))
    return _make_mesh(mesh, colour, opacity, _LIGHTING, name)


def _make_mesh(
    mesh: Mesh | None, colour: str, opacity: float, lighting: dict[str, float], name: str
) -> go.Mesh3d:
    points: dict[str, Any] = {axis: [] for axis in "xyzijk"}
    if mesh is not None:
        points = dict(zip("xyz", mesh.vertices.T, strict=True))
        points |= dict(zip("ijk", mesh.faces.T, strict=True))
    return go.Mesh3d(
        **points,
        name=name,
        color=colour,
        opacity=opacity,
        flatshading=False,
        lighting=lighting,
        lightposition={"x": 2000, "y": -5000, "z": 5000},
        hoverinfo="none",  # not "skip", which would also disable click events
        visible=mesh is not None,
        showscale=False,
    )


def _make_frame() -> go.Scatter3d:
    """The edge of the current slice, visible where its plane is thin or hidden."""
    return go.Scatter3d(
        x=[],
        y=[],
        z=[],
        name="frame",
        mode="lines",
        line={"color": DARK.accent, "width": 3},
        hoverinfo="skip",
        visible=False,
    )


def _box(space: CaseSpace, head: HeadSurface | None) -> dict[str, tuple[float, float]]:
    """The extent of the head along each axis, with a margin, clipped to the volume."""
    sizes = [space.size[drawn.case_axis] for drawn in space.axes.all()]
    if head is None:
        return {axis: (0.0, size) for axis, size in zip("xyz", sizes, strict=True)}
    lows, highs = head.mesh.vertices.min(axis=0), head.mesh.vertices.max(axis=0)
    gap = _MARGIN * float((highs - lows).max())
    ends = zip("xyz", lows, highs, sizes, strict=True)
    return {
        axis: (max(0.0, float(low) - gap), min(size, float(high) + gap))
        for axis, low, high, size in ends
    }


def _letters(
    space: CaseSpace, box: dict[str, tuple[float, float]], gap: float
) -> list[dict[str, Any]]:
    """Orientation letters at the ends of the axes, none where they are unknown."""
    middle = {axis: (low + high) / 2 for axis, (low, high) in box.items()}
    notes = []
    for axis, drawn in _drawn(space).items():
        low, high = box[axis]
        for letter, place in zip(drawn.letters, (low - gap, high + gap), strict=True):
            if letter:
                notes.append(
                    {
                        **middle,
                        axis: place,
                        "text": letter,
                        "showarrow": False,
                        "font": {"color": DARK.text, "size": 13},
                    }
                )
    return notes


def encode_surface(case: Case, channel: int, mask: NDArray[np.bool_], name: MaskName) -> bytes:
    """A figure of one mask and its volume, as JSON: ``{"figure", "amount"}``.

    Args:
        case: The study, for its spacing and orientation.
        channel: Channel of the case, from 0, on which the geometry is based.
        mask: ``(n, h, w)``, bool.
        name: Which mask it is.
    """
    space = pipeline.space_of(case, channel)
    figure = make_mask_figure(pipeline.mask_surface_of(mask, space), name).to_json()
    return f'{{"figure":{figure},{json.dumps({"amount": amount_of(mask, space)})[1:]}'.encode()


def amount_of(mask: NDArray[np.bool_], space: CaseSpace) -> dict[str, Any]:
    """The size of a mask: voxels, and volume_ml, which is None without spacing."""
    areas = np.count_nonzero(mask, axis=(1, 2))
    spacing = space.spacing if space.unit == "mm" else None
    volume = pipeline.volume_ml(areas, spacing, space.slice_weights)
    return {"voxels": int(areas.sum()), "volume_ml": volume}
