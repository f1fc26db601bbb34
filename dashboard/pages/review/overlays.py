"""Maps over the image and the mask's threshold: what chooses them, and the legend in words."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from dashboard.components.attributes import aria
from dashboard.components.buttons import button, small_button

#: Name, words on the button, key.
MAPS = (
    ("probability", "Probability", "P"),
    ("uncertainty", "Uncertainty", "U"),
    ("difference", "Difference", "D"),
    ("saliency", "Classifier focus", "G"),
)
_DIFFERENCE = (
    ("both", "AI and reference (true positive)"),
    ("ai", "AI only (false positive)"),
    ("reference", "Reference only (false negative)"),
)


def map_buttons() -> html.Div:
    """One button a map; pressed again, it takes its map away."""
    return html.Div(
        [
            button(
                words, key, id=f"viewer-map-{name}", className="segment", **aria(pressed="false")
            )
            for name, words, key in MAPS
        ],
        className="segments map-buttons",
        role="group",
        **aria(label="Map over the image"),
    )


def threshold_section() -> html.Section:
    """Slider of the mask threshold; `assets/js/viewer/threshold.js` makes the mask follow it."""
    track = html.Div(
        [
            html.Div(className="threshold-band"),
            html.Div(id="viewer-threshold-host"),
            html.Span("0.3", className="threshold-end threshold-end--low"),
            html.Span("0.7", className="threshold-end threshold-end--high"),
        ],
        className="threshold-track tabular",
    )
    told = [
        html.P(id="threshold-origin", className="finding-text", hidden=True),
        html.P(id="threshold-band", className="finding-text"),
        html.P(id="threshold-dice", className="finding-text"),
        html.P(id="threshold-notice", className="notice notice--warning", hidden=True),
    ]
    return _slider_section("threshold", "Mask threshold", "threshold", "T", track, *told)


def calls_section() -> html.Section:
    """Slider of the slice score's operating point; `assets/js/viewer/calls.js` follows it."""
    title = "Operating point of the slice score"
    track = html.Div(id="viewer-calls-host", className="calls-track")
    told = html.P(id="calls-words", className="finding-text")
    return _slider_section("calls", title, "operating point", "", track, told)


def _slider_section(
    name: str, title: str, what: str, key: str, track: html.Div, *told: html.P
) -> html.Section:
    """Title, value and the way back to what was shipped; the slider; what follows from it."""
    head = html.Div(
        [
            html.H2(title, className="panel-title"),
            html.Span(id=f"{name}-value", className="finding-value tabular"),
            small_button(
                "Shipped",
                key,
                id=f"viewer-{name}-shipped",
                **aria(label=f"Back to the shipped {what}"),
            ),
        ],
        className="threshold-head",
    )
    return html.Section(
        [head, track, *told],
        id=f"findings-{name}",
        className="findings-section",
        hidden=True,
    )


def map_legend() -> html.Div:
    """What the colours and patterns of the map in view mean; all are made, one is shown."""
    return html.Div(
        [
            _legend(
                "probability",
                "Probability of the outline (AI)",
                _scale("probability", ("2%", "30%", "70%", "100%")),
                html.P("dotted lines: 30% and 70%"),
            ),
            _legend(
                "uncertainty",
                "Uncertainty of the outline (AI)",
                _scale("uncertainty", ("2%", "", "", "100%")),
                html.P("how far the answers to the slice and to its mirror image lie apart"),
            ),
            _legend(
                "difference",
                "AI and reference outline",
                *[
                    html.P([html.Span(className=f"patch patch--{name}"), words])
                    for name, words in _DIFFERENCE
                ],
            ),
            _legend(
                "saliency",
                "Where the classifier looked (Grad-CAM)",
                _scale("saliency", ("5%", "", "", "100%")),
                html.P("of the strongest place on this slice"),
            ),
            html.P(id="map-legend-note"),
        ],
        id="map-legend",
        className="map-legend",
        hidden=True,
    )


def _legend(name: str, title: str, *children: Component) -> html.Div:
    return html.Div(
        [html.P(title, className="strong"), *children], id=f"map-legend-{name}", hidden=True
    )


def _scale(name: str, ends: tuple[str, ...]) -> html.Div:
    return html.Div(
        [
            html.Div(className=f"map-scale map-scale--{name}"),
            html.Div([html.Span(end) for end in ends], className="map-ends tabular"),
        ]
    )
