from __future__ import annotations

import numpy as np
import pytest
from tiny_classifiers import make_images

from pipeline.classifiers.images import (
    AUGMENTATIONS,
    FLIPS,
    FULL,
    NONE,
    Augmentation,
    LabelledImages,
    augment_image,
    make_variant,
    resize_images,
)


def test_variants_are_the_images_their_mirror_and_repeatable_draws() -> None:
    images = make_images(4).images
    assert make_variant(images, FULL, 0) is images
    assert make_variant(images, NONE, 3) is images
    np.testing.assert_array_equal(make_variant(images, FLIPS, 1), images[:, :, ::-1])
    drawn = make_variant(images, FULL, 2, seed=7)
    np.testing.assert_array_equal(drawn, make_variant(images, FULL, 2, seed=7))
    assert (drawn != make_variant(images, FULL, 3, seed=7)).any()
    assert (drawn.shape, drawn.dtype) == (images.shape, np.uint8)


def test_a_shift_moves_the_image_and_repeats_its_edge() -> None:
    image = np.zeros((20, 20, 3), np.uint8)
    image[:, 10:] = 200
    moved = augment_image(image, Augmentation(shift=0.2), np.random.default_rng(0))
    assert set(np.unique(moved[:, [0, -1]])) == {0, 200}
    assert abs(int(np.argmax(moved[10, :, 0] > 100)) - 10) <= 4


def test_contrast_stays_within_bytes() -> None:
    image = np.full((8, 8, 3), 250, np.uint8)
    for seed in range(10):
        changed = augment_image(image, Augmentation(contrast=0.5), np.random.default_rng(seed))
        assert (changed.dtype, changed.min() == changed.max()) == (np.uint8, True)


def test_every_named_augmentation_but_none_changes_something() -> None:
    assert [name for name, a in AUGMENTATIONS.items() if a.none] == ["none"]


def test_resizing_keeps_the_grey_value_and_a_fitting_size() -> None:
    images = np.full((2, 10, 14, 3), 90, np.uint8)
    assert (resize_images(images, 6) == 90).all()
    assert resize_images(images, 20).shape == (2, 20, 20, 3)
    square = np.zeros((1, 8, 8, 3), np.uint8)
    assert resize_images(square, 8) is square


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"labels": np.array([0, 2])}, "labels must be 0 to 1"),
        ({"labels": np.array([0])}, "equally many"),
        ({"images": np.zeros((2, 4, 4), np.uint8)}, "images must be"),
        ({"images": np.zeros((2, 4, 4, 3), np.float32)}, "images must be"),
    ],
)
def test_labelled_images_must_fit(change: dict[str, np.ndarray], rule: str) -> None:
    fitting = {
        "images": np.zeros((2, 4, 4, 3), np.uint8),
        "labels": np.array([0, 1]),
        "groups": np.array([0, 1]),
    }
    with pytest.raises(ValueError, match=rule):
        LabelledImages(**(fitting | change), classes=("no", "yes"))
