"""Exports networks for the fast engines. Needs TensorFlow: run it in its own process.

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
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.engine.base import Arrays, StageModel
from pipeline.engine.exports import (
    AGREEMENT_LIMIT,
    ExportedFiles,
    ExportRecord,
    exported_files,
    is_exported,
)
from pipeline.engine.grad_cam import read_heads, save_heads
from pipeline.engine.keras_engine import KerasStage
from pipeline.engine.selection import ENGINES, exporting_engines
from pipeline.errors import InputError, ProgressCallback
from pipeline.models.metadata import SIDE_MULTIPLE_PX
from pipeline.models.registry import DEFAULT_TASK, NetworkInfo, load_keras_model, read_model_info
from pipeline.storage.checked_json import write_document

_LOG = logging.getLogger(__name__)
#: Writes a stage as a Keras model to the path that the runtime opens.
Converter = Callable[[Any, Path], None]
#: Names of exports, also of the single files that image tasks had before.
_EXPORT = re.compile(r"[0-9a-f]{12}-[a-z0-9]+|[a-z0-9]+-[0-9a-f]{12}-f32\.(xml|bin|json)|compiled")


def export_models(
    models_dir: Path,
    engine_dir: Path,
    *,
    task: str = DEFAULT_TASK,
    engine: str = "auto",
    again: bool = False,
    progress: ProgressCallback | None = None,
) -> Path:
    """Export the two-stage network if it is not exported yet; see `export_network`."""
    info = read_model_info(models_dir, task).network
    return export_network(info, engine_dir, engine=engine, again=again, progress=progress)


def export_network(
    info: NetworkInfo,
    engine_dir: Path,
    *,
    engine: str = "auto",
    again: bool = False,
    progress: ProgressCallback | None = None,
    convert: Converter | None = None,
) -> Path:
    """Export a network if it is not exported yet.

    Args:
        info: The network.
        engine_dir: Folder for the exports; made where it does not exist.
        engine: The runtime; ``auto`` is the fastest that is installed and agrees with Keras.
        again: Export even what is exported already.
        progress: Called before and after.
        convert: Writes a stage; the runtime's own way where None.

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
                _export(info, Path(engine_dir), name, convert)
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


def measure_difference(
    reference: Sequence[StageModel], exported: Sequence[StageModel], batch: NDArray[np.float32]
) -> float:
    """Largest difference between both runtimes' answers, through all stages.

    Each runtime's later stages get what its own earlier ones passed on. The whole batch and its
    inputs one by one, because an export may be right for one batch size only. Differences count in
    units of the reference's largest value where that is above 1: outputs such as activations have
    no fixed range.
    """
    expected = _answer(reference, batch)
    whole = _answer(exported, batch)
    singles = [_answer(exported, batch[k : k + 1]) for k in range(len(batch))]
    single = [np.concatenate(parts) for parts in zip(*singles, strict=True)]
    differences = []
    for answer in (whole, single):
        for given, right in zip(answer, expected, strict=True):
            same = given.shape == right.shape and np.isfinite(given).all()
            unit = max(float(np.abs(right).max()), 1.0)
            differences.append(float(np.abs(given - right).max()) / unit if same else np.inf)
    return max(differences)


def _answer(stages: Sequence[StageModel], batch: NDArray[np.float32]) -> Arrays:
    """What the stages answer, without what they pass on."""
    answers: Arrays = []
    passed_on: Arrays = [batch]
    for stage in stages[:-1]:
        answer, *passed_on = stage.predict(passed_on)
        answers.append(answer)
    return [*answers, *stages[-1].predict(passed_on)]


def _export(info: NetworkInfo, engine_dir: Path, engine: str, convert: Converter | None) -> None:
    """Export one network; its files appear only when they have proved themselves."""
    convert = convert or import_module(ENGINES[engine].module).convert
    files = exported_files(info, engine_dir, engine)
    parent = files.folder.parent
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    model = load_keras_model(info)
    parts = info.split(model)
    with tempfile.TemporaryDirectory(dir=parent, prefix=".part-") as folder:
        draft = ExportedFiles(
            Path(folder) / files.folder.name, engine, files.names, files.has_heads
        )
        draft.folder.mkdir()
        for part, path in zip(parts, draft.stages, strict=True):
            convert(part, path)
        if info.has_heads:
            save_heads(read_heads(model), draft.heads)
        difference = _check(parts, info, draft)
        record = ExportRecord(
            task=info.task_name,
            name=info.name,
            engine=engine,
            version=importlib.metadata.version(ENGINES[engine].package),
            keras_digest=info.digest,
            max_difference=difference,
            limit=AGREEMENT_LIMIT,
            digests=draft.digests(),
        )
        write_document(draft.record, record)
        shutil.rmtree(files.folder, ignore_errors=True)
        draft.folder.replace(files.folder)
    _remove_older(info, files)


def _check(parts: Sequence[Any], info: NetworkInfo, draft: ExportedFiles) -> float:
    """Compare the draft with Keras; returns the largest difference."""
    entry = ENGINES[draft.engine]
    stage = getattr(import_module(entry.module), entry.stage)
    exported = [stage(path) for path in draft.stages]
    reference = [KerasStage(part) for part in parts]
    samples = info.make_samples()
    batches = [samples]
    if info.takes_parts and info.input_size > SIDE_MULTIPLE_PX:
        batches.append(samples[:, :, SIDE_MULTIPLE_PX:])
    difference = max(measure_difference(reference, exported, batch) for batch in batches)
    if not difference <= AGREEMENT_LIMIT:
        raise _Disagreement(
            info.name,
            f"The exported network of task {info.task_name} differs from Keras by {difference:.2g} "
            f"in probability on {draft.engine}, more than {AGREEMENT_LIMIT:g}; it was discarded.",
        )
    return difference


def _remove_older(info: NetworkInfo, files: ExportedFiles) -> None:
    """Drop exports of the task's earlier weights and forms, record first."""
    current = {exported_files(info, files.folder.parents[1], name).folder.name for name in ENGINES}
    for path in files.folder.parent.iterdir():
        if not _EXPORT.fullmatch(path.name) or path.name in current:
            continue
        if path.is_dir():
            (path / "export.json").unlink(missing_ok=True)
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
