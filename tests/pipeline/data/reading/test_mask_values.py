"""Which values of a reference mask count as outlined, and which masks are no lesion's."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from factories import grey, write_image
from numpy.typing import NDArray

from pipeline.data.reading.images import read_image
from pipeline.data.reading.mask_values import (
    FRACTIONS_WARNING,
    covers_head,
    looks_like_mask,
    outlined,
)


@pytest.mark.parametrize(
    ("values", "counts"),
    [
        pytest.param([0, 1, 2, 4], [1, 2, 4], id="labels"),
        pytest.param([0, 1, 2, 255], [1, 2, 255], id="labels with 255 among them"),
        pytest.param([0, 255], [255], id="black and white"),
        pytest.param([0, 1, 254, 255], [254, 255], id="noise beside two levels"),
        pytest.param([0, 1, 2, 3, 252, 253, 254], [252, 253, 254], id="noise, never quite white"),
        pytest.param(list(range(256)), list(range(128, 256)), id="smoothed outlines"),
        pytest.param([-3, -1, 0, 2], [2], id="below zero is outside"),
        pytest.param([0, 3], [3], id="one label"),
        pytest.param([0], [], id="empty"),
    ],
)
def test_whole_values(values: list[int], counts: list[int]) -> None:
    (mask,), warnings = outlined([np.array(values, np.int16)])
    assert [v for v, inside in zip(values, mask, strict=True) if inside] == counts
    assert warnings == ()


@pytest.mark.parametrize(
    ("values", "expected", "warned"),
    [
        ([0.0, 0.02, 0.49, 0.5, 0.9, 1.0], [0, 0, 0, 1, 1, 1], True),
        ([0.0, 1e-6, 1.0, 0.9999], [0, 0, 1, 1], False),
        ([0.0, 1e-6], [0, 0], False),
        ([0.0, 0.3, 1.2, 4.0], [0, 0, 1, 1], True),
        ([0.0, 31.7, 200.2, 255.0], [0, 0, 1, 1], False),
        ([0.0, 2.2, 40.1, 89.5], [0, 0, 0, 1], False),
        ([-1.0, np.nan, np.inf, 1.0], [0, 0, 1, 1], False),
        ([0.0, 1.0, 2.0], [0, 1, 1], False),
    ],
)
def test_fractions_are_cut_at_one_half(
    values: list[float], expected: list[int], warned: bool
) -> None:
    (mask,), warnings = outlined([np.array(values, np.float32)])
    assert mask.tolist() == [bool(one) for one in expected]
    assert warnings == ((FRACTIONS_WARNING,) if warned else ())


def test_noise_on_a_slice_without_lesion_is_seen_on_the_others() -> None:
    empty, lesion = np.array([0, 1, 3], np.uint8), np.array([1, 254, 255], np.uint8)
    masks, _ = outlined([empty, lesion])
    assert [mask.sum() for mask in masks] == [0, 2]


def test_jpeg_masks_have_no_speckle(tmp_path: Path) -> None:
    pixels = np.zeros((32, 32), np.uint8)
    pixels[8:20, 8:20] = 255
    path = write_image(tmp_path / "m.jpg", pixels, quality=60)
    (mask,), _ = outlined([read_image(path, "m.jpg").pages[0][..., 0]], lossy=True)
    np.testing.assert_array_equal(mask, pixels > 0)


def head(shape: tuple[int, ...] = (4, 40, 40)) -> NDArray[Any]:
    """A bright head in the middle of black."""
    image = np.zeros(shape, np.uint16)
    image[:, 8:32, 8:32] = np.random.default_rng(0).integers(300, 900, (shape[0], 24, 24))
    return image


@pytest.mark.parametrize(("side", "covers"), [(4, False), (14, False), (22, True), (24, True)])
def test_a_mask_of_most_of_the_head_is_no_lesion(side: int, covers: bool) -> None:
    image = head()
    mask = np.zeros(image.shape, bool)
    mask[:, 8 : 8 + side, 8 : 8 + side] = True
    assert covers_head(mask, image[..., None]) is covers


def test_masks_are_reported_from_images_by_their_values() -> None:
    mask = np.zeros((40, 40), np.float32)
    mask[10:20, 10:20] = 1
    assert looks_like_mask([mask])
    assert looks_like_mask([mask * 255 + grey(40, 40) % 4])
    assert not looks_like_mask([head()])
    assert not looks_like_mask([head() / 900])
    assert not looks_like_mask([grey(40, 40)])
    assert not looks_like_mask([head().astype(np.int16) - 500])
