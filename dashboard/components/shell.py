"""The frame around every page: top bar, navigation, theme switch, keyboard shortcuts, reader.

Theme and keys are handled in the browser (`assets/boot/theme.js`, `shell.js` and `keys.js` of
`assets/js/frame/`): they must respond immediately and work while the server is unavailable. Nothing
here is inline script, so that the content security policy needs no exception beyond
`Dash.csp_hashes()`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html
from dash.development.base_component import Component

from dashboard.components.attributes import aria
from dashboard.components.buttons import button, small_button

# Ids that pages use too; a page's own ids are in its modules.

#: `dcc.Store` with "dark" or "light", an Input of every callback that draws a chart.
THEME = "theme"
THEME_SWITCH = "theme-switch"

#: Empty slot in the top bar for one line of the current page.
TOP_CONTEXT = "top-context"

#: Empty slot beside it for the state of the study in view.
TOP_STATE = "top-state"

HELP_DIALOG = "help-dialog"
HELP_OPEN = "help-open"

READER_OPEN = "reader-open"

MAIN = "main"

#: `dcc.Store` with the ids of the navigation's links by their pages' paths.
_LINKS = "page-links"

#: For ``Dash(assets_path_ignore=...)``: folders that `index_string` and the style sheets load.
ASSETS_PATH_IGNORE = ["^vendor$", "^boot$", "^js$"]

#: For ``Dash.renderer``: starts Dash after the page's modules have run, which the event waits for,
#: because Dash calls the functions that they register as soon as it starts.
RENDERER = (
    'document.addEventListener("DOMContentLoaded",'
    " () => { window.renderer = new DashRenderer(); });"
)

_INDEX = """<!DOCTYPE html>
<html lang="en" data-theme="dark" data-bs-theme="dark">
    <head>
        {%metas%}
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>{%title%}</title>
        <script src="PREFIXassets/boot/theme.js"></script>
        <script defer src="PREFIXassets/vendor/tus/tus.min.js"></script>
        {%favicon%}
        {%css%}
        SCRIPTS
    </head>
    <body>
        {%app_entry%}
        <footer>
            {%config%}
            {%scripts%}
            {%renderer%}
        </footer>
    </body>
</html>"""


def index_string(scripts: str, prefix: str = "/") -> str:
    """HTML of the page that carries the app, for ``Dash(index_string=...)``.

    Args:
        scripts: Tags that load the page's modules, `ScriptTree.tags`.
        prefix: The app's `requests_pathname_prefix`, "/" at the root of a host.
    """
    return _INDEX.replace("PREFIX", prefix).replace("SCRIPTS", scripts)


def layout(container: Component, pages: Mapping[str, str]) -> html.Div:
    """The frame around ``dash.page_container`` or any other component.

    Args:
        container: Shown below the top bar.
        pages: Title of each page by its path, in the order of the navigation.
    """
    return html.Div(
        [
            html.A("Skip to content", href=f"#{MAIN}", className="skip-link"),
            dcc.Store(id=THEME),
            dcc.Store(id=_LINKS, data={path: _nav_id(path) for path in pages}),
            _top_bar(pages),
            _waiting_notice(),
            html.Main(container, id=MAIN, className="app-main", tabIndex=-1),
            _help_dialog(),
            _reader_dialog(),
        ],
        className="app",
    )


def register(app: Dash, pages: Mapping[str, str]) -> None:
    """Add the frame's clientside callbacks: theme and current page."""
    app.clientside_callback(
        ClientsideFunction("overread_shell", "theme"),
        Output(THEME, "data"),
        Output(THEME_SWITCH, "children"),
        Input(THEME_SWITCH, "n_clicks"),
    )
    app.clientside_callback(
        ClientsideFunction("overread_shell", "current"),
        [Output(_nav_id(path), "className") for path in pages],
        Output(_nav_id("/review"), "href"),
        Input("_pages_location", "pathname"),
        State(_LINKS, "data"),
    )


def empty_state(title: str, *children: object, id: str | None = None) -> html.Div:
    """An empty or error state: a title, sentences and the action to take.

    Args:
        title: The state in a few words.
        children: Sentences (strings become paragraphs), buttons and links.
        id: Component id, where a callback needs one.
    """
    body: list[Any] = [html.P(child) if isinstance(child, str) else child for child in children]
    extra: dict[str, Any] = {"id": id} if id else {}
    return html.Div(
        [html.H1(title, className="empty-title"), *body],
        className="empty",
        role="status",
        **extra,
    )


def _top_bar(pages: Mapping[str, str]) -> html.Header:
    links = [
        dcc.Link(title, href=path, id=_nav_id(path), className="nav-item")
        for path, title in pages.items()
    ]
    brand: list[Any] = [html.Span(className="brand-mark", **aria(hidden="true")), "Overread"]
    return html.Header(
        [
            dcc.Link(brand, href="/", className="brand"),
            html.Nav(links, className="nav-links", **aria(label="Pages")),
            html.Div(id=TOP_CONTEXT, className="top-context tabular"),
            html.Span(id=TOP_STATE, className="chip top-state", hidden=True),
            _upload_elsewhere(),
            html.Div(
                [
                    html.Span("Research use only", className="chip"),
                    small_button("Light theme", id=THEME_SWITCH),
                    button(
                        "Reader",
                        id=READER_OPEN,
                        className="button button--small reader-open",
                        **aria(haspopup="dialog"),
                    ),
                    small_button("Shortcuts", "?", id=HELP_OPEN),
                ],
                className="top-end",
            ),
        ],
        className="top-bar",
    )


def _upload_elsewhere() -> html.Div:
    """An upload's progress on pages other than the worklist; see `upload_panel.js`."""
    return html.Div(
        [
            html.Span(id="upload-elsewhere-words", className="tabular", role="status"),
            small_button("Cancel", id="upload-elsewhere-cancel", **aria(label="Cancel upload")),
        ],
        id="upload-elsewhere",
        className="upload-elsewhere",
        hidden=True,
    )


def _waiting_notice() -> html.Div:
    """Shown by `assets/js/frame/page_requests.js` while a page cannot be fetched."""
    return html.Div(
        [
            html.Span("The server is not responding.", className="notice-title"),
            html.Span("The page opens when it responds again.", className="muted"),
        ],
        id="page-waiting",
        className="notice notice--warning page-waiting",
        role="status",
        hidden=True,
    )


def _help_dialog() -> Component:
    """Lists and changes keyboard shortcuts; `assets/js/frame/key_choice.js` fills it."""
    return html.Dialog(
        [
            _dialog_head("Keyboard shortcuts", "help"),
            html.P(id="help-status", className="help-status", role="status"),
            html.Div(id="help-body", className="dialog-body help-columns"),
            html.Div(
                [
                    button("Show the tour", id="help-tour", className="button"),
                    button("Reset all shortcuts", id="help-reset-all", className="button"),
                ],
                className="dialog-foot",
            ),
        ],
        id=HELP_DIALOG,
        className="dialog help-dialog",
        **aria(labelledby="help-title"),
    )


def _reader_dialog() -> Component:
    """The reader's name; `assets/js/frame/reader.js` fills it."""
    return html.Dialog(
        [
            _dialog_head("Reader", "reader"),
            html.Div(
                [
                    html.Label("Your name", htmlFor="reader-name", className="strong"),
                    html.Div(id="reader-name-host"),
                    html.P(id="reader-words", className="muted secondary"),
                    html.P(id="reader-status", className="secondary", role="status"),
                ],
                className="dialog-body stack",
            ),
            html.Div(
                button("Save", id="reader-save", className="button button--primary"),
                className="dialog-foot",
            ),
        ],
        id="reader-dialog",
        className="dialog reader-dialog",
        **aria(labelledby="reader-title"),
    )


def _dialog_head(title: str, name: str) -> html.Div:
    return html.Div(
        [
            html.H2(title, id=f"{name}-title", className="page-title"),
            small_button("Close", "Esc", id=f"{name}-close"),
        ],
        className="dialog-head",
    )


def _nav_id(path: str) -> str:
    return f"nav-{path.strip('/') or 'worklist'}"
