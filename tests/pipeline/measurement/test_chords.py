"""Diameters of shapes that can be measured by hand, and of random ones against brute force."""

from fractions import Fraction
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pytest
from drawn_masks import both, disc, shape
from shared_cases import read_cases, read_picture

from pipeline.measurement import chords
from pipeline.measurement.chords import (
    Chord,
    longest_diameters,
    longest_perpendicular,
    most_product,
)
from pipeline.measurement.lesions import find_lesions

R2 = 2**0.5


HAND = [
    pytest.param(shape("#"), 1, 1, id="one pixel"),
    pytest.param(shape("#####"), 5, 1, id="a row"),
    pytest.param(shape("#####").T, 5, 1, id="a column"),
    pytest.param(shape("#...", ".#..", "..#.", "...#"), 4 * R2, R2, id="a diagonal"),
    pytest.param(shape("##", "##"), 2 * R2, 2 * R2, id="a square of 2"),
    pytest.param(np.ones((5, 5), bool), 5 * R2, 5 * R2, id="a square of 5"),
    # From centre to centre 4 right and 2 down, and an eighth of that more at each end; at a right
    # angle, 2 down for 1 left, from edge to edge.
    pytest.param(np.ones((3, 5), bool), 1.25 * 20**0.5, 3 * 1.25**0.5, id="a rectangle"),
    # The ends of both arms do not see each other: the longest line keeps within one arm, and the
    # other arm is at a right angle to it.
    pytest.param(
        shape("#....", "#....", "#....", "#....", "#####"), 5, 5, id="an L of one pixel's width"
    ),
    pytest.param(shape("#####", "#....", "#....", "#....", "#####"), 5, 5, id="a C"),
    pytest.param(shape("#######", "#.....#", "#.....#", "#.....#", "#######"), 7, 5, id="a frame"),
    # The ends of the arms are 5 x 5 apart and do not meet; the diagonal through the bend does.
    pytest.param(
        shape("##...", "##...", "##...", "#####", "#####"),
        4 * R2,
        2 * R2,
        id="an L of two pixels' width",
    ),
    pytest.param(shape("#####", ".....", "#####"), 5, 1, id="two pieces do not see each other"),
    pytest.param(shape("..#..", "..#..", "#####", "..#..", "..#.."), 5, 5, id="a cross"),
]


@pytest.mark.parametrize(("mask", "longest", "across"), HAND)
def test_shapes_that_can_be_measured_by_hand(
    mask: np.ndarray, longest: float, across: float
) -> None:
    assert both(mask) == (pytest.approx(longest), pytest.approx(across))


def test_lines_run_from_edge_to_edge() -> None:
    (chord,) = longest_diameters(shape("....", ".###", "...."), (1, 1))
    assert chord == Chord(0.5, 1.0, 3.5, 1.0, 3.0)
    across = longest_perpendicular(shape("....", ".###", "...."), chord, (1, 1))
    assert sorted([(across.x1, across.y1), (across.x2, across.y2)]) == [(1.0, 0.5), (1.0, 1.5)]


@pytest.mark.parametrize("radius", [4, 10, 25])
def test_discs_are_as_long_as_they_are_wide(radius: int) -> None:
    """A disc of pixels whose centres lie within the radius reaches half a pixel further."""
    longest, across = both(disc(radius))
    assert 2 * radius <= longest <= 2 * radius + R2
    assert 2 * radius <= across <= longest + 1e-9


def test_a_c_is_measured_around_its_mouth() -> None:
    """A thick ring with a mouth: no line crosses the cavity."""
    ring = disc(20) & ~np.pad(disc(12), 8)
    ring[20:25, 24:] = False
    longest, _ = both(ring)
    assert longest < 2 * (20.5**2 - 11.5**2) ** 0.5 + 1, "a tangent of the cavity at most"
    assert longest > 2 * (20**2 - 13**2) ** 0.5 - 2


SPACINGS = [
    pytest.param((1.0, 1.0), (5.0, 1.0), id="square pixels"),
    pytest.param((2.0, 1.0), (5.0, 2.0), id="tall pixels"),
    pytest.param((1.0, 0.5), (2.5, 1.0), id="narrow pixels"),
]


@pytest.mark.parametrize(("spacing", "expected"), SPACINGS)
def test_spacing_stretches_a_row(
    spacing: tuple[float, float], expected: tuple[float, float]
) -> None:
    assert both(shape("#####"), spacing) == pytest.approx(expected)


@pytest.mark.parametrize(
    "case", read_cases("perpendiculars")["cases"], ids=lambda case: case["name"]
)
def test_perpendiculars_of_the_shared_table(case: dict[str, Any]) -> None:
    mask, spacing = read_picture(case["rows"]), tuple(case["spacing"])
    found = longest_perpendicular(mask, Chord(*case["chord"], length=0), spacing)
    expected = pytest.approx(case["perpendicular"], abs=1e-6)
    assert [found.x1, found.y1, found.x2, found.y2] == expected
    assert found.length == pytest.approx(case["length"])


def test_a_right_angle_is_one_in_millimetres() -> None:
    mask = disc(9)
    spacing = (0.5, 1.5)
    for chord in longest_diameters(mask, spacing):
        across = longest_perpendicular(mask, chord, spacing)
        one, other = (
            np.array([(c.y2 - c.y1) * spacing[0], (c.x2 - c.x1) * spacing[1]])
            for c in (chord, across)
        )
        assert one @ other == pytest.approx(0, abs=1e-9)
        for line, c in ((one, chord), (other, across)):
            assert np.hypot(*line) == pytest.approx(c.length)


def random_shape(seed: int, side: int = 9) -> np.ndarray:
    """Connected or not, with holes: three in five pixels, smoothed a little."""
    noise = np.random.default_rng(seed).random((side, side + seed % 3))
    padded = np.pad(noise, 1, mode="edge")
    smooth = sum(
        padded[dy : dy + side, dx : dx + noise.shape[1]] for dy in range(3) for dx in range(3)
    )
    mask = np.asarray(smooth > np.quantile(smooth, 0.4))
    return mask if mask.any() else np.ones((2, 2), bool)


def line_inside(mask: np.ndarray, start: tuple[int, int], end: tuple[int, int]) -> bool:
    """In exact fractions: every pixel that the line crosses by more than a point is in the mask."""
    (y, x), (dy, dx) = start, (end[0] - start[0], end[1] - start[1])
    cuts = {Fraction(0), Fraction(1)}
    for step in (abs(dy), abs(dx)):
        cuts |= {Fraction(2 * k + 1, 2 * step) for k in range(step)}
    ordered = sorted(cuts)
    for before, after in pairwise(ordered):
        t = (before + after) / 2
        at = y + t * dy + Fraction(1, 2), x + t * dx + Fraction(1, 2)
        if not mask[at[0] // 1, at[1] // 1]:
            return False
    return True


def brute_diameter(mask: np.ndarray, spacing: tuple[float, float]) -> float:
    padded = np.pad(mask, 1)
    inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    ends = [tuple(map(int, place)) for place in np.argwhere(mask & ~inner)]
    best = max(spacing)
    for a, b in combinations(ends, 2):
        if line_inside(mask, a, b):
            dy, dx = abs(a[0] - b[0]), abs(a[1] - b[1])
            length = np.hypot(dy * spacing[0], dx * spacing[1]) * (1 + 1 / max(dy, dx))
            best = max(best, length)
    return best


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("spacing", [(1.0, 1.0), (0.6, 1.1)])
def test_no_line_inside_is_longer(seed: int, spacing: tuple[float, float]) -> None:
    mask = random_shape(seed)
    found = longest_diameters(mask, spacing)
    assert found[0].length == pytest.approx(brute_diameter(mask, spacing))
    assert {round(chord.length, 9) for chord in found} == {round(found[0].length, 9)}


def sampled_inside(mask: np.ndarray, chord: Chord) -> bool:
    """Points along the line, a little away from its ends, lie in or at the mask."""
    t = np.linspace(0.001, 0.999, 400)
    y, x = chord.y1 + t * (chord.y2 - chord.y1), chord.x1 + t * (chord.x2 - chord.x1)
    near = np.zeros(len(t), bool)
    for dy in (-1e-7, 1e-7):
        for dx in (-1e-7, 1e-7):
            rows, columns = np.floor(y + 0.5 + dy).astype(int), np.floor(x + 0.5 + dx).astype(int)
            rows, columns = rows.clip(0, mask.shape[0] - 1), columns.clip(0, mask.shape[1] - 1)
            near |= mask[rows, columns]
    return bool(near.all())


@pytest.mark.parametrize("seed", range(20))
def test_every_line_lies_inside_and_within_the_hull(seed: int) -> None:
    mask, spacing = random_shape(seed, 14), (0.7, 1.3)
    corners = np.argwhere(mask)[:, None] + np.array([[-1, -1], [-1, 1], [1, -1], [1, 1]]) / 2
    corners = corners.reshape(-1, 2) * spacing
    hull = max(np.hypot(*(corners - corner).T).max() for corner in corners)
    for chord in longest_diameters(mask, spacing):
        across = longest_perpendicular(mask, chord, spacing)
        assert sampled_inside(mask, chord)
        assert sampled_inside(mask, across)
        assert across.length <= chord.length + max(spacing)
        assert max(chord.length, across.length) <= hull + 1e-9
        assert chord.length * across.length <= most_product(mask, spacing)


def slow_perpendicular(mask: np.ndarray, chord: Chord, spacing: tuple[float, float]) -> float:
    """Through every pixel of the piece, step by step to both sides: a fiftieth of a pixel each."""
    across = np.array([-(chord.x2 - chord.x1) * spacing[1], (chord.y2 - chord.y1) * spacing[0]])
    unit = across / np.hypot(*across) / np.array(spacing)
    step = unit / np.abs(unit).max() / 50
    padded = np.pad(mask, 1)
    beside = np.array([[-1e-7, -1e-7], [-1e-7, 1e-7], [1e-7, -1e-7], [1e-7, 1e-7]])

    def reach(y: int, x: int, sign: int) -> int:
        k = 1
        while True:
            at = np.floor(np.array([y, x]) + sign * k * step + 1.5 + beside).astype(int)
            if not padded[at[:, 0], at[:, 1]].any():  # a corner lets it pass
                return k
            k += 1

    found = max(reach(y, x, 1) + reach(y, x, -1) for y, x in np.argwhere(mask).tolist())
    return float(found * np.hypot(*(step * spacing)))


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (0.6, 1.4)])
@pytest.mark.parametrize("seed", range(6))
def test_no_perpendicular_inside_is_longer(seed: int, spacing: tuple[float, float]) -> None:
    """Only what cannot be the longest is left out (in one connected piece, so that all counts)."""
    (largest, *_), _ = find_lesions(random_shape(seed, 16)[None])
    mask = largest.pieces[0][2]
    for chord in longest_diameters(mask, spacing):
        found = longest_perpendicular(mask, chord, spacing).length
        assert found == pytest.approx(slow_perpendicular(mask, chord, spacing), abs=0.1)


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (0.6, 1.4)])
@pytest.mark.parametrize("waves", [0, 3, 7, 12])
def test_leaving_out_what_cannot_be_longest_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, waves: int, spacing: tuple[float, float]
) -> None:
    """Large shapes, of which most is left out, against looking at every pair and every pixel."""
    y, x = np.mgrid[:130, :130] - 65
    mask = np.hypot(y, x) < 45 + 15 * np.sin(waves * np.arctan2(y, x))

    def measure() -> list[tuple[Chord, Chord]]:
        found = longest_diameters(mask, spacing)
        return [(chord, longest_perpendicular(mask, chord, spacing)) for chord in found]

    quick = measure()
    monkeypatch.setattr(chords, "_good_length", lambda *_, **__: 0.0)
    monkeypatch.setattr(chords, "_limits", lambda _, centres, *__: np.full(len(centres), np.inf))
    assert measure() == quick


@pytest.mark.parametrize("seed", range(8))
def test_turning_moving_and_scaling_change_nothing_else(seed: int) -> None:
    mask = random_shape(seed, 12)
    expected = both(mask, (0.8, 1.2))
    assert both(np.rot90(mask), (1.2, 0.8)) == pytest.approx(expected)
    assert both(mask[::-1, ::-1], (0.8, 1.2)) == pytest.approx(expected)
    assert both(mask.T, (1.2, 0.8)) == pytest.approx(expected)
    assert both(np.pad(mask, ((3, 1), (0, 7))), (0.8, 1.2)) == pytest.approx(expected)
    assert both(mask, (2.4, 3.6)) == pytest.approx([3 * length for length in expected])
