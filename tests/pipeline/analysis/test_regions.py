"""Boxes of heads: as small as the network takes them, with air around the head, aligned."""

import numpy as np
import pytest

from pipeline.analysis.regions import Box, enlarge_part, find_heads, fit_boxes, whole_box

SIDE = 128


def heads_of(*heads: tuple[int, int, int, int] | None) -> list[Box | None]:
    foreground = np.zeros((len(heads), SIDE, SIDE), bool)
    for k, head in enumerate(heads):
        if head is not None:
            top, bottom, left, right = head
            foreground[k, top:bottom, left:right] = True
    return find_heads(foreground)


@pytest.mark.parametrize(
    ("head", "found"),
    [
        ((40, 60, 70, 90), Box(36, 64, 66, 94)),
        ((0, 128, 2, 127), whole_box(SIDE)),
        ((50, 54, 0, 128), None),
    ],
)
def test_a_head_has_air_around_it_and_is_wider_than_noise(
    head: tuple[int, int, int, int], found: Box | None
) -> None:
    assert heads_of(head) == [found]


def test_noise_of_the_air_widens_no_head() -> None:
    foreground = np.random.default_rng(0).random((1, SIDE, SIDE)) < 0.1
    foreground[0, 40:60, 40:60] = True
    (head,) = find_heads(foreground)
    assert head is not None
    assert head.bottom - head.top < 40


def test_a_slice_without_a_head_has_what_it_shows_of_its_neighbours() -> None:
    head, other = (40, 60, 40, 60), (70, 90, 40, 60)
    assert heads_of(None, None, head, None, other) == [
        None,
        Box(36, 64, 36, 64),
        Box(36, 64, 36, 64),
        Box(36, 94, 36, 64),
        Box(66, 94, 36, 64),
    ]


@pytest.mark.parametrize(
    ("first", "end", "begins"),
    [(32, 64, 32), (36, 64, 32), (28, 58, 28), (20, 50, 20), (14, 44, 12), (13, 45, 13)],
)
def test_a_box_begins_at_the_highest_power_of_two_that_leaves_the_head_in(
    first: int, end: int, begins: int
) -> None:
    (box,) = fit_boxes([Box(first, end, 0, SIDE)], SIDE)
    assert box == Box(begins, begins + 32, 0, SIDE)


def test_boxes_of_a_batch_are_alike_and_hold_their_own_heads() -> None:
    rng = np.random.default_rng(1)
    for _ in range(200):
        low, high = np.sort(rng.integers(0, SIDE + 1, (2, 3, 2)), axis=0)
        heads = [
            Box(*map(int, (a[0], max(b[0], a[0] + 1), a[1], max(b[1], a[1] + 1))))
            for a, b in zip(np.minimum(low, SIDE - 1), high, strict=True)
        ]
        boxes = fit_boxes(heads, SIDE)
        assert len({(b.bottom - b.top, b.right - b.left) for b in boxes}) == 1
        for head, box in zip(heads, boxes, strict=True):
            assert head.join(box) == box == box.join(box)
            assert whole_box(SIDE).join(box) == whole_box(SIDE)
            assert (box.bottom - box.top) % 32 == (box.right - box.left) % 32 == 0


@pytest.mark.parametrize(
    ("cells", "corner", "peak"),
    [([[0, 0], [0, 1]], 0.0, 1.0), ([[1, 1], [1, 1]], 1.0, 1.0), ([[0, 0], [0, 0]], 0.0, 0.0)],
)
def test_cells_of_a_whole_slice_cover_it(
    cells: list[list[int]], corner: float, peak: float
) -> None:
    shown = enlarge_part(np.array(cells, np.float32), whole_box(8), 8)
    assert shown.shape == (8, 8)
    assert (shown[0, 0], shown.max()) == (corner, peak)


@pytest.mark.parametrize("box", [Box(32, 96, 64, 128), Box(0, 64, 3, 67), Box(60, 124, 1, 65)])
def test_cells_of_a_part_lie_over_the_part(box: Box) -> None:
    cells = np.zeros((4, 4), np.float32)
    cells[1, 2] = 1
    shown = enlarge_part(cells, box, SIDE)
    y, x = np.argwhere(shown == shown.max()).mean(axis=0)
    assert (y, x) == (box.top + 23.5, box.left + 39.5)
    assert not np.delete(
        shown,
        np.s_[box.top - 16 : box.bottom + 16] if box.top >= 16 else np.s_[: box.bottom + 16],
        axis=0,
    ).any()
