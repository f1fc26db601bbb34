"""The HTTP interface: what browsers fetch and send, who is reading, and what errors become."""

from __future__ import annotations

from flask import Flask

from dashboard.api import access, bodies, errors, identity, studies, throttle, uploads
from dashboard.api.comparisons import images
from dashboard.api.corrections import correction
from dashboard.api.decisions import decision
from dashboard.api.entries import entry
from dashboard.api.exports import export
from dashboard.api.measurements import measurement
from dashboard.api.model_cards import cards
from dashboard.api.priors import prior
from dashboard.api.readers import reader
from dashboard.api.space import space
from dashboard.api.worklist import worklist
from dashboard.workspace.services import Services

#: All endpoints.
BLUEPRINTS = (
    images,
    cards,
    reader,
    worklist,
    correction,
    measurement,
    decision,
    prior,
    entry,
    export,
    space,
    uploads.uploads,
    studies.api,
)


def register(server: Flask, parts: Services) -> None:
    """Add every endpoint to a server, with readers' identities, sentences for errors and the log.

    Args:
        server: The server; its services are attached already.
        parts: The same services.
    """
    access.register(server, parts)
    identity.register(server, parts)
    bodies.register(server, parts.settings)
    throttle.register(server)
    for blueprint in BLUEPRINTS:
        server.register_blueprint(blueprint)
    uploads.register(server, parts)
    errors.register(server)
