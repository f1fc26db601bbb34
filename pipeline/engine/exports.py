"""Where exported networks are stored, and whether one may be used. Imports no runtime.

An exported network is a folder ``<engine_dir>/<task>/<digest>-<engine>``, named by the first twelve
digits of the ``.keras`` file's digest, with the files of each stage and ``export.json``. The JSON
is written last and names the whole digest and how far the answers were from Keras's; without it, or
with another digest in it, the network counts as not exported.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import with_config

from pipeline.errors import InputError
from pipeline.models.registry import NetworkInfo
from pipeline.storage.checked_json import STRICT, read_json
from pipeline.storage.field_types import Count, Digest, Name, Share

#: Largest difference from Keras that an exported float32 model may have: in probability, and of
#: other outputs in units of their largest value (`pipeline.engine.export.measure_difference`).
AGREEMENT_LIMIT = 1e-3
#: Engine -> endings of one stage's files; the first is the one that the runtime opens.
SUFFIXES = {"openvino": (".xml", ".bin"), "onnxruntime": (".onnx",)}


@with_config(STRICT)
@dataclass(frozen=True, kw_only=True)
class ExportRecord:
    """export.json: what makes an export count.

    Attributes:
        task, name: Of the network.
        engine, version: The runtime that the export is for.
        keras_digest: SHA-256 of the ``.keras`` file.
        max_difference: Largest difference of its answers from Keras's.
        limit: What was allowed.
        sizes: Bytes of each file, by name.
    """

    schema: Literal[4] = 4
    task: Name
    name: Name
    engine: Name
    version: Name
    keras_digest: Digest
    max_difference: Share
    limit: Share
    sizes: dict[Name, Count]


@dataclass(frozen=True)
class ExportedFiles:
    """Where the files of one exported network are.

    Attributes:
        folder: The export's folder.
        engine: The runtime that they are for.
        names: Names of the network's stages.
        has_heads: Whether the heads' weights are with them.
    """

    folder: Path
    engine: str
    names: tuple[str, ...]
    has_heads: bool

    @property
    def stages(self) -> tuple[Path, ...]:
        """What the runtime opens for each stage."""
        suffix = SUFFIXES[self.engine][0]
        return tuple(self.folder / f"{name}{suffix}" for name in self.names)

    @property
    def record(self) -> Path:
        """The JSON that makes the export count."""
        return self.folder / "export.json"

    @property
    def heads(self) -> Path:
        """What the classifier weighs its features by (`pipeline.engine.grad_cam`)."""
        return self.folder / "heads.json"

    @property
    def compiled(self) -> Path:
        """Folder of what the runtime compiled for this machine."""
        return self.folder / "compiled"

    def sizes(self) -> dict[str, int]:
        """Bytes of each stage's files, and of the heads where there are any, by name.

        Raises:
            OSError: One is missing.
        """
        endings = SUFFIXES[self.engine]
        paths = [stage.with_suffix(suffix) for stage in self.stages for suffix in endings]
        paths += [self.heads] if self.has_heads else []
        return {path.name: path.stat().st_size for path in paths}


def exported_files(info: NetworkInfo, engine_dir: Path, engine: str) -> ExportedFiles:
    """Name the files of a network's export."""
    folder = Path(engine_dir) / info.task_name / f"{info.digest[:12]}-{engine}"
    return ExportedFiles(folder, engine, info.stages, info.has_heads)


def is_exported(info: NetworkInfo, engine_dir: Path, engine: str) -> bool:
    """Whether an export of exactly these weights exists, is whole, and agreed with Keras."""
    files = exported_files(info, engine_dir, engine)
    try:
        record = read_json(
            files.record, ExportRecord, shown=files.record.name, remedy="export the model again"
        )
        return (
            record is not None
            and record.engine == engine
            and record.keras_digest == info.digest
            and record.max_difference <= AGREEMENT_LIMIT
            and record.sizes == files.sizes()
        )
    except (InputError, OSError):
        return False


def require_export(info: NetworkInfo, engine_dir: Path, engine: str) -> ExportedFiles:
    """The files of an export that may be used.

    Raises:
        InputError: These weights are not exported.
    """
    if not is_exported(info, engine_dir, engine):
        raise InputError(
            info.name,
            f"The network of task {info.task_name} is not exported for the engine {engine} yet. "
            f"Run: python -m pipeline export --task {info.task_name}",
        )
    return exported_files(info, engine_dir, engine)
