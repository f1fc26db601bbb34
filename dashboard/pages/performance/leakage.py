"""The data-leakage exhibit: the same model with a split by slice and with one by patient."""

from __future__ import annotations

from dash import html

from dashboard.components.attributes import aria
from dashboard.components.charts import chart, legend
from dashboard.components.panels import (
    ROUNDED,
    not_run,
    panel,
    table,
)
from dashboard.figures.template import CI, with_interval
from dashboard.pages.performance import ids
from dashboard.pages.performance.data import PageData
from pipeline.evaluation.facade import STORED_NOTE, Estimate, Figure, Leakage, all_figures

SENTENCE = (
    "Adjacent slices of one brain look nearly identical. If individual slices are split between "
    "training and test sets, the model is tested on brains that it has already seen."
)
INFLATION, NO_INFLATION = "inflated by leakage", "no evidence of inflation by leakage"
UNKNOWN_INFLATION = "inflation by leakage not available"
#: Trains the network on a split by slice; shown where the evaluation file names no command.
BY_SLICE_COMMAND = "python -m pipeline train --data DIR --output runs/by-slice --by-slice"
PATIENTS, SLICES = 6, 12
#: Test slices of the diagram's split by slice: (patient, slice), about one in five.
_TESTED = {(0, 3), (0, 8), (1, 1), (1, 6), (1, 11), (2, 4), (2, 9), (3, 0), (3, 7), (4, 2), (4, 5)}
_TESTED |= {(4, 10), (5, 6), (5, 9)}


def layout(data: PageData) -> html.Div:
    """A diagram and a figure for each split, and all compared figures side by side."""
    leakage = data.evaluation.leakage
    title = "Why results from a slice-level split can be inflated"
    if not isinstance(leakage, Leakage):
        return html.Div(
            [
                panel(
                    title,
                    html.P(SENTENCE, className="lead"),
                    _cards(None, None, compared_figures()[0]),
                ),
                not_run("Same model, split by slice", leakage, command=BY_SLICE_COMMAND),
            ],
            className="stack",
        )
    figure, same = headline_figure(leakage), leakage.same_slices
    chart_title = "Same model, both splits, with 95% CI"
    return html.Div(
        [
            panel(
                title,
                html.P(SENTENCE, className="lead"),
                _cards(same.by_slice.get(figure.name), same.by_patient.get(figure.name), figure),
                html.P(f"{figure.label}: {inflation_words(leakage, figure)}"),
                html.P(_evidence_words(leakage)),
                html.P(leakage.explanation, className="muted") if leakage.explanation else None,
                extra="stack stack--tight",
            ),
            panel(
                "",
                chart(
                    ids.LEAKAGE,
                    chart_title,
                    reading="Hollow to the right of solid: the split by slice flatters the model. "
                    "The table below has the paired differences.",
                    height=90 + 34 * len(charted_figures(leakage)),
                    marks=legend(
                        ("mark--hollow", f"split by slice, {same.slices:,} slices"),
                        ("mark--solid", f"split by patient, {same.slices:,} slices"),
                    ),
                ),
            ),
            panel(
                "All metrics of both splits, on the same slices",
                _comparison(leakage),
                html.P(ROUNDED, className="muted"),
                html.P(STORED_NOTE, className="muted") if leakage.stored else None,
                extra="stack stack--tight",
            ),
        ],
        className="stack",
    )


def charted_figures(leakage: Leakage) -> list[Figure]:
    """Compared figures that fit the chart's axis: shares for which 1 is best."""
    same = leakage.same_slices
    return [
        one
        for one in compared_figures()
        if one.higher_is_better and not one.unit
        if one.name in same.by_slice or one.name in same.by_patient
    ]


def _comparison(leakage: Leakage) -> html.Div:
    """A row per compared figure: both splits, their difference, its interval."""
    same = leakage.same_slices
    rows = []
    for figure in compared_figures():
        difference = same.differences.get(figure.name)
        sides = (side.get(figure.name) for side in (same.by_slice, same.by_patient))
        rows.append(
            html.Tr(
                [
                    html.Td(figure.label),
                    *[html.Td(figure.words(side), className="number-cell") for side in sides],
                    html.Td(figure.words(difference, sign=True), className="number-cell strong"),
                    html.Td(
                        figure.interval_words(difference, sign=True),
                        className="number-cell muted nowrap",
                    ),
                ]
            )
        )
    head = ["Metric", "Split by slice", "Split by patient", "Difference", CI]
    return table(head, rows, numbers=range(1, 5))


def _cards(by_slice: Estimate | None, by_patient: Estimate | None, figure: Figure) -> html.Div:
    return html.Div(
        [
            _card(
                "Split by slice",
                "Every test slice has adjacent slices of the same brain in the training set.",
                _drawing(by_slice=True),
                by_slice,
                figure,
            ),
            _card(
                "Split by patient",
                "Every test brain is new to the model, as in practice.",
                _drawing(by_slice=False),
                by_patient,
                figure,
            ),
        ],
        className="leakage-cards",
    )


def _card(
    title: str, text: str, drawing: html.Div, found: Estimate | None, figure: Figure
) -> html.Div:
    interval = figure.interval_words(found)
    return html.Div(
        [
            drawing,
            html.Div(
                [
                    html.H3(title),
                    html.Div(
                        [
                            html.Span(
                                figure.words(found) if found else "not run", className="number"
                            ),
                            html.Span(f" {figure.label}", className="unit"),
                        ]
                    ),
                    html.Div(f"{CI} {interval}" if interval else "", className="meaning"),
                    html.P(text),
                ]
            ),
        ],
        className="leakage-card",
    )


def _drawing(*, by_slice: bool) -> html.Div:
    """A row of squares per patient: its slices, in the training or in the test set."""
    rows = []
    for patient in range(PATIENTS):
        cells = [
            html.Span(className="cell--test" if _is_tested(patient, k, by_slice) else "")
            for k in range(SLICES)
        ]
        label = html.Span(f"Patient {patient + 1}", className="meaning")
        rows.append(html.Div([label, *cells], className="drawing-row"))
    words = "single slices of every patient" if by_slice else "all slices of one patient"
    key = legend(("mark--training", "training"), ("mark--test", "test"))
    return html.Div(
        [html.Div(rows, role="img", **aria(label=f"Diagram: the test set holds {words}")), key],
        className="drawing",
    )


def _is_tested(patient: int, slice_place: int, by_slice: bool) -> bool:
    return (patient, slice_place) in _TESTED if by_slice else patient == PATIENTS - 1


def compared_figures() -> list[Figure]:
    """The figures by which both splits are compared."""
    return [figure for figure in all_figures() if figure.compared]


def headline_figure(leakage: Leakage) -> Figure:
    """The first compared figure with evidence of inflation, else the first that was measured."""
    figures = compared_figures()
    same = leakage.same_slices
    there = [f for f in figures if f.name in same.by_slice and f.name in same.by_patient]
    inflated = [f for f in there if is_inflated(f, same.differences.get(f.name))]
    return next(iter([*inflated, *there, *figures]))


def inflation_words(leakage: Leakage, figure: Figure) -> str:
    """How much leakage inflates a figure, with the interval, or that there is no evidence of it."""
    difference = leakage.same_slices.differences.get(figure.name)
    if difference is None or difference.value is None:
        return UNKNOWN_INFLATION
    size, interval = (
        figure.words(difference, sign=True),
        figure.interval_words(difference, sign=True),
    )
    shown = with_interval(size, interval) if interval else f"{size} (no CI)"
    return f"{INFLATION if is_inflated(figure, difference) else NO_INFLATION}: {shown}"


def _evidence_words(leakage: Leakage) -> str:
    """In how many of the compared figures the interval shows inflation, and in which."""
    differences = leakage.same_slices.differences
    known = [f for f in compared_figures() if f.name in differences]
    found = [f for f in known if is_inflated(f, differences[f.name])]
    named = f": {', '.join(f.title for f in found)}" if found else ""
    return (
        f"The interval of the difference excludes zero in favor of the split by slice in "
        f"{len(found)} of {len(known)} metrics{named}. The intervals are not corrected for this "
        "number of comparisons."
    )


def is_inflated(figure: Figure, difference: Estimate | None) -> bool:
    """Whether the whole interval of the difference favours the split by slice."""
    if difference is None or difference.low is None or difference.high is None:
        return False
    return difference.low > 0 if figure.higher_is_better else difference.high < 0
