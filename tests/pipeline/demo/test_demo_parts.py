"""The pieces that the demo studies are made from: fields, slices, lesions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipeline.data.case import SequenceName
from pipeline.demo.acquisition import average_slices, reference_mask
from pipeline.demo.anatomy import Anatomy, make_anatomy
from pipeline.demo.contrast import render
from pipeline.demo.fields import enlarge, sample_vectors, smooth_noise, smoothstep
from pipeline.demo.geometry import SliceGrid, SourceMap
from pipeline.demo.lesions import grow_lesion
from pipeline.demo.plans import DEMO_STUDIES, LesionPlan, Side
from pipeline.demo.template import load_template


@pytest.fixture(scope="module")
def anatomy() -> Anatomy:
    return make_anatomy(load_template(3), age=40, rng=np.random.default_rng(1))


@pytest.mark.parametrize(
    ("value", "low", "high", "expected"),
    [(0.0, 1.0, 2.0, 0.0), (1.5, 1.0, 2.0, 0.5), (3.0, 1.0, 2.0, 1.0), (0.0, 2.0, 1.0, 1.0)],
)
def test_smoothstep(value: float, low: float, high: float, expected: float) -> None:
    assert smoothstep(np.float32([value]), low, high)[0] == pytest.approx(expected)


def test_enlarge_keeps_the_corners_and_is_linear() -> None:
    ramp = np.arange(3, dtype=np.float32)[:, None, None] * np.ones((3, 2, 2), np.float32)
    large = enlarge(ramp, (5, 3, 3))
    assert large[:, 1, 1] == pytest.approx([0, 0.5, 1, 1.5, 2])


def test_smooth_noise_is_standardised_and_smooth() -> None:
    noise = smooth_noise(np.random.default_rng(0), (40, 40, 40), correlation=8.0)
    assert abs(float(noise.mean())) < 0.3
    assert 0.6 < float(noise.std()) < 1.2
    assert np.abs(np.diff(noise, axis=0)).mean() < 0.3


def test_sample_vectors_is_linear_and_empty_outside() -> None:
    x, y, z = np.meshgrid(*(np.arange(4.0),) * 3, indexing="ij")
    volume = np.stack([x + 10 * y + 100 * z, np.ones_like(x)], axis=-1).astype(np.float32)
    at = np.float32([[0.5, -1.0], [1.25, 1.0], [2.0, 1.0]])
    assert sample_vectors(volume, at) == pytest.approx(np.array([[213.0, 1.0], [0.0, 0.0]]))


def test_slices_are_averages_over_their_thickness() -> None:
    """A template that grows with the square of height: averaging adds thickness^2 / 12."""
    height = np.arange(40, dtype=np.float32)
    volume = np.broadcast_to(height**2, (8, 8, 40)).astype(np.float32).copy()
    plan = replace(
        DEMO_STUDIES[0], matrix=4, pixel_mm=1.0, thickness_mm=8.0, spacing_mm=10.0, n_slices=2
    )
    heights = np.array([-10.0, 30.0])
    nodes = np.full((3, 2, 2, 2), 4.0, np.float32)
    nodes[2] = (12.0 + heights)[:, None, None]
    source = SourceMap(nodes, heights, (4, 4))
    (result,) = average_slices([volume], source, SliceGrid.of(plan))
    exact = np.array([12.0**2, 22.0**2]) + 8.0**2 / 12
    assert result[:, 2, 2] == pytest.approx(exact, abs=0.4)


@pytest.mark.parametrize(("hole_px", "filled"), [(1, True), (7, True), (8, False)])
def test_reference_fills_sulci_but_no_ventricle(hole_px: int, filled: bool) -> None:
    share = np.zeros((1, 20, 20), np.float32)
    share[0, 2:18, 2:18] = 0.5
    share[0, 5 : 5 + hole_px, 5 : 5 + hole_px] = 0.49
    mask = reference_mask(share, 1.0)
    assert mask.sum() == (256 if filled else 256 - hole_px**2)


def test_tissues_are_fractions(anatomy: Anatomy) -> None:
    total = anatomy.gm + anatomy.wm + anatomy.csf
    inside = anatomy.template.hull_mm < 1.5
    assert total[inside] == pytest.approx(1.0, abs=1e-4)
    assert not total[~inside].any()


def test_flair_orders_the_tissues(anatomy: Anatomy) -> None:
    signal = render(anatomy, None, SequenceName.FLAIR)
    medians = [float(np.median(signal[t > 0.9])) for t in (anatomy.csf, anatomy.wm, anatomy.gm)]
    assert medians[0] < 0.3 < 0.9 < medians[1] < 1.1 * medians[1] < medians[2]


def test_t1_orders_the_tissues(anatomy: Anatomy) -> None:
    signal = render(anatomy, None, SequenceName.PRE)
    medians = [float(np.median(signal[t > 0.9])) for t in (anatomy.csf, anatomy.gm, anatomy.wm)]
    assert medians[0] < medians[1] < medians[2]


@pytest.mark.parametrize("volume_ml", [4.0, 30.0])
def test_lesion_has_its_volume_its_side_and_its_contrast(
    anatomy: Anatomy, volume_ml: float
) -> None:
    plan = LesionPlan(Side.RIGHT, "frontal lobe", (30, 28, 24), volume_ml, core=0.4)
    lesion = grow_lesion(anatomy, plan, volume_ml=volume_ml, rng=np.random.default_rng(3))
    inside = lesion.share >= 0.5
    assert inside.sum() * 27 / 1000 == pytest.approx(volume_ml, rel=0.35)
    assert lesion.centre_mm[0] > 10
    flair, healthy = (render(anatomy, what, SequenceName.FLAIR) for what in (lesion, None))
    bulk = inside & (lesion.core < 0.1)
    assert flair[bulk].mean() > 1.2 * healthy[bulk].mean()
    t1 = render(anatomy, lesion, SequenceName.PRE)
    assert t1[inside].mean() < 0.85 * render(anatomy, None, SequenceName.PRE)[inside].mean()


def test_lesion_does_not_cross_fluid_freely(anatomy: Anatomy) -> None:
    plan = LesionPlan(Side.LEFT, "frontal lobe", (-14, 40, 20), 20.0)
    lesion = grow_lesion(anatomy, plan, volume_ml=20.0, rng=np.random.default_rng(5))
    x = anatomy.template.axes_mm()[0]
    crossed = (lesion.share * (x > 4)).sum() / lesion.share.sum()
    assert crossed < 0.15
