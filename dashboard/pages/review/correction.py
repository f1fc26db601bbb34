"""The findings panel's section on the reader's correction: its figures, and the saved versions.

It is hidden until there is a correction; `assets/js/review/correction_panel.js` fills it in.
"""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from dashboard.components.attributes import aria
from dashboard.components.buttons import button, small_button


def section() -> html.Section:
    """Area, volume, Dice with AI and reference, saving status, versions."""
    return html.Section(
        [
            html.H2("Your correction", id="correction-title", className="panel-title"),
            html.P(id="correction-of", className="finding-text strong"),
            html.Div(
                html.Table(
                    [
                        html.Thead(
                            html.Tr(
                                [
                                    html.Td(""),
                                    html.Th("This slice", scope="col"),
                                    html.Th("All slices", scope="col"),
                                ]
                            )
                        ),
                        html.Tbody(
                            [
                                _row("size", "Area, volume"),
                                _row("ai", "Dice with AI mask"),
                                _row("reference", "Dice with reference"),
                                html.Tr(
                                    [
                                        html.Th("Diameters", scope="row"),
                                        html.Td(id="correction-diameters-all", colSpan=2),
                                    ],
                                    id="correction-diameters",
                                    hidden=True,
                                ),
                            ]
                        ),
                    ],
                    className="correction-table tabular",
                ),
                id="correction-figures",
            ),
            html.P(id="correction-measurable", className="finding-text"),
            html.P(id="correction-base", className="finding-text"),
            html.P(id="correction-state", className="finding-text strong"),
            html.H3("Saved versions", id="correction-versions-title", className="panel-title"),
            html.Ul(id="correction-versions", className="correction-versions"),
            small_button(
                "Start over from the current AI mask",
                id="correction-from-ai",
            ),
            _ask(),
        ],
        id="findings-correction",
        className="findings-section",
        hidden=True,
    )


def _ask() -> html.Dialog:
    """Confirmation before another mask replaces a draft that is not saved as a version."""
    return html.Dialog(
        [
            html.Div(
                html.H2("Replace your draft?", id="correction-ask-title", className="page-title"),
                className="dialog-head",
            ),
            html.P(id="correction-ask-words", className="dialog-body"),
            html.Div(
                [
                    button("Keep draft", id="correction-ask-keep", className="button"),
                    button(
                        "Replace draft",
                        id="correction-ask-replace",
                        className="button button--primary",
                    ),
                ],
                className="dialog-foot",
            ),
        ],
        id="correction-ask",
        className="dialog correction-ask",
        **aria(labelledby="correction-ask-title", describedby="correction-ask-words"),
    )


def _row(name: str, label: str) -> Component:
    return html.Tr(
        [
            html.Th(label, scope="row"),
            html.Td(id=f"correction-{name}-slice"),
            html.Td(id=f"correction-{name}-volume"),
        ],
        id=f"correction-{name}",
    )
