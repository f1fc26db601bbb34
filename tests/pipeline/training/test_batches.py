import numpy as np
import pytest

from pipeline.datasets.lgg import TrainingVolume
from pipeline.training.augmentation import AugmentationPlan
from pipeline.training.batches import StageBatches

PLAN = AugmentationPlan(crop=64, shift_px=2, elastic=0, skull_stripped=0)


def volume():
    scaled = np.zeros((4, 64, 64, 3), np.uint8)
    scaled[:, 8:56, 8:56] = 120
    masks = np.zeros((4, 64, 64), bool)
    masks[2:, 24:40, 24:40] = True
    statistics = np.full(3, 0.5, np.float32)
    return TrainingVolume("p", scaled, statistics, statistics, masks)


def make(counted=(True, True, True, True)):
    chosen = [(volume(), np.array(counted))]
    return StageBatches(chosen, batch_size=4, tumor_slices=3, steps=2, plan=PLAN, seed=5)


def test_the_share_of_tumor_slices_is_kept():
    images, targets = make()[0]
    assert images.shape == (4, 64, 64, 5)
    assert targets["mask"].shape == (4, 64, 64, 1)
    assert [bool(m.any()) for m in targets["mask"]] == [True, True, True, False]


def test_slices_that_do_not_count_are_never_drawn():
    batches = make(counted=(True, False, False, True))
    drawn = {pair for k in range(30) for pair in batches.draw(np.random.default_rng(k))}
    assert drawn == {(0, 0), (0, 3)}


def test_patients_weigh_by_the_root_of_their_tumor_slices():
    small, large = volume(), volume()
    small.masks[2] = False
    large.masks[:] = True
    chosen = [(v, np.ones(4, bool)) for v in (small, large)]
    batches = StageBatches(chosen, batch_size=2, tumor_slices=2, steps=1, plan=PLAN, seed=0)
    drawn = [p for k in range(600) for p, _ in batches.draw(np.random.default_rng(k))]
    assert np.mean(drawn) == pytest.approx(2 / 3, abs=0.05), "1 slice against 4: 1 to 2"


def test_score_and_location_follow_the_mask():
    _, targets = make()[0]
    assert targets["score"][:, 0].tolist() == [1, 1, 1, 0]
    assert targets["location"].shape == (4, 4, 4, 1)
    assert targets["location"][0].sum() * 16**2 == pytest.approx(16**2, rel=0.7)
    assert targets["location"][3].max() == 0


def test_a_batch_is_the_same_in_every_run_and_differs_between_epochs():
    one, two = make(), make()
    np.testing.assert_array_equal(one[1][0], two[1][0])
    two.on_epoch_end()
    assert not np.array_equal(one[1][0], two[1][0])
