"""Performance: the installed network's figures, and the cases behind each of them.

It shows one view at a time, each at its own address (``/performance?view=leakage``): the overview
holds what a radiologist needs, the others the evidence for it.
"""

from __future__ import annotations

from typing import Annotated, Any

from dash import ALL, Dash, Input, Output, State, ctx, dcc, html, no_update
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate
from pydantic import TypeAdapter

from dashboard.components.browser_values import ManyClicks, Place, checked, fallback
from dashboard.components.shell import empty_state
from dashboard.evaluation import Measured
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
from dashboard.pages.performance.inputs import Marks, Selected, Selection, Threshold
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


#: The component that triggered a callback, as Dash names it.
_PLACE: TypeAdapter[Place] = TypeAdapter(Annotated[Place, fallback(Place())])


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


@checked
def choose(
    picks: ManyClicks, dots: Marks, cells: Marks, closed: ManyClicks, selection: Selected
) -> tuple[dict[str, str], Any, list[None], list[None]]:
    """What a click opens: a list of slices or patients, a case, or its study in Review."""
    measured = evaluated()
    chosen = selection.existing(measured)
    none = ([None] * len(dots), [None] * len(cells))
    picked = Selection()
    match trigger := _PLACE.validate_python(ctx.triggered_id):
        case Place(type=ids.CLOSE) if any(closed):
            left = {"case": ""} if trigger.which == "case" else {"kind": "", "which": ""}
            return chosen.model_copy(update=left).stored(), no_update, *none
        case Place(type=ids.PICK) if any(picks):
            picked = Selection(kind=trigger.kind, which=trigger.which)
        case Place(type=ids.GRAPH | ids.MATRIX):
            clicks = dots if trigger.type == ids.GRAPH else cells
            picked = next((click.points[0].selection for click in clicks if click), picked)
    opened = picked.existing(measured).stored()
    if not opened:
        raise PreventUpdate
    study = known_studies(measured, [picked.case]).get(picked.case) if "case" in opened else None
    if study is not None:
        return chosen.stored(), study.href, *none
    return {**chosen.stored(), **opened}, no_update, *none


@checked
def list_cases(
    selection: Selected,
    points: Annotated[tuple[Threshold, ...], fallback(())],
    places: tuple[Place, ...],
) -> list[Component | None]:
    """The lists below the figures of a view, one for each of its places."""
    measured = evaluated()
    chosen = selection.existing(measured)
    made = {
        "group": lambda: list_group(chosen, measured, next(iter(points), None)),
        "case": lambda: list_case(chosen, measured),
    }
    return [made[place.which]() if place.which in made else None for place in places]


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
