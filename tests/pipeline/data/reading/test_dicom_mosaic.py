"""Siemens mosaics become the volume that was tiled."""

import numpy as np
import pytest
from factories import SeriesFactory
from readings import read_error, read_one

from pipeline.data.reading.dicom_kinds import time_note
from pipeline.data.reading.dicom_mosaic import Mosaic, place_slices, untile

TYPE = ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]


def volume_of(n=5, rows=4, columns=6):
    return np.arange(1, n * rows * columns + 1, dtype=np.uint16).reshape(n, rows, columns)


def tile(volume):
    """The picture, with empty tiles at its end."""
    n, rows, columns = volume.shape
    side = int(np.ceil(np.sqrt(n)))
    picture = np.zeros((side * rows, side * columns), volume.dtype)
    for k in range(n):
        i, j = divmod(k, side)
        picture[i * rows : (i + 1) * rows, j * columns : (j + 1) * columns] = volume[k]
    return picture


def mosaic_dataset(volume, *, stated=True, number=1, **changes):
    factory = SeriesFactory(tile(volume)[None], description="ep2d_flair", **changes)
    dataset = factory.dataset(0)
    dataset.ImageType, dataset.InstanceNumber = TYPE, number
    dataset.SpacingBetweenSlices = 5.0
    if stated:
        block = dataset.private_block(0x0019, "SIEMENS MR HEADER", create=True)
        block.add_new(0x0A, "US", len(volume))
    return dataset


def test_untile_undoes_tile():
    mosaic = Mosaic(n_slices=5, tiles=3, shape=(4, 6), towards=1)
    np.testing.assert_array_equal(untile(tile(volume_of()), mosaic), volume_of())


@pytest.mark.parametrize("towards", [1, -1])
def test_slices_lie_inside_of_the_stated_corner(towards):
    """Tiles of 4 x 6 pixels in 3 x 3: the corner moves by one tile's size each way."""
    mosaic = Mosaic(n_slices=2, tiles=3, shape=(4, 6), towards=towards)
    places = place_slices(
        mosaic,
        position=(-100.0, -50.0, 7.0),
        orientation=(1, 0, 0, 0, 1, 0),
        pixel_spacing=(2.0, 3.0),
        distance=5.0,
    )
    np.testing.assert_allclose(places, [(-82, -42, 7), (-82, -42, 7 + 5 * towards)])


def test_a_mosaic_becomes_its_slices(tmp_path):
    mosaic_dataset(volume_of()).save_as(tmp_path / "m", enforce_file_format=True)
    case = read_one(tmp_path / "m")
    np.testing.assert_array_equal(case.pixels[..., 0], volume_of())
    assert case.spacing_mm == pytest.approx((5.0, 0.9, 0.8))
    corner = case.grid.affine @ [0, 0, 0, 1]
    np.testing.assert_allclose(corner[:3], [10 - 6 * 0.8, 20 - 4 * 0.9, 30])  # RAS


def test_a_series_of_mosaics_shows_its_first(tmp_path):
    for k in range(4):
        volume = volume_of() + 1000 * k
        dataset = mosaic_dataset(volume, number=k + 1, study="1.2", series="1.3")
        dataset.AcquisitionNumber = k + 1
        dataset.save_as(tmp_path / f"m{k}", enforce_file_format=True)
    case = read_one(tmp_path)
    np.testing.assert_array_equal(case.pixels[..., 0], volume_of())
    assert time_note(4, complete=True) in case.warnings


@pytest.mark.parametrize("stated", [False, 50])
def test_a_mosaic_that_cannot_be_divided_is_named(tmp_path, stated):
    dataset = mosaic_dataset(volume_of(), stated=False)
    if stated:
        block = dataset.private_block(0x0019, "SIEMENS MR HEADER", create=True)
        block.add_new(0x0A, "US", stated)
    dataset.save_as(tmp_path / "m", enforce_file_format=True)
    assert "mosaic" in read_error(tmp_path / "m")
