"""An image task's metadata and evaluation, and an answer to an image."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pipeline import ModelReference
from pipeline.image_tasks.facade import (
    ImageAnswer,
    ImageModelInfo,
    find_image_task,
    read_image_model,
)
from pipeline.image_tasks.preprocessing import PREPROCESSING_VERSION

TASK = "chest-xray"
DIGEST = "abcdef0123456789" * 4


def make_png(value: int = 90, *, size: tuple[int, int] = (24, 32)) -> bytes:
    """A grey picture, brighter to the right."""
    pixels = np.full(size, value, np.uint8) + np.arange(size[1], dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def make_answer(**changes: Any) -> ImageAnswer:
    """What the network says of an image."""
    fields: dict[str, Any] = {
        "task": TASK,
        "source": "chest.png",
        "answer": "pneumonia_vir",
        "probabilities": {
            "covid": 0.02,
            "normal": 0.08,
            "pneumonia_bac": 0.2,
            "pneumonia_vir": 0.7,
        },
        "model": ModelReference("mobilenetv2", "1.0.0", DIGEST, "openvino", "f32"),
        "cautions": (),
        "grey": np.full((24, 32), 90, np.uint8),
        "heat": np.linspace(0, 1, 24 * 32, dtype=np.float32).reshape(24, 32),
    }
    return ImageAnswer(**(fields | changes))


def make_image_evaluation(**changes: Any) -> dict[str, Any]:
    """An invented evaluation.json of the task."""
    classes = find_image_task(TASK).classes
    rows = [
        {
            "file": f"{label}/{k}.png",
            "group": k,
            "label": label,
            "class": classes[(k + (k == 2)) % 4],
            "probabilities": dict.fromkeys(classes, 0.1) | {classes[(k + (k == 2)) % 4]: 0.7},
        }
        for k, label in enumerate(classes)
    ]
    return {
        "schema": 1,
        "task": TASK,
        "title": find_image_task(TASK).title,
        "network": {"name": "mobilenetv2", "version": "1.0.0", "digest": DIGEST},
        "cautions": [],
        "published": [],
        "environment": {},
        "calibration": {
            "temperature": 1.0,
            "before": {"cross_entropy": 0.5, "ece": 0.1},
            "after": {"cross_entropy": 0.5, "ece": 0.1},
        },
        "split": "2 x 5 stratified folds by group",
        "measures": "the recipe on images it had not seen",
        "counts": {"images": 316, "groups": 300, "classes": dict.fromkeys(classes, 79)},
        "figures": {"accuracy": {"value": 0.8421, "low": 0.8, "high": 0.88}},
        "confusion": {"labels": list(classes), "counts": (np.eye(4, dtype=int) * 7).tolist()},
        "rows": rows,
    } | changes


def write_image_model(
    models: Path, *, evaluation: dict[str, Any] | None = None, digest: str = DIGEST
) -> ImageModelInfo:
    """metadata.json of the task's model; there are no weights."""
    task = find_image_task(TASK)
    folder = models / task.name / task.model_name
    folder.mkdir(parents=True, exist_ok=True)
    metadata = {
        "schema": 1,
        "task": task.name,
        "name": task.model_name,
        "version": "1.0.0",
        "file": "model.keras",
        "digest": digest,
        "input": {"size": 160, "fit": task.fit.value},
        "preprocessing_version": PREPROCESSING_VERSION,
        "classes": list(task.classes),
        "calibration": {"temperature": 1.0},
    }
    (folder / "metadata.json").write_text(json.dumps(metadata))
    if evaluation is not None:
        (folder / "evaluation.json").write_text(json.dumps(evaluation))
    return read_image_model(models, TASK)
