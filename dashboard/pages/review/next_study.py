"""The foot of the findings panel: decision, position in the list, next and previous study.

`assets/js/review/next.js` fills it in and opens the studies.
"""

from __future__ import annotations

from dash import html

from dashboard.components.buttons import button, small_button
from dashboard.pages.review import decision


def layout() -> html.Div:
    """The foot; its buttons are disabled until the list is loaded."""
    return html.Div(
        [
            decision.foot(),
            small_button("Previous", "Shift+Enter", id="next-previous", disabled=True),
            button(
                "Next study",
                "Enter",
                id="next-study",
                className="button button--primary next-button",
                disabled=True,
            ),
            html.Div(
                [
                    html.P(id="next-position", className="next-position tabular", role="status"),
                    decision.more(),
                ],
                className="next-row",
            ),
        ],
        className="next-foot",
    )
