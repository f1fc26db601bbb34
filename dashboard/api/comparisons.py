"""HTTP of the comparison tasks: receives an image, serves the pictures of its answer."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from flask import Blueprint, Response, current_app, request
from pydantic import Field

from dashboard.api.access import BYTES, IMMUTABLE
from dashboard.api.endpoint import Address, Answer, Query, endpoint
from dashboard.comparisons.answers import STORED_S, ImageAnswers
from dashboard.jobs import table
from dashboard.workspace import services
from dashboard.workspace.received import NotThere
from pipeline import InputError
from pipeline.image_tasks.facade import read_image_model

_PNG = "image/png"

images = Blueprint("comparisons", __name__)


class FileQuery(Query):
    """The name of the file in the body."""

    name: Annotated[str, Field(max_length=8192)] = ""


class PictureAddress(Address):
    """A picture of the answer to an image, by the digest of the model."""

    task: Annotated[str, Field(max_length=64)]
    image_id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$", title="image")]
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    name: Literal["image.png", "heat.png"]


class ReceivedImage(Answer):
    """The id of an image that was received."""

    image: str


@images.put("/api/comparisons/images")
@endpoint(receives=BYTES)
def receive_image(query: FileQuery) -> ReceivedImage:
    """Stream one image to disk; older images and their jobs are deleted."""
    parts = services.get(current_app)
    answers = ImageAnswers.of(parts)
    image_id = answers.receive(query.name, request.stream, length=request.content_length)
    table.forget_images(parts.store, before=parts.store.clock() - timedelta(seconds=STORED_S))
    return ReceivedImage(image=image_id)


@images.get("/data/comparisons/<task>/<image_id>/<digest>/<any('image.png', 'heat.png'):name>")
@endpoint(_PNG)
def picture(address: PictureAddress) -> Response:
    """Return the image as it was read, or the heat map of an answer."""
    parts = services.get(current_app)
    try:
        info = read_image_model(parts.settings.models, address.task)
        path = ImageAnswers.of(parts).picture(
            info, address.image_id, address.name.removesuffix(".png")
        )
    except InputError as error:
        raise NotThere(error.message) from None
    if path is None or address.digest != info.digest[:16]:
        raise NotThere("The image is no longer on the server. Choose it again.")
    return Response(path.read_bytes(), mimetype=_PNG, headers={"Cache-Control": IMMUTABLE})
