"""OpenVINO: answers from an exported network, without Keras or TensorFlow in the process."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from pipeline.engine.base import PLAIN, Arrays, StageSettings


def import_openvino() -> Any:
    """Import OpenVINO without its telemetry, which would call home from a hospital's server."""
    sys.modules.setdefault("openvino_telemetry", cast(Any, None))
    import openvino

    return openvino


class OpenVinoStage:
    """An exported stage (``.xml``) on the CPU."""

    engine = "openvino"

    def __init__(self, path: Path, settings: StageSettings = PLAIN) -> None:
        self.precision = settings.precision
        openvino = import_openvino()
        # Left alone, OpenVINO computes in bfloat16 on CPUs that have it. Asked for bfloat16 on one
        # that has not, it computes in float32.
        options: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": settings.precision,
            "PERFORMANCE_HINT": "LATENCY",
            # Pinned, the threads of two workers on one machine would share the first cores.
            "ENABLE_CPU_PINNING": False,
        }
        if settings.cache_dir is not None:
            options["CACHE_DIR"] = str(settings.cache_dir)
        if settings.threads is not None:
            options["INFERENCE_NUM_THREADS"] = settings.threads
        compiled = openvino.Core().compile_model(str(path), "CPU", options)
        self._request = compiled.create_infer_request()

    def predict(self, inputs: Sequence[NDArray[np.float32]]) -> Arrays:
        """Answer a batch; see `pipeline.engine.base.StageModel`."""
        given = {i: np.ascontiguousarray(array, np.float32) for i, array in enumerate(inputs)}
        self._request.infer(given, share_inputs=True)
        return [np.array(tensor.data, np.float32) for tensor in self._request.output_tensors]


def convert(model: Any, path: Path) -> None:
    """Trace a Keras model with TensorFlow and write it as OpenVINO's IR, at float32."""
    import warnings

    from pipeline.engine.tracing import trace

    openvino = import_openvino()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        converted = openvino.convert_model(trace(model).get_concrete_function())
    openvino.save_model(converted, str(path), compress_to_fp16=False)
