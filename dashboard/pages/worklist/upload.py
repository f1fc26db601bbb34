"""Adding studies: the button, its dialog, the progress and the messages.

`assets/js/worklist/upload_*.js` fill these. They send files in parts (`dashboard.api.uploads`), so
that no file is read into the browser's memory at once. An upload continues while the reader visits
other pages.
"""

from __future__ import annotations

from dash import html

from dashboard.components.attributes import aria, data
from dashboard.components.buttons import button, small_button
from dashboard.studies.uploads import size_words
from pipeline import describe_formats


def add_button(*, button_id: str = "upload-open") -> html.Button:
    """Opens the dialog. A page may have several: `upload_panel.js` listens for ``data-upload``."""
    return button(
        "Add studies", "U", id=button_id, className="button button--primary", **data(upload="open")
    )


def limits_words(*, max_bytes: int, max_files: int) -> str:
    """The limits of one upload, in a sentence."""
    return f"Up to {max_files:,} files and {size_words(max_bytes)} per upload."


def panel(*, max_bytes: int, max_files: int) -> html.Div:
    """Progress and messages, hidden while empty, and the dialog.

    Args:
        max_bytes: Largest upload that the server accepts.
        max_files: Most files in one upload.
    """
    return html.Div(
        [
            _progress(),
            html.Div(id="upload-messages", className="upload-messages", **aria(live="polite")),
            _dialog(limits_words(max_bytes=max_bytes, max_files=max_files)),
            html.Div(
                html.Div(
                    [
                        html.P("Drop here to add studies", className="lead strong"),
                        html.P("Files, folders or ZIP archives", className="muted"),
                    ]
                ),
                id="upload-drop",
                className="upload-drop",
                hidden=True,
            ),
        ],
        id="upload",
        className="upload",
        **data(max_bytes=str(max_bytes), max_files=str(max_files)),
    )


def _progress() -> html.Div:
    return html.Div(
        [
            html.Div(
                [
                    html.Span(id="upload-title", className="strong"),
                    html.Span(id="upload-detail", className="muted secondary truncate"),
                ],
                className="upload-words tabular",
                role="status",
            ),
            html.Span(
                html.Span(id="upload-fill", className="meter-fill"),
                id="upload-meter",
                className="meter meter--accent upload-meter",
                role="progressbar",
                **aria(label="Upload progress", valuemin="0", valuemax="100"),
            ),
            html.Div(
                [
                    _action("Try again", "upload-retry", hidden=True),
                    _action("Cancel upload", "upload-cancel"),
                ],
                className="upload-actions",
            ),
        ],
        id="upload-progress",
        className="upload-progress",
        hidden=True,
    )


def _action(words: str, button_id: str, *, hidden: bool = False) -> html.Button:
    return small_button(words, id=button_id, hidden=hidden)


def _dialog(limits: str) -> html.Dialog:
    return html.Dialog(
        [
            html.Div(
                [
                    html.H2("Add studies", id="upload-dialog-title", className="page-title"),
                    small_button("Close", "Esc", id="upload-close"),
                ],
                className="dialog-head",
            ),
            html.Div(
                [
                    html.P(
                        "Choose files or a folder, or drop them anywhere on the worklist. Slices "
                        "of the same series in one folder become one study."
                    ),
                    html.P(f"{describe_formats()}. {limits}", className="muted"),
                    html.P(
                        "Add only de-identified images that may be used for research.",
                        className="muted",
                    ),
                ],
                className="dialog-body stack",
            ),
            html.Div(
                [
                    button("Choose folder", id="upload-folder", className="button"),
                    button("Choose files", id="upload-files", className="button button--primary"),
                ],
                className="dialog-foot",
            ),
        ],
        id="upload-dialog",
        className="dialog",
        **aria(labelledby="upload-dialog-title"),
    )
