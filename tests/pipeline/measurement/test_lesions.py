"""Lesions of volumes that a reader can count, and of noise against SciPy."""

import numpy as np
import pytest
from drawn_masks import shape
from scipy import ndimage

from pipeline.measurement.lesions import find_lesions


def test_lesions_touch_through_corners_and_not_through_gaps() -> None:
    masks = np.zeros((4, 8, 8), bool)
    masks[0, 2, 2] = masks[1, 3, 3] = masks[1, 4, 4] = True
    masks[3, 2:4, 2] = True
    found, count = find_lesions(masks)
    assert ([lesion.voxels for lesion in found], count) == ([3, 2], 2)


def test_pieces_are_boxes_of_a_lesions_own_pixels() -> None:
    """Two arms that meet on the next slice; what lies in their box is another lesion."""
    first = shape("#...#", "#.#.#", "#...#", "#...#")
    second = shape(".....", ".....", ".....", "#####")
    (large, small), _ = find_lesions({7: first, 8: second})
    assert (large.voxels, list(large.pieces)) == (13, [7, 8])
    top, left, own = large.pieces[7]
    assert (top, left) == (0, 0)
    assert (own == shape("#...#", "#...#", "#...#", "#...#")).all()
    assert large.pieces[8][:2] == (3, 0)
    assert small.pieces[7][:2] == (1, 2)
    assert small.pieces[7][2].tolist() == [[True]]


def test_slices_between_part_lesions() -> None:
    one = shape("##", "##")
    found, count = find_lesions({3: one, 5: one, 6: one})
    assert [list(lesion.pieces) for lesion in found] == [[5, 6], [3]]
    assert count == 2


def test_equal_ones_are_in_order_of_slice_row_and_column() -> None:
    masks = np.zeros((2, 7, 7), bool)
    masks[1, 3, 6] = masks[0, 5, 0] = masks[0, 1, 4] = masks[0, 1, 1] = True
    found, _ = find_lesions(masks)
    places = [(k, *piece[:2]) for lesion in found for k, piece in lesion.pieces.items()]
    assert places == [(0, 1, 1), (0, 1, 4), (0, 5, 0), (1, 3, 6)]


def test_nothing_has_no_lesions() -> None:
    assert find_lesions(np.zeros((3, 4, 4), bool)) == ([], 0)
    assert find_lesions({}) == ([], 0)


@pytest.mark.parametrize("share", [0.05, 0.15, 0.4])
def test_noise_is_labelled_as_scipy_labels_it(share: float) -> None:
    masks = np.random.default_rng(8).random((6, 30, 40)) < share
    labels, count = ndimage.label(masks, structure=np.ones((3, 3, 3)))
    found, total = find_lesions(masks)
    assert total == count
    sizes = sorted(np.bincount(labels.ravel())[1:].tolist(), reverse=True)
    assert [lesion.voxels for lesion in found] == sizes
    for lesion in found[:5]:
        numbers = {
            int(label)
            for k, (y, x, own) in lesion.pieces.items()
            for label in np.unique(labels[k, y : y + own.shape[0], x : x + own.shape[1]][own])
        }
        assert len(numbers) == 1
    largest, _ = find_lesions(masks, most=3)
    assert [lesion.voxels for lesion in largest] == sizes[:3]


def test_it_can_be_given_up_between_slices() -> None:
    def give_up() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        find_lesions(np.ones((2, 3, 3), bool), before_slice=give_up)
