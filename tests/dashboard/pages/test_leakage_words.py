"""What the leakage exhibit says: never more than the file shows."""

import pytest

from dashboard.pages.performance.leakage import gain_words, is_improved, telling_figure
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
        (RAISED, "Leakage accounts for +0.005 (95% interval +0.001 to +0.012)."),
        (
            PERHAPS,
            "Leakage is not shown to improve it: +0.009 (95% interval \u22120.001 to +0.021).",
        ),
        (Estimate(0.02), "Leakage is not shown to improve it: +0.020 (no interval)."),
        (Estimate(None), "How much of it is leakage is not known."),
    ],
)
def test_only_an_interval_on_one_side_of_0_is_called_leakage(
    difference: Estimate, words: str
) -> None:
    assert gain_words(leakage(slice_auc=difference), AUC) == words


def test_a_difference_that_the_file_lacks_is_not_known() -> None:
    assert gain_words(leakage(), AUC) == "How much of it is leakage is not known."


# (figure, difference, whether a split by slice is better)
IMPROVED = [
    ("slice_auc", Estimate(0.1, 0.05, 0.2), True),
    ("slice_auc", Estimate(-0.1, -0.2, -0.05), False),
    ("brier", Estimate(-0.1, -0.2, -0.05), True),
    ("brier", Estimate(0.1, 0.05, 0.2), False),
    ("brier", Estimate(0.0, 0.0, 0.0), False),
    ("brier", None, False),
]


@pytest.mark.parametrize(("name", "difference", "improved"), IMPROVED)
def test_better_is_higher_or_lower_by_the_figure(
    name: str, difference: Estimate | None, improved: bool
) -> None:
    assert is_improved(find_figure(name), difference) is improved


@pytest.mark.parametrize(
    ("differences", "name"),
    [
        ({"slice_auc": RAISED, "tumor_slice_dice": RAISED}, "tumor_slice_dice"),
        ({"slice_auc": RAISED, "tumor_slice_dice": PERHAPS}, "slice_auc"),
        ({"slice_auc": PERHAPS, "tumor_slice_dice": PERHAPS}, "tumor_slice_dice"),
        ({}, "tumor_slice_dice"),
    ],
)
def test_the_telling_figure_is_the_first_that_leakage_improves(
    differences: dict[str, Estimate], name: str
) -> None:
    assert telling_figure(leakage(**differences)).name == name
