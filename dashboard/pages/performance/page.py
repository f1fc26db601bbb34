"""Performance: the installed network's figures, and the cases behind each of them.

It shows one view at a time, each at its own address (``/performance?view=leakage``): the overview
holds what a radiologist needs, the others the evidence for it.
"""

from __future__ import annotations

from typing import Any

from dash import ALL, Dash, Input, Output, State, ctx, dcc, html, no_update
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from dashboard.components.shell import empty_state
from dashboard.evaluation import CELLS, Measured
from dashboard.evaluation.installed import (
    evaluated,
    known_studies,
    read_benchmark,
    read_experiments,
    read_models,
    study_links,
)
from dashboard.pages.performance import charts as figures
from dashboard.pages.performance import (
    folds,
    frame,
    ids,
    institutions,
    leakage,
    outlines,
    overview,
    published,
    slice_score,
    speed,
    training,
)
from dashboard.pages.performance.data import PageData
from dashboard.pages.performance.evidence import (
    EVALUATE_COMMAND,
    provenance,
    way_out,
)
from dashboard.pages.performance.inputs import (
    clicked_place,
    clicked_value,
    items_of,
    parse_point,
    parse_selection,
)
from dashboard.pages.performance.lists import list_case, list_group
from pipeline import InputError
from pipeline.evaluation.facade import OldEvaluation, format_figures_csv, read_evaluation

_VIEWS = {
    "overview": overview.layout,
    "slices": slice_score.layout,
    "outlines": outlines.layout,
    "institutions": institutions.layout,
    "folds": folds.layout,
    "leakage": leakage.layout,
}


def layout(view: str | None = None, **_: Any) -> Component:
    """The page, from the files next to the installed models.

    Args:
        view: Name of the view, from the address, untrusted.
    """
    name = frame.parse_view(view)
    if name == "published":
        return _page(frame.frame(name, published.layout(*read_experiments())))
    try:
        info = read_models()
    except InputError as error:
        return _page(
            empty_state("The models could not be read", error.message, *way_out(models=True))
        )
    if name == "speed":
        shown = speed.layout(*read_benchmark(), digest=info.network.digest)
        return _page(frame.frame(name, shown))
    if name == "training":
        return _page(frame.frame(name, training.layout(training.read_groups())))
    if info.evaluation is None:
        return _without_figures("Models not evaluated yet", name=name)
    try:
        evaluation = read_evaluation(info.evaluation)
    except OldEvaluation as error:
        return _without_figures("These results are from a different version", str(error), name=name)
    except InputError as error:
        return _without_figures("Results not available", str(error), name=name)
    data = _page_data(Measured(info.network, evaluation))
    children = [*frame.other_network(info.network, evaluation), _VIEWS[name](data)]
    return _page(frame.frame(name, *children, provenance(data), evaluation=evaluation))


def register(app: Dash) -> None:
    """Add the page's callbacks to the app."""
    figures.register(app)
    app.callback(
        Output(ids.SELECTION, "data"),
        Output(ids.LOCATION, "href"),
        Output(ids.graph_id(ALL), "clickData"),
        Output(ids.matrix_id(ALL), "clickData"),
        Input(ids.pick_id(ALL, ALL), "n_clicks"),
        Input(ids.graph_id(ALL), "clickData"),
        Input(ids.matrix_id(ALL), "clickData"),
        Input(ids.close_id(ALL), "n_clicks"),
        State(ids.SELECTION, "data"),
        prevent_initial_call=True,
    )(choose)
    app.callback(
        Output(ids.rows_id(ALL), "children"),
        Input(ids.SELECTION, "data"),
        Input(ids.ANY_POINT, "data"),
        State(ids.rows_id(ALL), "id"),
        prevent_initial_call=True,
    )(list_cases)
    app.callback(
        Output(ids.DOWNLOAD, "data"),
        *[Input(each, "n_clicks") for each in (ids.FIGURES_CSV, ids.PATIENTS_CSV, ids.SLICES_CSV)],
        prevent_initial_call=True,
    )(download)


def choose(
    picks: object, clicks: object, cells: object, closed: object, selection: object
) -> tuple[dict[str, str], Any, list[None], list[None]]:
    """What a click opens: a list of slices or patients, a case, or its study in Review."""
    measured = evaluated()
    chosen = parse_selection(selection, measured)
    none = ([None] * len(items_of(clicks)), [None] * len(items_of(cells)))
    trigger = ctx.triggered_id if isinstance(ctx.triggered_id, dict) else {}
    which = trigger.get("which")
    if trigger == ids.close_id(which) and any(items_of(closed)):
        left = ("case",) if which == "case" else ("kind", "which")
        return {key: value for key, value in chosen.items() if key not in left}, no_update, *none
    picked: dict[str, str] = {}
    if trigger == ids.pick_id(trigger.get("kind"), which) and any(items_of(picks)):
        picked = parse_selection({"kind": trigger.get("kind"), "which": which}, measured)
    elif trigger == ids.graph_id(which):
        picked = parse_selection(_clicked_point(which, clicks), measured)
    elif trigger == ids.matrix_id(which):
        picked = parse_selection(_clicked_cell(cells), measured)
    if not picked:
        raise PreventUpdate
    study = (
        known_studies(measured, [picked["case"]]).get(picked["case"]) if "case" in picked else None
    )
    if study is not None:
        return chosen, study.href, *none
    return {**chosen, **picked}, no_update, *none


def list_cases(selection: object, points: object, places: object) -> list[Component | None]:
    """The lists below the figures of a view, one for each of its places."""
    measured = evaluated()
    chosen = parse_selection(selection, measured)
    made = {
        "group": lambda: list_group(chosen, measured, parse_point(points)),
        "case": lambda: list_case(chosen, measured),
    }
    kinds = [place.get("which") for place in items_of(places) if isinstance(place, dict)]
    return [made[kind]() if kind in made else None for kind in kinds]


def download(figures: object, patients: object, slices: object) -> Any:
    """The figures, or the rows that they are computed from, as CSV."""
    measured = evaluated()
    if ctx.triggered_id == ids.FIGURES_CSV:
        return dcc.send_string(format_figures_csv(measured.evaluation), "figures.csv")
    if ctx.triggered_id == ids.PATIENTS_CSV:
        return dcc.send_data_frame(measured.patients.to_csv, "patients.csv", index=False)
    if ctx.triggered_id == ids.SLICES_CSV:
        return dcc.send_data_frame(measured.slices.to_csv, "slices.csv", index=False)
    raise PreventUpdate


def _clicked_point(which: object, clicks: object) -> dict[str, str]:
    """The selection of the point that was clicked: a case, or a bin of the reliability diagram."""
    for click in items_of(clicks):
        value = clicked_value(click)
        if isinstance(value, list) and value:
            if which == ids.RELIABILITY:
                return {"kind": "bin", "which": " ".join(str(item) for item in value[:2])}
            return {"case": value[0]}
    return {}


def _clicked_cell(clicks: object) -> dict[str, str]:
    """The selection of the cell of the confusion matrix that was clicked."""
    for click in items_of(clicks):
        place = clicked_place(click)
        if place is not None and all(k in (0, 1) for k in place):
            column, row = place
            return {"kind": "cell", "which": CELLS[2 * row + column]}
    return {}


def _page_data(measured: Measured) -> PageData:
    return PageData(
        measured=measured,
        links=study_links(measured),
        command=measured.evaluation.environment.get("command", EVALUATE_COMMAND),
    )


def _without_figures(title: str, *sentences: str, name: str) -> Component:
    """The page without figures: the reason, the action to take, the training curves."""
    return _page(
        frame.frame(
            name,
            empty_state(title, *sentences, *way_out(evaluate=True)),
            training.layout(training.read_groups()),
        )
    )


def _page(*children: Component) -> Component:
    return html.Div(list(children), className="page")
