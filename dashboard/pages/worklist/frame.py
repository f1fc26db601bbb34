"""The parts around the worklist's grid: tabs, search, empty states, deletion."""

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
from dashboard.store.stored_json import LONGEST_TAG, LONGEST_VIEW_NAME
from dashboard.store.worklist_lines import Reason
from dashboard.store.worklist_pages import View
from dashboard.studies.deletion import KEPT
from dashboard.studies.worklist_rows import REASON_WORDS

TABS = "worklist-tabs"
SEARCH = "worklist-search"
REASON = "worklist-reason"
TAG = "worklist-tag"
DELETED_TITLE = "Deleted studies"
DELETE_YES = "worklist-delete-yes"

INTENDED_USE = (
    "For research use only. Overread marks FLAIR abnormality on brain MRI for a reader to check. "
    "It is not a medical device and makes no diagnosis."
)

#: Each view with its words and the name of its count (`/api/worklist/counts`).
_VIEWS: tuple[tuple[View, str, str], ...] = (
    (View.TO_READ, "To read", "to_read"),
    (View.MINE, "Mine", "mine"),
    (View.SIGNED_TODAY, "Signed today", "signed_today"),
    (View.ALL, "All", "all"),
)
_TABS: tuple[tuple[str, str], ...] = (
    ("", "All"),
    (Origin.UPLOAD, "Uploads"),
    (Origin.LIBRARY, "Library"),
    (Origin.DEMO, "Demo"),
)


def head() -> html.Div:
    """The first row: views with counts, saved views, search, the button to add studies."""
    return html.Div(
        [
            html.H1("Worklist", className="visually-hidden"),
            html.Div(
                [
                    html.Div(
                        [
                            button(
                                [words, html.Span(className="tabular", **data(count=counted))],
                                className="segment tabular",
                                **aria(pressed=str(view is View.ALL).lower()),
                                **data(view=str(view)),
                            )
                            for view, words, counted in _VIEWS
                        ],
                        id="worklist-views",
                        className="segments",
                        role="group",
                        **aria(label="Filter by state"),
                    ),
                    button("Views", id="worklist-views-open", className="button"),
                ],
                className="worklist-tools",
            ),
            html.Div(
                [
                    html.Label("Search", htmlFor=SEARCH, className="visually-hidden"),
                    dcc.Input(
                        id=SEARCH,
                        type="search",
                        placeholder="Search patient, date, notes",
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


def filters(counts: StudyCounts) -> html.Div:
    """The second row: sources with counts, why studies are here, export."""
    return html.Div(
        [
            html.Div(
                tab_buttons(counts, ""),
                id=TABS,
                className="segments",
                role="group",
                **aria(label="Filter by source"),
            ),
            html.Label("Why studies are here", htmlFor=REASON, className="visually-hidden"),
            html.Select(
                [
                    html.Option("Any reason", value=""),
                    *[html.Option(REASON_WORDS[one], value=str(one)) for one in Reason],
                ],
                id=REASON,
                className="field worklist-reason",
            ),
            button("Export list (CSV)", id="worklist-export", className="button"),
        ],
        className="page-head worklist-filters",
    )


def chosen() -> html.Div:
    """What can be done with the selected studies (`assets/js/worklist/chosen.js`): no decision."""
    return html.Div(
        [
            html.Span("", id="worklist-chosen-count", className="strong tabular"),
            html.Label("Tag", htmlFor=TAG, className="visually-hidden"),
            dcc.Input(
                id=TAG,
                type="text",
                placeholder="Tag",
                className="field worklist-tag",
                autoComplete="off",
                maxLength=LONGEST_TAG,
            ),
            *[
                button(words, className="button", **data(chosen=action))
                for action, words in (
                    ("tag", "Add tag"),
                    ("untag", "Remove tag"),
                    ("stat", "Mark STAT"),
                    ("routine", "Mark routine"),
                    ("export", "Export selection (CSV)"),
                    ("clear", "Clear selection"),
                )
            ],
            html.Span("", id="worklist-chosen-status", className="muted", role="status"),
        ],
        id="worklist-chosen",
        className="worklist-chosen",
        role="group",
        hidden=True,
        **aria(label="Selected studies"),
    )


def views_dialog() -> html.Dialog:
    """Saves and shows views of the worklist (`assets/js/worklist/saved_views.js`)."""
    return html.Dialog(
        [
            html.Div(
                html.H2("Saved views", id="worklist-views-title", className="page-title"),
                className="dialog-head",
            ),
            html.Div(
                [
                    html.P(
                        "A view is what the worklist shows: filters, search and order. The worklist"
                        " opens with the view that you choose here.",
                        className="muted",
                    ),
                    html.P("No saved views.", id="worklist-views-none", hidden=True),
                    html.Ul(id="worklist-views-list", className="deleted-studies"),
                    html.Div(
                        [
                            html.Label(
                                "Name of the view",
                                htmlFor="worklist-view-name",
                                className="visually-hidden",
                            ),
                            dcc.Input(
                                id="worklist-view-name",
                                type="text",
                                placeholder="Name",
                                className="field worklist-view-name",
                                autoComplete="off",
                                maxLength=LONGEST_VIEW_NAME,
                            ),
                            button(
                                "Save the current view",
                                id="worklist-view-save",
                                className="button button--primary",
                            ),
                        ],
                        className="saved-view-new",
                    ),
                    html.P("", id="worklist-views-status", role="status"),
                ],
                className="dialog-body",
            ),
            html.Div(
                button("Close", id="worklist-views-close", className="button"),
                className="dialog-foot",
            ),
        ],
        id="worklist-views-dialog",
        className="dialog",
        **aria(labelledby="worklist-views-title"),
    )


def tab_buttons(counts: StudyCounts, chosen: str) -> list[html.Button]:
    """A tab for all studies and one per origin, each with its number of studies."""
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
    """An error notice with a title and a sentence."""
    return html.Div(
        [html.Span(title, className="notice-title"), html.Span(sentence, className="muted")],
        className="notice notice--error",
        role="alert",
    )


def offline_notice() -> html.Div:
    """Shown by `assets/js/worklist/worklist.js` while the server is not responding."""
    return html.Div(
        [
            html.Span("The server is not responding.", className="notice-title"),
            html.Span("This list may be out of date. Retrying every 5 seconds.", className="muted"),
        ],
        id="worklist-offline",
        className="notice notice--warning",
        role="status",
        hidden=True,
    )


def no_studies(has_library: bool) -> Component:
    """Shown instead of the grid while the worklist is empty."""
    library = (
        "The library folder contains no readable study."
        if has_library
        else "To list the studies in a folder on the server, set OVERREAD_LIBRARY to its path."
    )
    return empty_state(
        "No studies yet",
        "Add studies, or drop files or a folder anywhere on this page.",
        upload.add_button(button_id="upload-open-empty"),
        library,
    )


def lost_list(stored: int) -> Component:
    """Shown instead of the grid where no study is listed and some are stored."""
    are = "study is" if stored == 1 else "studies are"
    return empty_state(
        "The worklist was lost",
        f"{stored:,} {are} stored on the server and not listed: the review database is new or was"
        " emptied. Nothing of the images is lost. Ask the person who runs the server to restore a"
        " backup of the database, or to stop Overread and run python -m dashboard rebuild.",
    )


def nothing_found(has_library: bool) -> html.Div:
    """Shown instead of the grid where the search, or the library's tab, finds no study."""
    library = "The library is a folder on the server, set with OVERREAD_LIBRARY. " + (
        "It contains no studies yet." if has_library else "It is not set."
    )
    return html.Div(
        [
            html.P(
                "No studies match the search and filter.", id="worklist-no-match", className="muted"
            ),
            html.P(library, id="worklist-no-library", className="muted", hidden=True),
            button("Show all studies", id="worklist-show-all", className="button"),
        ],
        id="worklist-none",
        className="worklist-none",
        hidden=True,
    )


def unreadable() -> Component:
    """Shown instead of the page while the database is unavailable."""
    return empty_state(
        "The worklist is unavailable",
        "The review database is not responding. It may be busy, or its disk may be full. "
        "No data has been lost.",
        html.A("Try again", href="/", className="button button--primary"),
    )


def foot() -> html.Div:
    """Intended use and keyboard shortcuts."""
    keys = [
        ("Open", ("Enter",)),
        ("Move", ("↑", "↓")),
        ("Select", ("Space",)),
        ("Search", ("/",)),
        ("Delete", ("Del",)),
    ]
    return html.Div(
        [
            html.P(INTENDED_USE, className="muted secondary"),
            html.Div(
                [html.Span([words, *[key_cap(key) for key in caps]]) for words, caps in keys],
                className="worklist-keys muted secondary",
            ),
            button(DELETED_TITLE, id="worklist-deleted-open", className="button button--link"),
        ],
        className="worklist-foot",
    )


def delete_dialog() -> html.Dialog:
    """Asks for confirmation before a study is deleted."""
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
                [
                    html.P(
                        f"You can restore it from “{DELETED_TITLE}” for {KEPT.days} days, with its"
                        " corrections and measurements. After that it is permanently deleted from"
                        " this server."
                    ),
                    _problem("worklist-delete-problem"),
                ],
                className="dialog-body",
            ),
            html.Div(
                [
                    button("Cancel", id="worklist-delete-no", className="button", autoFocus=True),
                    button("Delete study", id=DELETE_YES, className="button button--danger"),
                ],
                className="dialog-foot",
            ),
        ],
        id="worklist-delete-dialog",
        className="dialog dialog--narrow",
        **aria(labelledby="worklist-delete-title"),
    )


def deleted_dialog() -> html.Dialog:
    """Lists the deleted studies that the reader may restore (`assets/js/worklist/deletion.js`)."""
    return html.Dialog(
        [
            html.Div(
                html.H2(DELETED_TITLE, id="worklist-deleted-title", className="page-title"),
                className="dialog-head",
            ),
            html.Div(
                [
                    html.P(
                        f"Your deleted studies are kept for {KEPT.days} days.",
                        className="muted",
                    ),
                    _problem("worklist-deleted-problem"),
                    html.P("No deleted studies.", id="worklist-deleted-none", hidden=True),
                    html.Ul(id="worklist-deleted-list", className="deleted-studies"),
                ],
                className="dialog-body",
            ),
            html.Div(
                button("Close", id="worklist-deleted-close", className="button", autoFocus=True),
                className="dialog-foot",
            ),
        ],
        id="worklist-deleted-dialog",
        className="dialog",
        **aria(labelledby="worklist-deleted-title"),
    )


def _problem(component_id: str) -> html.P:
    """Where a dialog says why something failed."""
    return html.P(id=component_id, className="notice notice--error", role="alert", hidden=True)
