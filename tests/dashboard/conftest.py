from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_evaluation import make_evaluation, make_experiment, write_models
from fake_server import Clock, close_services, make_server, make_services
from flask import Flask
from flask.testing import FlaskClient
from ready_databases import write_database
from service_processes import PostgresServer, RedisServer, open_postgres, open_redis

from dashboard.store import ModelKey, Store
from dashboard.workspace import services
from dashboard.workspace.services import Services
from pipeline import Caution


@pytest.fixture(autouse=True)
def closed_services() -> Iterator[None]:
    """Closes the parts of servers that a test made."""
    yield
    close_services()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def findings(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[Caution, ...]]:
    """What the input gate finds, by case; nothing by default, though the pictures are tiny."""
    found: dict[str, tuple[Caution, ...]] = {}
    monkeypatch.setattr(
        "pipeline.analysis.answer.check_input", lambda case: found.get(case.case_id, ())
    )
    return found


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real PostgreSQL, started for the tests."""
    server = open_postgres()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """A real Redis, started for the tests."""
    server = open_redis()
    yield server
    server.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind; one that has its tables where the test asks for `store`."""
    ready = "store" in request.fixturenames
    if request.param == "sqlite":
        file = tmp_path / "review.db"
        if ready:
            write_database(file)
        return f"sqlite:///{file}"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database(ready=ready)


@pytest.fixture
def store(database_url: str, clock: Clock) -> Iterator[Store]:
    model = ModelKey(task="brain-tumor", digest="a" * 64)
    opened = Store(database_url, model=model, clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def parts(tmp_path: Path) -> Services:
    return make_services(tmp_path / "home")


@pytest.fixture
def client(parts: Services) -> FlaskClient:
    """The routes and guards on a server without Dash."""
    return make_server(parts).test_client()


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """An invented evaluation, as its file holds it."""
    return make_evaluation(patients=6, slices=12)


@pytest.fixture
def served(tmp_path: Path, document: dict[str, Any]) -> Iterator[Services]:
    """A server's parts with that evaluation and one experiment, inside an application context."""
    write_models(
        tmp_path / "models", evaluation=document, experiments={"invented": make_experiment()}
    )
    parts = make_services(tmp_path / "home", models=False)
    server = Flask("test")
    services.attach(server, parts)
    with server.app_context():
        yield parts
