"""HTTP of the comparison tasks: an image in, the pictures of its answer out."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, current_app, jsonify, request

from dashboard import services
from dashboard.image_answers import ImageAnswers
from dashboard.routes import NotThere
from dashboard.services import Services
from pipeline import InputError
from pipeline.image_tasks.facade import read_image_model

_KEY = "overread_image_answers"
_FOR_EVER = "private, max-age=31536000, immutable"

images = Blueprint("comparisons", __name__)


def register(server: Flask, parts: Services) -> None:
    """Add the routes to a server; `dashboard.routes` answers their errors."""
    settings = parts.settings
    server.config[_KEY] = ImageAnswers(
        folder=settings.home / "comparisons",
        models=settings.models,
        engine_files=settings.engine_files,
        storage=parts.storage,
    )
    server.register_blueprint(images)


def image_answers(server: Flask) -> ImageAnswers:
    """The images of a server."""
    found: ImageAnswers = server.config[_KEY]
    return found


@images.put("/api/comparisons/images")
def receive_image() -> Response:
    """Stream one image to disk."""
    name = request.args.get("name", "")
    answers = image_answers(current_app)
    image_id = answers.receive(name, request.stream, length=request.content_length)
    return jsonify({"image": image_id})


@images.get("/data/comparisons/<task>/<image_id>/<digest>/<any('image.png', 'heat.png'):name>")
def picture(task: str, image_id: str, digest: str, name: str) -> Response:
    """The image as it was read, or the heat map of an answer."""
    try:
        info = read_image_model(services.get(current_app).settings.models, task)
        path = image_answers(current_app).picture(info, image_id, name.removesuffix(".png"))
    except InputError as error:
        raise NotThere(error.message) from None
    if path is None or digest != info.digest[:16]:
        raise NotThere("The image is no longer on the server. Choose it again.")
    response = Response(path.read_bytes(), mimetype="image/png")
    response.headers["Cache-Control"] = _FOR_EVER
    return response
