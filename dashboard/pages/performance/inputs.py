"""The values that browsers send to the performance page, and what of them the evaluation has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import AfterValidator, Field

from dashboard.components.browser_values import BrowserValue, Click, Name, fallback
from dashboard.evaluation import CELLS, Measured
from dashboard.figures.reliability import AFTER, BEFORE
from pipeline.evaluation.facade import Reliability, calibration_bin

if TYPE_CHECKING:
    import pandas as pd

#: Limits of the movable operating point and its step.
LOWEST, HIGHEST, STEP = 0.01, 0.99, 0.01

#: An operating point, limited to the slider's range; None for the default.
Threshold = Annotated[
    Annotated[float, Field(allow_inf_nan=False)] | None,
    AfterValidator(lambda x: None if x is None else min(max(round(x, 2), LOWEST), HIGHEST)),
    fallback(None),
]


class Selection(BrowserValue):
    """The chosen group of slices or patients, and the chosen case; "" for none.

    Attributes:
        kind, which: Kind of the group, such as ``fold``, and its name.
        case: A case_id.
    """

    kind: Name = ""
    which: Name = ""
    case: Name = ""

    def existing(self, measured: Measured) -> Selection:
        """What of the selection the evaluation has."""
        group = self.which in _groups(self.kind, measured)
        case = (measured.patients["case_id"] == self.case).any()
        return Selection(
            kind=self.kind if group else "",
            which=self.which if group else "",
            case=self.case if case else "",
        )

    def stored(self) -> dict[str, str]:
        """The selection as the page stores it."""
        return self.model_dump(exclude_defaults=True)


Selected = Annotated[Selection, fallback(Selection())]


class ThresholdMark(BrowserValue):
    """A point of the ROC curve."""

    customdata: Threshold


class CaseMark(BrowserValue):
    """A dot that stands for a case: its case_id and Dice."""

    customdata: tuple[Name, Name]

    @property
    def selection(self) -> Selection:
        """The case."""
        return Selection(case=self.customdata[0])


class BinMark(BrowserValue):
    """A point of the reliability diagram: its curve, its index, its number of slices."""

    customdata: tuple[Name, int, int]

    @property
    def selection(self) -> Selection:
        """The slices of the bin."""
        curve, place, _ = self.customdata
        return Selection(kind="bin", which=f"{curve} {place}")


class CellMark(BrowserValue):
    """A cell of the confusion matrix: column ``x`` and row ``y`` from 0."""

    x: Literal[0, 1]
    y: Literal[0, 1]

    @property
    def selection(self) -> Selection:
        """The slices of the cell."""
        return Selection(kind="cell", which=CELLS[2 * self.y + self.x])


#: Clicks on the charts of a view that select something, None where a chart was not clicked.
Marks = Annotated[
    tuple[Annotated[Click[CaseMark | BinMark | CellMark] | None, fallback(None)], ...], fallback(())
]
CurveClick = Annotated[Click[ThresholdMark] | None, fallback(None)]


def moved_point(threshold: float | None, *, default: float) -> float | None:
    """The operating point that the reader has chosen; None where it is the default."""
    near = threshold is None or abs(threshold - default) < STEP / 2
    return None if near else threshold


def bin_rows(which: str, measured: Measured, slices: pd.DataFrame) -> pd.DataFrame:
    """Slices of a point of the reliability diagram, the highest score first.

    Args:
        which: ``before`` or ``after``, and the index of the point.
        measured: The evaluation with that point.
        slices: Its slices.
    """
    name, _, place = which.partition(" ")
    column = "uncalibrated_score" if name == BEFORE else "score"
    scores = slices[column].to_numpy(float)
    known = ~np.isnan(scores)
    chosen = np.zeros(len(scores), bool)
    point = bins_of(name, measured)[int(place)]
    chosen[known] = calibration_bin(scores[known]) == calibration_bin([point.score])[0]
    return slices[chosen].sort_values(column, ascending=False, ignore_index=True)


def bins_of(name: str, measured: Measured) -> tuple[Reliability, ...]:
    """Points of one curve of the reliability diagram; empty where the file lacks it."""
    calibration = measured.evaluation.calibration
    if calibration is None:
        return ()
    curve = {BEFORE: calibration.before, AFTER: calibration.after}.get(name)
    return curve.bins if curve else ()


def _groups(kind: str, measured: Measured) -> set[str]:
    """The groups of a kind."""
    if kind == "cell":
        return set(CELLS)
    if kind == "decided":
        return set(measured.slices["decided_by"]) - {""}
    if kind in ("institution", "fold"):
        return set(measured.patients[kind]) - {""}
    if kind == "bin":
        names = (BEFORE, AFTER)
        return {f"{name} {k}" for name in names for k in range(len(bins_of(name, measured)))}
    return set()
