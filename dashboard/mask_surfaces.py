"""A mask's surface in space, as the browser adds it to the figure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import pipeline  # its surfaces need SciPy, which the web process must start without
from dashboard.figures.space import MaskName, make_mask_figure

if TYPE_CHECKING:
    from pipeline import Case, CaseSpace


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
    voxels = int(np.count_nonzero(mask))
    spacing = lying.spacing if lying.unit == "mm" else None
    return {"voxels": voxels, "volume_ml": pipeline.volume_ml(voxels, spacing)}
