"""The leakage exhibit: no inflation is claimed without evidence in the file."""

import pytest

from dashboard.figures.template import MINUS, with_interval
from dashboard.pages.performance.leakage import (
    INFLATION,
    NO_INFLATION,
    UNKNOWN_INFLATION,
    headline_figure,
    inflation_words,
    is_inflated,
)
from pipeline.evaluation.document import LeakageSide, SameSlices
from pipeline.evaluation.facade import Estimate, Leakage, find_figure

RAISED, PERHAPS = Estimate(0.005, 0.001, 0.012), Estimate(0.009, -0.001, 0.021)
AUC = find_figure("slice_auc")


def leakage(**differences: Estimate) -> Leakage:
    """Slice AUC 0.996 against 0.990, Dice of tumor slices 0.835 against 0.826."""
    side = LeakageSide(patients=86, slices=640, figures={})
    same = SameSlices(
        patients=86,
        slices=640,
        by_slice={"slice_auc": Estimate(0.996), "tumor_slice_dice": Estimate(0.835)},
        by_patient={"slice_auc": Estimate(0.99), "tumor_slice_dice": Estimate(0.826)},
        differences=differences,
    )
    return Leakage(fold="fold 1", by_slice=side, by_patient=side, same_slices=same)


@pytest.mark.parametrize(
    ("difference", "words"),
    [
        (RAISED, f"{INFLATION}: {with_interval('+0.005', '+0.001 to +0.012')}"),
        (PERHAPS, f"{NO_INFLATION}: {with_interval('+0.009', f'{MINUS}0.001 to +0.021')}"),
        (Estimate(0.02), f"{NO_INFLATION}: +0.020 (no CI)"),
        (Estimate(None), UNKNOWN_INFLATION),
    ],
)
def test_only_an_interval_on_one_side_of_0_is_evidence_of_inflation(
    difference: Estimate, words: str
) -> None:
    assert inflation_words(leakage(slice_auc=difference), AUC) == words


def test_a_difference_that_the_file_lacks_is_not_known() -> None:
    assert inflation_words(leakage(), AUC) == UNKNOWN_INFLATION


# (figure, difference, whether a split by slice is better)
INFLATED = [
    ("slice_auc", Estimate(0.1, 0.05, 0.2), True),
    ("slice_auc", Estimate(-0.1, -0.2, -0.05), False),
    ("brier", Estimate(-0.1, -0.2, -0.05), True),
    ("brier", Estimate(0.1, 0.05, 0.2), False),
    ("brier", Estimate(0.0, 0.0, 0.0), False),
    ("brier", None, False),
]


@pytest.mark.parametrize(("name", "difference", "inflated"), INFLATED)
def test_better_is_higher_or_lower_by_the_figure(
    name: str, difference: Estimate | None, inflated: bool
) -> None:
    assert is_inflated(find_figure(name), difference) is inflated


@pytest.mark.parametrize(
    ("differences", "name"),
    [
        ({"slice_auc": RAISED, "tumor_slice_dice": RAISED}, "tumor_slice_dice"),
        ({"slice_auc": RAISED, "tumor_slice_dice": PERHAPS}, "slice_auc"),
        ({"slice_auc": PERHAPS, "tumor_slice_dice": PERHAPS}, "tumor_slice_dice"),
        ({}, "tumor_slice_dice"),
    ],
)
def test_the_headline_figure_is_the_first_that_leakage_inflates(
    differences: dict[str, Estimate], name: str
) -> None:
    assert headline_figure(leakage(**differences)).name == name
