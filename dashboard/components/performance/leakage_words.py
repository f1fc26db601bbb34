"""What a split by slice flatters, in sentences that say no more than the file shows."""

from __future__ import annotations

import math

from dashboard.components.performance.words import MINUS, figure_words, number_words
from dashboard.evaluation import Estimate
from dashboard.evaluation.sections import Leakage

#: What others publish from such splits: of the classifier, of the outlines.
TOLD = ("slice_auc", "tumor_slice_dice", "patient_dice_mean")


def telling_figure(leakage: Leakage) -> str:
    """Name of the first figure that leakage is shown to raise, else of the first there is."""
    there = [
        name
        for name in TOLD
        if name in leakage.by_slice.figures and name in leakage.by_patient.figures
    ]
    raised = [name for name in there if _is_raised(leakage.differences.get(name))]
    return next(iter([*raised, *there]), TOLD[0])


def gain_words(leakage: Leakage, name: str) -> str:
    """How much of a figure is leakage, with its interval; what is not shown is called so."""
    difference = leakage.differences.get(name)
    if difference is None:
        return _unpaired_words(leakage, name)
    gain, interval = number_words(difference.value, digits=3), _signed_interval(difference)
    if _is_raised(difference):
        return f"{gain} of it is leakage (95% interval {interval})."
    return f"Leakage is not shown to raise it: {_signed(difference.value)} ({interval})."


def gain_sentences(leakage: Leakage) -> list[str]:
    """One for each of `TOLD` that the file compares on the same slices."""
    told = {name: gain_words(leakage, name) for name in TOLD if name in leakage.differences}
    return [
        f"{figure_words(name).title}: {words[0].lower()}{words[1:]}" for name, words in told.items()
    ]


def _unpaired_words(leakage: Leakage, name: str) -> str:
    first, second = leakage.by_slice.figures.get(name), leakage.by_patient.figures.get(name)
    if first is None or second is None or not math.isfinite(first.value - second.value):
        return "How much of it is leakage is not known."
    gain = _signed(first.value - second.value)
    return f"{gain} against a split by patient, on other slices: not shown to be leakage."


def _is_raised(difference: Estimate | None) -> bool:
    return difference is not None and difference.low is not None and difference.low > 0


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", MINUS) if math.isfinite(value) else "not known"


def _signed_interval(difference: Estimate) -> str:
    if difference.low is None or difference.high is None:
        return "no interval"
    return f"{_signed(difference.low)} to {_signed(difference.high)}"
