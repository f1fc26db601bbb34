import numpy as np
import pytest

from pipeline.image_tasks.preprocessing import (
    find_content,
    prepare_image,
    restore_map,
    stretch_grey,
    to_grey,
)
from pipeline.image_tasks.task import Fit


def framed(height: int, width: int) -> np.ndarray:
    """Content of 40 x 20 in a dark frame, its upper half brighter, with a black speck in it."""
    image = np.zeros((height, width), np.float32)
    image[10:50, 30:50] = 100
    image[10:30, 30:50] = 200
    image[10:12, 46:50] = 0
    return image


def test_content_is_found_within_a_dark_margin() -> None:
    assert find_content(framed(80, 90)) == (10, 30, 40, 20)
    assert find_content(np.zeros((20, 30), np.float32)) == (0, 0, 20, 30)
    assert find_content(np.full((20, 30), 7, np.float32)) == (0, 0, 20, 30)


def test_content_is_padded_to_a_square_and_not_distorted() -> None:
    prepared = prepare_image(framed(80, 90), fit=Fit.CONTENT, size=40)
    assert prepared.pixels.shape == (40, 40, 3)
    assert prepared.pixels.dtype == np.uint8
    np.testing.assert_array_equal(prepared.pixels[..., 0], prepared.pixels[..., 2])
    assert prepared.placement.padding == (0, 0, 10, 10)
    np.testing.assert_array_equal(prepared.pixels[5, :, 0], [0] * 10 + [255] * 20 + [0] * 10)


def test_the_whole_image_is_stretched() -> None:
    ramp = np.tile(np.linspace(0, 1000, 60, dtype=np.float32), (20, 1))
    prepared = prepare_image(ramp, fit=Fit.WHOLE, size=32)
    assert prepared.placement.box == (0, 0, 20, 60)
    row = prepared.pixels[0, :, 0].astype(int)
    assert row[0] < 5
    assert row[-1] > 250
    assert (np.diff(row) >= 0).all()


@pytest.mark.parametrize("scale", [1, 16, 0.001])
def test_depth_and_range_do_not_matter(scale: float) -> None:
    expected = prepare_image(framed(80, 90), fit=Fit.CONTENT, size=32).pixels
    found = prepare_image(framed(80, 90) * np.float32(scale), fit=Fit.CONTENT, size=32).pixels
    np.testing.assert_allclose(found, expected, atol=1)


def test_colour_becomes_grey_and_a_flat_image_black() -> None:
    page = np.zeros((4, 4, 3), np.uint16)
    page[..., 0] = 300
    np.testing.assert_array_equal(to_grey(page), np.full((4, 4), 100, np.float32))
    flat = prepare_image(np.full((9, 9), 50, np.float32), fit=Fit.WHOLE, size=16)
    assert flat.pixels.max() == 0


def test_any_range_is_stretched() -> None:
    assert stretch_grey(np.full((3, 3), 7, np.float32)).max() == 0
    ramp = stretch_grey(np.linspace(-500, 3000, 1000, dtype=np.float32)[None])
    assert (ramp.min(), ramp.max()) == (0, 255)
    # Nearly everything is of one value: the range of what differs is taken.
    speck = np.zeros((40, 40), np.float32)
    speck[3, 3] = 0.01
    assert stretch_grey(speck)[3, 3] == 255


@pytest.mark.parametrize("fit", list(Fit))
def test_a_map_returns_to_where_its_pixels_came_from(fit: Fit) -> None:
    image = framed(80, 90)
    prepared = prepare_image(image, fit=fit, size=64)
    restored = restore_map(prepared.pixels[..., 0].astype(np.float32), prepared.placement)
    assert restored.shape == image.shape
    middle = restored[15:25, 35:45]
    assert middle.mean() > 250
    assert abs(restored[35:45, 35:45].mean() - 127) < 12
    assert restored[60:, :].max() < 5
