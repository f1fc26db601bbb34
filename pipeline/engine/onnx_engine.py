"""ONNX Runtime: answers from an exported network, on any CPU that it has a build for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.engine.base import PLAIN, Arrays, StageSettings

#: ONNX operators as of this version; every current runtime knows them.
_OPSET = 18


class OnnxStage:
    """An exported stage (``.onnx``) on the CPU, at float32."""

    engine = "onnxruntime"

    def __init__(self, path: Path, settings: StageSettings = PLAIN) -> None:
        import onnxruntime

        self.precision = settings.precision
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        # Left alone, it pins a thread to each core, which containers may forbid.
        options.intra_op_num_threads = settings.threads or os.cpu_count() or 1
        self._session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        # Files name inputs and outputs in the order in which the network was traced.
        self._names = [tensor.name for tensor in self._session.get_inputs()]

    def predict(self, inputs: Sequence[NDArray[np.float32]]) -> Arrays:
        """Answer a batch; see `pipeline.engine.base.StageModel`."""
        given = {
            name: np.ascontiguousarray(array, np.float32)
            for name, array in zip(self._names, inputs, strict=True)
        }
        return [np.asarray(part, np.float32) for part in self._session.run(None, given)]


def convert(model: Any, path: Path) -> None:
    """Trace a Keras model with TensorFlow and write it as ONNX, at float32."""
    import logging

    import tf2onnx

    from pipeline.engine.tracing import signature, trace

    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    tf2onnx.convert.from_function(
        trace(model), input_signature=signature(model), opset=_OPSET, output_path=str(path)
    )
