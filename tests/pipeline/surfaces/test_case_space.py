from __future__ import annotations

import numpy as np
import pytest

from pipeline import Case, head_surface_of, mask_surface_of, space_of
from pipeline.data.case import RADIOLOGICAL_AXIAL, SequenceName, SourceKind


def make(**changes: object) -> Case:
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 4, (12, 48, 40, 2)).astype(np.uint8)
    pixels[2:10, 8:40, 8:32, 1] = 120
    fields = {
        "case_id": "one",
        "kind": SourceKind.IMAGES,
        "pixels": pixels,
        "sequences": (SequenceName.PRE, SequenceName.FLAIR),
        "indices": tuple(range(1, 13)),
        "sources": tuple(f"{k}.png" for k in range(12)),
        "spacing_mm": (4.0, 1.0, 1.5),
        "orientation": RADIOLOGICAL_AXIAL,
    }
    return Case(**(fields | changes))  # type: ignore[arg-type]


def test_space_in_millimetres() -> None:
    space = space_of(make(), 1)
    assert (space.unit, space.spacing, space.size) == ("mm", (4.0, 1.0, 1.5), (48.0, 48.0, 60.0))


def test_without_spacing_the_distance_of_slices_is_assumed_and_the_unit_is_pixels() -> None:
    space = space_of(make(spacing_mm=None), 1)
    assert space.unit == "pixels"
    assert space.spacing == pytest.approx((0.8 * 32 / 8, 1, 1), rel=0.1)
    assert space.size[0] == 12 * space.spacing[0]


def test_surfaces_lie_where_the_case_has_them() -> None:
    case = make()
    space = space_of(case, 1)
    head = head_surface_of(case, space, 1)
    assert head is not None
    assert head.mesh.vertices.min(axis=0) == pytest.approx([12, 8, 8], abs=2.5)
    assert head.mesh.vertices.max(axis=0) == pytest.approx([48, 40, 40], abs=2.5)
    mask = np.zeros((12, 48, 40), bool)
    assert mask_surface_of(mask, space) is None
    mask[3:6, 10:20, 10:20] = True
    mesh = mask_surface_of(mask, space)
    assert mesh is not None
    assert mesh.vertices.mean(axis=0) == pytest.approx([22.5, 15, 18], abs=0.3)
