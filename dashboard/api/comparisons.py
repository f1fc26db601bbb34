"""HTTP of the comparison tasks: an image in, the pictures of its answer out."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, Response, current_app, jsonify, request

from dashboard.comparisons.answers import KEPT_S, ImageAnswers
from dashboard.jobs import table
from dashboard.workspace import services
from dashboard.workspace.received import NotThere
from pipeline import InputError
from pipeline.image_tasks.facade import read_image_model

_FOR_EVER = "private, max-age=31536000, immutable"

images = Blueprint("comparisons", __name__)


@images.put("/api/comparisons/images")
def receive_image() -> Response:
    """Stream one image to disk; images that are too old go, and their jobs."""
    name = request.args.get("name", "")
    parts = services.get(current_app)
    image_id = ImageAnswers.of(parts).receive(name, request.stream, length=request.content_length)
    table.forget_images(parts.store, before=parts.store.clock() - timedelta(seconds=KEPT_S))
    return jsonify({"image": image_id})


@images.get("/data/comparisons/<task>/<image_id>/<digest>/<any('image.png', 'heat.png'):name>")
def picture(task: str, image_id: str, digest: str, name: str) -> Response:
    """The image as it was read, or the heat map of an answer."""
    parts = services.get(current_app)
    try:
        info = read_image_model(parts.settings.models, task)
        path = ImageAnswers.of(parts).picture(info, image_id, name.removesuffix(".png"))
    except InputError as error:
        raise NotThere(error.message) from None
    if path is None or digest != info.digest[:16]:
        raise NotThere("The image is no longer on the server. Choose it again.")
    response = Response(path.read_bytes(), mimetype="image/png")
    response.headers["Cache-Control"] = _FOR_EVER
    return response
