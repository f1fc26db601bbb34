"""The findings panel: results of the models for the study and for the slice in view.

Every line has its place from the start, so that nothing moves when slices change. The browser
(`assets/js/review/findings.js`, `analysis.js`) fills in the values.
"""

from __future__ import annotations

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.components.attributes import aria
from dashboard.components.buttons import button, small_button
from dashboard.pages.review import (
    correction,
    decision,
    exports,
    measure_bar,
    next_study,
    priors,
    study_entries,
)
from dashboard.pages.review.overlays import map_buttons, operating_point_section, threshold_section

CANCEL = "analysis-cancel"


def layout(score_explanation: list[str]) -> html.Aside:
    """The panel.

    Args:
        score_explanation: Paragraphs on how the slice score works, shown on demand.
    """
    return html.Aside(
        [
            button(
                "Close",
                "Esc",
                id="viewer-close-findings",
                className="button button--small fold-findings findings-close",
            ),
            html.Div(
                [
                    _study(),
                    _cautions(),
                    correction.section(),
                    decision.lesions_section(),
                    priors.findings_section(),
                    _slice(),
                    measure_bar.section(),
                    decision.notes_section(),
                    _trust(),
                    _maps(),
                    threshold_section(),
                    operating_point_section(),
                    _score_explanation(score_explanation),
                    study_entries.section(),
                    exports.section(),
                    decision.history_section(),
                    _model(),
                ],
                className="findings-scroll",
            ),
            next_study.layout(),
        ],
        id="findings",
        className="findings",
        **aria(label="Findings"),
    )


def _section(title: str, *children: Component, id: str) -> html.Section:
    return html.Section(
        [html.H2(title, className="panel-title"), *children], className="findings-section", id=id
    )


def _headline(prefix: str) -> html.Div:
    """Volume and diameters of a mask; of the reader's the ids begin with ``own-``."""
    return html.Div(
        [
            html.P(
                [
                    html.Span(id=f"finding-{prefix}volume", className="number"),
                    html.Span(id=f"finding-{prefix}volume-unit", className="unit"),
                ],
                id=f"finding-{prefix}volume-line",
            ),
            html.Div(
                [
                    button(
                        [
                            html.Span(id=f"finding-{prefix}diameters", className="number"),
                            html.Span(id=f"finding-{prefix}diameters-unit", className="unit"),
                        ],
                        id=f"finding-{prefix}diameters-line",
                        className="finding-diameters",
                        hidden=True,
                    ),
                    html.P(id=f"finding-{prefix}diameters-caption", className="finding-caption"),
                ]
            ),
        ],
        className="finding-volume",
    )


def _study() -> html.Section:
    return html.Section(
        [
            html.H2(
                ["FLAIR abnormality", html.Span(" (AI)", id="finding-title-ai")],
                className="panel-title",
            ),
            *_facts(),
        ],
        className="findings-section",
        id="findings-study",
    )


def _facts() -> list[Component]:
    return [
        html.Div(
            [
                html.P(id="finding-own-name", className="finding-caption"),
                _headline("own-"),
            ],
            id="finding-own",
            hidden=True,
        ),
        html.P("AI", id="finding-ai-name", className="finding-caption", hidden=True),
        _headline(""),
        html.P(id="finding-range", className="finding-text tabular", hidden=True),
        html.P(id="finding-left-out-total", className="finding-text tabular", hidden=True),
        html.Div(
            [
                html.P(id="finding-unfit-words", className="finding-text"),
                small_button(
                    "Show the result",
                    id="finding-unfit-show",
                    **aria(pressed="false"),
                ),
            ],
            id="finding-unfit",
            className="notice notice--warning finding-unfit",
            hidden=True,
        ),
        html.P(id="finding-above", className="finding-text"),
        html.Div(
            [
                html.P(id="finding-why", className="finding-text"),
                small_button("Enter spacing", id="finding-enter-spacing"),
            ],
            id="finding-no-spacing",
            className="finding-no-spacing",
            hidden=True,
        ),
        html.Div(
            [
                measure_bar.own_diameters(),
                html.P(id="finding-measurable", className="finding-text"),
                html.Div(
                    [
                        html.Details(
                            [html.Summary("Measurement details"), html.Div(id="finding-notes")]
                        ),
                        small_button(
                            "Diameters",
                            "L",
                            id="viewer-show-diameters",
                            **aria(label="Diameters on the image", pressed="true"),
                        ),
                    ],
                    className="rano-foot",
                ),
            ],
            id="finding-rano",
            hidden=True,
        ),
        html.Div(
            [
                html.Span(id="finding-conflicts-text", className="finding-text"),
                small_button("Next conflict", "C", id="viewer-next-conflict"),
            ],
            id="finding-conflicts",
            className="finding-conflicts",
            hidden=True,
        ),
        html.P(id="finding-doubts", className="finding-text notice notice--warning", hidden=True),
        html.Div(
            [
                html.P("Loading study", id="analysis-text", className="tabular", role="status"),
                html.Div(
                    html.Span(id="analysis-fill", className="meter-fill"),
                    id="analysis-meter",
                    className="meter meter--accent",
                    role="progressbar",
                    hidden=True,
                    **aria(label="Analysis", valuemin="0", valuemax="100", valuenow="0"),
                ),
                html.Div(
                    [
                        button("Cancel", id=CANCEL, className="button", hidden=True),
                        button(
                            "Analyse again", id="analysis-again", className="button", hidden=True
                        ),
                    ],
                    className="inline",
                ),
            ],
            id="analysis",
            className="analysis",
        ),
    ]


def _slice() -> html.Section:
    point = html.Span(id="finding-point", className="finding-value")
    return _section(
        "This slice",
        html.Dl(
            [
                _row("Slice score", _share("score", tick=True), extra="finding-row--main"),
                _row("Operating point", point, extra="finding-row--below"),
                _row("Classifier score", _share("classifier")),
                _row("Segmentation confidence", _share("evidence")),
                _row("Area", html.Span(id="finding-area", className="finding-value")),
                _row(
                    "Dice with reference",
                    html.Span(id="finding-dice", className="finding-value"),
                ),
            ],
            className="finding-rows tabular",
        ),
        html.P(id="finding-learned", className="finding-text", hidden=True),
        html.P(id="finding-left-out", className="finding-text", hidden=True),
        html.P(id="finding-doubt", className="finding-text", hidden=True),
        html.P(id="finding-decided", className="finding-text finding-decided"),
        html.P(id="finding-note", className="finding-text finding-note"),
        id="findings-slice",
    )


def _maps() -> html.Section:
    return _section("Map overlay", map_buttons(), id="findings-maps")


def _share(name: str, *, tick: bool = False) -> html.Span:
    """A number in [0, 1] with a bar, optionally with a tick at the operating point."""
    marks: list[Component] = [html.Span(id=f"finding-{name}-fill", className="meter-fill")]
    if tick:
        marks.append(html.Span(id=f"finding-{name}-tick", className="meter-tick", hidden=True))
    return html.Span(
        [
            html.Span(id=f"finding-{name}", className="finding-value"),
            html.Span(marks, className="meter meter--ai finding-meter"),
        ],
        className="finding-score",
    )


def _row(term: str, value: Component, *, extra: str = "") -> html.Div:
    return html.Div([html.Dt(term), html.Dd(value)], className=f"finding-row {extra}".strip())


def _score_explanation(paragraphs: list[str]) -> html.Section:
    return html.Section(
        html.Details(
            [
                html.Summary("How the slice score works"),
                *[html.P(paragraph, className="finding-text") for paragraph in paragraphs],
                dcc.Link("Model performance", href="/performance"),
            ]
        ),
        className="findings-section",
    )


def _cautions() -> html.Section:
    """Reasons not to rely on the result, right below the volume: a line that opens."""
    return html.Section(
        html.Details(
            [
                html.Summary(
                    [
                        html.Span(id="finding-warnings-count", className="strong"),
                        html.Span(id="finding-warnings-first", className="muted"),
                    ],
                    className="finding-cautions",
                ),
                html.Div(id="finding-warnings"),
            ],
            id="finding-warnings-fold",
        ),
        id="findings-warnings",
        className="findings-section",
        hidden=True,
    )


def _trust() -> html.Section:
    """Expected accuracy of the segmentation."""
    similar = html.Details(
        [
            html.Summary("Most similar held-out patients"),
            html.Ul(id="finding-similar", className="finding-similar tabular"),
            html.P(id="finding-similar-words", className="finding-text"),
        ],
        id="finding-similar-fold",
    )
    return html.Section(
        [
            html.H2("Expected accuracy", className="panel-title"),
            html.P(id="finding-expected-words", className="finding-text strong tabular"),
            html.P(
                "Applies to the default thresholds only, not to the mask in view.",
                id="finding-expected-default",
                className="finding-text strong",
                hidden=True,
            ),
            similar,
        ],
        id="finding-trust",
        className="findings-section",
        hidden=True,
    )


def _model() -> html.Section:
    return _section(
        "Model",
        html.P(id="finding-network", className="finding-text tabular"),
        html.P(id="finding-engine", className="finding-text"),
        html.P(id="finding-series", className="finding-text"),
        html.P("Research use only. Not a medical device.", className="finding-text"),
        id="findings-model",
    )
