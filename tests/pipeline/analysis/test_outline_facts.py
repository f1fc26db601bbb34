"""Facts of an answer, on volumes whose facts can be computed by hand."""

from dataclasses import fields

import numpy as np
import pytest

from pipeline.analysis.outline_facts import OutlineFacts, describe_outline
from pipeline.analysis.postprocessing import best_expected_level
from pipeline.evaluation.rows import PatientRow
from pipeline.measurement.mask_levels import (
    count_levels,
    expected_dice,
    mask_level,
    probability_mass,
)


def describe(
    *slices: list[int],
    uncertainty: tuple[list[int], ...] | None = None,
    called: tuple[bool, ...] | None = None,
    scores: tuple[float, ...] | None = None,
    evidence: tuple[float | None, ...] | None = None,
    threshold: float = 0.5,
) -> OutlineFacts:
    """Facts of slices of one row of pixels each; by default all are called."""
    probability = np.array(slices, np.uint8)[:, None, :]
    shown = np.zeros_like(probability)
    if uncertainty is not None:
        shown = np.array(uncertainty, np.uint8)[:, None, :]
    n = len(slices)
    return describe_outline(
        probability,
        shown,
        np.array(called or [True] * n),
        classifier_scores=scores or (0.9,) * n,
        outline_evidence=evidence or (None,) * n,
        mask_threshold=threshold,
    )


def test_an_outline_that_is_sure_is_expected_to_be_right() -> None:
    facts = describe([255, 255, 0, 0])
    assert (facts.expected_dice, facts.border_stability) == (1.0, 1.0)
    assert (facts.area_low_px, facts.area_high_px) == (2, 2)
    assert facts.log_volume == pytest.approx(np.log(2))


def test_expected_dice_and_band_of_an_unsure_border() -> None:
    facts = describe([255, 153, 102, 51])  # 1, 0.6, 0.4, 0.2: two of them in the mask
    assert facts.expected_dice == pytest.approx(2 * 1.6 / (2 + 2.2))
    assert (facts.area_low_px, facts.area_high_px) == (3, 1)
    assert facts.border_stability == pytest.approx(2 * 1 / (3 + 1))


def test_what_uncalled_slices_hold_counts_as_missed() -> None:
    facts = describe([255, 255], [255, 0], called=(True, False))
    assert facts.expected_dice == pytest.approx(2 * 2 / (2 + 3))
    assert (facts.area_low_px, facts.called_slices) == (2, 1)
    assert facts.log_volume == pytest.approx(np.log(2))


def test_the_mask_begins_where_the_case_was_given_its_threshold() -> None:
    facts = describe([255, 102], threshold=0.3)
    assert facts.expected_dice == pytest.approx(2 * 1.4 / (2 + 1.4))
    assert facts.mask_threshold == 0.3


def test_disagreement_is_that_inside_the_mask() -> None:
    shown = ([51, 102, 255], [255, 255, 255])
    facts = describe([255, 255, 0], [255, 0, 0], uncertainty=shown, called=(True, False))
    assert facts.mean_disagreement == pytest.approx((0.2 + 0.4) / 2)


def test_the_largest_gap_is_that_of_an_outlined_slice() -> None:
    facts = describe([0], [0], [0], scores=(0.9, 0.2, 0.8), evidence=(None, 0.75, 0.7))
    assert facts.largest_score_gap == pytest.approx(0.55)


def test_nothing_outlined_has_no_dice_to_expect() -> None:
    facts = describe([0, 0], [0, 0], called=(False, False))
    assert facts == OutlineFacts(None, None, 0, 0, None, None, 0, None, 0.5)


def test_a_mask_that_no_slice_was_called_for_is_empty() -> None:
    facts = describe([255, 255], called=(False,))
    assert (facts.expected_dice, facts.border_stability, facts.log_volume) == (None, None, None)


def test_a_mask_of_noise_alone_expects_nothing() -> None:
    facts = describe([4, 4], threshold=0.01)
    assert facts.expected_dice is None
    assert facts.log_volume is not None


def test_the_chosen_level_is_the_one_whose_expected_dice_is_highest() -> None:
    values = np.random.default_rng(1).integers(0, 256, 400).astype(np.uint8)
    voxels = count_levels(values)
    assert voxels.sum() == 400
    expected = expected_dice(voxels, mass=probability_mass(voxels))
    level = best_expected_level(values, lowest=51, highest=mask_level(0.5))
    assert expected[level] == expected[51:129].max()
    chosen = values >= level
    by_hand = 2 * values[chosen].sum() / 255 / (chosen.sum() + values[values >= 5].sum() / 255)
    assert expected[level] == pytest.approx(by_hand)


def test_a_patients_row_has_a_column_for_every_fact() -> None:
    columns = {field.name: field.type for field in fields(PatientRow)}
    facts = [field.name for field in fields(OutlineFacts)]
    assert [name for name in columns if name in facts] == facts
