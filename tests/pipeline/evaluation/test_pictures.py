"""Contact sheets of the worst patients."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
from fake_models import make_case

from pipeline.data.case import Case, SequenceName
from pipeline.evaluation import pictures
from pipeline.evaluation.pictures import Fault
from pipeline.evaluation.rows import PatientRow


@dataclass
class FakeSlice:
    index: int
    slice_score: float = 0.9


class FakeResult:
    """Outlines one 8 x 8 square on slice 2."""

    def __init__(self, case: Case) -> None:
        self.slices = [FakeSlice(index) for index in case.indices]
        self._shape = case.pixels.shape[:3]

    def masks(self) -> np.ndarray:
        masks = np.zeros(self._shape, bool)
        masks[1, 8:16, 8:16] = True
        return masks


def has_colour(picture: np.ndarray, colour: tuple[int, int, int]) -> bool:
    return bool((picture == np.array(colour)).all(axis=-1).any())


def test_the_worst_patients_come_first() -> None:
    rows = [
        PatientRow(name, "", dice, dice, 1, 1, 1)
        for name, dice in (("a", 0.7), ("b", None), ("c", 0.2), ("d", 0.0), ("e", 0.2))
    ]
    assert [row.case_id for row in pictures.worst_patients(rows, 3)] == ["d", "c", "e"]


def test_a_tile_shows_the_slice_with_the_most_wrong_pixels() -> None:
    # The reference square is missed on slice 3, and partly on slice 2.
    masks = np.zeros((3, 32, 32), bool)
    masks[1, 8:18, 8:16] = masks[2, 8:16, 8:16] = True
    case = make_case(3, masks=masks)
    tile = pictures.make_tile(case, FakeResult(case))
    side = pictures.PICTURE_PX
    plain, outlined = tile[-side:, :side], tile[-side:, side:]
    assert tile.dtype == np.uint8
    assert not has_colour(plain, pictures.REFERENCE_COLOUR), "the image is shown plain as well"
    assert has_colour(outlined, pictures.REFERENCE_COLOUR)
    assert not has_colour(outlined, pictures.PREDICTED_COLOUR), "nothing is outlined on slice 3"


def test_the_worst_slice_is_found_for_each_fault() -> None:
    # The square is outlined on slice 2; the reference holds a part of it there, and more on 3.
    masks = np.zeros((4, 32, 32), bool)
    masks[1, 8:12, 8:16] = masks[2, 8:16, 8:16] = True
    case = make_case(4, masks=masks)
    result = FakeResult(case)
    left_out = np.zeros((4, 32, 32), np.uint8)
    left_out[0, :2, :2] = left_out[3, :3, :3] = 90
    found = pictures.worst_slices(case, result, left_out)
    assert found == {Fault.EXTRA: (1, 32), Fault.MISSED: (2, 64), Fault.LEFT_OUT: (3, 9)}
    tile = pictures.make_slice_tile(case, result, 3, left_out=left_out)
    assert has_colour(tile, pictures.LEFT_OUT_COLOUR)
    assert not has_colour(
        pictures.make_slice_tile(case, result, 2, left_out=left_out), pictures.LEFT_OUT_COLOUR
    )
    assert Fault.LEFT_OUT not in pictures.worst_slices(case, result, None)


def test_both_outlines_stay_visible_where_they_agree() -> None:
    case = make_case(2, masks=True)
    tile = pictures.make_tile(case, FakeResult(case))
    assert has_colour(tile, pictures.REFERENCE_COLOUR)
    assert has_colour(tile, pictures.PREDICTED_COLOUR)


def test_the_flair_channel_is_shown() -> None:
    case = make_case(2, masks=True)
    both = np.concatenate([np.zeros_like(case.pixels), case.pixels], axis=-1)
    sequences = (SequenceName.POST, SequenceName.FLAIR)
    twice = make_case(2, masks=True, pixels=both, sequences=sequences)
    assert (
        pictures.make_tile(twice, FakeResult(twice)) == pictures.make_tile(case, FakeResult(case))
    ).all()


@pytest.mark.parametrize("shape", [(2, 64, 16), (2, 16, 64), (2, 700, 500)])
def test_slices_of_every_shape_fit_their_tile(shape: tuple[int, int, int]) -> None:
    masks = np.zeros(shape, bool)
    masks[1, 4:10, 4:10] = True
    pixels = np.full((*shape, 1), 9, np.uint8)
    case = make_case(2, masks=masks, pixels=pixels)
    tile = pictures.make_tile(case, FakeResult(case))
    assert tile.shape[1:] == (2 * pictures.PICTURE_PX, 3)


def test_a_case_without_reference_masks_has_no_tile() -> None:
    case = make_case(2)
    with pytest.raises(ValueError, match="no reference masks"):
        pictures.make_tile(case, FakeResult(case))


def test_tiles_stand_in_rows_below_the_legend(tmp_path: Path) -> None:
    tile = np.full((10, 600, 3), 7, np.uint8)
    sheet = pictures.make_sheet([tile] * 3)
    assert sheet.shape == (32 + 20, 1200, 3)
    assert (sheet[-10:, 600:] == 0).all(), "the last place stays empty"
    pictures.write_picture(tmp_path / "sheet.png", sheet)
    back = cv2.imread(str(tmp_path / "sheet.png"), cv2.IMREAD_COLOR_RGB)
    assert (back == sheet).all()
    with pytest.raises(ValueError, match="at least one tile"):
        pictures.make_sheet([])
