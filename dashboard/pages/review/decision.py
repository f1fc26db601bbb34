"""Decision and signature at the foot of the findings panel; lesions, notes, history above it.

`decision_panel.js`, `lesion_list.js` and `reading_notes.js` of `assets/js/review` fill them in.
"""

from __future__ import annotations

from typing import Any

from dash import html
from dash.development.base_component import Component

from dashboard.components.attributes import aria
from dashboard.components.buttons import button, small_button
from dashboard.decisions.locations import LOCATIONS
from dashboard.store.reading_content import DIFFICULTIES, Reason, Verdict

#: Keys of the decisions, as `assets/js/review/decision_panel.js` binds them.
_KEYS = {
    Verdict.ACCEPT: "A",
    Verdict.ACCEPT_WITH_CHANGES: "Shift+A",
    Verdict.REJECT: "Shift+R",
    Verdict.CANNOT_ASSESS: "Shift+C",
}


def foot() -> html.Div:
    """Who has the study, the decision, and what is missing before it; `more` is below it."""
    return html.Div(
        [
            html.Div(
                [
                    html.P(id="decision-claim-words", className="finding-text"),
                    small_button("Take over", id="decision-take-over"),
                ],
                id="decision-claim",
                className="notice notice--warning decision-claim",
                hidden=True,
            ),
            html.Div(
                [
                    html.P(id="decision-signed-words", className="finding-text"),
                    small_button("Amend", id="decision-amend"),
                ],
                id="decision-signed",
                className="decision-signed",
                hidden=True,
            ),
            html.Label(
                [html.Span("Reason for the amendment"), _text("decision-amendment", rows=1)],
                id="decision-amendment-field",
                className="decision-field",
                hidden=True,
            ),
            html.Div(
                [_choice(verdict) for verdict in Verdict],
                id="decision-choices",
                className="decision-choices",
                role="group",
                **aria(label="Decision"),
            ),
            html.Div(
                [
                    html.P(id="decision-status", className="finding-text", role="status"),
                    small_button("Show the next", id="decision-show", hidden=True),
                    small_button("Withdraw", id="decision-withdraw", hidden=True),
                    small_button("Discard amendment", id="decision-discard", hidden=True),
                ],
                className="decision-line",
            ),
        ],
        id="decision",
        className="decision",
    )


def more() -> html.Details:
    """Reason, difficulty and comment."""
    return html.Details(
        [
            html.Summary("Reason, comment"),
            _select("decision-reason", "Reason", [str(one) for one in Reason]),
            _select("decision-difficulty", "Difficulty", list(DIFFICULTIES)),
            html.Label(
                [html.Span("Comment"), _text("decision-comment", rows=2)],
                className="decision-field",
            ),
        ],
        id="decision-more",
        className="decision-more",
    )


def lesions_section() -> html.Section:
    """The lesion list."""
    places: list[Component] = [html.Option("Location", value="")]
    places += [html.Option(words, value=code) for code, words in LOCATIONS.items()]
    return html.Section(
        [
            html.Div(
                [
                    html.H2("Lesions", className="panel-title"),
                    html.Span(id="lesion-count", className="secondary muted"),
                ],
                className="lesions-head",
            ),
            html.P("No lesion in the mask.", id="lesion-none", className="finding-text"),
            html.Ul(id="lesions", className="lesions"),
            html.P(id="lesion-status", className="finding-text", role="status"),
            html.Select(
                places,
                id="lesion-locations",
                className="field",
                hidden=True,
                **aria(label="Location"),
            ),
        ],
        id="findings-lesions",
        className="findings-section",
        hidden=True,
    )


def notes_section() -> html.Section:
    """Notes and key images."""
    return html.Section(
        [
            html.H2("Your notes", id="reading-notes-title", className="panel-title"),
            _text("reading-notes", rows=2, label="Your notes"),
            html.Div(
                [
                    html.H3("Key images", className="panel-title"),
                    small_button("Mark this slice", "I", id="key-image-mark"),
                ],
                className="key-images-head",
            ),
            html.Ul(id="key-images", className="key-images"),
            html.P(id="reading-status", className="finding-text", role="status"),
        ],
        id="findings-notes",
        className="findings-section",
    )


def history_section() -> html.Section:
    """Signed records, and the history of the study on demand."""
    return html.Section(
        [
            html.H2("Records and history", className="panel-title"),
            html.Ul(id="reading-records", className="reading-records"),
            small_button("Show history", id="history-open"),
            html.Dialog(
                [
                    html.Div(
                        html.H2("History", id="history-title", className="page-title"),
                        className="dialog-head",
                    ),
                    html.Div(
                        html.Ol(id="history-lines", className="history-lines"),
                        className="dialog-body",
                        tabIndex=0,
                        role="region",
                        **aria(label="History of the study"),
                    ),
                    html.Div(
                        button("Close", id="history-close", className="button"),
                        className="dialog-foot",
                    ),
                ],
                id="history",
                className="dialog",
                **aria(labelledby="history-title"),
            ),
        ],
        id="findings-history",
        className="findings-section",
    )


def _choice(verdict: Verdict) -> html.Button:
    more: dict[str, Any] = {"data-verdict": str(verdict)}
    return button(
        verdict.capitalize(),
        _KEYS[verdict],
        className="button button--small decision-choice",
        **aria(pressed="false"),
        **more,
    )


def _select(id: str, label: str, words: list[str]) -> html.Label:
    options: list[Component] = [html.Option("Not stated", value="")]
    options += [html.Option(word.capitalize(), value=word) for word in words]
    return html.Label(
        [html.Span(label), html.Select(options, id=id, className="field")],
        className="decision-field",
    )


def _text(id: str, *, rows: int, label: str = "") -> html.Textarea:
    named = aria(label=label) if label else {}
    return html.Textarea(id=id, className="field decision-text", rows=rows, **named)
