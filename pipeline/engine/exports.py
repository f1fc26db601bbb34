"""Where exported networks are stored, and whether one may be used. Imports no runtime.

An exported network is a folder ``<engine_dir>/<task>/<digest>-<engine>``, named by the first twelve
digits of the ``.keras`` file's digest, with the files of each stage and ``export.json``. The JSON
is written last. It names the whole digest, the SHA-256 of each exported file, and how far the
answers of exactly these files were from Keras's. Without it, or where any digest is another one,
the network counts as not exported.

The digests are in the folder of the files: they find what a disk, a copy or an editor altered.
Somebody who may write the folder could export another network as well, so that no other place would
be safer; the folder belongs to the server's user only (mode 0700).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import with_config

from pipeline.errors import InputError
from pipeline.models.registry import NetworkInfo
from pipeline.storage.checked_json import STRICT, read_json
from pipeline.storage.digests import file_digest
from pipeline.storage.field_types import Digest, Name, Share

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
        digests: SHA-256 of each file whose answers were compared, by name.
    """

    schema: Literal[8] = 8
    task: Name
    name: Name
    engine: Name
    version: Name
    keras_digest: Digest
    max_difference: Share
    limit: Share
    digests: dict[Name, Digest]


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

    def digests(self) -> dict[str, str]:
        """SHA-256 of each stage's files, and of the heads where there are any, by name.

        Raises:
            OSError: One is missing.
        """
        endings = SUFFIXES[self.engine]
        paths = [stage.with_suffix(suffix) for stage in self.stages for suffix in endings]
        paths += [self.heads] if self.has_heads else []
        return {path.name: file_digest(path) for path in paths}


def exported_files(info: NetworkInfo, engine_dir: Path, engine: str) -> ExportedFiles:
    """Name the files of a network's export."""
    folder = Path(engine_dir) / info.task_name / f"{info.digest[:12]}-{engine}"
    return ExportedFiles(folder, engine, info.stages, info.has_heads)


def is_exported(info: NetworkInfo, engine_dir: Path, engine: str) -> bool:
    """Whether an export of exactly these weights exists, is unaltered, and agreed with Keras."""
    return _why_unusable(info, exported_files(info, engine_dir, engine)) is None


def require_export(info: NetworkInfo, engine_dir: Path, engine: str) -> ExportedFiles:
    """The files of an export that may be used.

    Raises:
        InputError: These weights are not exported, or the exported files were altered since.
    """
    files = exported_files(info, engine_dir, engine)
    why = _why_unusable(info, files)
    if why is not None:
        message = f"{why} Run: python -m pipeline export --task {info.task_name}"
        raise InputError(info.name, message)
    return files


def _why_unusable(info: NetworkInfo, files: ExportedFiles) -> str | None:
    """Why an export may not be used, in one sentence; None where it may."""
    network = f"network of task {info.task_name}"
    missing = f"The {network} is not exported for the engine {files.engine} yet."
    try:
        record = read_json(
            files.record, ExportRecord, shown=files.record.name, remedy="export the model again"
        )
        if (
            record is None
            or record.engine != files.engine
            or record.keras_digest != info.digest
            or record.max_difference > AGREEMENT_LIMIT
        ):
            return missing
        found = files.digests()
    except (InputError, OSError):
        return missing
    altered = [name for name, digest in found.items() if record.digests.get(name) != digest]
    if altered:
        return (
            f"The exported {network} was altered and is not used: {', '.join(altered)}"
            " differ from the files that were compared with Keras."
        )
    return None
