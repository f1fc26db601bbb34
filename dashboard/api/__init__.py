"""HTTP: what browsers fetch and send, who they are, and what every error becomes."""

from __future__ import annotations

from flask import Flask

from dashboard.api import access, errors, identity, studies
from dashboard.api.comparisons import images
from dashboard.api.corrections import correction
from dashboard.api.measurements import measurement
from dashboard.api.readers import reader
from dashboard.api.space import space
from dashboard.api.worklist import worklist
from dashboard.workspace.services import Services


def register(server: Flask, parts: Services) -> None:
    """Add every endpoint to a server, with readers' identities, sentences for errors and the log.

    Args:
        server: The server; its services are attached already.
        parts: The same services.
    """
    access.register(server, parts)
    identity.register(server, parts)
    for blueprint in (images, reader, worklist, correction, measurement, space):
        server.register_blueprint(blueprint)
    studies.register(server, parts)
    errors.register(server)
