"""The findings panel's section on the study: its name, reference and spacing, and their changes.

`assets/js/review/study_entries.js` fills it in and opens the dialog.
"""

from __future__ import annotations

from dash import html

from dashboard.components.attributes import aria
from dashboard.components.buttons import button, small_button


def section() -> html.Section:
    """What the study is called, where its reference and its spacing come from, with buttons."""
    return html.Section(
        [
            html.H2("Study", className="panel-title"),
            _entry("name", small_button("Rename", id="study-rename")),
            _entry(
                "reference",
                small_button("Attach reference", id="study-attach"),
                small_button("Detach reference", id="study-detach", hidden=True),
            ),
            _entry("spacing", small_button("Enter spacing", id="study-enter-spacing")),
            _entry("joined", small_button("Read as separate studies", id="study-divide")),
            html.P(id="study-status", className="finding-text", role="status"),
            _dialog(),
        ],
        id="findings-entries",
        className="findings-section study-entries",
    )


def _entry(name: str, *buttons: html.Button) -> html.Div:
    return html.Div(
        [
            html.P(id=f"study-{name}", className="finding-text"),
            html.Div(list(buttons), className="inline"),
        ],
        id=f"study-entry-{name}",
        className="study-entry",
    )


def _dialog() -> html.Dialog:
    """A question with fields, which the browser adds: `dcc.Input` takes no label of its own."""
    return html.Dialog(
        [
            html.Div(
                html.H2(id="study-dialog-title", className="page-title"), className="dialog-head"
            ),
            html.Div(
                [
                    html.P(id="study-dialog-words"),
                    html.Div(id="study-dialog-fields", className="study-fields"),
                    html.P(id="study-dialog-status", role="alert", className="secondary"),
                ],
                className="dialog-body stack",
            ),
            html.Div(
                [
                    button("Remove spacing", id="study-dialog-remove", className="button"),
                    button("Cancel", id="study-dialog-cancel", className="button"),
                    button("Save", id="study-dialog-save", className="button button--primary"),
                ],
                className="dialog-foot",
            ),
        ],
        id="study-dialog",
        className="dialog reader-dialog",
        **aria(labelledby="study-dialog-title", describedby="study-dialog-words"),
    )
