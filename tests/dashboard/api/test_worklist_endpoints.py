"""The order in which studies are read."""

from __future__ import annotations

from fake_server import Clock, add_row
from flask import Flask

from dashboard import api
from dashboard.store import Store
from dashboard.workspace import services
from dashboard.workspace.services import Services


def test_order_is_that_of_the_worklist(store: Store, clock: Clock) -> None:
    assert store.study_order() == []
    for number in (3, 1, 2):
        add_row(store, number)
        clock.advance(1 if number == 3 else 0)  # the other two at once
    assert store.study_order() == [row.study_id for row in store.list_studies()]
    assert store.study_order() == [f"{number:016x}" for number in (1, 2, 3)]


def test_browser_receives_the_order(parts: Services) -> None:
    server = Flask("test")
    services.attach(server, parts)
    api.register(server, parts)
    study_id = add_row(parts.store, 7)
    assert server.test_client().get("/api/worklist").json == {"studies": [study_id]}
