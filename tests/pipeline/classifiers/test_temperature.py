import numpy as np
import pytest

from pipeline.classifiers.calibration import (
    apply_temperature,
    calibrate_folds,
    cross_entropy,
    fit_temperature,
)
from pipeline.classifiers.cross_validation import HeldOutAnswers


def test_temperature_flattens_and_sharpens_without_changing_the_answer() -> None:
    given = np.array([0.9, 0.1])
    np.testing.assert_allclose(apply_temperature(given, 1.0), given)
    # odds 9 to 1; at temperature 2 the root of it, 3 to 1
    np.testing.assert_allclose(apply_temperature(given, 2.0), [0.75, 0.25])
    np.testing.assert_allclose(apply_temperature(given, 0.5), [81 / 82, 1 / 82])
    np.testing.assert_allclose(apply_temperature(np.array([1.0, 0.0]), 3.0).sum(), 1)


def test_an_overconfident_network_is_cooled_to_how_often_it_is_right() -> None:
    labels = np.array([0, 0, 0, 1])
    sure = np.tile([0.99, 0.01], (4, 1))
    temperature = fit_temperature(sure, labels)
    np.testing.assert_allclose(apply_temperature(sure, temperature)[0, 0], 0.75, atol=1e-3)
    assert temperature == pytest.approx(np.log(99) / np.log(3), rel=1e-2)


def test_cross_entropy_by_hand() -> None:
    given = np.array([[0.5, 0.5], [0.25, 0.75]])
    found = cross_entropy(given, np.array([0, 1]))
    assert found == pytest.approx((np.log(2) - np.log(0.75)) / 2)


def test_each_fold_is_calibrated_by_the_others() -> None:
    labels = np.array([0, 1, 0, 1])
    raw = np.array([[[0.9, 0.1], [0.1, 0.9], [0.9, 0.1], [0.9, 0.1]]])
    found = calibrate_folds(HeldOutAnswers(raw, np.array([[0, 0, 1, 1]])), labels)
    # The first fold is calibrated by the second, which is right half of the time: one half.
    np.testing.assert_allclose(found.calibrated[0, :2, 0], [0.5, 0.5], atol=0.05)
    # The second by the first, which is always right: as sure as the bounds allow.
    assert found.calibrated[0, 2, 0] > 0.999
    assert found.raw is raw
