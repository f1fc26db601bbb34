"""The comparisons page: tasks on single images, held against published systems, not for reading."""

from __future__ import annotations

from collections.abc import Sequence

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.comparisons.records import ImageRecord
from dashboard.components.attributes import aria, data
from dashboard.components.buttons import button, small_button
from dashboard.components.matrix import confusion_table
from dashboard.components.model_facts import card_details, facts
from dashboard.components.panels import caution, chart, figure_table, not_run, panel, table
from dashboard.studies.uploads import size_words
from pipeline import list_formats
from pipeline.evaluation.facade import find_image_figure
from pipeline.image_tasks.facade import ImageEvaluation, ImageModelInfo, ImageTask

PREFIX = "comparisons"
REQUEST, PROGRESS, OUTCOME = f"{PREFIX}-request", f"{PREFIX}-progress", f"{PREFIX}-outcome"
ANSWER, STATUS, CANCEL = f"{PREFIX}-answer", f"{PREFIX}-status", f"{PREFIX}-cancel"
BARS = f"{PREFIX}-bars"
MAX_CASES = 400


def head(tasks: Sequence[ImageTask], chosen: str) -> html.Div:
    """Title, what these pages are, and the tasks as links."""
    links = [
        dcc.Link(
            [task.title, *([html.Span(", in view", className="visually-hidden")] * here)],
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
                    html.Span("Not for reading", className="chip chip--warning"),
                ],
                className="inline",
            ),
            html.Nav(links, className="views", **aria(label="Tasks")),
        ],
        className="page-head",
    )


def cautions(task: ImageTask) -> html.Div:
    """What must be known before anything else on the page is looked at."""
    return html.Div(
        [caution(sentence) for sentence in task.cautions], className="stack stack--tight"
    )


def try_panel(task: ImageTask, *, max_bytes: int) -> html.Section:
    """Choose an image, which `assets/js/comparisons/comparisons.js` sends; the answer is below."""
    return panel(
        "Try it on an image of your own",
        html.Div(
            [
                button(
                    "Choose an image",
                    id=f"{PREFIX}-choose",
                    className="button button--primary",
                    **data(task=task.name, max_bytes=str(max_bytes)),
                ),
                html.Span(
                    "or drop it here. One image or slice, as "
                    f"{list_formats(last='or', archives=False)}, up to {size_words(max_bytes)}. It "
                    "is kept on this server for a day and is in no worklist.",
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
        html.Div(_nothing_yet(), id=ANSWER),
        extra="comparison-try",
    )


def _nothing_yet() -> html.P:
    return html.P("No image has been chosen yet.", className="muted comparison-empty")


def answer_view(record: ImageRecord, task: ImageTask) -> html.Div:
    """The image with the heat map over it, the class and every class's probability."""
    titles = dict(zip(task.classes, task.class_titles, strict=True))
    share = dict(record.probabilities)[record.answer]
    label = "Probability of each class"
    picture = html.Div(
        [
            html.Img(src=record.image_url, alt=f"The image {record.source}"),
            html.Div(
                className="heat",
                style={"--heat": f"url({record.heat_url})"},
                role="img",
                **aria(label="Where the network looked, over the image"),
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
            html.P("is what the network answers. It is no diagnosis.", className="muted"),
            chart(BARS, label, height=46 + 36 * len(task.classes)),
            html.Div(id=f"{PREFIX}-opacity", className="heat-controls"),
            html.P(
                "Amber: where the network looked for this class (Grad-CAM). It shows what it used, "
                "not that it is right.",
                className="muted secondary",
            ),
            *[caution(sentence) for sentence in task.cautions],
        ],
        className="stack stack--tight",
    )
    return html.Div([picture, words], className="comparison-answer")


def measured(info: ImageModelInfo, *, command: str) -> list[Component]:
    """What the task's evaluation tells: figures, confusion matrix, published figures, cases."""
    task, found = info.task, info.evaluation
    if found is None:
        return [not_run(task.title, None, command=command)]
    counted = f"{found.counts.images} images in {found.counts.groups} groups"
    warn = [caution(sentence) for sentence in task.cautions]
    shown: list[Component] = [
        panel(
            f"Figures: {found.split}, {counted}",
            html.P(found.measures, className="muted secondary") if found.measures else None,
            figure_table(found.figures, map(find_image_figure, found.figures)),
            _published(task),
            extra="stack stack--tight",
        )
    ]
    titles = dict(zip(task.classes, task.class_titles, strict=True))
    matrix = confusion_table(found.confusion, titles)
    title = "What was answered for each class"
    words = html.P(answers_words(found), className="muted secondary")
    shown.append(panel(title, words, matrix, *warn[:1], extra="stack stack--tight"))
    shown.append(_cases(task, found))
    return shown


def answers_words(found: ImageEvaluation) -> str:
    """What the matrix counts: how often each image was answered, and by whom."""
    images, repeats = len(found.rows), found.repeats
    if repeats <= 1:
        return f"{found.answers:,} answers, by networks that had not seen the image."
    return (
        f"{found.answers:,} answers: each of the {images:,} images was answered {repeats} times, "
        "each time by another network that had not seen it. Figures and matrix count every answer."
    )


def wrong_words(found: ImageEvaluation) -> str:
    """What the list of cases calls wrong, and how that goes with the matrix; "" for one answer."""
    if found.repeats <= 1:
        return ""
    right = sum(row[place] for place, row in enumerate(found.confusion.counts))
    return (
        "Here an image has one answer: the class with the highest mean probability of its "
        f"{found.repeats} answers. The mean may be right where one of them is wrong: "
        f"{count_wrong(found):,} of {len(found.rows):,} images are wrong here, "
        f"{found.answers - right:,} of {found.answers:,} answers in the matrix."
    )


def count_wrong(found: ImageEvaluation) -> int:
    """Images whose mean answer is not what the data say."""
    return sum(row.answer != row.label for row in found.rows)


def _published(task: ImageTask) -> html.Div | None:
    if not task.published:
        return None
    rows = [
        html.Tr([html.Td(entry.label), html.Td(entry.figure), html.Td(entry.source)])
        for entry in task.published
    ]
    return table(["Published system", "Figure", "Source"], rows)


def _cases(task: ImageTask, found: ImageEvaluation) -> html.Section:
    """Every image that was measured, wrong answers first."""
    titles = dict(zip(task.classes, task.class_titles, strict=True))
    ordered = sorted(found.rows, key=lambda row: (row.answer == row.label, -row.share))
    rows = [
        html.Tr(
            [
                html.Td(row.file, className="case-name"),
                html.Td(titles.get(row.label, row.label)),
                html.Td(titles.get(row.answer, row.answer)),
                html.Td(f"{row.share:.0%}", className="number-cell"),
                html.Td("" if row.answer == row.label else "wrong"),
            ]
        )
        for row in ordered[:MAX_CASES]
    ]
    wrong = f"{count_wrong(found)} of {len(found.rows)} answered wrongly"
    title = f"Cases: {wrong}, the surest of them first"
    mean = "Probability" if found.repeats <= 1 else "Mean probability"
    head_words = ["File of the data set", "Data says", "Answered", mean, ""]
    told = wrong_words(found)
    return panel(
        title,
        html.P(told, className="muted secondary") if told else None,
        html.P(
            "The images are not part of this program. Choose the file above to see its answer and "
            "where the network looked.",
            className="muted secondary",
        ),
        table(head_words, rows, numbers=(3,), extra="patient-rows"),
    )


def model_panel(info: ImageModelInfo) -> html.Section:
    """What the model is, from its metadata, and its card."""
    training, split = info.metadata.training, info.metadata.split
    rows = [
        ("Model", f"{info.name} {info.version} · {info.digest[:8]}"),
        ("Input", f"{info.input_size} x {info.input_size} px, grey"),
        ("Data", info.task.data_name),
        ("Licence of the data", info.task.data_licence),
    ]
    named: list[tuple[str, object]] = []
    if split is not None:
        named += [
            ("Measured on", split.measured),
            ("The shipped model learned from", split.shipped_model_learned_from),
            ("Images", split.images),
        ]
    if training is not None:
        named += [("Initial weights", training.initial_weights), ("Epochs", training.epochs)]
    rows += [(words, str(value)) for words, value in named if value]
    return panel("The model", facts(rows), *card_details(info.card))
