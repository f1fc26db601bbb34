"""The comparisons page shows whatever image task is registered."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from dash import dcc
from fake_images import make_image_evaluation, write_image_model
from fake_server import make_services
from flask import Flask
from page_calls import of_type, rows_of, with_class

from dashboard.figures.chart_data import data_of
from dashboard.pages.comparisons import page as comparisons
from dashboard.pages.comparisons import view
from dashboard.workspace import services
from pipeline.image_tasks.facade import IMAGE_TASKS

CLASSES, TITLES = ("few", "many"), ("Few specks", "Many specks")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """A server with an invented task, of which a model with figures is installed."""
    shown = write_image_model(tmp_path / "models").task
    task = replace(shown, name="specks", title="Specks", classes=CLASSES, class_titles=TITLES)
    monkeypatch.setitem(IMAGE_TASKS, "specks", task)
    folder = tmp_path / "models" / "specks" / task.model_name
    (tmp_path / "models" / shown.name).rename(folder.parent)
    metadata = json.loads((folder / "metadata.json").read_text())
    metadata |= {"task": "specks", "classes": list(CLASSES)}
    (folder / "metadata.json").write_text(json.dumps(metadata))
    row = {"file": "few/1.png", "group": 0, "label": "few", "class": "many"}
    evaluation = make_image_evaluation(
        task="specks",
        figures={"accuracy": {"value": 0.75, "low": 0.5, "high": 0.9}},
        confusion={"labels": list(CLASSES), "counts": [[3, 1], [0, 4]]},
        rows=[row | {"probabilities": {"few": 0.2, "many": 0.8}}],
    )
    (folder / "evaluation.json").write_text(json.dumps(evaluation))
    made = Flask("test")
    services.attach(made, make_services(tmp_path / "home", models=False))
    return made


def test_an_invented_task_is_linked_and_described(server: Flask) -> None:
    with server.app_context():
        shown = comparisons.layout(task="specks")
        assert not with_class(shown, "notice--error")
        rows = rows_of(shown)
        assert ["0.750", "0.500 to 0.900"] in [row[1:] for row in rows]
        (figure,) = comparisons.draw_matrix("dark", [view.matrix_id("specks")])
        drawn = data_of(figure)
        assert drawn["Label"].unique().tolist() == list(TITLES)[::-1]  # the positive class first
        assert drawn["Images"].tolist() == [4, 0, 1, 3]
        assert ["few/1.png", *TITLES, "80%"] in [row[:4] for row in rows]
        links = of_type(comparisons.layout(), dcc.Link)
        assert "/comparisons?task=specks" in [link.href for link in links]
