"""The answer to one image as the page shows it, checked when it is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, ValidationError

from pipeline import SHA256, DeclaredModel
from pipeline.image_tasks.facade import ImageModelInfo

#: An image's id: the first half of the SHA-256 of its bytes.
ImageId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$", title="image")]
_Name = Annotated[str, Field(max_length=255)]
_Side = Annotated[int, Field(gt=0, lt=100_000)]
_Share = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True)
class ImageRecord:
    """One answer.

    Attributes:
        source: The file's name.
        answer: The most probable class.
        probabilities: Class and its probability, in the task's order.
        width, height: Of the image in pixels.
        image_url, heat_url: Addresses of the image and of the saliency map, of one size.
    """

    source: str
    answer: str
    probabilities: tuple[tuple[str, float], ...]
    width: int
    height: int
    image_url: str
    heat_url: str


class _Model(DeclaredModel):
    """Which model answered, as in `pipeline.ModelReference`."""

    name: _Name
    version: _Name
    digest: _Name
    engine: _Name
    precision: _Name


class _StoredAnswer(DeclaredModel):
    """An `ImageAnswer` with its pictures' digests in place of them."""

    task: _Name
    source: _Name
    answer: Annotated[str, Field(alias="class", max_length=255)]
    probabilities: dict[_Name, _Share]
    width: _Side
    height: _Side
    model: _Model
    cautions: tuple[str, ...]
    pictures: dict[_Name, Annotated[str, Field(pattern=rf"^{SHA256.pattern}\z")]]


def parse_answer(
    content: bytes, info: ImageModelInfo, image_id: str
) -> tuple[ImageRecord, dict[str, str]] | None:
    """Check an answer that was stored; None where it does not fit the task or the model.

    The image is then answered again.

    Returns:
        The answer, and the SHA-256 of each picture.
    """
    try:
        stored = _StoredAnswer.model_validate_json(content)
    except ValidationError:
        return None
    classes = info.task.classes
    if (stored.task, stored.model.digest) != (info.task.name, info.digest):
        return None
    if set(stored.probabilities) != set(classes) or stored.answer not in classes:
        return None
    address = f"/data/comparisons/{info.task.name}/{image_id}/{info.digest[:16]}"
    record = ImageRecord(
        source=stored.source,
        answer=stored.answer,
        probabilities=tuple((name, stored.probabilities[name]) for name in classes),
        width=stored.width,
        height=stored.height,
        image_url=f"{address}/image.png",
        heat_url=f"{address}/heat.png",
    )
    return record, stored.pictures
