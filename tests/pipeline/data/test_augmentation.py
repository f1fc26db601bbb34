import numpy as np
import pytest

from pipeline.data.augmentation import (
    AugmentationPlan,
    augment,
    strip_skull,
    substitute_channels,
    warp,
)

STILL = AugmentationPlan(
    crop=None, rotation_degrees=0, scale=(1, 1), shift_px=0, elastic=0, skull_stripped=0
)


def head(size=96):
    """A head: bright scalp ring, dark skull, grey brain; a lesion on image-left."""
    y, x = np.mgrid[0:size, 0:size] - (size - 1) / 2
    radius = np.hypot(y, x)
    image = np.zeros((size, size, 3), np.float32)
    image[radius < 44] = 0.9
    image[radius < 40] = 0.02
    image[radius < 36] = (0.4, 0.5, 0.6)
    lesion = np.hypot(y, x + 15) < 8
    image[lesion, 1] = 0.95
    return image, lesion.astype(np.uint8)


def test_stripping_takes_the_scalp_and_leaves_brain_and_lesion():
    image, lesion = head()
    stripped = strip_skull(image, lesion, rim_px=9)
    assert not stripped[48, 5].any()
    np.testing.assert_array_equal(stripped[48, 48], image[48, 48])
    np.testing.assert_array_equal(stripped[lesion > 0], image[lesion > 0])


def test_a_lesion_at_the_rim_is_never_stripped():
    image, _ = head()
    rim = np.zeros(image.shape[:2], np.uint8)
    rim[46:50, 6:12] = 1
    stripped = strip_skull(image, rim, rim_px=12)
    np.testing.assert_array_equal(stripped[rim > 0], image[rim > 0])


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (AugmentationPlan(single_flair=1, missing_channel=0), (1, 1, 1)),
        (AugmentationPlan(single_flair=0, missing_channel=1), (1, 1, 1)),
        (AugmentationPlan(single_flair=0, missing_channel=0), (0, 1, 2)),
    ],
)
def test_flair_stands_in_with_its_own_statistics(plan, expected):
    image, _ = head()
    statistics = np.array([0.1, 0.2, 0.3], np.float32)
    changed, mean, deviation = substitute_channels(
        image, statistics, statistics * 2, np.random.default_rng(0), plan
    )
    np.testing.assert_array_equal(changed, image[..., list(expected)])
    np.testing.assert_array_equal(mean, statistics[list(expected)])
    np.testing.assert_array_equal(deviation, mean * 2)


@pytest.mark.parametrize("seed", range(6))
def test_image_and_mask_move_together(seed):
    image, lesion = head()
    plan = AugmentationPlan(crop=80, shift_px=6)
    moved, mask = warp(image, lesion, np.random.default_rng(seed), plan)
    assert moved.shape == (80, 80, 3)
    assert set(np.unique(mask)) <= {0, 1}
    inside = moved[..., 1][mask > 0]
    assert inside.size > 50
    assert np.median(inside) > 0.9


def test_the_same_generator_gives_the_same_example():
    image, lesion = head()
    scaled = (image * 255).astype(np.uint8)
    made = [
        augment(
            scaled,
            lesion > 0,
            np.full(3, 0.4, np.float32),
            np.full(3, 0.2, np.float32),
            rng=np.random.default_rng(7),
            plan=AugmentationPlan(crop=64),
        )
        for _ in range(2)
    ]
    np.testing.assert_array_equal(made[0][0], made[1][0])
    np.testing.assert_array_equal(made[0][1], made[1][1])
    assert made[0][0].dtype == np.float32
    assert np.isfinite(made[0][0]).all()


def test_without_movement_the_mask_is_kept_or_mirrored():
    image, lesion = head()
    _, mask = warp(image, lesion, np.random.default_rng(3), STILL)
    assert any(np.count_nonzero(mask != candidate) < 60 for candidate in (lesion, lesion[:, ::-1]))
