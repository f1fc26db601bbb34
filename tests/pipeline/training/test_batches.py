import numpy as np
import pytest

from pipeline.data.augmentation import AugmentationPlan
from pipeline.data.lgg import TrainingVolume
from pipeline.training.batches import OutlineBatches, ScoreBatches

PLAN = AugmentationPlan(crop=64, shift_px=2, elastic=0, skull_stripped=0)


def volume():
    scaled = np.zeros((4, 64, 64, 3), np.uint8)
    scaled[:, 8:56, 8:56] = 120
    masks = np.zeros((4, 64, 64), bool)
    masks[2:, 24:40, 24:40] = True
    statistics = np.full(3, 0.5, np.float32)
    return TrainingVolume("p", scaled, statistics, statistics, masks)


def make(kind):
    return kind([volume()], batch_size=4, tumor_slices=3, steps=2, plan=PLAN, seed=5)


def test_the_share_of_tumor_slices_is_kept():
    images, masks = make(OutlineBatches)[0]
    assert images.shape == (4, 64, 64, 3)
    assert masks.shape == (4, 64, 64, 1)
    assert [bool(m.any()) for m in masks] == [True, True, True, False]


def test_score_and_location_follow_the_mask():
    _, targets = make(ScoreBatches)[0]
    assert targets["score"][:, 0].tolist() == [1, 1, 1, 0]
    assert targets["location"].shape == (4, 4, 4, 1)
    assert targets["location"][0].sum() * 16**2 == pytest.approx(16**2, rel=0.7)
    assert targets["location"][3].max() == 0


def test_a_batch_is_the_same_in_every_run_and_differs_between_epochs():
    one, two = make(OutlineBatches), make(OutlineBatches)
    np.testing.assert_array_equal(one[1][0], two[1][0])
    two.on_epoch_end()
    assert not np.array_equal(one[1][0], two[1][0])
