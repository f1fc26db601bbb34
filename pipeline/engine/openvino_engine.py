"""OpenVINO: answers from an exported network, without Keras or TensorFlow in the process.

An exported network is a folder ``<engine_dir>/<task>/<first 12 digits of the .keras digest>-f32``
with ``first`` and ``second``, each ``.xml`` and ``.bin``, and ``export.json``. The JSON is written
last and names the whole digest and how far the answers were from Keras's; without it, or with
another digest in it, the network counts as not exported.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from pipeline.checked_json import Fields, read_json_object
from pipeline.engine.base import Arrays, NetworkStages
from pipeline.errors import InputError
from pipeline.models.registry import ModelInfo

RECORD_SCHEMA = 2
#: Largest difference from Keras, in probability, that an exported float32 model may have.
AGREEMENT_LIMIT = 1e-3
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class ExportedFiles:
    """Where the files of one exported network lie."""

    folder: Path

    @property
    def stages(self) -> tuple[Path, Path]:
        """The ``.xml`` of both stages; each has its ``.bin`` beside it."""
        return self.folder / "first.xml", self.folder / "second.xml"

    @property
    def record(self) -> Path:
        """The JSON that makes the export count."""
        return self.folder / "export.json"

    def sizes(self) -> dict[str, int]:
        """Bytes of each stage's files, by name.

        Raises:
            OSError: One is missing.
        """
        paths = [path for xml in self.stages for path in (xml, xml.with_suffix(".bin"))]
        return {path.name: path.stat().st_size for path in paths}


def exported_files(info: ModelInfo, engine_dir: Path, precision: str = "f32") -> ExportedFiles:
    """Name the files of a network's export."""
    return ExportedFiles(Path(engine_dir) / info.task / f"{info.digest[:12]}-{precision}")


def is_exported(info: ModelInfo, engine_dir: Path, precision: str = "f32") -> bool:
    """Whether an export of exactly these weights is there, whole, and agreed with Keras."""
    files = exported_files(info, engine_dir, precision)
    try:
        content = read_json_object(files.record, files.record.name)
        if content is None:
            return False
        record = Fields(content, files.record.name)
        return (
            record.get("schema") == RECORD_SCHEMA
            and record.text("keras_digest", _DIGEST) == info.digest
            and record.number("max_difference", 0, 1) <= AGREEMENT_LIMIT
            and record.get("sizes") == files.sizes()
        )
    except (InputError, OSError):
        return False


def import_openvino() -> Any:
    """Import OpenVINO without its telemetry, which would call home from a hospital's server."""
    sys.modules.setdefault("openvino_telemetry", cast(Any, None))
    import openvino

    return openvino


class OpenVinoStage:
    """An exported stage on the CPU."""

    engine = "openvino"

    def __init__(
        self, xml: Path, *, precision: str, cache_dir: Path | None, threads: int | None = None
    ) -> None:
        self.precision = precision
        openvino = import_openvino()
        # Left alone, OpenVINO computes in bfloat16 on CPUs that have it.
        settings: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": precision,
            "PERFORMANCE_HINT": "LATENCY",
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


def open_stages(
    info: ModelInfo, *, precision: str, engine_dir: Path, threads: int | None = None
) -> NetworkStages:
    """Load a network's export.

    Raises:
        InputError: There is no export of these weights, or OpenVINO cannot read it.
    """
    if not is_exported(info, engine_dir, precision):
        raise InputError(
            info.name,
            f"The network of task {info.task} is not exported for the fast engine yet. "
            "Run: python -m pipeline export",
        )
    files = exported_files(info, engine_dir, precision)
    compiled = files.folder / "compiled"
    try:
        first, second = (
            OpenVinoStage(xml, precision=precision, cache_dir=compiled, threads=threads)
            for xml in files.stages
        )
    except ImportError:
        raise InputError(info.name, "OpenVINO is not installed; use the engine keras.") from None
    except RuntimeError as error:
        raise InputError(
            info.name,
            f"OpenVINO cannot load the exported network of task {info.task}. "
            "Run: python -m pipeline export --again",
        ) from error
    return NetworkStages(first, second)
