"""Exports the shipped models for the fast engine. Needs TensorFlow: run it in its own process.

``python -m pipeline export`` builds OpenVINO files on the machine that will use them. An export
counts only if its answers agree with Keras's; it is bound to the digest of the ``.keras`` file, by
its name and by its record, so that new weights are never answered by an old export.
"""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.atomic_files import write_json
from pipeline.engine.base import StageModel
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
) -> tuple[Path, ...]:
    """Export a task's models, those that are not exported yet.

    Args:
        models_dir: Folder of the tasks.
        engine_dir: Folder for the exports; made where it does not exist.
        task: Task to export.
        again: Export anew what is there already.
        progress: Called before each model.

    Returns:
        The ``.xml`` of each stage.

    Raises:
        InputError: A model is missing or not the one that metadata.json describes, its export does
            not agree with Keras, or the folder cannot be written.
    """
    models = read_model_info(models_dir, task)
    paths = []
    for done, info in enumerate(models.stages):
        if progress is not None:
            progress(done, len(models.stages), f"Exporting the {info.stage} {info.name}")
        if again or not is_exported(info, engine_dir, _PRECISION):
            try:
                _export(info, Path(engine_dir))
            except OSError as error:
                name, reason = Path(engine_dir).name, error.strerror or "unknown reason"
                message = f"The export cannot be written to the folder {name}: {reason}."
                raise InputError(name, message) from error
        paths.append(exported_files(info, engine_dir, _PRECISION).xml)
    if progress is not None:
        progress(len(paths), len(paths), "Exported")
    return tuple(paths)


def measure_agreement(
    reference: StageModel, exported: StageModel, batch: NDArray[np.float32]
) -> float:
    """Largest difference between both answers, over the whole batch and slice by slice.

    Slice by slice as well, because an export may be right for one batch size only.
    """
    expected = reference.predict(batch)
    whole = exported.predict(batch)
    single = np.concatenate([exported.predict(batch[k : k + 1]) for k in range(len(batch))])
    if whole.shape != expected.shape or single.shape != expected.shape:
        return float("inf")
    differences = [float(np.abs(answer - expected).max()) for answer in (whole, single)]
    return float("inf") if np.isnan(differences).any() else max(differences)


def make_agreement_batch(size: int, channels: int = 3) -> NDArray[np.float32]:
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
    """Export one model; its files appear only when they have proved themselves."""
    files = exported_files(info, engine_dir, _PRECISION)
    files.xml.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    model = load_keras_model(info.folder)
    with tempfile.TemporaryDirectory(dir=files.xml.parent, prefix=".part-") as folder:
        draft = ExportedFiles(Path(folder) / files.xml.name)
        _convert(model, info, draft)
        difference = _check(model, info, draft)
        files.record.unlink(missing_ok=True)
        sizes = {"xml": draft.xml.stat().st_size, "bin": draft.weights.stat().st_size}
        draft.weights.replace(files.weights)
        draft.xml.replace(files.xml)
    write_json(files.record, _record(info, difference, sizes))
    _remove_older(files, info)


def _convert(model: Any, info: ModelInfo, draft: ExportedFiles) -> None:
    """Trace the Keras model with TensorFlow and write it as OpenVINO's IR, at float32."""
    openvino = import_openvino()
    keras = import_keras()
    if keras.backend.backend() != "tensorflow":
        raise InputError(
            info.name, "The export needs Keras on TensorFlow; set KERAS_BACKEND=tensorflow."
        )
    import tensorflow as tf

    shape = (None, info.input_size, info.input_size, len(info.channels))
    traced = tf.function(
        lambda slices: model(slices, training=False),
        input_signature=[tf.TensorSpec(shape, tf.float32, name="slices")],
    ).get_concrete_function()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        converted = openvino.convert_model(traced)
    openvino.save_model(converted, str(draft.xml), compress_to_fp16=False)


def _check(model: Any, info: ModelInfo, draft: ExportedFiles) -> float:
    """Hold the draft against Keras; returns the largest difference."""
    exported = OpenVinoStage(draft.xml, precision=_PRECISION, cache_dir=None)
    batch = make_agreement_batch(info.input_size, len(info.channels))
    difference = measure_agreement(KerasStage(model), exported, batch)
    if not difference <= AGREEMENT_LIMIT:
        raise InputError(
            info.name,
            f"The exported {info.stage} of task {info.task} differs from Keras by {difference:.2g} "
            f"in probability, more than {AGREEMENT_LIMIT:g}; it was not kept.",
        )
    return difference


def _record(info: ModelInfo, difference: float, sizes: dict[str, int]) -> dict[str, Any]:
    return {
        "schema": RECORD_SCHEMA,
        "task": info.task,
        "stage": info.stage,
        "name": info.name,
        "keras_digest": info.digest,
        "precision": _PRECISION,
        "max_difference": difference,
        "limit": AGREEMENT_LIMIT,
        "sizes": sizes,
        "openvino": str(import_openvino().__version__),
    }


def _remove_older(files: ExportedFiles, info: ModelInfo) -> None:
    """Drop exports of earlier weights of the same stage, record first."""
    for record in files.record.parent.glob(f"{info.stage}-*-{_PRECISION}.json"):
        if record != files.record:
            for path in (record, record.with_suffix(".xml"), record.with_suffix(".bin")):
                path.unlink(missing_ok=True)
