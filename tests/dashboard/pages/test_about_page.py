"""The about page, with models and without."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import plotly
import pytest
from fake_evaluation import write_models
from fake_server import make_services
from flask import Flask
from page_calls import with_class, words_of

from dashboard.components.model_facts import (
    MAX_CARD_CHARACTERS,
    NO_CARD,
    decision_words,
    mask_threshold_words,
    model_facts,
)
from dashboard.pages import about
from dashboard.workspace import services
from dashboard.workspace.services import Services
from pipeline import read_model_info
from pipeline.models.metadata import InferenceOptions

SCRIPTS = Path(__file__).parents[3] / "assets" / "js"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Services]:
    write_models(tmp_path / "models", evaluation=None)
    parts = make_services(tmp_path / "home", models=False)
    server = Flask("test")
    services.attach(server, parts)
    with server.app_context():
        yield parts


def numbers_in(words: str) -> list[str]:
    return re.findall(r"(?:\N{MINUS SIGN} )?\d+(?:\.\d+)?", words)


def page() -> str:
    return json.dumps(about.layout(), cls=plotly.utils.PlotlyJSONEncoder, ensure_ascii=False)


def test_page_shows_use_limits_sources_keys_and_the_model(served):
    shown = page()
    facts = model_facts(read_model_info(served.settings.models).network)
    sources = [part for source in about.SOURCES for part in source]
    for sentence in (*about.INTENDED_USE, *about.LIMITS, *sources, *(value for _, value in facts)):
        assert json.dumps(sentence, ensure_ascii=False) in shown
    assert "resunet-resnet18 (invented card)" in shown


def test_missing_models_are_shown_as_an_error_and_the_rest_stays(served):
    shutil.rmtree(served.settings.models)
    layout = about.layout()
    assert len(with_class(layout, "notice--error")) == 1
    assert about.INTENDED_USE[0] in words_of(layout)


def test_facts_have_the_numbers_of_the_metadata(served):
    network = read_model_info(served.settings.models).network
    assert mask_threshold_words(network) == f"{network.mask_threshold:.2f}"
    lowered = replace(network, inference=InferenceOptions(lowest_mask_threshold=0.2))
    assert numbers_in(mask_threshold_words(lowered)) == ["0.45", "0.20"]
    assert numbers_in(decision_words(network)) == ["0.50", "0.75", "\N{MINUS SIGN} 0.25"]
    assert numbers_in(dict(model_facts(network))["Patients"]) == ["60", "10", "18"]


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
    assert NO_CARD in page()


def test_facts_that_metadata_lacks_are_left_out(served):
    path = served.settings.models / "brain-tumor" / "resunet-resnet18" / "metadata.json"
    metadata = json.loads(path.read_text())
    intact = model_facts(read_model_info(served.settings.models).network)
    for name in ("data", "split", "training", "seed"):
        del metadata[name]
    path.write_text(json.dumps(metadata))
    left = model_facts(read_model_info(served.settings.models).network)
    assert len(left) < len(intact) and left[:6] == intact[:6]


def test_every_key_of_the_page_is_bound_in_the_browser():
    scripts = "".join(path.read_text("utf-8") for path in SCRIPTS.rglob("*.js"))
    names = {"↑": "ArrowUp", "↓": "ArrowDown", "Space": " "}
    for _, rows in about.KEYS:
        for _, keys in rows:
            for key in keys:
                bound = names.get(key, key if len(key) > 1 else key.lower())
                assert f'"{bound}"' in scripts, key
