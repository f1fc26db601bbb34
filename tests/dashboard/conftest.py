from __future__ import annotations

from pathlib import Path

import pytest
from fake_server import Clock, make_services
from flask import Flask
from flask.testing import FlaskClient

from dashboard import routes, security, services
from dashboard.services import Services
from dashboard.store import ModelKey, Store


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Store:
    model = ModelKey(digest="a" * 64, precision="f32")
    return Store(f"sqlite:///{tmp_path / 'review.db'}", model=model, clock=clock)


@pytest.fixture
def parts(tmp_path: Path) -> Services:
    return make_services(tmp_path / "home")


@pytest.fixture
def client(parts: Services) -> FlaskClient:
    """The routes and guards on a server without Dash."""
    server = Flask("test")
    services.attach(server, parts)
    routes.register(server, parts)
    security.protect(server, parts.settings, script_hashes=lambda: ["'sha256-x'"])
    return server.test_client()
