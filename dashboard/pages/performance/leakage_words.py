"""What a split by slice gains, in sentences that say no more than the file shows."""

from __future__ import annotations

from dashboard.components.figure_words import difference_interval, difference_words
from pipeline.evaluation.facade import Estimate, Figure, Leakage, all_figures


def compared_figures() -> list[Figure]:
    """The figures by which both splits are compared."""
    return [figure for figure in all_figures() if figure.compared]


def telling_figure(leakage: Leakage) -> Figure:
    """The first compared figure that leakage is shown to improve, else the first there is."""
    figures = compared_figures()
    same = leakage.same_slices
    there = [f for f in figures if f.name in same.by_slice and f.name in same.by_patient]
    improved = [f for f in there if is_improved(f, same.differences.get(f.name))]
    return next(iter([*improved, *there, *figures]))


def gain_words(leakage: Leakage, figure: Figure) -> str:
    """How much of a figure is leakage, with its interval; what is not shown is called so."""
    difference = leakage.same_slices.differences.get(figure.name)
    if difference is None or difference.value is None:
        return "How much of it is leakage is not known."
    size, interval = difference_words(figure, difference), difference_interval(figure, difference)
    shown = f"{size} (95% interval {interval})" if interval else f"{size} (no interval)"
    if is_improved(figure, difference):
        return f"Leakage accounts for {shown}."
    return f"Leakage is not shown to improve it: {shown}."


def is_improved(figure: Figure, difference: Estimate | None) -> bool:
    """Whether a split by slice is better beyond chance: the whole interval lies on its side."""
    if difference is None or difference.low is None or difference.high is None:
        return False
    return difference.low > 0 if figure.higher_is_better else difference.high < 0
