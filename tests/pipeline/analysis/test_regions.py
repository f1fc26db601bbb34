"""Boxes of heads: aligned, with air around them, wide enough for what neighbours show."""

import numpy as np
import pytest

from pipeline.analysis.regions import Box, head_boxes, whole_box


def boxes_of(*heads: tuple[int, int, int, int] | None) -> list[Box | None]:
    foreground = np.zeros((len(heads), 128, 128), bool)
    for k, head in enumerate(heads):
        if head is not None:
            top, bottom, left, right = head
            foreground[k, top:bottom, left:right] = True
    return head_boxes(foreground)


@pytest.mark.parametrize(
    ("head", "box"),
    [
        ((40, 60, 70, 90), Box(32, 64, 64, 96)),
        ((33, 60, 70, 90), Box(0, 64, 64, 96)),
        ((40, 63, 70, 90), Box(32, 96, 64, 96)),
        ((0, 128, 0, 128), whole_box(128)),
        ((50, 55, 50, 55), Box(32, 64, 32, 64)),
        ((50, 54, 0, 128), None),
    ],
)
def test_a_box_is_aligned_and_leaves_air_around_the_head(
    head: tuple[int, int, int, int], box: Box | None
) -> None:
    assert boxes_of(head) == [box]


def test_noise_of_the_air_widens_no_box() -> None:
    foreground = np.random.default_rng(0).random((1, 128, 128)) < 0.1
    foreground[0, 40:60, 40:60] = True
    assert head_boxes(foreground) == [Box(32, 64, 32, 64)]


def test_a_slice_without_a_head_has_the_box_of_what_it_shows_of_its_neighbours() -> None:
    head, other = (40, 60, 40, 60), (70, 90, 40, 60)
    assert boxes_of(None, None, head, None, other) == [
        None,
        Box(32, 64, 32, 64),
        Box(32, 64, 32, 64),
        Box(32, 96, 32, 64),
        Box(64, 96, 32, 64),
    ]
