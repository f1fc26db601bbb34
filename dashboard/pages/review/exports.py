"""The Export dialog of Review: what can be exported, what for, and what was exported when.

`assets/js/review/exports.js` fills the list from the server's table of kinds.
"""

from __future__ import annotations

from dash import html

from dashboard.components.attributes import aria
from dashboard.components.buttons import button, small_button


def section() -> html.Section:
    """The findings panel's section with the dialog that it opens."""
    return html.Section(
        [
            html.H2("Report and export", className="panel-title"),
            html.Div(
                [
                    small_button("Export", "Shift+U", id="export-open"),
                    small_button("Copy findings", id="export-copy"),
                ],
                className="inline",
            ),
            _dialog(),
        ],
        id="findings-export",
        className="findings-section",
    )


def _dialog() -> html.Dialog:
    return html.Dialog(
        [
            html.Div(
                [
                    html.H2("Export", id="export-title", className="page-title"),
                    html.P(id="export-of", className="secondary muted"),
                ],
                className="dialog-head export-head",
            ),
            html.Div(html.Ul(id="export-kinds", className="export-kinds"), className="dialog-body"),
            html.Div(
                [
                    html.P(id="export-status", className="finding-text", role="status"),
                    html.Div(
                        [
                            html.Progress(id="export-bar", **aria(labelledby="export-status")),
                            small_button("Cancel", id="export-cancel"),
                        ],
                        id="export-progress",
                        className="export-progress",
                        hidden=True,
                    ),
                    button("Close", id="export-close", className="button"),
                ],
                className="dialog-foot export-foot",
            ),
        ],
        id="export",
        className="dialog export-dialog",
        **aria(labelledby="export-title"),
    )
