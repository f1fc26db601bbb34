"""What lies around the worklist's grid: tabs, search, empty states, deletion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.components.attributes import aria, data
from dashboard.components.buttons import button, key_cap
from dashboard.components.shell import empty_state
from dashboard.pages.worklist import upload
from dashboard.store import Origin, StudyCounts

TABS = "worklist-tabs"
SEARCH = "worklist-search"
DELETE_YES = "worklist-delete-yes"

INTENDED_USE = (
    "For research only. Overread marks FLAIR abnormality on brain MRI for a reader to check; it is "
    "no medical device and makes no diagnosis."
)

_TABS: tuple[tuple[str, str], ...] = (
    ("", "All"),
    (Origin.UPLOAD, "Uploads"),
    (Origin.LIBRARY, "Library"),
    (Origin.DEMO, "Demo"),
)


def head(counts: StudyCounts) -> html.Div:
    """The first row: tabs with counts, search, the button that adds studies."""
    return html.Div(
        [
            html.H1("Worklist", className="visually-hidden"),
            html.Div(
                tab_buttons(counts, ""),
                id=TABS,
                className="segments",
                role="group",
                **aria(label="Which studies"),
            ),
            html.Div(
                [
                    html.Label("Search", htmlFor=SEARCH, className="visually-hidden"),
                    dcc.Input(
                        id=SEARCH,
                        type="search",
                        placeholder="Search patient, date, note",
                        className="field worklist-search",
                        autoComplete="off",
                        maxLength=200,
                    ),
                    key_cap("/", className="worklist-search-key", **aria(hidden="true")),
                    upload.add_button(),
                ],
                className="worklist-tools",
            ),
        ],
        className="page-head",
    )


def tab_buttons(counts: StudyCounts, chosen: str) -> list[html.Button]:
    """All, and one tab for each origin."""
    numbers: Mapping[Any, int] = counts.origins
    return [
        button(
            [words, html.Span(f" {numbers.get(name, 0) if name else counts.total:,}")],
            className="segment tabular",
            **aria(pressed=str(name == chosen).lower()),
            **data(origin=str(name)),
        )
        for name, words in _TABS
    ]


def notice(title: str, sentence: str) -> html.Div:
    """Something is wrong: a title and a sentence."""
    return html.Div(
        [html.Span(title, className="notice-title"), html.Span(sentence, className="muted")],
        className="notice notice--error",
        role="alert",
    )


def offline_notice() -> html.Div:
    """Shown by `assets/js/worklist/worklist.js` while the server does not answer."""
    return html.Div(
        [
            html.Span("The server does not answer.", className="notice-title"),
            html.Span("This list may be old. Trying again every five seconds.", className="muted"),
        ],
        id="worklist-offline",
        className="notice notice--warning",
        role="status",
        hidden=True,
    )


def no_studies(has_library: bool) -> Component:
    """What stands in the place of the grid while there is no study."""
    library = (
        "The library folder holds no study that can be read."
        if has_library
        else "Studies of a folder on the server appear here when OVERREAD_LIBRARY names it."
    )
    return empty_state(
        "No studies yet",
        "Add some, or drop files or a folder anywhere on this page.",
        upload.add_button(button_id="upload-open-empty"),
        library,
    )


def nothing_found(has_library: bool) -> html.Div:
    """What stands in the place of the grid where the search, or the library's tab, is empty."""
    library = "The library is a folder on the server, set by OVERREAD_LIBRARY; " + (
        "it holds no study yet." if has_library else "none is set."
    )
    return html.Div(
        [
            html.P("No study here fits the search and the tab.", className="muted"),
            html.P(library, id="worklist-no-library", className="muted", hidden=True),
            button("Show all studies", id="worklist-show-all", className="button"),
        ],
        id="worklist-none",
        className="worklist-none",
        hidden=True,
    )


def unreadable() -> Component:
    """What stands in the place of the page where the database does not answer."""
    return empty_state(
        "The worklist cannot be read",
        "The review database does not answer. Nothing is lost; it may be busy or its disk full.",
        html.A("Try again", href="/", className="button button--primary"),
    )


def foot() -> html.Div:
    """Intended use, and the keys."""
    keys = [("Open", ("Enter",)), ("Move", ("↑", "↓")), ("Search", ("/",))]
    return html.Div(
        [
            html.P(INTENDED_USE, className="muted secondary"),
            html.Div(
                [html.Span([words, *[key_cap(key) for key in caps]]) for words, caps in keys],
                className="worklist-keys muted secondary",
            ),
        ],
        className="worklist-foot",
    )


def delete_dialog() -> html.Dialog:
    """Asks before a study is deleted."""
    return html.Dialog(
        [
            html.Div(
                html.H2(
                    ["Delete ", html.Span(id="worklist-delete-name"), "?"],
                    id="worklist-delete-title",
                    className="page-title",
                ),
                className="dialog-head",
            ),
            html.Div(
                html.P("Its images and its analysis are removed from this server, for good."),
                className="dialog-body",
            ),
            html.Div(
                [
                    button("Keep it", id="worklist-delete-no", className="button", autoFocus=True),
                    button("Delete", id=DELETE_YES, className="button button--danger"),
                ],
                className="dialog-foot",
            ),
        ],
        id="worklist-delete-dialog",
        className="dialog dialog--narrow",
        **aria(labelledby="worklist-delete-title"),
    )
