"""OpenVINO: answers from an exported network, without Keras or TensorFlow in the process."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from pipeline.attention import load_heads
from pipeline.engine.base import Arrays, NetworkStages
from pipeline.engine.exports import require_export
from pipeline.errors import InputError
from pipeline.models.registry import ModelInfo

NAME = "openvino"


def import_openvino() -> Any:
    """Import OpenVINO without its telemetry, which would call home from a hospital's server."""
    sys.modules.setdefault("openvino_telemetry", cast(Any, None))
    import openvino

    return openvino


class OpenVinoStage:
    """An exported stage on the CPU."""

    engine = NAME

    def __init__(
        self, xml: Path, *, precision: str, cache_dir: Path | None, threads: int | None = None
    ) -> None:
        self.precision = precision
        openvino = import_openvino()
        # Left alone, OpenVINO computes in bfloat16 on CPUs that have it. Asked for bfloat16 on one
        # that has not, it computes in float32.
        settings: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": precision,
            "PERFORMANCE_HINT": "LATENCY",
            # Pinned, the threads of two workers on one machine would share the first cores.
            "ENABLE_CPU_PINNING": False,
        }
        if cache_dir is not None:
            settings["CACHE_DIR"] = str(cache_dir)
        if threads is not None:
            settings["INFERENCE_NUM_THREADS"] = threads
        compiled = openvino.Core().compile_model(str(xml), "CPU", settings)
        self._request = compiled.create_infer_request()

    def predict(self, inputs: Sequence[NDArray[np.float32]]) -> Arrays:
        """Answer a batch; see `pipeline.engine.base.StageModel`."""
        given = {i: np.ascontiguousarray(array, np.float32) for i, array in enumerate(inputs)}
        self._request.infer(given, share_inputs=True)
        return [np.array(tensor.data, np.float32) for tensor in self._request.output_tensors]


def convert(model: Any, xml: Path) -> None:
    """Trace a Keras model with TensorFlow and write it as OpenVINO's IR, at float32."""
    import warnings

    from pipeline.engine.tracing import trace

    openvino = import_openvino()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        converted = openvino.convert_model(trace(model).get_concrete_function())
    openvino.save_model(converted, str(xml), compress_to_fp16=False)


def open_draft(stages: Sequence[Path]) -> NetworkStages:
    """Load files that are not yet an export, at float32, to hold them against Keras."""
    first, second = (OpenVinoStage(xml, precision="f32", cache_dir=None) for xml in stages)
    return NetworkStages(first, second)


def open_stages(
    info: ModelInfo, *, precision: str, engine_dir: Path, threads: int | None = None
) -> NetworkStages:
    """Load a network's export.

    Raises:
        InputError: There is no export of these weights, or OpenVINO cannot read it.
    """
    files = require_export(info, engine_dir, NAME)
    try:
        first, second = (
            OpenVinoStage(xml, precision=precision, cache_dir=files.compiled, threads=threads)
            for xml in files.stages
        )
    except ImportError:
        raise InputError(info.name, "OpenVINO is not installed; use another engine.") from None
    except RuntimeError as error:
        raise InputError(
            info.name,
            f"OpenVINO cannot load the exported network of task {info.task}. "
            "Run: python -m pipeline export --again",
        ) from error
    return NetworkStages(first, second, load_heads(files.heads))
