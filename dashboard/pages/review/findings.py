"""The findings panel: what the models say of the study and of the slice in view.

Every line has its place from the start, so that nothing moves when slices change. The browser
(`assets/js/review/findings.js`, `analysis.js`) writes the values.
"""

from __future__ import annotations

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.components.attributes import aria
from dashboard.components.buttons import button, small_button
from dashboard.pages.review import correction, measure_bar, next_study
from dashboard.pages.review.overlays import calls_section, map_buttons, threshold_section

CANCEL = "analysis-cancel"


def layout(learned_on: list[str]) -> html.Aside:
    """The panel.

    Args:
        learned_on: Sentences on what the slice score was learned on, shown on demand.
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
                    _slice(),
                    measure_bar.section(),
                    _trust(),
                    _maps(),
                    threshold_section(),
                    calls_section(),
                    _learned(learned_on),
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


def _study() -> html.Section:
    return _section(
        "FLAIR abnormality (AI)",
        html.Div(
            [
                html.P(
                    [
                        html.Span(id="finding-volume", className="number"),
                        html.Span(id="finding-volume-unit", className="unit"),
                    ],
                    id="finding-volume-line",
                ),
                button(
                    [
                        html.Span(id="finding-diameters", className="number"),
                        html.Span(id="finding-diameters-unit", className="unit"),
                    ],
                    id="finding-diameters-line",
                    className="finding-diameters",
                    hidden=True,
                ),
            ],
            className="finding-volume",
        ),
        html.P(id="finding-called", className="finding-text"),
        html.P(id="finding-why", className="finding-text", hidden=True),
        html.Div(
            [
                measure_bar.own_diameters(),
                html.P(id="finding-measurable", className="finding-text"),
                html.Div(
                    [
                        html.Details(
                            [html.Summary("What was measured"), html.Div(id="finding-notes")]
                        ),
                        small_button(
                            "Lines",
                            "L",
                            id="viewer-show-diameters",
                            **aria(label="Lines of the diameters over the image", pressed="true"),
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
                small_button(
                    "Next",
                    "C",
                    id="viewer-next-conflict",
                    **aria(label="Next conflict"),
                ),
            ],
            id="finding-conflicts",
            className="finding-conflicts",
            hidden=True,
        ),
        html.Div(
            [
                html.P("Loading the study", id="analysis-text", className="tabular", role="status"),
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
        id="findings-study",
    )


def _slice() -> html.Section:
    point = html.Span(id="finding-point", className="finding-value")
    return _section(
        "This slice",
        html.Dl(
            [
                _row("Slice score", _share("score", tick=True), extra="finding-row--main"),
                _row("operating point", point, extra="finding-row--below"),
                _row("Classifier's own score", _share("classifier")),
                _row("Outline evidence", _share("evidence")),
                _row("Area", html.Span(id="finding-area", className="finding-value")),
                _row(
                    "Agreement with reference",
                    html.Span(id="finding-dice", className="finding-value"),
                ),
            ],
            className="finding-rows tabular",
        ),
        html.P(id="finding-learned", className="finding-text", hidden=True),
        html.P(id="finding-left-out", className="finding-text", hidden=True),
        html.P(id="finding-decided", className="finding-text finding-decided"),
        html.P(id="finding-note", className="finding-text finding-note"),
        id="findings-slice",
    )


def _maps() -> html.Section:
    return _section("Map over the image", map_buttons(), id="findings-maps")


def _share(name: str, *, tick: bool = False) -> html.Span:
    """A number in [0, 1] with its bar; the operating point is a tick on it."""
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


def _learned(sentences: list[str]) -> html.Section:
    return html.Section(
        html.Details(
            [
                html.Summary("What the slice score was learned on"),
                *[html.P(sentence, className="finding-text") for sentence in sentences],
                dcc.Link("How far the models can be trusted", href="/performance"),
            ]
        ),
        className="findings-section",
    )


def _cautions() -> html.Section:
    """Why the answer may be wrong, under the volume that it qualifies."""
    return html.Section(
        [
            html.H2("Why it may be wrong", className="panel-title"),
            html.Div(id="finding-warnings"),
        ],
        id="findings-warnings",
        className="findings-section",
        hidden=True,
    )


def _trust() -> html.Section:
    """What to expect of the outline."""
    expected = html.Div(
        [
            html.Dt("Expected Dice"),
            html.Dd(
                [
                    html.Span(id="finding-expected", className="finding-value"),
                    html.Span(id="finding-interval", className="muted"),
                ],
                className="finding-score",
            ),
        ],
        className="finding-row",
    )
    similar = html.Details(
        [
            html.Summary("Held-out patients most like this one"),
            html.Ul(id="finding-similar", className="finding-similar tabular"),
            html.P(id="finding-similar-words", className="finding-text"),
        ],
        id="finding-similar-fold",
    )
    return html.Section(
        [
            html.H2("How far to trust it", className="panel-title"),
            html.Dl(expected, className="finding-rows tabular"),
            html.P(
                "It holds for the shipped thresholds only, not for the mask in view.",
                id="finding-expected-shipped",
                className="finding-text strong",
                hidden=True,
            ),
            html.P(id="finding-expected-words", className="finding-text"),
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
        html.P("Research use only, not a medical device.", className="finding-text"),
        id="findings-model",
    )
