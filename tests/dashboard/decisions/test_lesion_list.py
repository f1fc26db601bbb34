"""The lesion list, for masks that can be counted by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fake_server import make_case

from dashboard.decisions.lesions import LesionList, list_lesions
from dashboard.masks.encoding import MaskSlices
from pipeline import Case
from pipeline.data.case import Orientation

SHAPE = (5, 16, 24)


@pytest.fixture
def case() -> Case:
    found = make_case(5)
    pixels = np.zeros((*SHAPE, 2), np.uint8)
    pixels[:, 2:14, 2:22] = 90
    letters = Orientation(left="R", right="L", top="A", bottom="P")
    return replace(
        found, pixels=pixels, masks=None, spacing_mm=(10.0, 1.0, 1.0), orientation=letters
    )


def blocks(*places: tuple[slice, slice, slice]) -> dict[int, Any]:
    volume = np.zeros(SHAPE, bool)
    for place in places:
        volume[place] = True
    return {k: one for k, one in enumerate(volume) if one.any()}


#: 3 slices of 4 x 4 pixels, image-left; 1 slice of 2 x 2, image-right; a speck beside it.
LARGE = (slice(1, 4), slice(4, 8), slice(3, 7))
SMALL = (slice(2, 3), slice(9, 11), slice(15, 17))
SPECK = (slice(4, 5), slice(4, 5), slice(18, 19))
SCORES = [0.1, 0.9, 0.8, 0.95, 0.2]


def listed(case: Case, mask: MaskSlices, **changes: Any) -> LesionList:
    fields: dict[str, Any] = {
        "ai": blocks(LARGE, SMALL),
        "left_out": blocks(SPECK),
        "scores": SCORES,
        "channel": 1,
    } | changes
    return list_lesions(case, mask, **fields)


def brief(found: LesionList) -> list[tuple[Any, ...]]:
    return [(one.key, str(one.verdict), one.voxels, one.side) for one in found.lesions]


def test_the_ai_mask_is_kept_and_what_it_left_out_is_listed_as_removed(case: Case) -> None:
    found = listed(case, blocks(LARGE, SMALL))
    assert brief(found) == [
        ("ai-1-4-3", "keep", 48, "right"),
        ("ai-2-9-15", "keep", 4, "left"),
        ("left-out-4-4-18", "remove", 1, "left"),
    ]
    large = found.lesions[0]
    assert (large.first, large.last, large.largest, large.score) == (1, 3, 1, 0.95)
    assert large.volume_ml == pytest.approx(0.48)
    assert large.measured is not None
    assert [one.number for one in found.lesions] == [1, 2, 3]
    assert found.not_listed == 0


def test_a_lesion_of_the_ai_is_corrected_where_its_own_outline_differs(case: Case) -> None:
    moved = (slice(2, 3), slice(9, 11), slice(16, 18))  # as large as the AI's
    found = listed(case, blocks(LARGE, moved, SPECK)).lesions
    assert [(one.source, one.is_corrected) for one in found] == [
        ("ai", False), ("ai", True), ("left out", False)
    ]  # fmt: skip


def test_a_removed_lesion_stays_in_the_list_with_its_key(case: Case) -> None:
    assert brief(listed(case, blocks(LARGE))) == [
        ("ai-1-4-3", "keep", 48, "right"),
        ("ai-2-9-15", "remove", 4, "left"),
        ("left-out-4-4-18", "remove", 1, "left"),
    ]


def test_added_lesions_are_the_readers_or_what_was_left_out(case: Case) -> None:
    drawn = (slice(0, 1), slice(12, 14), slice(4, 7))
    found = listed(case, blocks(LARGE, SMALL, SPECK, drawn))
    assert [one.score is None for one in found.lesions] == [False, True, False, False]
    assert brief(found)[1:] == [
        ("reader-0-12-4", "add", 6, "right"),
        ("ai-2-9-15", "keep", 4, "left"),
        ("left-out-4-4-18", "add", 1, "left"),
    ]


def test_a_corrected_outline_keeps_its_key_and_a_part_that_is_cut_off_has_its_own(
    case: Case,
) -> None:
    upper, lower = (slice(1, 2), *LARGE[1:]), (slice(3, 4), slice(4, 7), slice(3, 7))
    found = brief(listed(case, blocks(upper, lower), ai=blocks(LARGE), left_out=None))
    assert found == [("ai-1-4-3", "keep", 16, "right"), ("reader-3-4-3", "add", 12, "right")]


def test_two_lesions_that_a_reader_joins_are_one(case: Case) -> None:
    bridge = (slice(2, 3), slice(6, 10), slice(6, 16))
    found = brief(listed(case, blocks(LARGE, SMALL, bridge), left_out=None))
    assert [(key, verdict) for key, verdict, _, _ in found] == [("ai-1-4-3", "keep")]
    assert found[0][3] == "both sides"


def test_without_a_result_all_lesions_are_the_readers(case: Case) -> None:
    found = listed(case, blocks(SMALL), ai=None, left_out=None, scores=None)
    assert brief(found) == [("reader-2-9-15", "add", 4, "left")]
    assert found.lesions[0].score is None


def test_a_side_needs_the_letters_of_the_image(case: Case) -> None:
    unknown = replace(case, orientation=None)
    sagittal = replace(case, orientation=Orientation(left="A", right="P", top="S", bottom="I"))
    for one in (unknown, sagittal):
        assert {lesion.side for lesion in listed(one, blocks(LARGE)).lesions} == {""}
    mirrored = replace(case, orientation=Orientation(left="L", right="R", top="A", bottom="P"))
    assert listed(mirrored, blocks(LARGE)).lesions[0].side == "left"
