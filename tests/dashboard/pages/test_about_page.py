"""The about page: what it must say, with models and without."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import plotly
import pytest
from fake_evaluation import write_models
from fake_server import make_settings
from flask import Flask

from dashboard.components.model_facts import MAX_CARD_CHARACTERS, model_facts
from dashboard.pages import about
from dashboard.workspace import services
from dashboard.workspace.services import Services, build_services
from pipeline import read_model_info
from pipeline.models.metadata import InferenceOptions

SCRIPTS = Path(__file__).parents[3] / "assets" / "js"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Services]:
    write_models(tmp_path / "models", evaluation=None)
    parts = build_services(make_settings(tmp_path / "home"))
    server = Flask("test")
    services.attach(server, parts)
    with server.app_context():
        yield parts


def page() -> str:
    return json.dumps(about.layout(), cls=plotly.utils.PlotlyJSONEncoder, ensure_ascii=False)


@pytest.mark.parametrize(
    "words",
    [
        "It is no medical device.",
        "does not mean normal",
        "Everybody in the training set had a tumor",
        "It is no probability that a patient has a tumor.",
        "CC BY-NC-SA 4.0, as distributed",
        "arXiv 1906.03720",
        "SIL Open Font License 1.1",
        "resunet-resnet18 (invented card)",
        "One network, two heads on one encoder",
        "0.50 x classifier + 0.75 x outline evidence -0.25, on logits",
        "60 to learn from, 10 for validation, 18 held out",
    ],
)
def test_page_says(served, words):
    assert words in page()


def test_missing_models_are_told_and_the_rest_stays(served):
    shutil.rmtree(served.settings.models)
    assert "The models cannot be read." in page()
    assert "Intended use" in page()


def test_a_mask_threshold_that_may_be_lowered_is_told(served):
    network = read_model_info(served.settings.models).network
    assert dict(model_facts(network))["Outline"] == f"pixels from {network.mask_threshold:.2f} on"
    lowered = replace(network, inference=InferenceOptions(lowest_mask_threshold=0.2))
    told = dict(model_facts(lowered))["Outline"]
    assert told.endswith(" on, where it is unsure from as low as 0.20")


def test_comments_of_a_card_are_left_out(served):
    card = served.settings.models / "brain-tumor" / "resunet-resnet18" / "README.md"
    card.write_text("before <!-- written\nby a program --> after")
    assert "before  after" in page()


def test_model_card_is_cut_and_may_be_missing(served):
    card = served.settings.models / "brain-tumor" / "resunet-resnet18" / "README.md"
    card.write_text("x" * (MAX_CARD_CHARACTERS + 5))
    shown = page()
    assert "x" * MAX_CARD_CHARACTERS in shown
    assert "x" * (MAX_CARD_CHARACTERS + 1) not in shown
    card.unlink()
    assert "This model has no model card." in page()


def test_facts_that_metadata_lacks_are_left_out(served):
    path = served.settings.models / "brain-tumor" / "resunet-resnet18" / "metadata.json"
    metadata = json.loads(path.read_text())
    for name in ("data", "split", "training", "seed"):
        del metadata[name]
    path.write_text(json.dumps(metadata))
    info = read_model_info(served.settings.models).network
    names = [name for name, _ in model_facts(info)]
    assert not {"Data", "Patients", "Epochs", "Seed"} & set(names)


def test_every_key_of_the_page_is_bound_in_the_browser():
    scripts = "".join(path.read_text("utf-8") for path in SCRIPTS.rglob("*.js"))
    names = {"↑": "ArrowUp", "↓": "ArrowDown", "Space": " "}
    for _, rows in about.KEYS:
        for _, keys in rows:
            for key in keys:
                bound = names.get(key, key if len(key) > 1 else key.lower())
                assert f'"{bound}"' in scripts, key
