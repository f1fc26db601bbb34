"""The frame of the performance page: its views as tabs, where the figures come from, notices."""

from __future__ import annotations

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.components.attributes import aria
from dashboard.components.buttons import small_button
from dashboard.pages.performance import ids
from pipeline import ModelInfo
from pipeline.evaluation.facade import Evaluation

#: Views by the name in the address (``?view=``), the first one by default.
VIEWS: dict[str, str] = {
    "overview": "Overview",
    "slices": "Slice score",
    "outlines": "Outlines",
    "institutions": "Institutions",
    "folds": "Folds",
    "leakage": "Leakage",
    "speed": "Speed",
    "published": "Published systems",
}

_SPLITS = {
    "cross-validated": "Cross-validated, each patient by a network that never saw it",
    "held-out": "Patients held out from training",
    "validation": "Validation patients",
    "train": "Training patients: these figures are too good",
    "all": "All patients, training patients included: these figures are too good",
}


def parse_view(value: object) -> str:
    """The view that an address names; the first one for anything that is none."""
    return value if isinstance(value, str) and value in VIEWS else next(iter(VIEWS))


def frame(view: str, *children: Component, evaluation: Evaluation | None = None) -> html.Div:
    """The page around a view.

    Args:
        view: Which.
        children: What it shows.
        evaluation: The figures' file, None where none can be shown.
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
    in_view = html.Span(", in view", className="visually-hidden")
    links = [
        dcc.Link(
            [words, in_view] if name == view else words,
            href="/performance" if name == next(iter(VIEWS)) else f"/performance?view={name}",
            className="view view--chosen" if name == view else "view",
        )
        for name, words in VIEWS.items()
    ]
    title = html.H1(f"Performance: {VIEWS[view]}", className="visually-hidden")
    return html.Div([title, html.Nav(links, className="views", **aria(label="Views"))])


def _source(evaluation: Evaluation | None) -> list[Component]:
    if evaluation is None:
        return []
    words = _SPLITS.get(evaluation.split, "Patients of a given folder")
    return [
        html.Div(
            [
                html.Span(
                    f"{words}: {len(evaluation.patients):,} patients, "
                    f"{len(evaluation.slices_rows):,} slices",
                    className="muted secondary tabular",
                ),
                small_button("Figures as CSV", id=ids.FIGURES_CSV),
                small_button("Patients as CSV", id=ids.PATIENTS_CSV),
                small_button("Slices as CSV", id=ids.SLICES_CSV),
            ],
            className="performance-source",
        )
    ]


def other_network(network: ModelInfo, evaluation: Evaluation) -> list[Component]:
    """A warning where the figures are of another network than the one that is installed."""
    if evaluation.is_of(network.digest):
        return []
    title = "These figures were measured with another network than the one installed."
    words = "Evaluate again to see how far the installed one can be trusted."
    return [
        html.Div(
            [html.Span(title, className="notice-title"), words],
            className="notice notice--warning",
            role="alert",
        )
    ]
