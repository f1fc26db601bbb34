"""What is shipped for an image task: metadata, evaluation, history and card, checked on reading.

Everything below ``models/`` is untrusted. No runtime is imported here, so that the web process may
use it; `load_image_network` imports Keras when it is called.
"""

from __future__ import annotations

import csv
import logging
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.checked_json import Fields, read_json_object
from pipeline.digests import file_digest
from pipeline.errors import InputError
from pipeline.image_tasks.preprocessing import PREPROCESSING_VERSION
from pipeline.image_tasks.registry import find_image_task
from pipeline.image_tasks.task import ImageTask

_LOG = logging.getLogger(__name__)
METADATA_SCHEMA = 1
MODEL_FILE, METADATA_FILE = "model.keras", "metadata.json"
HISTORY_FILE, EVALUATION_FILE, CARD_FILE = "history.csv", "evaluation.json", "README.md"
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, eq=False)
class ImageModelInfo:
    """The shipped model of an image task.

    Attributes:
        task: The task.
        name, version: As shown to readers.
        folder, file: The model's folder and the ``.keras`` file in it, which need not exist.
        digest: SHA-256 (hex) that the file must have.
        input_size: Side of the input in pixels.
        temperature: Of the calibration; 1 changes nothing.
        metadata: All of metadata.json.
        evaluation: All of evaluation.json, None where there is none.
        history: One row per epoch of history.csv.
        card: The model card, or None.
    """

    task: ImageTask
    name: str
    version: str
    folder: Path
    file: Path
    digest: str
    input_size: int
    temperature: float
    metadata: Mapping[str, Any] = field(default_factory=dict)
    evaluation: Mapping[str, Any] | None = None
    history: tuple[Mapping[str, float], ...] = ()
    card: Path | None = None


def read_image_model(models_dir: Path, task: str) -> ImageModelInfo:
    """Read what is shipped for a task.

    Raises:
        InputError: The task is unknown, or its metadata.json is missing or does not fit.
    """
    known = find_image_task(task)
    folder = Path(models_dir) / known.name / known.model_name
    shown = f"{known.name}/{known.model_name}/{METADATA_FILE}"
    metadata = read_json_object(folder / METADATA_FILE, shown)
    if metadata is None:
        raise InputError(shown, f"{shown} is missing: no model of this task is installed.")
    fields = Fields(metadata, shown)
    shape = fields.mapping("input")
    for name, expected in (("schema", METADATA_SCHEMA), ("task", known.name)):
        fields.require(fields.get(name) == expected, f"{name} must be {expected}")
    fields.require(
        fields.texts("classes") == known.classes, f"classes must be {', '.join(known.classes)}"
    )
    fields.require(shape.get("fit") == known.fit.value, f"fit must be {known.fit.value}")
    fields.require(
        fields.get("preprocessing_version") == PREPROCESSING_VERSION,
        f"preprocessing_version must be {PREPROCESSING_VERSION}",
    )
    return ImageModelInfo(
        task=known,
        name=fields.text("name"),
        version=fields.text("version"),
        folder=folder,
        file=folder / fields.text("file"),
        digest=fields.text("digest", _DIGEST),
        input_size=int(shape.number("size", 16, 1024)),
        temperature=fields.mapping("calibration").number("temperature", 0.05, 50),
        metadata=metadata,
        evaluation=_read_evaluation(folder),
        history=_read_history(folder / HISTORY_FILE),
        card=folder / CARD_FILE if (folder / CARD_FILE).is_file() else None,
    )


def load_image_network(info: ImageModelInfo) -> Any:
    """Load the ``.keras`` file for inference only, after its digest was checked.

    Returns:
        The `keras.Model`: pixels ``(batch, size, size, 3)`` in [0, 255] to probabilities.

    Raises:
        InputError: The file is missing, another one, or Keras cannot load it.
    """
    shown = f"{info.task.name}/{info.folder.name}/{info.file.name}"
    try:
        found = file_digest(info.file)
    except OSError:
        raise InputError(shown, f"The weights {shown} cannot be read.") from None
    if found != info.digest:
        raise InputError(
            shown,
            f"The weights {shown} are not those that metadata.json describes (their SHA-256"
            " differs); they were not loaded.",
        )
    from pipeline.models.quiet_keras import import_keras

    keras = import_keras()
    try:
        model = keras.models.load_model(info.file, compile=False, safe_mode=True)
    except (ValueError, TypeError, OSError, KeyError) as error:
        raise InputError(shown, f"Keras cannot load {shown}.") from error
    expected = (None, info.input_size, info.input_size, 3)
    if tuple(model.input.shape) != expected or model.output.shape[-1] != len(info.task.classes):
        raise InputError(shown, f"The network in {shown} has another input or other classes.")
    return model


def _read_evaluation(folder: Path) -> Mapping[str, Any] | None:
    """The evaluation. A damaged one must not stop the model: it is only shown."""
    name = f"{folder.parent.name}/{folder.name}/{EVALUATION_FILE}"
    try:
        return read_json_object(folder / EVALUATION_FILE, name)
    except InputError as error:
        _LOG.warning("%s", error.message)
        return None


def _read_history(path: Path) -> tuple[dict[str, float], ...]:
    """Rows of a history.csv; cells that are no finite numbers are left out."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            table = list(csv.DictReader(stream))
    except (OSError, ValueError, csv.Error):
        return ()
    return tuple(
        {
            name: float(cell)
            for name, cell in cells.items()
            if isinstance(name, str) and _is_finite(cell)
        }
        for cells in table
    )


def _is_finite(cell: Any) -> bool:
    try:
        return math.isfinite(float(cell))
    except (TypeError, ValueError):
        return False
