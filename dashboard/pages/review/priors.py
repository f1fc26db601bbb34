"""Prior studies: their list in the rail, the view beside the image, and what has changed.

`assets/js/review/priors.js` fills them in.
"""

from __future__ import annotations

from dash import html

from dashboard.components.attributes import aria
from dashboard.components.buttons import button, small_button


def rail_section() -> html.Section:
    """The list in the left rail."""
    return html.Section(
        [
            html.H2("Prior studies", className="panel-title", id="priors-title"),
            html.Div(
                id="priors", className="rail-cards", role="group", **aria(label="Prior studies")
            ),
            html.P(id="priors-status", className="series-note", role="status"),
            button(
                "Compare side by side",
                "B",
                id="priors-compare",
                className="priors-link",
                hidden=True,
                **aria(pressed="false"),
            ),
        ],
        id="priors-section",
        className="priors-section",
        hidden=True,
    )


def pane() -> html.Section:
    """The prior beside the image; shown while studies are compared."""
    return html.Section(
        [
            html.Img(id="prior-image", className="prior-image", alt=""),
            html.Div(
                [
                    html.Span(id="prior-title"),
                    html.Span(id="prior-size"),
                ],
                className="corner corner--patient tabular prior-corner",
            ),
            *(
                html.Div(className=f"edge edge--{side}", id=f"prior-edge-{side}")
                for side in ("left", "right", "top", "bottom")
            ),
            html.Div(
                [
                    html.Span(id="prior-status", role="status"),
                    small_button(
                        "Registered", id="prior-registered", hidden=True, **aria(pressed="false")
                    ),
                    small_button("Close", id="prior-close"),
                ],
                className="prior-bar",
            ),
        ],
        id="prior-pane",
        className="prior-pane",
        **aria(label="Prior study"),
    )


def findings_section() -> html.Section:
    """Volume over time, and what became of each lesion."""
    return html.Section(
        [
            html.H2("Over time", className="panel-title"),
            html.P(id="prior-change", className="finding-text tabular"),
            html.Ul(id="prior-lesions", className="prior-lesions tabular"),
            html.Div(
                id="prior-chart",
                className="prior-chart",
                role="img",
                **aria(label="Volume and longest diameter by date"),
            ),
        ],
        id="findings-priors",
        className="findings-section",
        hidden=True,
    )
