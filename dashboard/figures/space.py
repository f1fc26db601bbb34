"""Surfaces in space: head or brain as glass, the AI's and the reference mask in it, one slice.

Drawn axes lead to the patient's left, posterior and superior (`pipeline.surfaces.patient_axes`).
Over black, like the image, so that the dark theme's colours are used in both themes. The legend
stands beside the figure in words; here nothing hovers.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

import pipeline  # its surfaces need SciPy, which the web process must start without
from dashboard.figures.slice_figure import BACKGROUND
from dashboard.figures.template import DARK, FONT

if TYPE_CHECKING:
    from pipeline import Case, CaseSpace, HeadSurface, Mesh

#: Traces by their places in the figure; `assets/js/volume/space.js` knows them by these names.
TRACES = ("ai", "reference", "head", "slice", "frame", "correction")
MaskName = Literal["ai", "reference", "correction"]
#: Light from the camera's side, hardly any gloss: shape is read from shading alone.
_LIGHTING = {"ambient": 0.45, "diffuse": 0.75, "specular": 0.08, "roughness": 0.9, "fresnel": 0.05}
_GLASS = {"ambient": 0.5, "diffuse": 0.8, "specular": 0.05, "roughness": 0.9, "fresnel": 0.3}
_HEAD = "#c3ccd6"  # grey as tissue, lighter than the muted text: it is seen through
_MARGIN = 0.04  # of the longest side, from the head to the edge of the slice and to the letters
#: From the front, a little from the patient's left and from above.
_EYE = {"x": 0.75, "y": -1.45, "z": 0.65}


def make_mask_figure(mesh: Mesh | None, name: MaskName) -> go.Figure:
    """One mask alone, as the trace of its name in `make_space_figure`.

    Args:
        mesh: Along the drawn axes, or None where the mask is empty.
        name: Whose mask it is.
    """
    return go.Figure(data=[_make_mask(mesh, name)], layout={"template": "none"})


def make_space_figure(
    space: CaseSpace, head: HeadSurface | None, reference: Mesh | None
) -> go.Figure:
    """The figure without the AI's and the reader's mask, which change and the browser adds.

    Args:
        space: How the case lies in space.
        head: Surface of head or brain, None where nothing stands out.
        reference: Surface of the reference mask, None where it is missing.
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
        "bgcolor": BACKGROUND,
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
            "paper_bgcolor": BACKGROUND,
            "font": {"family": FONT, "size": 12, "color": DARK.text},
            "showlegend": False,
            "scene": scene,
        },
    )


def describe_space(space: CaseSpace, head: HeadSurface | None) -> dict[str, Any]:
    """What the browser needs to place the slice: JSON-ready.

    Returns:
        unit; axes: per drawn axis what of the case lies along it (``slice``, ``row``, ``column``),
        whether against it, its length, and from where to where the slice is drawn; step: from slice
        to slice; head: ``brain``, ``head`` or None.
    """
    box = _box(space, head)
    words = ("slice", "row", "column")
    return {
        "unit": space.unit,
        "axes": [
            {
                "name": axis,
                "along": words[drawn.case_axis],
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
        hoverinfo="none",  # not "skip": a click is told only where hovering is
        visible=mesh is not None,
        showscale=False,
    )


def _make_frame() -> go.Scatter3d:
    """The edge of the slice in view: seen where its plane is thin or lies behind something."""
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
    """From where to where the head reaches along each drawn axis, with a margin, in the volume."""
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
    """Anatomical letters at the ends of the drawn axes, none where they are unknown."""
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
    """A figure of one trace and what the mask takes up, as JSON: ``{"figure", "amount"}``.

    Args:
        case: The study, whose spacing and orientation say how the mask lies.
        channel: Of the case, from 0; the one whose space the figure has.
        mask: ``(n, h, w)``, bool.
        name: Whose mask it is.
    """
    lying = pipeline.space_of(case, channel)
    figure = make_mask_figure(pipeline.mask_surface_of(mask, lying), name).to_json()
    return f'{{"figure":{figure},{json.dumps({"amount": amount_of(mask, lying)})[1:]}'.encode()


def amount_of(mask: NDArray[np.bool_], lying: CaseSpace) -> dict[str, Any]:
    """What a mask's voxels take up: voxels, and volume_ml, which is None without spacing."""
    areas = np.count_nonzero(mask, axis=(1, 2))
    spacing = lying.spacing if lying.unit == "mm" else None
    volume = pipeline.volume_ml(areas, spacing, lying.slice_weights)
    return {"voxels": int(areas.sum()), "volume_ml": volume}
