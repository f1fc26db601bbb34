"""Exports the shipped networks for the fast engines. Needs TensorFlow: run it in its own process.

``python -m pipeline export`` builds the files on the machine that will use them. An export counts
only if its answers agree with Keras's; it is bound to the digest of the ``.keras`` file, by its
name and by its record (`pipeline.engine.exports`), so that new weights are never answered by an old
export.
"""

from __future__ import annotations

import importlib.metadata
import logging
import re
import shutil
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.atomic_files import write_json
from pipeline.attention import read_heads, save_heads
from pipeline.engine.base import Arrays, NetworkStages
from pipeline.engine.exports import (
    AGREEMENT_LIMIT,
    RECORD_SCHEMA,
    ExportedFiles,
    exported_files,
    is_exported,
)
from pipeline.engine.keras_engine import KerasStage
from pipeline.engine.selection import ENGINES, exporting_engines
from pipeline.errors import InputError
from pipeline.models.registry import DEFAULT_TASK, ModelInfo, load_keras_model, read_model_info
from pipeline.results import ProgressCallback

_LOG = logging.getLogger(__name__)
_EXPORT = re.compile(r"[0-9a-f]{12}-[a-z0-9]+")


def export_models(
    models_dir: Path,
    engine_dir: Path,
    *,
    task: str = DEFAULT_TASK,
    engine: str = "auto",
    again: bool = False,
    progress: ProgressCallback | None = None,
) -> Path:
    """Export a task's network if it is not exported yet; see `export_network`."""
    info = read_model_info(models_dir, task).network
    return export_network(info, engine_dir, engine=engine, again=again, progress=progress)


def export_network(
    info: ModelInfo,
    engine_dir: Path,
    *,
    engine: str = "auto",
    again: bool = False,
    progress: ProgressCallback | None = None,
) -> Path:
    """Export a network if it is not exported yet.

    Args:
        info: The network.
        engine_dir: Folder for the exports; made where it does not exist.
        engine: The runtime; ``auto`` is the fastest that is installed and agrees with Keras.
        again: Export anew even if it is there already.
        progress: Called before and after.

    Returns:
        The folder of the export.

    Raises:
        InputError: The network is missing or not the one that metadata.json describes, its export
            does not agree with Keras, the engine is not installed, or the folder cannot be written.
    """
    report = progress or (lambda done, total, message: None)
    report(0, 1, f"Exporting the network {info.name}")
    refused: InputError | None = None
    for name in exporting_engines(engine):
        try:
            if again or not is_exported(info, engine_dir, name):
                _export(info, Path(engine_dir), name)
        except OSError as error:
            folder, reason = Path(engine_dir).name, error.strerror or "unknown reason"
            message = f"The export cannot be written to the folder {folder}: {reason}."
            raise InputError(folder, message) from error
        except _Disagreement as error:
            _LOG.warning("%s", error.message)
            refused = error
            continue
        report(1, 1, "Exported")
        return exported_files(info, engine_dir, name).folder
    assert refused is not None
    raise refused


class _Disagreement(InputError):
    """An export does not answer as Keras does."""


def measure_agreement(
    reference: NetworkStages, exported: NetworkStages, batch: NDArray[np.float32]
) -> float:
    """Largest difference between both runtimes' probabilities, through both stages.

    Each runtime's second stage gets the features of its own first stage. Whole batch and slice by
    slice, because an export may be right for one batch size only.
    """
    expected = _probabilities(reference, batch)
    whole = _probabilities(exported, batch)
    singles = [_probabilities(exported, batch[k : k + 1]) for k in range(len(batch))]
    single = [np.concatenate(parts) for parts in zip(*singles, strict=True)]
    differences = []
    for answer in (whole, single):
        for given, right in zip(answer, expected, strict=True):
            same = given.shape == right.shape and np.isfinite(given).all()
            differences.append(float(np.abs(given - right).max()) if same else float("inf"))
    return max(differences)


def _probabilities(stages: NetworkStages, batch: NDArray[np.float32]) -> Arrays:
    """Scores and maps."""
    score, *features = stages.first.predict([batch])
    return [score, *stages.second.predict(features)]


def make_agreement_batch(size: int, channels: int = 5) -> NDArray[np.float32]:
    """Standardised slices to compare runtimes on, always the same: ``(6, size, size, channels)``.

    Two of noise, three that look like a head with a bright lesion at several contrasts, one empty.
    """
    rng = np.random.default_rng(20260101)
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    head = (x / 0.7) ** 2 + (y / 0.85) ** 2 < 1
    lesion = np.exp(-(((x - 0.25) / 0.18) ** 2 + ((y + 0.2) / 0.14) ** 2))
    batch = np.zeros((6, size, size, channels), np.float32)
    batch[:2] = rng.normal(size=batch[:2].shape)
    for k, contrast in enumerate((0.5, 1.5, 3.0), start=2):
        texture = rng.normal(scale=0.4, size=(size, size, channels))
        batch[k] = np.where(head[..., None], texture + contrast * lesion[..., None], -2.0)
    batch[5] = -2.0
    return batch


def _export(info: ModelInfo, engine_dir: Path, engine: str) -> None:
    """Export one network; its files appear only when they have proved themselves."""
    runtime = import_module(ENGINES[engine].module)
    files = exported_files(info, engine_dir, engine)
    parent = files.folder.parent
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    model = load_keras_model(info)
    from pipeline.models.resunet import split_stages

    parts = split_stages(model)
    with tempfile.TemporaryDirectory(dir=parent, prefix=".part-") as folder:
        draft = ExportedFiles(Path(folder) / files.folder.name, engine)
        draft.folder.mkdir()
        for part, path in zip(parts, draft.stages, strict=True):
            runtime.convert(part, path)
        save_heads(read_heads(model), draft.heads)
        difference = _check(parts, info, runtime.open_draft(draft.stages))
        write_json(draft.record, _record(info, engine, difference, draft.sizes()))
        shutil.rmtree(files.folder, ignore_errors=True)
        draft.folder.replace(files.folder)
    _remove_older(info, files)


def _check(parts: tuple[Any, Any], info: ModelInfo, exported: NetworkStages) -> float:
    """Hold the draft against Keras; returns the largest difference."""
    reference = NetworkStages(KerasStage(parts[0]), KerasStage(parts[1]))
    batch = make_agreement_batch(info.input_size, len(info.channels))
    difference = measure_agreement(reference, exported, batch)
    if not difference <= AGREEMENT_LIMIT:
        raise _Disagreement(
            info.name,
            f"The exported network of task {info.task} differs from Keras by {difference:.2g} "
            f"in probability on {exported.first.engine}, more than {AGREEMENT_LIMIT:g}; "
            "it was not kept.",
        )
    return difference


def _record(
    info: ModelInfo, engine: str, difference: float, sizes: dict[str, int]
) -> dict[str, Any]:
    return {
        "schema": RECORD_SCHEMA,
        "task": info.task,
        "name": info.name,
        "engine": engine,
        "version": importlib.metadata.version(ENGINES[engine].package),
        "keras_digest": info.digest,
        "max_difference": difference,
        "limit": AGREEMENT_LIMIT,
        "sizes": sizes,
    }


def _remove_older(info: ModelInfo, files: ExportedFiles) -> None:
    """Drop exports of the task's earlier weights and forms, record first."""
    current = {exported_files(info, files.folder.parents[1], name).folder.name for name in ENGINES}
    for folder in files.folder.parent.iterdir():
        if _EXPORT.fullmatch(folder.name) and folder.name not in current:
            (folder / "export.json").unlink(missing_ok=True)
            shutil.rmtree(folder, ignore_errors=True)
