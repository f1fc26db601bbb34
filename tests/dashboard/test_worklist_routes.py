"""The order in which studies are read."""

from __future__ import annotations

from fake_server import Clock, add_row
from flask import Flask

from dashboard import services, worklist_routes
from dashboard.services import Services
from dashboard.store import Store
from dashboard.worklist_routes import study_order


def test_order_is_that_of_the_worklist(store: Store, clock: Clock) -> None:
    assert study_order(store) == []
    for number in (3, 1, 2):
        add_row(store, number)
        clock.advance(1 if number == 3 else 0)  # the other two at once
    assert study_order(store) == [row.study_id for row in store.list_studies()]
    assert study_order(store) == [f"{number:016x}" for number in (1, 2, 3)]


def test_browser_is_told_the_order(parts: Services) -> None:
    server = Flask("test")
    services.attach(server, parts)
    worklist_routes.register(server)
    study_id = add_row(parts.store, 7)
    assert server.test_client().get("/api/worklist").json == {"studies": [study_id]}
