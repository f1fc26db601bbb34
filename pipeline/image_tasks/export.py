"""Keras to OpenVINO for image tasks: an export is kept only if its answers agree with Keras's.

Imports TensorFlow; run it in a process of its own.
"""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.atomic_files import write_json
from pipeline.engine.exports import AGREEMENT_LIMIT
from pipeline.engine.openvino_engine import import_openvino
from pipeline.errors import InputError
from pipeline.image_tasks.models import ImageModelInfo, load_image_network, read_image_model
from pipeline.image_tasks.runtimes import (
    PRECISION,
    RECORD_SCHEMA,
    ImageNetwork,
    KerasNetwork,
    OpenVinoNetwork,
    exported_xml,
    is_image_model_exported,
)


def export_image_model(
    models_dir: Path, engine_dir: Path, task: str, *, again: bool = False
) -> Path:
    """Export a task's model where it is not exported yet; returns its ``.xml``.

    Raises:
        InputError: The model is missing or another one, its export does not agree with Keras, or
            the folder cannot be written.
    """
    info = read_image_model(models_dir, task)
    xml = exported_xml(info, engine_dir)
    if again or not is_image_model_exported(info, engine_dir):
        try:
            _export(info, xml)
        except OSError as error:
            name, reason = Path(engine_dir).name, error.strerror or "unknown reason"
            message = f"The export cannot be written to the folder {name}: {reason}."
            raise InputError(name, message) from error
    return xml


def measure_disagreement(
    reference: ImageNetwork, exported: ImageNetwork, batch: NDArray[np.float32]
) -> float:
    """Largest difference between both answers, over the whole batch and image by image.

    Activations count relative to the largest of the reference, since their range is free.
    """
    expected = reference.answer(batch)
    scale = max(float(np.abs(expected.activations).max()), 1e-6)
    worst = 0.0
    for part in (slice(None), *(slice(k, k + 1) for k in range(len(batch)))):
        found = exported.answer(batch[part])
        pairs = (
            (found.probabilities, expected.probabilities[part], 1.0),
            (found.activations, expected.activations[part], scale),
        )
        for values, wanted, unit in pairs:
            if values.shape != wanted.shape or not np.isfinite(values).all():
                return float("inf")
            worst = max(worst, float(np.abs(values - wanted).max()) / unit)
    return worst


def make_probe_batch(size: int) -> NDArray[np.float32]:
    """Images to compare runtimes on, always the same: noise, a ramp, discs, black."""
    rng = np.random.default_rng(20260101)
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    batch = np.zeros((5, size, size, 3), np.float32)
    batch[0] = rng.uniform(0, 255, (size, size, 1))
    batch[1] = ((x + 1) / 2 * 255)[..., None]
    for k, radius in enumerate((0.4, 0.8), start=2):
        batch[k] = np.where(x**2 + y**2 < radius**2, 180.0, 20.0)[..., None]
    return batch


def _export(info: ImageModelInfo, xml: Path) -> None:
    """Export the model; its files appear only when they have proved themselves."""
    xml.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    model = load_image_network(info)
    with tempfile.TemporaryDirectory(dir=xml.parent, prefix=".part-") as folder:
        draft = Path(folder) / xml.name
        _convert(model, info, draft)
        difference = _check(model, info, draft)
        xml.with_suffix(".json").unlink(missing_ok=True)
        weights = draft.with_suffix(".bin")
        sizes = {"xml": draft.stat().st_size, "bin": weights.stat().st_size}
        weights.replace(xml.with_suffix(".bin"))
        draft.replace(xml)
    record = {
        "schema": RECORD_SCHEMA,
        "task": info.task.name,
        "name": info.name,
        "keras_digest": info.digest,
        "precision": PRECISION,
        "max_difference": difference,
        "limit": AGREEMENT_LIMIT,
        "sizes": sizes,
        "openvino": str(import_openvino().__version__),
    }
    write_json(xml.with_suffix(".json"), record)
    _remove_older(xml)


def _convert(model: Any, info: ImageModelInfo, draft: Path) -> None:
    """Trace probabilities and class activation maps with TensorFlow; write OpenVINO's IR."""
    openvino = import_openvino()
    import keras

    if keras.backend.backend() != "tensorflow":
        raise InputError(
            info.name, "The export needs Keras on TensorFlow; set KERAS_BACKEND=tensorflow."
        )
    import tensorflow as tf

    names = [layer.name for layer in model.layers]
    maps = model.layers[names.index("features") - 1].output
    both = keras.Model(model.input, [model.output, maps])
    kernel = tf.constant(model.layers[-1].get_weights()[0])
    side = info.input_size

    def answer(pixels: Any) -> tuple[Any, Any]:
        probabilities, features = both(pixels, training=False)
        return tf.identity(probabilities, "probabilities"), tf.linalg.matmul(features, kernel)

    signature = [tf.TensorSpec((None, side, side, 3), tf.float32, name="pixels")]
    traced = tf.function(answer, input_signature=signature).get_concrete_function()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        converted = openvino.convert_model(traced)
    openvino.save_model(converted, str(draft), compress_to_fp16=False)


def _check(model: Any, info: ImageModelInfo, draft: Path) -> float:
    """Hold the draft against Keras; returns the largest difference."""
    exported = OpenVinoNetwork(draft, cache_dir=None)
    batch = make_probe_batch(info.input_size)
    difference = measure_disagreement(KerasNetwork(model), exported, batch)
    if not difference <= AGREEMENT_LIMIT:
        raise InputError(
            info.name,
            f"The exported model of task {info.task.name} differs from Keras by {difference:.2g}, "
            f"more than {AGREEMENT_LIMIT:g}; it was not kept.",
        )
    return difference


def _remove_older(xml: Path) -> None:
    """Drop exports of earlier weights, record first."""
    for record in xml.parent.glob(f"*-{PRECISION}.json"):
        if record.stem != xml.stem:
            for path in (record, record.with_suffix(".xml"), record.with_suffix(".bin")):
                path.unlink(missing_ok=True)
