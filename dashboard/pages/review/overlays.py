"""Controls for map overlays, mask threshold and operating point, and the legend of the maps."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from dashboard.components.attributes import aria
from dashboard.components.buttons import button, small_button

#: Name, label of the button, key.
MAPS = (
    ("probability", "Probability", "P"),
    ("uncertainty", "Uncertainty", "U"),
    ("difference", "Difference", "D"),
    ("saliency", "Saliency", "G"),
)
_DIFFERENCE = (
    ("both", "Both (true positive)"),
    ("ai", "AI only (false positive)"),
    ("reference", "Reference only (false negative)"),
)


def map_buttons() -> html.Div:
    """One button per map; pressing it again hides the map."""
    return html.Div(
        [
            button(
                label, key, id=f"viewer-map-{name}", className="segment", **aria(pressed="false")
            )
            for name, label, key in MAPS
        ],
        className="segments map-buttons",
        role="group",
        **aria(label="Map overlay"),
    )


def threshold_section() -> html.Section:
    """Slider of the mask threshold; `assets/js/viewer/threshold.js` applies it."""
    track = html.Div(
        [
            html.Div(className="threshold-band"),
            html.Div(id="viewer-threshold-host"),
            html.Span("0.3", className="threshold-end threshold-end--low"),
            html.Span("0.7", className="threshold-end threshold-end--high"),
        ],
        className="threshold-track tabular",
    )
    notes = [
        html.P(id="threshold-origin", className="finding-text", hidden=True),
        html.P(id="threshold-band", className="finding-text"),
        html.P(id="threshold-dice", className="finding-text"),
        html.P(id="threshold-notice", className="notice notice--warning", hidden=True),
    ]
    return _slider_section("threshold", "Mask threshold", "mask threshold", "T", track, *notes)


def operating_point_section() -> html.Section:
    """Slider of the operating point; `assets/js/viewer/operating_point.js` applies it."""
    title = "Detection threshold (operating point)"
    track = html.Div(id="viewer-operating-point-host", className="operating-point-track")
    note = html.P(id="operating-point-note", className="finding-text")
    return _slider_section("operating-point", title, "operating point", "", track, note)


def _slider_section(
    name: str, title: str, quantity: str, key: str, track: html.Div, *notes: html.P
) -> html.Section:
    """Title, value and a button for the default; the slider; notes on its effects."""
    head = html.Div(
        [
            html.H2(title, className="panel-title"),
            html.Span(id=f"{name}-value", className="finding-value tabular"),
            small_button(
                "Default",
                key,
                id=f"viewer-{name}-default",
                **aria(label=f"Default {quantity}"),
            ),
        ],
        className="threshold-head",
    )
    return html.Section(
        [head, track, *notes],
        id=f"findings-{name}",
        className="findings-section",
        hidden=True,
    )


def map_legend() -> html.Div:
    """Legends of all maps; the browser shows the one of the map in view."""
    return html.Div(
        [
            _legend(
                "probability",
                "Segmentation probability (AI)",
                _scale("probability", ("2%", "30%", "70%", "100%")),
                html.P("Dotted contours: 30% and 70%"),
            ),
            _legend(
                "uncertainty",
                "Segmentation uncertainty (AI)",
                _scale("uncertainty", ("2%", "", "", "100%")),
                html.P("Difference between the predictions for the slice and its mirror image"),
            ),
            _legend(
                "difference",
                "AI compared with reference",
                *[
                    html.P([html.Span(className=f"patch patch--{name}"), label])
                    for name, label in _DIFFERENCE
                ],
            ),
            _legend(
                "saliency",
                "Saliency map (Grad-CAM)",
                _scale("saliency", ("5%", "", "", "100%")),
                html.P("Classifier activation relative to its maximum on this slice"),
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
