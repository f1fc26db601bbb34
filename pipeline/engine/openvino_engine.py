"""OpenVINO: answers from an exported network, without Keras or TensorFlow in the process.

What OpenVINO compiled is stored with its own digest and compiled again where it does not match:
it holds all weights. OpenVINO's own cache (``CACHE_DIR``) would use an altered file unseen.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.engine.base import PLAIN, Arrays, StageSettings
from pipeline.engine.exports import SUFFIXES
from pipeline.engine.openvino_graph import UnknownLayerError, build_graph, import_openvino
from pipeline.engine.openvino_int8 import quantise
from pipeline.storage.atomic_files import replacing
from pipeline.storage.digests import file_digest, seal, unseal

_LOG = logging.getLogger(__name__)
_DEVICE = "CPU"
#: First bytes of a stored compiled network.
_MAGIC = b"OVRC1"


class OpenVinoStage:
    """An exported stage (``.xml``) on the CPU.

    A batch is cut into `StageSettings.streams` parts that are answered at once; one that has fewer
    slices is answered as a whole, on all threads.
    """

    engine = "openvino"

    def __init__(self, path: Path, settings: StageSettings = PLAIN) -> None:
        self.precision = settings.precision
        self._path, self._settings = path, settings
        #: By the number of parts: a request for each.
        self._requests: dict[int, list[Any]] = {}
        compiled = self._compile(settings.streams)
        # Feature maps keep OpenVINO's order of axes in memory from stage to stage; callers see them
        # as views in the order of `StageModel`.
        self._turned_in = [_has_channels_first(port) for port in compiled.inputs]
        self._turned_out = [_has_channels_first(port) for port in compiled.outputs]

    def predict(self, inputs: Sequence[NDArray[np.float32]]) -> Arrays:
        """Answer a batch; see `pipeline.engine.base.StageModel`."""
        views = zip(inputs, self._turned_in, strict=True)
        turned = (np.moveaxis(array, -1, 1) if first else array for array, first in views)
        given = [np.ascontiguousarray(array, np.float32) for array in turned]
        streams = self._settings.streams if len(given[0]) >= self._settings.streams else 1
        if streams not in self._requests:
            self._compile(streams)
        requests = self._requests[streams]
        cut = [np.array_split(array, len(requests)) for array in given]
        for request, parts in zip(requests, zip(*cut, strict=True), strict=True):
            request.start_async(dict(enumerate(parts)), share_inputs=True)
        for request in requests:
            request.wait()
        # Copied: the next batch is written to the same memory.
        answers = [
            np.concatenate([request.output_tensors[k].data for request in requests])
            for k in range(len(self._turned_out))
        ]
        turned_out = zip(answers, self._turned_out, strict=True)
        return [np.moveaxis(array, 1, -1) if first else array for array, first in turned_out]

    def _compile(self, streams: int) -> Any:
        openvino = import_openvino()
        threads = self._settings.threads
        # Left alone, OpenVINO computes in bfloat16 on CPUs that have it. Asked for bfloat16 on one
        # that has not, it computes in float32.
        options: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": "bf16" if self.precision == "bf16" else "f32",
            "PERFORMANCE_HINT": "LATENCY",
            # Pinned, the threads of two workers on one machine would share the first cores.
            "ENABLE_CPU_PINNING": False,
        }
        if streams > 1:
            options["NUM_STREAMS"] = streams
            threads = threads or os.cpu_count()
        if threads is not None:
            options["INFERENCE_NUM_THREADS"] = threads
        core, folder = openvino.Core(), self._settings.cache_dir
        if folder is None:
            compiled = core.compile_model(self._read(core), _DEVICE, options)
        else:
            key = _key(core, self._path, options, self._settings.largest)
            stored = folder / f"{self._path.stem}-{key}.blob"
            compiled = _compile_once(core, lambda: self._read(core), options, stored)
        self._requests[streams] = [compiled.create_infer_request() for _ in range(streams)]
        return compiled

    def _read(self, core: Any) -> Any:
        model = core.read_model(str(self._path))
        return quantise(model, self._settings.largest) if self.precision == "int8" else model


def _has_channels_first(port: Any) -> bool:
    """Whether an input or output is of a graph by `pipeline.engine.openvino_graph`.

    Its feature maps have a known number of channels and any height and width.
    """
    shape = port.get_partial_shape()
    return len(shape) == 4 and shape[1].is_static and shape[2].is_dynamic and shape[3].is_dynamic


def _compile_once(core: Any, read: Callable[[], Any], options: dict[str, Any], stored: Path) -> Any:
    """A compiled model, from the cache where it was stored unaltered."""
    try:
        return core.import_model(bytes(unseal(_MAGIC, stored.read_bytes())), _DEVICE, options)
    except FileNotFoundError:
        pass
    except (OSError, ValueError, RuntimeError) as error:  # OpenVINO raises RuntimeError
        _LOG.warning("The compiled network %s is not used and made again: %s.", stored.name, error)
    compiled = core.compile_model(read(), _DEVICE, options)
    content = io.BytesIO()
    compiled.export_model(content)
    try:
        stored.parent.mkdir(mode=0o700, exist_ok=True)
        with replacing(stored) as draft:
            draft.write_bytes(seal(_MAGIC, content.getvalue()))
    except OSError as error:
        _LOG.warning("The compiled network could not be stored: %s", error.strerror)
    return compiled


def _key(core: Any, path: Path, options: dict[str, Any], largest: Mapping[str, float]) -> str:
    """What decides how a network is compiled: files, OpenVINO, processor, options, int8 ranges."""
    names = ("FULL_DEVICE_NAME", "OPTIMIZATION_CAPABILITIES")
    decides = [
        *(file_digest(path.with_suffix(suffix)) for suffix in SUFFIXES["openvino"]),
        import_openvino().get_version(),
        *(str(core.get_property(_DEVICE, name)) for name in names),
        options,
        dict(largest),
    ]
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:32]


def convert(model: Any, path: Path) -> None:
    """Write a Keras model as OpenVINO's IR, at float32: layer by layer, or traced by TensorFlow."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            converted = build_graph(model)
        except UnknownLayerError as error:
            _LOG.info("%s is traced: it has %s.", path.name, error)
            convert_traced(model, path)
            return
    import_openvino().save_model(converted, str(path), compress_to_fp16=False)


def convert_traced(model: Any, path: Path) -> None:
    """Write a Keras model as OpenVINO's IR, at float32, traced by TensorFlow."""
    from pipeline.engine.tracing import trace

    openvino = import_openvino()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        converted = openvino.convert_model(trace(model).get_concrete_function())
    openvino.save_model(converted, str(path), compress_to_fp16=False)
