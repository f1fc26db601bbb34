"""Documents beside a model: its card links to them, and they are served as text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from dash import dcc
from fake_evaluation import write_models
from fake_images import write_image_model
from fake_server import make_services
from flask import Flask
from flask.testing import FlaskClient
from page_calls import of_type

from dashboard import api
from dashboard.components.model_facts import card_details
from dashboard.workspace import services

ROOT = Path(__file__).parents[3]


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    write_models(tmp_path / "models", evaluation=None)
    write_image_model(tmp_path / "models")
    parts = make_services(tmp_path / "home", models=False)
    server = Flask("test")
    services.attach(server, parts)
    api.register(server, parts)
    folder = tmp_path / "models" / "brain-tumor" / "resunet-resnet18"
    (folder / "CLAIM.md").write_text("# CLAIM <b>é</b>", "utf-8")
    (tmp_path / "models" / "SECRET.md").write_text("no")
    return server.test_client()


def test_document_is_served_as_text(client: FlaskClient) -> None:
    answer = client.get("/data/models/brain-tumor/CLAIM.md")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.get_data(as_text=True) == "# CLAIM <b>é</b>"
    assert client.get("/data/models/brain-tumor/README.md").status_code == 200


@pytest.mark.parametrize(
    "address",
    [
        "brain-tumor/OTHER.md",
        "brain-tumor/metadata.json",
        "brain-tumor/..%2FSECRET.md",
        "brain-tumor/%2e%2e/SECRET.md",
        "unknown/CLAIM.md",
        "chest-xray/CLAIM.md",  # its model has no card
    ],
)
def test_nothing_else_is_served(client: FlaskClient, address: str) -> None:
    assert client.get(f"/data/models/{address}").status_code == 404


@pytest.mark.parametrize("card", sorted(ROOT.glob("models/*/*/README.md")), ids=str)
def test_links_of_shipped_cards_lead_to_documents(card: Path) -> None:
    task = card.parts[-3]
    (details,) = card_details(card, task=task)
    (markdown,) = of_type(details, dcc.Markdown)
    for target in re.findall(r"\]\(([^)]+)\)", markdown.children):
        if target.startswith(f"/data/models/{task}/"):
            assert (card.parent / target.rpartition("/")[2]).is_file()
        else:
            assert target.startswith("https://"), target
