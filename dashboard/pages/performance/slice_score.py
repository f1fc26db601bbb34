"""The view of the slice score: figures, basis of the decisions, predictive value, calibration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dash import html
from dash.development.base_component import Component

from dashboard.components.attributes import aria
from dashboard.components.buttons import small_button
from dashboard.components.charts import chart, legend
from dashboard.components.panels import figure_table, panel, table
from dashboard.figures.reliability import AFTER, BEFORE, WORDS
from dashboard.pages.performance import ids
from dashboard.pages.performance.data import PageData
from pipeline.evaluation.facade import (
    Calibration,
    CalibrationCurve,
    FigureGroup,
    all_figures,
    find_figure,
)

if TYPE_CHECKING:
    import pandas as pd

#: Label and explanation of each basis of a slice's decision.
DECISIONS: dict[str, tuple[str, str]] = {
    "both": ("Classifier and segmentation agree", "Both indicate tumor, or neither does."),
    "classifier": ("Conflict: classifier prevailed", "The segmentation suggests the opposite."),
    "outline": ("Conflict: segmentation prevailed", "The classifier suggests the opposite."),
    "gate": ("Classifier only, not segmented", "The classifier score is below the gate."),
}


def layout(data: PageData) -> html.Div:
    """Figures, precision-recall curve, basis of the decisions, calibration."""
    evaluation = data.evaluation
    recall_title = "Precision-recall curve of the slice score"
    return html.Div(
        [
            html.Div(
                [
                    panel(
                        "Slice score metrics",
                        figure_table(evaluation.figures, all_figures(FigureGroup.SLICE_SCORE)),
                    ),
                    html.Div(
                        [
                            panel(
                                "",
                                chart(
                                    ids.RECALL,
                                    recall_title,
                                    reading="Nearer to the upper right corner is better. PPV "
                                    "depends on the prevalence, the dashed line.",
                                    height=300,
                                ),
                            )
                            if len(evaluation.precision_recall)
                            else None,
                            _decided_panel(data.measured.slices),
                        ],
                        className="stack",
                    ),
                ],
                className="performance-halves",
            ),
            _calibration_panel(evaluation.calibration),
            html.Div(id=ids.rows_id("group")),
        ],
        className="stack",
    )


def count_decided(slices: pd.DataFrame) -> pd.DataFrame:
    """Slices by basis of their decision: decided_by, slices, wrong (false positive or negative)."""
    wrong = slices["called"].to_numpy(bool) != slices["reference_tumor"].to_numpy(bool)
    grouped = slices.assign(wrong=wrong).groupby("decided_by")["wrong"].agg(["size", "sum"])
    known = grouped.reindex([name for name in DECISIONS if name in grouped.index])
    return known.rename(columns={"size": "slices", "sum": "wrong"}).reset_index()


def _decided_panel(slices: pd.DataFrame) -> html.Section:
    title = "Basis of the decision on each slice"
    counted = count_decided(slices)
    if not len(counted):
        text = "The evaluation file does not record the basis of the decisions."
        return panel(title, html.P(text, className="muted"))
    rows = []
    for name, count, wrong in counted.itertuples(index=False):
        words, meaning = DECISIONS[name]
        rows.append(
            html.Tr(
                [
                    html.Td([html.Div(words), html.Div(meaning, className="meaning")]),
                    html.Td(f"{count:,}", className="number-cell"),
                    html.Td(f"{wrong:,} ({wrong / count:.1%})", className="number-cell nowrap"),
                    html.Td(small_button("List slices", id=ids.pick_id("decided", name))),
                ]
            )
        )
    return panel(title, table(["Basis", "Slices", "Errors", "List"], rows, numbers=(1, 2)))


def _calibration_panel(calibration: Calibration | None) -> html.Section:
    title = "Calibration of the slice score"
    before, after = (calibration.before, calibration.after) if calibration else (None, None)
    if before is None and after is None:
        return panel(
            title, html.P("The evaluation file contains no calibration.", className="muted")
        )
    marks = (("mark--hollow", WORDS[BEFORE]), ("mark--solid", WORDS[AFTER]))
    facts: list[Component] = []
    for words, part in (("Before", before), ("After", after)):
        if part is not None:
            facts += [html.Dt(f"{words} calibration"), html.Dd(_error_words(part))]
    return panel(
        "",
        html.Div(
            [
                chart(
                    ids.graph_id(ids.RELIABILITY),
                    title,
                    reading="Above the dashed line the score is too low, below it too high. A "
                    "point or a button lists its slices.",
                    height=320,
                    clickable=True,
                    marks=legend(*marks),
                ),
                html.Div(
                    [
                        html.P(
                            "The dashed line is perfect calibration: of the slices with a score of "
                            "0.8, 80% contain tumor. Larger points represent more slices.",
                        ),
                        html.Dl(facts, className="calibration-facts tabular"),
                        _bin_openers(after),
                    ],
                    className="stack",
                ),
            ],
            className="calibration",
        ),
    )


def _bin_openers(curve: CalibrationCurve | None) -> html.Div | None:
    """A button for each bin of the slice score; the keyboard does not reach points."""
    if curve is None:
        return None
    buttons = [
        small_button(f"{one.score:.2f}", id=ids.pick_id("bin", f"{AFTER} {place}"))
        for place, one in enumerate(curve.bins)
    ]
    words = "List slices by mean slice score of the bin:"
    return html.Div(
        [html.Span(words, className="muted secondary"), *buttons],
        className="cell-openers",
        role="group",
        **aria(label=words),
    )


def _error_words(curve: CalibrationCurve) -> list[html.Div]:
    found = ((find_figure("ece"), curve.ece), (find_figure("brier"), curve.brier))
    return [
        html.Div([f"{figure.title} ", html.B(figure.number_words(value))])
        for figure, value in found
    ]
