"""Exports the shipped networks for the fast engine. Needs TensorFlow: run it in its own process.

``python -m pipeline export`` builds OpenVINO files on the machine that will use them. An export
counts only if its answers agree with Keras's; it is bound to the digest of the ``.keras`` file, by
its name and by its record, so that new weights are never answered by an old export.
"""

from __future__ import annotations

import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.atomic_files import write_json
from pipeline.engine.base import Arrays, NetworkStages
from pipeline.engine.keras_engine import KerasStage
from pipeline.engine.openvino_engine import (
    AGREEMENT_LIMIT,
    RECORD_SCHEMA,
    ExportedFiles,
    OpenVinoStage,
    exported_files,
    import_openvino,
    is_exported,
)
from pipeline.errors import InputError
from pipeline.models.quiet_keras import import_keras
from pipeline.models.registry import DEFAULT_TASK, ModelInfo, load_keras_model, read_model_info
from pipeline.results import ProgressCallback

_PRECISION = "f32"


def export_models(
    models_dir: Path,
    engine_dir: Path,
    *,
    task: str = DEFAULT_TASK,
    again: bool = False,
    progress: ProgressCallback | None = None,
) -> Path:
    """Export a task's network if it is not exported yet; see `export_network`."""
    info = read_model_info(models_dir, task).network
    return export_network(info, engine_dir, again=again, progress=progress)


def export_network(
    info: ModelInfo,
    engine_dir: Path,
    *,
    again: bool = False,
    progress: ProgressCallback | None = None,
) -> Path:
    """Export a network if it is not exported yet.

    Args:
        info: The network.
        engine_dir: Folder for the exports; made where it does not exist.
        again: Export anew even if it is there already.
        progress: Called before and after.

    Returns:
        The folder of the export.

    Raises:
        InputError: The network is missing or not the one that metadata.json describes, its export
            does not agree with Keras, or the folder cannot be written.
    """
    report = progress or (lambda done, total, message: None)
    report(0, 1, f"Exporting the network {info.name}")
    if again or not is_exported(info, engine_dir, _PRECISION):
        try:
            _export(info, Path(engine_dir))
        except OSError as error:
            name, reason = Path(engine_dir).name, error.strerror or "unknown reason"
            message = f"The export cannot be written to the folder {name}: {reason}."
            raise InputError(name, message) from error
    report(1, 1, "Exported")
    return exported_files(info, engine_dir, _PRECISION).folder


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


def _export(info: ModelInfo, engine_dir: Path) -> None:
    """Export one network; its files appear only when they have proved themselves."""
    files = exported_files(info, engine_dir, _PRECISION)
    parent = files.folder.parent
    parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    model = load_keras_model(info)
    from pipeline.models.resunet import split_stages

    parts = split_stages(model)
    with tempfile.TemporaryDirectory(dir=parent, prefix=".part-") as folder:
        draft = ExportedFiles(Path(folder) / files.folder.name)
        draft.folder.mkdir()
        for part, xml in zip(parts, draft.stages, strict=True):
            _convert(part, xml)
        difference = _check(parts, info, draft)
        write_json(draft.record, _record(info, difference, draft.sizes()))
        shutil.rmtree(files.folder, ignore_errors=True)
        draft.folder.replace(files.folder)
    _remove_older(files)


def _convert(model: Any, xml: Path) -> None:
    """Trace a Keras model with TensorFlow and write it as OpenVINO's IR, at float32."""
    openvino = import_openvino()
    keras = import_keras()
    if keras.backend.backend() != "tensorflow":
        raise InputError(
            model.name, "The export needs Keras on TensorFlow; set KERAS_BACKEND=tensorflow."
        )
    import tensorflow as tf

    signature = [
        tf.TensorSpec(tensor.shape, tf.float32, name=f"input_{i}")
        for i, tensor in enumerate(model.inputs)
    ]
    traced = tf.function(
        lambda *inputs: model(list(inputs), training=False), input_signature=signature
    ).get_concrete_function()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        converted = openvino.convert_model(traced)
    openvino.save_model(converted, str(xml), compress_to_fp16=False)


def _check(parts: tuple[Any, Any], info: ModelInfo, draft: ExportedFiles) -> float:
    """Hold the draft against Keras; returns the largest difference."""
    reference = NetworkStages(*(KerasStage(part) for part in parts))
    exported = NetworkStages(
        *(OpenVinoStage(xml, precision=_PRECISION, cache_dir=None) for xml in draft.stages)
    )
    batch = make_agreement_batch(info.input_size, len(info.channels))
    difference = measure_agreement(reference, exported, batch)
    if not difference <= AGREEMENT_LIMIT:
        raise InputError(
            info.name,
            f"The exported network of task {info.task} differs from Keras by {difference:.2g} "
            f"in probability, more than {AGREEMENT_LIMIT:g}; it was not kept.",
        )
    return difference


def _record(info: ModelInfo, difference: float, sizes: dict[str, int]) -> dict[str, Any]:
    return {
        "schema": RECORD_SCHEMA,
        "task": info.task,
        "name": info.name,
        "keras_digest": info.digest,
        "precision": _PRECISION,
        "max_difference": difference,
        "limit": AGREEMENT_LIMIT,
        "sizes": sizes,
        "openvino": str(import_openvino().__version__),
    }


def _remove_older(files: ExportedFiles) -> None:
    """Drop exports of the task's earlier weights, record first."""
    for folder in files.folder.parent.glob(f"*-{_PRECISION}"):
        if folder != files.folder:
            ExportedFiles(folder).record.unlink(missing_ok=True)
            shutil.rmtree(folder, ignore_errors=True)
