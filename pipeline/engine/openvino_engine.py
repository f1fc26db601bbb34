"""OpenVINO: answers from an exported model, without Keras or TensorFlow in the process.

An exported model is three files, ``.xml``, ``.bin`` and ``.json``, named ``<engine_dir>/<task>/
<stage>-<first 12 digits of the .keras digest>-f32``. The JSON is written last and names the whole
digest and how far the answers were from Keras's; without it, or with another digest in it, the
model counts as not exported.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from pipeline.checked_json import Fields, read_json_object
from pipeline.errors import InputError
from pipeline.models.registry import ModelInfo

RECORD_SCHEMA = 1
#: Largest difference from Keras, in probability, that an exported float32 model may have.
AGREEMENT_LIMIT = 1e-3
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class ExportedFiles:
    """Where the three files of one exported model lie."""

    xml: Path

    @property
    def weights(self) -> Path:
        """The ``.bin`` beside the ``.xml``."""
        return self.xml.with_suffix(".bin")

    @property
    def record(self) -> Path:
        """The ``.json`` that makes the export count."""
        return self.xml.with_suffix(".json")


def exported_files(info: ModelInfo, engine_dir: Path, precision: str = "f32") -> ExportedFiles:
    """Name the files of a model's export."""
    name = f"{info.stage}-{info.digest[:12]}-{precision}.xml"
    return ExportedFiles(Path(engine_dir) / info.task / name)


def is_exported(info: ModelInfo, engine_dir: Path, precision: str = "f32") -> bool:
    """Whether an export of exactly these weights is there, whole, and agreed with Keras."""
    files = exported_files(info, engine_dir, precision)
    try:
        content = read_json_object(files.record, files.record.name)
        if content is None:
            return False
        record = Fields(content, files.record.name)
        sizes = record.mapping("sizes")
        return (
            record.get("schema") == RECORD_SCHEMA
            and record.text("keras_digest", _DIGEST) == info.digest
            and record.number("max_difference", 0, 1) <= AGREEMENT_LIMIT
            and sizes.get("xml") == files.xml.stat().st_size
            and sizes.get("bin") == files.weights.stat().st_size
        )
    except (InputError, OSError):
        return False


def import_openvino() -> Any:
    """Import OpenVINO without its telemetry, which would call home from a hospital's server."""
    sys.modules.setdefault("openvino_telemetry", cast(Any, None))
    import openvino

    return openvino


class OpenVinoStage:
    """An exported network on the CPU."""

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

    def predict(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Answer a batch; see `pipeline.engine.base.StageModel`."""
        self._request.infer({0: np.ascontiguousarray(batch, np.float32)}, share_inputs=True)
        return np.array(self._request.get_output_tensor(0).data, np.float32)


def open_stage(
    info: ModelInfo, *, precision: str, engine_dir: Path, threads: int | None = None
) -> OpenVinoStage:
    """Load a model's export.

    Raises:
        InputError: There is no export of these weights, or OpenVINO cannot read it.
    """
    if not is_exported(info, engine_dir, precision):
        raise InputError(
            info.name,
            f"The {info.stage} of task {info.task} is not exported for the fast engine yet. "
            "Run: python -m pipeline export",
        )
    files = exported_files(info, engine_dir, precision)
    try:
        return OpenVinoStage(
            files.xml,
            precision=precision,
            cache_dir=files.xml.parent / "compiled",
            threads=threads,
        )
    except ImportError:
        raise InputError(info.name, "OpenVINO is not installed; use the engine keras.") from None
    except RuntimeError as error:
        raise InputError(
            info.name,
            f"OpenVINO cannot load the exported {info.stage} of task {info.task}. "
            "Run: python -m pipeline export --again",
        ) from error
