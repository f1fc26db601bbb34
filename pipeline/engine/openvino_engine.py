"""OpenVINO: answers from an exported network, without Keras or TensorFlow in the process.

What OpenVINO compiled is stored with its own digest and compiled again where it does not match:
it holds all weights. OpenVINO's own cache (``CACHE_DIR``) would use an altered file unseen.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from pipeline.engine.base import PLAIN, Arrays, StageSettings
from pipeline.engine.exports import SUFFIXES
from pipeline.storage.atomic_files import replacing
from pipeline.storage.digests import file_digest, seal, unseal

_LOG = logging.getLogger(__name__)
_DEVICE = "CPU"
#: First bytes of a stored compiled network.
_MAGIC = b"OVRC1"


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
        if settings.threads is not None:
            options["INFERENCE_NUM_THREADS"] = settings.threads
        core = openvino.Core()
        if settings.cache_dir is None:
            compiled = core.compile_model(str(path), _DEVICE, options)
        else:
            compiled = _compile_once(core, path, options, settings.cache_dir)
        self._request = compiled.create_infer_request()

    def predict(self, inputs: Sequence[NDArray[np.float32]]) -> Arrays:
        """Answer a batch; see `pipeline.engine.base.StageModel`."""
        given = {i: np.ascontiguousarray(array, np.float32) for i, array in enumerate(inputs)}
        self._request.infer(given, share_inputs=True)
        return [np.array(tensor.data, np.float32) for tensor in self._request.output_tensors]


def _compile_once(core: Any, path: Path, options: dict[str, Any], cache_dir: Path) -> Any:
    """A compiled model, from the cache where it was stored unaltered."""
    stored = cache_dir / f"{path.stem}-{_key(core, path, options)}.blob"
    try:
        return core.import_model(bytes(unseal(_MAGIC, stored.read_bytes())), _DEVICE, options)
    except FileNotFoundError:
        pass
    except (OSError, ValueError, RuntimeError) as error:  # OpenVINO raises RuntimeError
        _LOG.warning("The compiled network %s is not used and made again: %s.", stored.name, error)
    compiled = core.compile_model(str(path), _DEVICE, options)
    content = io.BytesIO()
    compiled.export_model(content)
    try:
        cache_dir.mkdir(mode=0o700, exist_ok=True)
        with replacing(stored) as draft:
            draft.write_bytes(seal(_MAGIC, content.getvalue()))
    except OSError as error:
        _LOG.warning("The compiled network could not be stored: %s", error.strerror)
    return compiled


def _key(core: Any, path: Path, options: dict[str, Any]) -> str:
    """What decides how a network is compiled: its files, OpenVINO, the processor, the options."""
    names = ("FULL_DEVICE_NAME", "OPTIMIZATION_CAPABILITIES")
    decides = [
        *(file_digest(path.with_suffix(suffix)) for suffix in SUFFIXES["openvino"]),
        import_openvino().get_version(),
        *(str(core.get_property(_DEVICE, name)) for name in names),
        options,
    ]
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:32]


def convert(model: Any, path: Path) -> None:
    """Trace a Keras model with TensorFlow and write it as OpenVINO's IR, at float32."""
    import warnings

    from pipeline.engine.tracing import trace

    openvino = import_openvino()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        converted = openvino.convert_model(trace(model).get_concrete_function())
    openvino.save_model(converted, str(path), compress_to_fp16=False)
