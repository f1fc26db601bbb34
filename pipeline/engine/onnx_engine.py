"""ONNX Runtime: answers from an exported network, on any CPU that it has a build for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.attention import load_heads
from pipeline.engine.base import Arrays, NetworkStages
from pipeline.engine.exports import require_export
from pipeline.errors import InputError
from pipeline.models.registry import ModelInfo

NAME = "onnxruntime"
#: ONNX operators as of this version; every current runtime knows them.
_OPSET = 18


class OnnxStage:
    """An exported stage on the CPU, at float32."""

    engine = NAME
    precision = "f32"

    def __init__(self, path: Path, *, threads: int | None = None) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        # Left alone, it pins a thread to each core, which containers may forbid.
        options.intra_op_num_threads = threads or os.cpu_count() or 1
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


def open_draft(stages: Sequence[Path]) -> NetworkStages:
    """Load files that are not yet an export, to hold them against Keras."""
    first, second = (OnnxStage(path) for path in stages)
    return NetworkStages(first, second)


def open_stages(
    info: ModelInfo, *, precision: str, engine_dir: Path, threads: int | None = None
) -> NetworkStages:
    """Load a network's export; ``precision`` is float32.

    Raises:
        InputError: There is no export of these weights, or ONNX Runtime cannot read it.
    """
    files = require_export(info, engine_dir, NAME)
    try:
        first, second = (OnnxStage(path, threads=threads) for path in files.stages)
    except ImportError:
        raise InputError(info.name, "ONNX Runtime is not installed; use another engine.") from None
    except Exception as error:  # its own exceptions share no base class
        raise InputError(
            info.name,
            f"ONNX Runtime cannot load the exported network of task {info.task}. "
            "Run: python -m pipeline export --again",
        ) from error
    return NetworkStages(first, second, load_heads(files.heads))
