"""The view of the segmentation: its figures, the lowest Dice, and how volumes agree."""

from __future__ import annotations

from dash import html

from dashboard.components.charts import chart
from dashboard.components.panels import figure_table, panel
from dashboard.pages.performance import ids
from dashboard.pages.performance.data import PageData
from dashboard.pages.performance.patients import patient_table
from pipeline.evaluation.facade import FigureGroup, all_figures

WORST = 10


def dice_chart() -> html.Figure:
    """A dot per patient by Dice, which opens the case."""
    return chart(
        ids.graph_id(ids.DICE),
        "Dice per patient",
        reading="Each dot is a patient. Further right is better. A click lists the slices.",
        height=200,
        clickable=True,
    )


def dice_panel(data: PageData) -> html.Section:
    """The dots of all patients, and on demand their table, whose links the keyboard reaches."""
    patients = data.measured.patients
    summary = html.Summary(f"All {len(patients)} patients, with links to their cases")
    listed = html.Details(
        [summary, *patient_table(patients, data.links)], className="patients-table"
    )
    return panel("", dice_chart(), listed)


def agreement_panel() -> html.Section:
    """A dot per patient by how much the AI volume differs from the reference."""
    return panel(
        "",
        chart(
            ids.graph_id(ids.AGREEMENT),
            "Volume: AI against reference (Bland-Altman)",
            reading="Each dot is a patient; above 0, the AI volume is larger. 95% of the patients "
            "are expected between the dashed limits. A click lists the slices.",
            height=300,
            clickable=True,
        ),
        html.P(
            "The difference is in per cent of the mean of both volumes. Volumes are in pixels: an "
            "evaluation stores no pixel spacing.",
            className="muted secondary",
        ),
    )


def layout(data: PageData) -> html.Div:
    """Figures, the patients with the lowest Dice, a dot per patient by Dice and by volume."""
    patients = data.measured.patients
    worst = patients.sort_values("dice", na_position="last", kind="stable").head(WORST)
    return html.Div(
        [
            html.Div(
                [
                    panel(
                        "Segmentation metrics",
                        figure_table(data.evaluation.figures, all_figures(FigureGroup.OUTLINE)),
                    ),
                    html.Div(
                        [
                            panel(
                                f"{len(worst)} patients with the lowest Dice",
                                *patient_table(worst, data.links),
                            ),
                            dice_panel(data),
                            agreement_panel(),
                        ],
                        className="stack",
                    ),
                ],
                className="performance-halves",
            ),
            html.Div(id=ids.rows_id("case")),
        ],
        className="stack",
    )
