import numpy as np
import pytest

from pipeline.training.augmentation import (
    CHANNEL_SEQUENCE,
    AugmentationPlan,
    augment,
    choose_sources,
    standardise,
    strip_skull,
    vary_intensity,
    warp,
)

STILL = AugmentationPlan(
    crop=None, rotation_degrees=0, scale=(1, 1), shift_px=0, elastic=0, skull_stripped=0
)


def head(size=96):
    """A head: bright scalp ring, dark skull, grey brain; a lesion on image-left."""
    y, x = np.mgrid[0:size, 0:size] - (size - 1) / 2
    radius = np.hypot(y, x)
    image = np.zeros((size, size, 5), np.float32)
    image[radius < 44] = 0.9
    image[radius < 40] = 0.02
    image[radius < 36] = (0.4, 0.5, 0.6, 0.5, 0.5)
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
    ("plan", "alone", "expected"),
    [
        (AugmentationPlan(single_flair=1, missing_channel=0), True, (1, 1, 1, 1, 1)),
        (AugmentationPlan(single_flair=0, missing_channel=1), True, (1, 1, 1, 1, 1)),
        (AugmentationPlan(single_flair=0, missing_channel=0), True, (0, 1, 2, 1, 1)),
    ],
)
def test_flair_stands_in_for_what_is_missing(plan, alone, expected):
    source = choose_sources(np.random.default_rng(0), plan, alone=alone)
    assert tuple(source) == expected


def test_neighbours_change_places():
    plan = AugmentationPlan(single_flair=0, missing_channel=0)
    rng = np.random.default_rng(0)
    seen = {tuple(choose_sources(rng, plan, alone=False)) for _ in range(20)}
    assert seen == {(0, 1, 2, 3, 4), (0, 1, 2, 4, 3)}


def test_copies_of_one_sequence_vary_together():
    image, _ = head()
    image[...] = image[..., 1:2]
    sequence = CHANNEL_SEQUENCE[[1, 1, 1, 3, 4]]
    rng = np.random.default_rng(1)
    statistics = np.array([0.1, 0.2, 0.3], np.float32)
    for _ in range(10):
        gain = standardise(image, statistics, statistics, rng, sequence=sequence, by_itself=False)
        assert (gain == gain[..., :1]).all()
    gamma = vary_intensity(image, np.random.default_rng(3), sequence=sequence)
    assert not np.allclose(gamma, image)


def test_a_slice_by_itself_is_standardised_by_its_own_statistics():
    image, _ = head()
    far_off = np.full(3, 9, np.float32)
    result = standardise(
        image,
        far_off,
        far_off,
        np.random.default_rng(0),
        sequence=CHANNEL_SEQUENCE,
        by_itself=True,
    )
    inside = image[..., 1] > 0.05
    assert np.abs(result[inside][:, :3].mean(axis=0)).max() < 0.2


@pytest.mark.parametrize("seed", range(6))
def test_image_and_mask_move_together(seed):
    image, lesion = head()
    plan = AugmentationPlan(crop=80, shift_px=6)
    moved, mask = warp(image, lesion, np.random.default_rng(seed), plan)
    assert moved.shape == (80, 80, 5)
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
