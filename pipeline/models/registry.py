"""What is shipped under ``models/``: metadata, history and evaluation of each task's network.

Everything below ``models/`` is untrusted here: each field is checked before it is used, and the
weights' digest is checked before Keras opens them. This module imports no runtime, so that the web
process may use it; `load_keras_model` imports Keras when it is called.
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
from pipeline.decision import DecisionRule
from pipeline.digests import file_digest
from pipeline.errors import InputError
from pipeline.models.quiet_keras import import_keras

_LOG = logging.getLogger(__name__)
DEFAULT_TASK = "brain-tumor"
#: Task -> folder of its network below ``models/<task>/``.
TASKS = {DEFAULT_TASK: "resunet-resnet18"}
METADATA_SCHEMA = 2
METADATA_FILE, HISTORY_FILE, CARD_FILE = "metadata.json", "history.csv", "README.md"
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class InferenceOptions:
    """How raw answers become the stages' answers. All off unless metadata.json says so.

    Attributes:
        flip_average: Average the answers with those for the left-right mirrored input.
        sigma_slices: Gaussian over neighbouring slices' scores and probability maps, in slices.
        min_component_fraction: 3D components smaller than this fraction of the largest are removed.
        lowest_mask_threshold: Where a case's outline is unsure, its mask threshold is lowered for
            the best expected Dice, as far as this; 0 keeps ``mask_threshold``.
    """

    flip_average: bool = False
    sigma_slices: float = 0.0
    min_component_fraction: float = 0.0
    lowest_mask_threshold: float = 0.0


@dataclass(frozen=True, eq=False)
class ModelInfo:
    """The network of both stages, as its folder describes it.

    Attributes:
        task: ``brain-tumor``.
        name, version: As shown to readers, such as ``resunet-resnet18`` ``2.0.0``.
        folder: Folder of the network.
        file: The ``.keras`` file in it. Need not exist to describe a network.
        digest: SHA-256 (hex) that the file must have.
        input_size: Height and width of the input in pixels.
        channels: What each input channel holds.
        preprocessing_version: Version of `pipeline.data.preprocessing` it was trained with.
        decision: How classifier score and outline evidence make the slice score.
        mask_threshold: Probability in (0, 1) from which a pixel belongs to the mask; the highest
            that a case gets where ``inference`` lowers it.
        inference: How its raw answers are combined.
        metadata: All of metadata.json.
        history: One row per epoch of history.csv; empty where there is none.
        card: The model card, or None.
    """

    task: str
    name: str
    version: str
    folder: Path
    file: Path
    digest: str
    input_size: int
    channels: tuple[str, ...]
    preprocessing_version: int
    decision: DecisionRule
    mask_threshold: float
    inference: InferenceOptions = field(default_factory=InferenceOptions)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    history: tuple[Mapping[str, float], ...] = ()
    card: Path | None = None


@dataclass(frozen=True, eq=False)
class TaskInfo:
    """The network of a task and its evaluation (None where there is none)."""

    task: str
    network: ModelInfo
    evaluation: Mapping[str, Any] | None = None


def read_model_info(models_dir: Path, task: str = DEFAULT_TASK) -> TaskInfo:
    """Read what is shipped for a task.

    Raises:
        InputError: The task is unknown, or its metadata.json is missing or does not fit.
    """
    if task not in TASKS:
        raise InputError(task, f"There is no task {task!r}; known tasks: {', '.join(TASKS)}.")
    folder = Path(models_dir) / task
    network = read_network(folder / TASKS[task], task=task)
    return TaskInfo(task, network, _read_evaluation(folder))


def read_run(folder: Path, *, task: str = DEFAULT_TASK) -> TaskInfo:
    """Read what a training run left in its folder; it has no evaluation.

    Raises:
        InputError: There is no metadata.json, or it does not fit.
    """
    return TaskInfo(task, read_network(Path(folder), task=task))


def _read_evaluation(folder: Path) -> Mapping[str, Any] | None:
    """The chain's evaluation. A damaged one must not stop the models: it is only shown."""
    name = f"{folder.name}/evaluation.json"
    try:
        return read_json_object(folder / "evaluation.json", name)
    except InputError as error:
        _LOG.warning("%s Evaluate again to have its figures.", error.message)
        return None


def check_digest(info: ModelInfo) -> None:
    """Make sure that the weights are those that metadata.json describes.

    Raises:
        InputError: The file is missing or its SHA-256 is another one.
    """
    shown = f"{info.folder.name}/{info.file.name}"
    try:
        found = file_digest(info.file)
    except OSError:
        message = f"The weights {shown} of task {info.task} cannot be read."
        raise InputError(shown, message) from None
    if found != info.digest:
        raise InputError(
            shown,
            f"The weights {shown} of task {info.task} are not those that metadata.json describes "
            "(their SHA-256 differs); they were not loaded.",
        )


def load_keras_model(info: ModelInfo) -> Any:
    """Load a network with Keras, for inference only.

    The digest is checked first; ``safe_mode`` refuses files that carry code; nothing is compiled.

    Returns:
        The `keras.Model`, called once, so that it can be exported.

    Raises:
        InputError: The file is missing or another one, or Keras cannot load it.
    """
    check_digest(info)
    import numpy as np

    keras = import_keras()
    try:
        model = keras.models.load_model(info.file, compile=False, safe_mode=True)
    except (ValueError, TypeError, OSError, KeyError) as error:
        message = f"Keras cannot load the network {info.name} of task {info.task}."
        raise InputError(info.name, message) from error
    model(np.zeros((1, info.input_size, info.input_size, len(info.channels)), np.float32))
    return model


def read_network(folder: Path, *, task: str) -> ModelInfo:
    """Read a folder with metadata.json and, beside it, history and card.

    Raises:
        InputError: There is no metadata.json, or it does not fit.
    """
    shown = f"{folder.name}/{METADATA_FILE}"
    metadata = read_json_object(folder / METADATA_FILE, shown)
    if metadata is None:
        raise InputError(shown, f"{shown} is missing: no such model is installed.")
    fields = Fields(metadata, shown)
    fields.require(fields.get("schema") == METADATA_SCHEMA, f"schema must be {METADATA_SCHEMA}")
    fields.require(fields.get("task") == task, f"task must be {task}")
    shape = fields.mapping("input")
    return ModelInfo(
        task=task,
        name=fields.text("name"),
        version=fields.text("version"),
        folder=folder,
        file=folder / fields.text("file"),
        digest=fields.text("digest", _DIGEST),
        input_size=shape.whole("size", 16, 4096),
        channels=shape.texts("channels"),
        preprocessing_version=fields.whole("preprocessing_version", 1, 10**6),
        decision=_read_decision(fields.mapping("decision")),
        mask_threshold=fields.number("mask_threshold", 1e-6, 1 - 1e-6),
        inference=_read_inference(fields.mapping("inference")),
        metadata=metadata,
        history=_read_history(folder / HISTORY_FILE),
        card=folder / CARD_FILE if (folder / CARD_FILE).is_file() else None,
    )


def _read_decision(fields: Fields) -> DecisionRule:
    return DecisionRule(
        gate=fields.number("gate", 0, 1),
        classifier_weight=fields.number("classifier_weight", 0, 100),
        evidence_weight=fields.number("evidence_weight", 0, 100),
        intercept=fields.number("intercept", -100, 100),
        threshold=fields.number("threshold", 1e-6, 1 - 1e-6),
    )


def _read_inference(fields: Fields) -> InferenceOptions:
    flip = fields.get("flip_average", False)
    fields.require(isinstance(flip, bool), "flip_average must be true or false")
    return InferenceOptions(
        flip_average=bool(flip),
        sigma_slices=fields.number("sigma_slices", 0, 10, default=0.0),
        min_component_fraction=fields.number("min_component_fraction", 0, 1, default=0.0),
        lowest_mask_threshold=fields.number("lowest_mask_threshold", 0, 1, default=0.0),
    )


def _read_history(path: Path) -> tuple[dict[str, float], ...]:
    """Rows of a history.csv; cells that are no finite numbers are left out."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            table = list(csv.DictReader(stream))
    except (OSError, ValueError, csv.Error):
        return ()
    rows = []
    for cells in table:
        row = {name: _finite(cell) for name, cell in cells.items() if isinstance(name, str)}
        rows.append({name: value for name, value in row.items() if value is not None})
    return tuple(rows)


def _finite(cell: Any) -> float | None:
    try:
        value = float(cell)
    except (TypeError, ValueError):
        return None
    return value if math.isfinite(value) else None
