"""What is shipped under ``models/``: every network's metadata, history, card and evaluation.

Everything below ``models/`` is untrusted: files are read as declared types, and the weights'
digest is checked before Keras opens them. This module imports no runtime, so that the web
process may use it; `load_keras_model` imports Keras when it is called.
"""

from __future__ import annotations

import csv
import math
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from pipeline.errors import InputError
from pipeline.models.decision import DecisionRule
from pipeline.models.entries import find_entry
from pipeline.models.int8_ranges import Int8Ranges, read_ranges
from pipeline.models.metadata import InferenceOptions, Metadata, TwoStageMetadata
from pipeline.models.quiet_keras import import_keras
from pipeline.storage.checked_json import read_json
from pipeline.storage.digests import file_digest

if TYPE_CHECKING:
    import keras
    import numpy as np
    from numpy.typing import NDArray

AnyMetadata = TypeVar("AnyMetadata", bound=Metadata)
DEFAULT_TASK = "brain-tumor"
#: Task -> folder of its network below ``models/<task>/``.
TASKS = {DEFAULT_TASK: "resunet-resnet18"}
MODEL_FILE, METADATA_FILE, HISTORY_FILE = "model.keras", "metadata.json", "history.csv"
EVALUATION_FILE, CARD_FILE = "evaluation.json", "README.md"
#: Below ``models/<task>/``: metadata and history of the other runs that were evaluated, no weights.
RUNS_FOLDER = "runs"


@dataclass(frozen=True, eq=False, kw_only=True)
class NetworkInfo(ABC):
    """A network as its folder describes it: what networks of every kind have.

    Attributes:
        name, version: As shown to readers, such as ``resunet-resnet18`` ``2.0.0``.
        folder: Folder of the network.
        file: The ``.keras`` file in it. Need not exist to describe a network.
        digest: SHA-256 (hex) that the file must have.
        input_size: Height and width of the input in pixels.
        channels: What each input channel holds.
        preprocessing_version: Version of the preprocessing it was trained with.
        metadata: All of metadata.json, a subclass for each kind of network.
        history: One row per epoch of history.csv; empty where it is missing.
        card: The model card, or None.
        ranges: What answering at int8 needs, or None.
    """

    #: Names of the parts that answer one after the other; an export has a file for each. All but
    #: the last answer with their first output and pass the others on.
    stages: ClassVar[tuple[str, ...]]
    #: Whether the weights of the heads are exported too (`pipeline.engine.grad_cam`).
    has_heads: ClassVar[bool] = False
    #: Whether its stages answer parts of slices too, not `input_size` alone.
    takes_parts: ClassVar[bool] = False

    name: str
    version: str
    folder: Path
    file: Path
    digest: str
    input_size: int
    channels: tuple[str, ...]
    preprocessing_version: int
    metadata: Metadata
    history: tuple[Mapping[str, float], ...] = ()
    card: Path | None = None
    ranges: Int8Ranges | None = None

    @property
    def savings(self) -> tuple[str, ...]:
        """What is not computed because it hardly matters; names of `metadata.SAVINGS`."""
        return ()

    @property
    @abstractmethod
    def task_name(self) -> str:
        """Name of the task that the network answers."""

    @abstractmethod
    def split(self, model: keras.Model) -> tuple[keras.Model, ...]:
        """The `stages` of the loaded network; they share its weights."""

    @abstractmethod
    def make_samples(self) -> NDArray[np.float32]:
        """Inputs ``(n, size, size, channels)`` on which two runtimes are compared."""

    def fits(self, model: keras.Model) -> bool:
        """Whether a loaded network has the inputs and outputs that are described."""
        size = self.input_size
        return tuple(model.inputs[0].shape) == (None, size, size, len(self.channels))


@dataclass(frozen=True, eq=False, kw_only=True)
class ModelInfo(NetworkInfo):
    """The network of both stages: one classifies slices, one outlines.

    Attributes:
        task: ``brain-tumor``.
        decision: How classifier score and outline evidence make the slice score.
        mask_threshold: Probability in (0, 1) from which a pixel belongs to the mask; the highest
            that a case gets where ``inference`` lowers it.
        inference: How its raw answers are combined.
    """

    stages = ("first", "second")
    has_heads = True
    takes_parts = True

    metadata: TwoStageMetadata
    task: str
    decision: DecisionRule
    mask_threshold: float
    inference: InferenceOptions = field(default_factory=InferenceOptions)

    @property
    def task_name(self) -> str:
        """Name of the task."""
        return self.task

    @property
    def savings(self) -> tuple[str, ...]:
        """What is not computed because it hardly matters."""
        return self.inference.savings()

    def split(self, model: keras.Model) -> tuple[keras.Model, ...]:
        """Stage one and stage two, for slices and parts of slices of any size."""
        from pipeline.models.resunet import split_stages, take_any_size

        return split_stages(take_any_size(model))

    def make_samples(self) -> NDArray[np.float32]:
        """Standardised slices."""
        from pipeline.models.resunet import make_sample_slices

        return make_sample_slices(self.input_size, len(self.channels))


@dataclass(frozen=True, eq=False)
class TaskInfo:
    """The network of a task and its evaluation.

    Attributes:
        task: Name of the task.
        network: The network.
        evaluation: Its evaluation.json (`pipeline.evaluation.document`), None where it is missing.
    """

    task: str
    network: ModelInfo
    evaluation: Path | None = None

    def keep_savings(self, names: Collection[str]) -> TaskInfo:
        """The same with no other savings than the given ones (`metadata.SAVINGS`)."""
        inference = self.network.inference.keep_savings(names)
        return replace(self, network=replace(self.network, inference=inference))


def read_model_info(models_dir: Path, task: str = DEFAULT_TASK) -> TaskInfo:
    """Read what is shipped for a task.

    Raises:
        InputError: The task is unknown, or its metadata.json is missing or does not fit.
    """
    name = find_entry(TASKS, task, kind="task")
    folder = Path(models_dir) / task
    network = read_network(folder / name, task=task)
    evaluation = folder / EVALUATION_FILE
    return TaskInfo(task, network, evaluation if evaluation.is_file() else None)


def read_run(folder: Path, *, task: str = DEFAULT_TASK) -> TaskInfo:
    """Read what a training run left in its folder; it has no evaluation.

    Raises:
        InputError: metadata.json is missing, or it does not fit.
    """
    return TaskInfo(task, read_network(Path(folder), task=task))


def stored_runs(models_dir: Path, task: str = DEFAULT_TASK) -> list[Path]:
    """Folders of the other training runs that are stored with a task's network, by name.

    `read_run` reads each; their weights are not stored.
    """
    return sorted(
        path.parent for path in (models_dir / task / RUNS_FOLDER).glob(f"*/{METADATA_FILE}")
    )


def read_network(folder: Path, *, task: str) -> ModelInfo:
    """Read the folder of a network of both stages.

    Raises:
        InputError: metadata.json is missing, or it does not fit.
    """
    metadata = read_metadata(folder, TwoStageMetadata, task=task)
    return ModelInfo(
        **describe_folder(folder, metadata),
        metadata=metadata,
        task=task,
        input_size=metadata.input.size,
        channels=metadata.input.channels,
        decision=metadata.decision,
        mask_threshold=metadata.mask_threshold,
        inference=metadata.inference,
    )


def read_metadata(folder: Path, kind: type[AnyMetadata], *, task: str) -> AnyMetadata:
    """Read the metadata.json of a network.

    Args:
        folder: Folder of the network.
        kind: Type of the file.
        task: Task that it must be of.

    Raises:
        InputError: It is missing, not valid, or of another task.
    """
    shown = f"{task}/{folder.name}/{METADATA_FILE}"
    metadata = read_json(
        folder / METADATA_FILE, kind, shown=shown, remedy="install the model again"
    )
    if metadata is None:
        raise InputError(shown, f"{shown} is missing: no model of this task is installed.")
    require(metadata.task == task, shown, f"task must be {task}")
    return metadata


def require(condition: bool, shown: str, rule: str) -> None:
    """Refuse a metadata.json that does not belong to its task, unless ``condition`` holds.

    Raises:
        InputError: It does not hold.
    """
    if not condition:
        raise InputError(shown, f"{shown} is not valid: {rule}; install the model again.")


def describe_folder(folder: Path, metadata: Metadata) -> dict[str, Any]:
    """Attributes of `NetworkInfo` that are the same for networks of every kind."""
    return {
        "name": metadata.name,
        "version": metadata.version,
        "folder": folder,
        "file": folder / metadata.file,
        "digest": metadata.digest,
        "preprocessing_version": metadata.preprocessing_version,
        "history": _read_history(folder / HISTORY_FILE),
        "card": folder / CARD_FILE if (folder / CARD_FILE).is_file() else None,
        "ranges": read_ranges(folder, metadata.digest),
    }


def check_digest(info: NetworkInfo) -> None:
    """Make sure that the weights are those that metadata.json describes.

    Raises:
        InputError: The file is missing or its SHA-256 is another one.
    """
    shown = f"{info.folder.name}/{info.file.name}"
    weights = f"The weights {shown} of task {info.task_name}"
    try:
        found = file_digest(info.file)
    except OSError:
        raise InputError(shown, f"{weights} cannot be read.") from None
    if found != info.digest:
        raise InputError(
            shown,
            f"{weights} do not match metadata.json (different SHA-256) and were not loaded.",
        )


def load_keras_model(info: NetworkInfo) -> Any:
    """Load a network with Keras, for inference only.

    The digest is checked first; ``safe_mode`` refuses files that carry code; nothing is compiled.

    Returns:
        The `keras.Model`, called once, so that it can be exported.

    Raises:
        InputError: The file is missing or another one, Keras cannot load it, or it holds a network
            of other inputs or outputs than metadata.json describes.
    """
    check_digest(info)
    import numpy as np

    keras = import_keras()
    shown = f"the network {info.name} of task {info.task_name}"
    try:
        model = keras.models.load_model(info.file, compile=False, safe_mode=True)
    except (ValueError, TypeError, OSError, KeyError) as error:
        raise InputError(info.name, f"Keras cannot load {shown}.") from error
    if not info.fits(model):
        message = f"The inputs or outputs of {shown} do not match metadata.json."
        raise InputError(info.name, message)
    model(np.zeros((1, info.input_size, info.input_size, len(info.channels)), np.float32))
    return model


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
