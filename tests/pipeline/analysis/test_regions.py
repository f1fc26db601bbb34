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
        ((50, 51, 50, 51), Box(32, 64, 32, 64)),
    ],
)
def test_a_box_is_aligned_and_leaves_air_around_the_head(
    head: tuple[int, int, int, int], box: Box
) -> None:
    assert boxes_of(head) == [box]


def test_a_box_holds_what_the_neighbours_show() -> None:
    small, large = (40, 60, 40, 60), (10, 100, 40, 60)
    around_small, around_large = Box(32, 64, 32, 64), Box(0, 128, 32, 64)
    assert boxes_of(None, None, small, small, large) == [
        None,
        around_small,
        around_small,
        around_large,
        around_large,
    ]
