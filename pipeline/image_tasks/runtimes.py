"""Runs an image task's network: from pixels to probabilities and class activation maps.

OpenVINO answers from an exported model, so that no TensorFlow is in the process; Keras is the
reference that an export is held against, and what is used where nothing can be exported.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.checked_json import Fields, read_json_object
from pipeline.engine.exports import AGREEMENT_LIMIT
from pipeline.engine.openvino_engine import import_openvino
from pipeline.errors import InputError
from pipeline.image_tasks.models import ImageModelInfo, load_image_network

RECORD_SCHEMA = 1
PRECISION = "f32"
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, eq=False)
class NetworkAnswer:
    """What a network says of a batch.

    Attributes:
        probabilities: ``(n, classes)`` float32 before calibration.
        activations: ``(n, h, w, classes)`` float32 class activation maps.
    """

    probabilities: NDArray[np.float32]
    activations: NDArray[np.float32]


class ImageNetwork(Protocol):
    """A loaded network."""

    engine: str
    precision: str

    def answer(self, batch: NDArray[np.float32]) -> NetworkAnswer:
        """Answer pixels ``(n, size, size, 3)`` float32 in [0, 255]."""


class KerasNetwork:
    """The network in Keras."""

    engine, precision = "keras", PRECISION

    def __init__(self, model: Any) -> None:
        import keras

        self._dense = model.layers[-1]
        maps = model.layers[[layer.name for layer in model.layers].index("features") - 1]
        self._model = keras.Model(model.input, [model.output, maps.output])

    def answer(self, batch: NDArray[np.float32]) -> NetworkAnswer:
        """Answer a batch; see `ImageNetwork`."""
        probabilities, maps = self._model.predict_on_batch(batch)
        kernel = np.asarray(self._dense.get_weights()[0], np.float32)
        return NetworkAnswer(np.asarray(probabilities, np.float32), np.asarray(maps) @ kernel)


class OpenVinoNetwork:
    """An exported network on the CPU."""

    engine, precision = "openvino", PRECISION

    def __init__(self, xml: Path, *, cache_dir: Path | None, threads: int | None = None) -> None:
        openvino = import_openvino()
        # Left alone, OpenVINO computes in bfloat16 on CPUs that have it.
        settings: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": PRECISION,
            "PERFORMANCE_HINT": "LATENCY",
        }
        if cache_dir is not None:
            settings["CACHE_DIR"] = str(cache_dir)
        if threads is not None:
            settings["INFERENCE_NUM_THREADS"] = threads
        compiled = openvino.Core().compile_model(str(xml), "CPU", settings)
        self._request = compiled.create_infer_request()

    def answer(self, batch: NDArray[np.float32]) -> NetworkAnswer:
        """Answer a batch; see `ImageNetwork`."""
        self._request.infer({0: np.ascontiguousarray(batch, np.float32)}, share_inputs=True)
        outputs = [np.array(self._request.get_output_tensor(k).data, np.float32) for k in range(2)]
        return NetworkAnswer(*outputs)


def exported_xml(info: ImageModelInfo, engine_dir: Path) -> Path:
    """Where a model's export lies: ``.xml``, with ``.bin`` and ``.json`` beside it."""
    name = f"{info.name}-{info.digest[:12]}-{PRECISION}.xml"
    return Path(engine_dir) / info.task.name / name


def is_image_model_exported(info: ImageModelInfo, engine_dir: Path) -> bool:
    """Whether an export of exactly these weights is there, whole, and agreed with Keras."""
    xml = exported_xml(info, engine_dir)
    record_path = xml.with_suffix(".json")
    try:
        content = read_json_object(record_path, record_path.name)
        if content is None:
            return False
        record = Fields(content, record_path.name)
        sizes = record.mapping("sizes")
        return (
            record.get("schema") == RECORD_SCHEMA
            and record.text("keras_digest", _DIGEST) == info.digest
            and record.number("max_difference", 0, 1) <= AGREEMENT_LIMIT
            and sizes.get("xml") == xml.stat().st_size
            and sizes.get("bin") == xml.with_suffix(".bin").stat().st_size
        )
    except (InputError, OSError):
        return False


def open_network(
    info: ImageModelInfo, *, engine: str, engine_dir: Path, threads: int | None = None
) -> ImageNetwork:
    """Load a task's network.

    Args:
        info: The model.
        engine: ``openvino`` or ``keras``.
        engine_dir: Where exports lie.
        threads: CPU threads to use; None leaves the choice to the runtime.

    Raises:
        InputError: The model is not there in the form that the engine needs.
    """
    if engine == "keras":
        return KerasNetwork(load_image_network(info))
    if engine != "openvino":
        raise InputError("", f"There is no engine {engine!r}; known: openvino, keras.")
    name = info.task.name
    if not is_image_model_exported(info, engine_dir):
        raise InputError(
            name,
            f"The model of task {name} is not exported for the fast engine yet. "
            f"Run: python -m pipeline export --task {name}",
        )
    xml = exported_xml(info, engine_dir)
    try:
        return OpenVinoNetwork(xml, cache_dir=xml.parent / "compiled", threads=threads)
    except ImportError:
        raise InputError(name, "OpenVINO is not installed; use the engine keras.") from None
    except RuntimeError as error:
        raise InputError(
            name,
            f"OpenVINO cannot load the exported model of task {name}. "
            f"Run: python -m pipeline export --task {name} --again",
        ) from error
