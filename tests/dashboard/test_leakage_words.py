"""What the leakage exhibit says: never more than the file shows."""

import pytest

from dashboard.components.performance.leakage_words import (
    gain_sentences,
    gain_words,
    telling_figure,
)
from dashboard.evaluation import Estimate
from dashboard.evaluation.sections import Leakage, Part

RAISED, PERHAPS = Estimate(0.005, 0.001, 0.012), Estimate(0.009, -0.001, 0.021)


def leakage(**differences: Estimate) -> Leakage:
    """Slice AUC 0.996 against 0.990, Dice of tumor slices 0.835 against 0.826."""
    parts = [
        Part(name, 86, 640, {"slice_auc": Estimate(auc), "tumor_slice_dice": Estimate(dice)})
        for name, auc, dice in (("by_slice", 0.996, 0.835), ("by_patient", 0.99, 0.826))
    ]
    return Leakage("fold 1", parts[0], parts[1], differences, bool(differences), "")


@pytest.mark.parametrize(
    ("difference", "words"),
    [
        (RAISED, "0.005 of it is leakage (95% interval +0.001 to +0.012)."),
        (PERHAPS, "Leakage is not shown to raise it: +0.009 (\u22120.001 to +0.021)."),
        (Estimate(0.0, 0.0, 0.0), "Leakage is not shown to raise it: +0.000 (+0.000 to +0.000)."),
        (Estimate(0.02), "Leakage is not shown to raise it: +0.020 (no interval)."),
    ],
)
def test_only_an_interval_above_0_is_called_leakage(difference: Estimate, words: str) -> None:
    assert gain_words(leakage(slice_auc=difference), "slice_auc") == words


def test_figures_of_other_slices_show_no_leakage() -> None:
    words = "+0.006 against a split by patient, on other slices: not shown to be leakage."
    assert gain_words(leakage(), "slice_auc") == words
    assert gain_words(leakage(), "patient_dice_mean") == "How much of it is leakage is not known."
    assert gain_sentences(leakage()) == []


@pytest.mark.parametrize(
    ("differences", "name"),
    [
        ({"slice_auc": RAISED, "tumor_slice_dice": RAISED}, "slice_auc"),
        ({"slice_auc": PERHAPS, "tumor_slice_dice": RAISED}, "tumor_slice_dice"),
        ({"slice_auc": PERHAPS, "tumor_slice_dice": PERHAPS}, "slice_auc"),
        ({}, "slice_auc"),
    ],
)
def test_the_figure_that_tells_is_one_that_leakage_raises(
    differences: dict[str, Estimate], name: str
) -> None:
    assert telling_figure(leakage(**differences)) == name


def test_sentences_name_their_figures() -> None:
    first, second = gain_sentences(leakage(slice_auc=RAISED, tumor_slice_dice=PERHAPS))
    assert first.startswith("Slice AUC: 0.005 of it is leakage")
    assert second.startswith("Dice per slice with tumor: leakage is not shown to raise it")
