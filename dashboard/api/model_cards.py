"""HTTP of the documents beside a model, which its card refers to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from flask import Blueprint, Response
from pydantic import Field

import pipeline
from dashboard.api.access import find_services
from dashboard.api.endpoint import Address, endpoint
from dashboard.workspace.received import NotThere
from pipeline import InputError
from pipeline.image_tasks.facade import IMAGE_TASKS, read_image_model

_TEXT = "text/plain"
_NO_DOCUMENT = "This model has no such document."

cards = Blueprint("cards", __name__)


class DocumentAddress(Address):
    """A document in a model's folder."""

    task: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,64}$", title="model")]
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}\.md$", title="document")]


@cards.get("/data/models/<task>/<name>")
@endpoint(_TEXT)
def document(address: DocumentAddress) -> Response:
    """Return a document beside a model, such as its card, as the text that it is."""
    try:
        path = _folder(address.task) / address.name
        text = path.read_text("utf-8", errors="replace")
    except (InputError, OSError):
        raise NotThere(_NO_DOCUMENT) from None
    return Response(text, content_type=f"{_TEXT}; charset=utf-8")


def _folder(task: str) -> Path:
    """The folder of a task's model.

    Raises:
        InputError: The model cannot be read, or has no card.
    """
    models = find_services().settings.models
    if task in IMAGE_TASKS:
        card = read_image_model(models, task).card
    else:
        card = pipeline.read_model_info(models, task).network.card
    if card is None:
        raise InputError("", _NO_DOCUMENT)
    return card.parent
