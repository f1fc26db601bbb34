"""The parts of the comparisons page, which is not for diagnostic use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.comparisons.records import ImageRecord
from dashboard.components.attributes import aria, data
from dashboard.components.buttons import button, small_button
from dashboard.components.charts import chart
from dashboard.components.model_facts import card_details, facts
from dashboard.components.panels import TIMES, caution, figure_table, not_run, panel, table
from dashboard.figures.confusion import matrix_height
from dashboard.studies.uploads import size_words
from pipeline import list_formats
from pipeline.evaluation.facade import find_image_figure
from pipeline.image_tasks.facade import ImageEvaluation, ImageModelInfo, ImageTask

PREFIX = "comparisons"
REQUEST, PROGRESS, OUTCOME = f"{PREFIX}-request", f"{PREFIX}-progress", f"{PREFIX}-outcome"
ANSWER, STATUS, CANCEL = f"{PREFIX}-answer", f"{PREFIX}-status", f"{PREFIX}-cancel"
BARS, LIST = f"{PREFIX}-bars", f"{PREFIX}-list"
#: Cases of an evaluation that the page lists.
MAX_CASES = 400
#: Follows the metrics of a task.
PREDICTIVE_NOTE = (
    "Predictive values and accuracy hold for the shares of the classes in this set, which are not "
    "those of patients."
)


def matrix_id(task: Any) -> dict[str, Any]:
    """Id of a task's confusion matrix; ALL where a page has one."""
    return {"type": f"{PREFIX}-matrix", "which": task}


def head(tasks: Sequence[ImageTask], chosen: str) -> html.Div:
    """Title, the restriction of use, and the tasks as links."""
    links = [
        dcc.Link(
            [task.title, *([html.Span(" (current)", className="visually-hidden")] * here)],
            href=f"/comparisons?task={task.name}",
            className="view view--chosen" if here else "view",
        )
        for task in tasks
        for here in [task.name == chosen]
    ]
    return html.Div(
        [
            html.Div(
                [
                    html.H1("Comparisons", className="page-title"),
                    html.Span("Not for diagnostic use", className="chip chip--warning"),
                ],
                className="inline",
            ),
            html.Nav(links, className="views", **aria(label="Tasks")),
        ],
        className="page-head",
    )


def cautions(task: ImageTask) -> html.Div:
    """The task's cautions, once, before everything else on the page."""
    return html.Div(
        [caution(sentence) for sentence in task.cautions], className="stack stack--tight"
    )


def try_panel(task: ImageTask, *, max_bytes: int) -> html.Section:
    """Where images are chosen, sent by `assets/js/comparisons/`, and answered."""
    return panel(
        "Classify your own images",
        html.Div(
            [
                button(
                    "Choose images",
                    id=f"{PREFIX}-choose",
                    className="button button--primary",
                    **data(task=task.name, max_bytes=str(max_bytes)),
                ),
                button("Choose folder", id=f"{PREFIX}-choose-folder", className="button"),
                html.Span(
                    "or drop them here: images or slices, one per file, as "
                    f"{list_formats(last='or', archives=False)}, up to {size_words(max_bytes)} "
                    "each. They are stored on this server for one day and are not added to the "
                    "worklist.",
                    className="muted secondary",
                ),
            ],
            className="inline",
        ),
        html.Div(
            [
                html.Span(id=STATUS, className="tabular", role="status"),
                small_button("Cancel", id=CANCEL, hidden=True),
            ],
            className="inline comparison-status",
        ),
        html.Div(id=LIST, className="comparison-list", hidden=True),
        html.Div(_nothing_yet(), id=ANSWER),
        extra="comparison-try",
    )


def _nothing_yet() -> html.P:
    return html.P(
        "Choose an image to see its prediction and saliency map.",
        className="muted comparison-empty",
    )


def answer_view(record: ImageRecord, task: ImageTask) -> html.Div:
    """The image with its saliency map, the predicted class and the probability of each class."""
    titles = dict(zip(task.classes, task.class_titles, strict=True))
    share = dict(record.probabilities)[record.answer]
    label = "Probability of each class"
    picture = html.Div(
        [
            html.Img(src=record.image_url, alt=f"Image {record.source}"),
            html.Div(
                className="heat",
                style={"--heat": f"url({record.heat_url})"},
                role="img",
                **aria(label="Saliency map (Grad-CAM) over the image"),
            ),
        ],
        className="heat-frame",
        style={"aspectRatio": f"{record.width} / {record.height}"},
    )
    words = html.Div(
        [
            html.P(record.source, className="muted secondary truncate"),
            html.P(
                [html.Span(titles[record.answer], className="number"), f" {share:.0%}"],
                className="tabular",
            ),
            html.P("Predicted by the network. Not a diagnosis.", className="muted"),
            chart(
                BARS,
                label,
                reading="The longest bar is the predicted class.",
                height=80 + 36 * len(task.classes),
            ),
            html.Div(id=f"{PREFIX}-opacity", className="heat-controls"),
            html.P(
                "Amber: saliency map (Grad-CAM) of this class. It shows which regions the network "
                "used, not whether the prediction is correct.",
                className="muted secondary",
            ),
        ],
        className="stack stack--tight",
    )
    return html.Div([picture, words], className="comparison-answer")


def measured(info: ImageModelInfo, *, command: str) -> list[Component]:
    """The task's evaluation: figures, published figures, confusion matrix, cases."""
    task, found = info.task, info.evaluation
    if found is None:
        return [not_run(task.title, None, command=command)]
    titles = dict(zip(task.classes, task.class_titles, strict=True))
    counted = f"{found.counts.images} images in {found.counts.groups} groups"
    shown: list[Component] = [
        panel(
            f"Evaluation: {found.split}, {counted}",
            html.P(f"Evaluated on {found.measures}.", className="muted secondary"),
            figure_table(
                found.figures, [find_image_figure(name, titles) for name in found.figures]
            ),
            html.P(PREDICTIVE_NOTE, className="muted secondary"),
            _published(task),
            extra="stack stack--tight",
        )
    ]
    matrix = chart(
        matrix_id(task.name),
        f"Confusion matrix: {task.title}",
        reading="Rows: the label in the data; columns: the predicted class. Correct predictions "
        "are on the diagonal.",
        height=matrix_height(len(task.classes)),
    )
    words = html.P(predictions_words(found), className="muted secondary")
    shown.append(panel("", matrix, words, extra="stack stack--tight"))
    shown.append(_cases(task, found))
    return shown


def predictions_words(found: ImageEvaluation) -> str:
    """What the matrix counts: how often each image was classified, and by which networks."""
    images, repeats = len(found.rows), found.repeats
    if repeats <= 1:
        return f"{found.answers:,} predictions by networks that were not trained on the image."
    times = "twice" if repeats == 2 else f"{repeats} times"
    return (
        f"{found.answers:,} predictions: each of the {images:,} images was classified {times}, "
        "each time by a different network that was not trained on it. Metrics and matrix count "
        "every prediction."
    )


def averaged_words(found: ImageEvaluation) -> str:
    """How the list of cases differs from the matrix; "" where each image has one prediction."""
    if found.repeats <= 1:
        return ""
    correct = sum(row[place] for place, row in enumerate(found.confusion.counts))
    return (
        "In this list each image has one prediction: the class with the highest mean probability "
        f"over its {found.repeats} predictions. {count_misclassified(found):,} of "
        f"{len(found.rows):,} images are misclassified, compared with "
        f"{found.answers - correct:,} of the {found.answers:,} predictions in the matrix."
    )


def count_misclassified(found: ImageEvaluation) -> int:
    """Number of images whose mean prediction differs from their label."""
    return sum(row.answer != row.label for row in found.rows)


def _published(task: ImageTask) -> html.Div | None:
    if not task.published:
        return None
    rows = [
        html.Tr([html.Td(entry.label), html.Td(entry.figure), html.Td(entry.source)])
        for entry in task.published
    ]
    return table(["Published system", "Result", "Source"], rows)


def _cases(task: ImageTask, found: ImageEvaluation) -> html.Section:
    """Every image of the evaluation, misclassified ones first."""
    titles = dict(zip(task.classes, task.class_titles, strict=True))
    ordered = sorted(found.rows, key=lambda row: (row.answer == row.label, -row.share))
    rows = [
        html.Tr(
            [
                html.Td(row.file, className="case-name"),
                html.Td(titles.get(row.label, row.label)),
                html.Td(titles.get(row.answer, row.answer)),
                html.Td(f"{row.share:.0%}", className="number-cell"),
                html.Td("correct" if row.answer == row.label else "misclassified"),
            ]
        )
        for row in ordered[:MAX_CASES]
    ]
    cut = f" The first {MAX_CASES} are listed." if len(ordered) > MAX_CASES else ""
    wrong = f"{count_misclassified(found):,} of {len(found.rows):,} misclassified"
    mean = "Probability" if found.repeats <= 1 else "Mean probability"
    averaged = averaged_words(found)
    return panel(
        f"Cases: {wrong}, most confident errors first",
        html.P(averaged, className="muted secondary") if averaged else None,
        html.P(
            "The images are not distributed with this program. To see the prediction and the "
            f"saliency map of a file, choose it above.{cut}",
            className="muted secondary",
        ),
        table(
            ["File in the data set", "Label", "Prediction", mean, "Result"],
            rows,
            numbers=(3,),
            extra="patient-rows",
        ),
        extra="stack stack--tight",
    )


def model_panel(info: ImageModelInfo) -> html.Section:
    """The model's facts, from its metadata, and its model card."""
    training, split = info.metadata.training, info.metadata.split
    rows = [
        ("Model", f"{info.name} {info.version} · {info.digest[:8]}"),
        ("Input", f"{info.input_size} {TIMES} {info.input_size} px, greyscale"),
        ("Data", info.task.data_name),
        ("Data licence", info.task.data_licence),
    ]
    named: list[tuple[str, object]] = []
    if split is not None:
        named += [
            ("Evaluation", split.measured),
            ("Trained on", split.shipped_model_learned_from),
            ("Images", split.images),
        ]
    if training is not None:
        named += [("Initial weights", training.initial_weights), ("Epochs", training.epochs)]
    rows += [(words, str(value)) for words, value in named if value]
    return panel("Model", facts(rows), *card_details(info.card, task=info.task.name))
