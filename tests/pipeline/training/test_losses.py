import numpy as np
import pytest

from pipeline.training.losses import CrossEntropyAndBatchDice


def loss(truth, probability, **arguments):
    truth = np.asarray(truth, np.float32).reshape(2, 1, 2, 1)
    probability = np.asarray(probability, np.float32).reshape(2, 1, 2, 1)
    return float(CrossEntropyAndBatchDice(**arguments)(truth, probability))


@pytest.mark.parametrize(
    ("truth", "probability", "expected"),
    [
        ([1, 0, 0, 0], [1, 0, 0, 0], 0.0),
        ([0, 0, 0, 0], [0, 0, 0, 0], 0.0),
        # overlap 0, three pixels in all: 1 - 1 / (2 + 1) by Dice alone
        ([1, 0, 0, 0], [0, 1, 0, 0], 1 - 1 / 3),
        # overlap 1, three pixels in all: 1 - (2 + 1) / (3 + 1)
        ([1, 1, 0, 0], [1, 0, 0, 0], 1 - 3 / 4),
    ],
)
def test_dice_is_taken_over_the_batch(truth, probability, expected):
    assert loss(truth, probability, weight=0.0, smooth=1.0) == pytest.approx(expected, abs=1e-5)


def test_cross_entropy_is_weighted():
    half = loss([1, 0, 1, 0], [0.5] * 4, weight=2.0, smooth=1.0)
    assert half == pytest.approx(2 * np.log(2) + 1 - (2 + 1) / (4 + 1), abs=1e-5)
