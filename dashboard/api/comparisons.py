"""HTTP of the comparison tasks: receives an image, serves the pictures of its answer."""

from __future__ import annotations

from typing import Annotated, Literal

from flask import Blueprint, Response, request
from pydantic import Field

from dashboard.api.access import BYTES, IMMUTABLE, find_services
from dashboard.api.endpoint import Address, Answer, Body, Nothing, Query, endpoint
from dashboard.comparisons.answers import STORED_FOR, ImageAnswers
from dashboard.comparisons.records import ImageId
from dashboard.jobs import table
from dashboard.store import JobState
from dashboard.workspace.received import NotThere
from dashboard.workspace.services import Services
from pipeline import InputError
from pipeline.image_tasks.facade import ImageModelInfo, read_image_model

_PNG = "image/png"
#: Images in one request for answers.
_MOST_ASKED = 200

images = Blueprint("comparisons", __name__)


class FileQuery(Query):
    """The name of the file in the body."""

    name: Annotated[str, Field(max_length=8192)] = ""


class PictureAddress(Address):
    """A picture of the answer to an image, by the digest of the model."""

    task: Annotated[str, Field(max_length=64)]
    image_id: ImageId
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    name: Literal["image.png", "heat.png"]


class TaskAddress(Address):
    """A task of single images."""

    task: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,64}$", title="task")]


class SentImages(Body):
    """Images of one task, by their ids."""

    images: Annotated[list[ImageId], Field(max_length=_MOST_ASKED)]


class ImageOutcome(Answer):
    """What has become of an image.

    Attributes:
        image: Its id.
        state: Of its job.
        answer: Title of the most probable class; "" while there is no answer.
        probability: Of that class.
        message: Why it has no answer, in a sentence; "" otherwise.
    """

    image: str
    state: JobState
    answer: str = ""
    probability: Annotated[float, Field(ge=0, le=1)] = 0.0
    message: str = ""


class ImageOutcomes(Answer):
    """What has become of several images, in the order of the request."""

    outcomes: list[ImageOutcome]


class ReceivedImage(Answer):
    """The id of an image that was received."""

    image: str


@images.put("/api/comparisons/images")
@endpoint(receives=BYTES)
def receive_image(query: FileQuery) -> ReceivedImage:
    """Stream one image to disk, to be tried again if it failed; older images are deleted."""
    parts = find_services()
    answers = ImageAnswers.of(parts)
    image_id = answers.receive(query.name, request.stream, length=request.content_length)
    table.forget_failures(parts.store, image_id)
    table.forget_images(parts.store, before=parts.store.clock() - STORED_FOR)
    return ReceivedImage(image=image_id)


@images.post("/api/comparisons/<task>/answers")
@endpoint()
def answers(address: TaskAddress, sent: SentImages) -> ImageOutcomes:
    """Return the answers to images; those that have none yet are queued."""
    parts = find_services()
    info = read_image_model(parts.settings.models, address.task)
    stored = ImageAnswers.of(parts)
    return ImageOutcomes(outcomes=[_outcome(parts, stored, info, image) for image in sent.images])


@images.post("/api/comparisons/<task>/cancel")
@endpoint()
def cancel(address: TaskAddress, sent: SentImages) -> Nothing:
    """Cancel the jobs of images that have no answer yet."""
    parts = find_services()
    model = table.image_key(read_image_model(parts.settings.models, address.task))
    for image in sent.images:
        table.cancel_image(parts.store, image, model)
    return Nothing()


def _outcome(
    parts: Services, stored: ImageAnswers, info: ImageModelInfo, image: str
) -> ImageOutcome:
    model = table.image_key(info)
    job = table.find(parts.store, image, model)  # first: an answer is stored before its job ends
    record = stored.find(info, image)
    if record is not None:
        titles = dict(zip(info.task.classes, info.task.class_titles, strict=True))
        return ImageOutcome(
            image=image,
            state=JobState.DONE,
            answer=titles[record.answer],
            probability=dict(record.probabilities)[record.answer],
        )
    if job is None or job.state is JobState.DONE:  # its answer is lost
        table.submit_image(parts.store, image, model, restart=True)
        return ImageOutcome(image=image, state=JobState.QUEUED)
    return ImageOutcome(image=image, state=job.state, message=job.error)


@images.get("/data/comparisons/<task>/<image_id>/<digest>/<any('image.png', 'heat.png'):name>")
@endpoint(_PNG)
def picture(address: PictureAddress) -> Response:
    """Return the image as it was read, or the saliency map of an answer."""
    parts = find_services()
    try:
        info = read_image_model(parts.settings.models, address.task)
        picture = ImageAnswers.of(parts).picture(
            info, address.image_id, address.name.removesuffix(".png")
        )
    except InputError as error:
        raise NotThere(error.message) from None
    if picture is None or address.digest != info.digest[:16]:
        raise NotThere("The image is no longer on the server. Choose it again.")
    return Response(picture, mimetype=_PNG, headers={"Cache-Control": IMMUTABLE})
