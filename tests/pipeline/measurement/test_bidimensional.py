"""Lesions of a volume: which there are, where they are measured, and what is measurable."""

import time

import numpy as np
import pytest
from drawn_masks import both, shape

from pipeline.errors import InputError
from pipeline.measurement.bidimensional import (
    IN_PIXELS,
    MOST_LESIONS,
    NOT_ENHANCING,
    NOT_WITHOUT_THE_READER,
    judge_diameters,
    measure_lesions,
)
from pipeline.measurement.chords import longest_diameters, longest_perpendicular, most_product
from pipeline.measurement.lesions import find_lesions

R2 = 2**0.5


def test_an_empty_mask_has_no_lesion() -> None:
    assert longest_diameters(np.zeros((4, 4), bool), (1, 1)) == []
    found = measure_lesions(np.zeros((3, 4, 4), bool), (1, 1, 1))
    assert (found.unit, found.lesions, found.notes) == ("mm", (), ())
    assert most_product(np.zeros((4, 4), bool), (1, 1)) == 0


def two_lesions() -> np.ndarray:
    """A lesion of three slices, widest on the second, and a small one elsewhere."""
    masks = np.zeros((6, 40, 40), bool)
    masks[1, 10:14, 10:14] = masks[3, 12:16, 12:16] = True
    masks[2, 8:20, 8:20] = True
    masks[5, 30, 30:33] = True
    return masks


def test_each_lesion_is_measured_where_it_is_largest() -> None:
    found = measure_lesions(two_lesions(), (5.0, 1.0, 1.0))
    large, small = found.lesions
    assert (large.number, large.voxels, large.slices, large.position) == (1, 176, 3, 2)
    assert large.longest.length == pytest.approx(12 * R2)
    assert large.perpendicular.length == pytest.approx(12 * R2)
    assert large.product == pytest.approx(288)
    assert (large.longest.x1, large.longest.y1) == (7.5, 7.5)
    assert (small.position, small.longest.length) == (5, 3.0)
    assert (small.longest.x1, small.longest.y1) == (29.5, 30.0)
    assert found.unit == "mm"
    assert found.notes == (NOT_WITHOUT_THE_READER, NOT_ENHANCING)


# (lengths, slices, in mm, measurable, a figure that the reason names)
JUDGED = [
    ((10.0, 10.0), 2, True, True, "2 slices"),
    ((25.0, 9.94), 3, True, False, "9.9 mm"),
    ((25.0, 9.96), 3, True, False, "9.96 mm"),
    ((25.0, 9.9996), 3, True, False, "9.9996 mm"),
    ((9.0, 8.0), 1, True, False, "8.0 mm"),
    ((25.0, 12.0), 1, True, False, "slice"),
    ((25.0, 12.0), 3, False, None, "spacing"),
]


@pytest.mark.parametrize(("lengths", "slices", "in_mm", "measurable", "figure"), JUDGED)
def test_what_two_diameters_say_by_rano(
    lengths: tuple[float, float], slices: int, in_mm: bool, measurable: bool | None, figure: str
) -> None:
    found, reason = judge_diameters(lengths, slices=slices, in_mm=in_mm)
    assert found is measurable
    assert figure in reason


MEASURABLE = [
    pytest.param((5.0, 1.0, 1.0), True, id="yes"),
    pytest.param((5.0, 0.5, 0.5), False, id="too small"),
    pytest.param(None, None, id="no spacing"),
]


@pytest.mark.parametrize(("spacing", "measurable"), MEASURABLE)
def test_what_is_measurable_by_rano(
    spacing: tuple[float, float, float] | None, measurable: bool | None
) -> None:
    lesion = measure_lesions(two_lesions(), spacing).lesions[0]
    assert lesion.measurable is measurable
    lengths = (lesion.longest.length, lesion.perpendicular.length)
    judged = judge_diameters(lengths, slices=lesion.slices, in_mm=spacing is not None)
    assert (lesion.measurable, lesion.reason) == judged


def test_one_slice_is_not_enough_and_10_mm_are() -> None:
    masks = np.zeros((3, 20, 20), bool)
    masks[1, 5:15, 5:15] = True
    (lesion,) = measure_lesions(masks, (5.0, 1.0, 1.0)).lesions
    assert lesion.measurable is False
    cross = np.stack([shape("..#..", "..#..", "#####", "..#..", "..#..")] * 2)
    assert measure_lesions(cross, (5.0, 2.0, 2.0)).lesions[0].measurable is True, "just 10 mm"
    assert measure_lesions(cross, (5.0, 1.99, 1.99)).lesions[0].measurable is False


def test_without_spacing_lengths_are_pixels_and_that_is_said() -> None:
    found = measure_lesions(two_lesions(), None)
    assert found.unit == "px"
    assert found.notes[0] == IN_PIXELS
    assert found.lesions[0].longest.length == pytest.approx(12 * R2)


def test_slices_far_apart_are_noted() -> None:
    notes = measure_lesions(two_lesions(), (6.5, 1.0, 1.0)).notes
    near = measure_lesions(two_lesions(), (5.0, 1.0, 1.0)).notes
    assert notes[1:] == near
    assert "6.5 mm" in notes[0]


def test_pieces_of_a_slice_that_meet_on_another_are_one_lesion() -> None:
    masks = np.zeros((2, 5, 9), bool)
    masks[0, 2, 1:3] = masks[0, 2, 6:8] = True
    masks[1, 2, 1:8] = True
    (lesion,) = measure_lesions(masks, None).lesions
    assert (lesion.voxels, lesion.slices, lesion.position) == (11, 2, 1)
    assert lesion.longest.length == 7


def test_only_so_many_lesions_are_measured() -> None:
    masks = np.zeros((1, 10, 60), bool)
    masks[0, ::4, ::6] = True
    found = measure_lesions(masks, None)
    assert len(found.lesions) == MOST_LESIONS
    assert found.not_measured == 30 - MOST_LESIONS
    assert any("14" in note for note in found.notes)


def test_pruning_finds_what_measuring_every_slice_finds() -> None:
    rng = np.random.default_rng(5)
    masks = np.zeros((6, 30, 30), bool)
    for k in range(6):
        masks[k, 3:27, 3:27] = np.kron(rng.random((6, 6)) > 0.35, np.ones((4, 4)))
    masks[:, 13:17, 13:17] = True
    spacing = (3.0, 0.9, 1.1)
    for lesion in measure_lesions(masks, spacing).lesions:
        found, _ = find_lesions(masks)
        pieces = next(one for one in found if one.voxels == lesion.voxels).pieces
        products = []
        for _, _, piece in pieces.values():
            products += [
                chord.length * longest_perpendicular(piece, chord, spacing[1:]).length
                for chord in longest_diameters(piece, spacing[1:])
            ]
        assert lesion.product == pytest.approx(max(products))


def test_arguments_are_checked() -> None:
    with pytest.raises(ValueError, match="masks must be"):
        measure_lesions(np.zeros((3, 3), bool), None)
    for spacing in ((0.0, 1.0, 1.0), (1.0, float("nan"), 1.0)):
        with pytest.raises(ValueError, match="spacing must be above 0"):
            measure_lesions(np.zeros((1, 3, 3), bool), spacing)


def test_slices_of_a_mask_are_measured_like_the_whole() -> None:
    masks = two_lesions()
    slices = {k: masks[k] for k in (5, 3, 2, 1)}
    whole, some = (measure_lesions(given, (5.0, 1.0, 1.0)) for given in (masks, slices))
    assert [repr(lesion) for lesion in some.lesions] == [repr(lesion) for lesion in whole.lesions]


def test_a_mask_that_takes_too_long_is_given_up() -> None:
    with pytest.raises(InputError):
        measure_lesions(two_lesions(), None, limit_s=0)


def test_a_large_lesion_and_a_study_take_no_time() -> None:
    """Limits are five times what was measured, for machines under load."""
    y, x = np.mgrid[:256, :256] - 128
    angle = np.arctan2(y, x)
    wavy = np.hypot(y, x) < 40 + 6 * np.sin(7 * angle)
    assert 4900 < wavy.sum() < 5300
    started = time.process_time()
    assert both(wavy)[0] > 80
    assert time.process_time() - started < 0.25
    z = np.arange(30) - 15
    study = np.array([np.hypot(y, x) < 40 + 6 * np.sin(7 * angle + k / 3) - 2 * abs(k) for k in z])
    started = time.process_time()
    assert len(measure_lesions(study, (5.0, 0.9, 0.9)).lesions) == 1
    assert time.process_time() - started < 1.0
