"""The leakage exhibit: the same model, split by slice and by patient, for a reader in a hurry."""

from __future__ import annotations

from dash import html

from dashboard.components.attributes import aria
from dashboard.components.performance import ids
from dashboard.components.performance.data import PageData
from dashboard.components.performance.leakage_words import TOLD, gain_sentences, telling_figure
from dashboard.components.performance.parts import chart, legend, not_run, panel
from dashboard.components.performance.words import (
    estimate_words,
    figure_words,
    interval_words,
)
from dashboard.evaluation import Estimate
from dashboard.evaluation.sections import Leakage

SENTENCE = (
    "Neighbouring slices of one brain look nearly alike: whoever deals single slices to learning "
    "and testing asks the model about brains that it has already seen."
)
#: Trains the network on a split by slice; shown where the evaluation file names no command.
BY_SLICE_COMMAND = "python -m pipeline train --data DIR --output runs/by-slice --by-slice"
PATIENTS, SLICES = 6, 12
#: Slices of the drawing that are tested in a split by slice: (patient, slice), about one in five.
_TESTED = {(0, 3), (0, 8), (1, 1), (1, 6), (1, 11), (2, 4), (2, 9), (3, 0), (3, 7), (4, 2), (4, 5)}
_TESTED |= {(4, 10), (5, 6), (5, 9)}


def layout(data: PageData) -> html.Div:
    """Two drawings with a number each, and all figures side by side."""
    leakage = data.evaluation.sections.leakage
    title = "Why figures from a split by slice cannot be trusted"
    if not isinstance(leakage, Leakage):
        return html.Div(
            [
                panel(title, html.P(SENTENCE, className="lead"), _cards(None, None, TOLD[0])),
                not_run("The same model, split by slice", leakage, command=BY_SLICE_COMMAND),
            ],
            className="stack",
        )
    name = telling_figure(leakage)
    by_slice, by_patient = (
        part.figures.get(name) for part in (leakage.by_slice, leakage.by_patient)
    )
    chart_title = "The same model, split in both ways, with 95% intervals"
    where = "Both measured on the same slices. " if leakage.same_slices else ""
    return html.Div(
        [
            panel(
                title,
                html.P(SENTENCE, className="lead"),
                _cards(by_slice, by_patient, name),
                html.Ul([html.Li(words) for words in gain_sentences(leakage)], className="tabular"),
                html.P(f"{where}{leakage.explanation}", className="muted"),
                extra="stack stack--tight",
            ),
            panel(
                chart_title,
                chart(ids.LEAKAGE, chart_title, height=260),
                legend(
                    ("mark--hollow", f"split by slice, {leakage.by_slice.slices:,} slices"),
                    ("mark--solid", f"split by patient, {leakage.by_patient.slices:,} slices"),
                ),
            ),
        ],
        className="stack",
    )


def _cards(by_slice: Estimate | None, by_patient: Estimate | None, name: str) -> html.Div:
    return html.Div(
        [
            _card(
                "Split by slice",
                "Every tested slice has neighbours from the same brain that were learned from.",
                _drawing(by_slice=True),
                by_slice,
                name,
            ),
            _card(
                "Split by patient",
                "Every tested brain is new, as it is for a reader.",
                _drawing(by_slice=False),
                by_patient,
                name,
            ),
        ],
        className="leakage-cards",
    )


def _card(
    title: str, text: str, drawing: html.Div, estimate: Estimate | None, name: str
) -> html.Div:
    number = estimate_words(name, estimate) if estimate else "not run"
    words = figure_words(name)
    interval = interval_words(estimate, digits=words.digits)
    return html.Div(
        [
            drawing,
            html.Div(
                [
                    html.H3(title),
                    html.Div(
                        [
                            html.Span(number, className="number"),
                            html.Span(f" {words.title}", className="unit"),
                        ]
                    ),
                    html.Div(f"95% interval {interval}" if interval else "", className="meaning"),
                    html.P(text),
                ]
            ),
        ],
        className="leakage-card",
    )


def _drawing(*, by_slice: bool) -> html.Div:
    """A row of squares per patient: which slices are learned from, which are tested."""
    rows = []
    for patient in range(PATIENTS):
        cells = [
            html.Span(className="cell--tested" if _is_tested(patient, k, by_slice) else "")
            for k in range(SLICES)
        ]
        label = html.Span(f"Patient {patient + 1}", className="meaning")
        rows.append(html.Div([label, *cells], className="drawing-row"))
    words = "single slices of every patient" if by_slice else "all slices of one patient"
    key = legend(("mark--learned", "learned from"), ("mark--tested", "tested"))
    return html.Div(
        [html.Div(rows, role="img", **aria(label=f"Drawing: {words} are tested")), key],
        className="drawing",
    )


def _is_tested(patient: int, slice_place: int, by_slice: bool) -> bool:
    return (patient, slice_place) in _TESTED if by_slice else patient == PATIENTS - 1
