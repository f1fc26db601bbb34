"""The frame of the performance page: its views as tabs, the source of the figures, notices."""

from __future__ import annotations

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.components.attributes import aria
from dashboard.components.buttons import small_button
from dashboard.pages.performance import ids
from pipeline import ModelInfo
from pipeline.evaluation.facade import Evaluation

#: Titles of the views by their name in the address (``?view=``); the first is the default.
VIEWS: dict[str, str] = {
    "overview": "Overview",
    "slices": "Slice score",
    "outlines": "Segmentation",
    "institutions": "Institutions",
    "folds": "Cross-validation",
    "training": "Training",
    "leakage": "Data leakage",
    "speed": "Speed",
    "published": "Published systems",
}

_SPLITS = {
    "cross-validated": "Cross-validated, each patient held out once",
    "held-out": "Patients held out from training",
    "validation": "Validation patients",
    "train": "Training patients (results are optimistic)",
    "all": "All patients, including training patients (results are optimistic)",
}


def parse_view(value: object) -> str:
    """The view that an address names; the first one where it is unknown."""
    return value if isinstance(value, str) and value in VIEWS else next(iter(VIEWS))


def frame(view: str, *children: Component, evaluation: Evaluation | None = None) -> html.Div:
    """The page around a view.

    Args:
        view: Name of the view.
        children: Its content.
        evaluation: The evaluation, None where none can be shown.
    """
    return html.Div(
        [
            dcc.Store(id=ids.SELECTION),
            dcc.Location(id=ids.LOCATION, refresh="callback-nav"),
            dcc.Download(id=ids.DOWNLOAD),
            html.Div([_tabs(view), *_source(evaluation)], className="page-head performance-head"),
            *children,
        ],
        className="performance stack",
    )


def _tabs(view: str) -> html.Div:
    current = html.Span(" (current)", className="visually-hidden")
    links = [
        dcc.Link(
            [words, current] if name == view else words,
            href="/performance" if name == next(iter(VIEWS)) else f"/performance?view={name}",
            className="view view--chosen" if name == view else "view",
        )
        for name, words in VIEWS.items()
    ]
    title = html.H1(f"Performance: {VIEWS[view]}", className="visually-hidden")
    return html.Div([title, html.Nav(links, className="views", **aria(label="Performance views"))])


def _source(evaluation: Evaluation | None) -> list[Component]:
    if evaluation is None:
        return []
    words = _SPLITS.get(evaluation.split, "Patients in a given folder")
    return [
        html.Div(
            [
                html.Span(
                    f"{words}: {len(evaluation.patients):,} patients, "
                    f"{len(evaluation.slices_rows):,} slices",
                    className="muted secondary tabular",
                ),
                small_button("Download metrics (CSV)", id=ids.FIGURES_CSV),
                small_button("Patients (CSV)", id=ids.PATIENTS_CSV),
                small_button("Slices (CSV)", id=ids.SLICES_CSV),
            ],
            className="performance-source",
        )
    ]


def other_network(network: ModelInfo, evaluation: Evaluation) -> list[Component]:
    """A warning where the figures are those of a network other than the installed one."""
    if evaluation.is_of(network.digest):
        return []
    title = "These results are those of a different network from the one installed."
    words = "Evaluate the installed network to obtain its own results."
    return [
        html.Div(
            [html.Span(title, className="notice-title"), words],
            className="notice notice--warning",
            role="alert",
        )
    ]
