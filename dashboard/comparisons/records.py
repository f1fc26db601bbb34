"""The answer to one image as the page shows it, checked when it is read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.image_tasks.facade import ImageModelInfo


@dataclass(frozen=True)
class ImageRecord:
    """One answer.

    Attributes:
        source: The file's name.
        answer: The most probable class.
        probabilities: Class and its probability, in the task's order.
        width, height: Of the image in pixels.
        image_url, heat_url: Addresses of the image and of the heat map, of one size.
    """

    source: str
    answer: str
    probabilities: tuple[tuple[str, float], ...]
    width: int
    height: int
    image_url: str
    heat_url: str


def parse_answer(content: object, info: ImageModelInfo, image_id: str) -> ImageRecord | None:
    """Check an answer that was kept; None where it does not fit the task or the model."""
    if not isinstance(content, Mapping) or content.get("task") != info.task.name:
        return None
    model, given = content.get("model"), content.get("probabilities")
    if not isinstance(model, Mapping) or model.get("digest") != info.digest:
        return None
    if not isinstance(given, Mapping) or content.get("class") not in info.task.classes:
        return None
    shares = [_share(given.get(name)) for name in info.task.classes]
    if any(share is None for share in shares):
        return None
    address = f"/data/comparisons/{info.task.name}/{image_id}/{info.digest[:16]}"
    return ImageRecord(
        source=str(content.get("source", ""))[:80],
        answer=str(content["class"]),
        probabilities=tuple(
            (name, share or 0.0) for name, share in zip(info.task.classes, shares, strict=True)
        ),
        width=_size(content.get("width")),
        height=_size(content.get("height")),
        image_url=f"{address}/image.png",
        heat_url=f"{address}/heat.png",
    )


def _share(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value) if 0 <= value <= 1 else None


def _size(value: Any) -> int:
    fits = isinstance(value, int) and not isinstance(value, bool) and 0 < value < 100_000
    return int(value) if fits else 1
