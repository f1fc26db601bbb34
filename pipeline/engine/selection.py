"""Which runtime answers, and at which precision: the one table of engines, and what ``auto`` means.

Nothing here imports a runtime: the web process asks too, for the key of a result.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pipeline.engine.base import NetworkStages, StageModel, StageSettings
from pipeline.engine.exports import SUFFIXES, ExportedFiles, is_exported, require_export
from pipeline.engine.grad_cam import HeadWeights, load_heads, read_heads
from pipeline.engine.precision import PRECISIONS, agrees
from pipeline.engine.speed_probe import (
    choose_streams,
    computes_bfloat16,
    instruction_sets,
    machine_digest,
)
from pipeline.errors import InputError
from pipeline.models.entries import find_entry
from pipeline.models.int8_ranges import RANGES_FILE
from pipeline.models.registry import ModelInfo, NetworkInfo, load_keras_model


@dataclass(frozen=True)
class EngineEntry:
    """One runtime.

    Attributes:
        title: As sentences call it.
        module: Has the class of its stages and, where it answers from exported files, ``convert``.
        stage: Name of that class, a `pipeline.engine.base.StageModel`. One that answers from
            exported files is made from a path and `pipeline.engine.base.StageSettings`.
        package: What must be installed for it.
        precisions: At which it can compute, the most exact first.
        has_streams: Whether it answers several parts of a batch at once.
    """

    title: str
    module: str
    stage: str
    package: str
    precisions: tuple[str, ...]
    has_streams: bool = False


#: The fastest first, as ``python -m pipeline benchmark`` measures them (docs/performance.md).
ENGINES: dict[str, EngineEntry] = {
    "openvino": EngineEntry(
        "OpenVINO",
        "pipeline.engine.openvino_engine",
        "OpenVinoStage",
        "openvino",
        ("f32", "bf16", "int8"),
        has_streams=True,
    ),
    "onnxruntime": EngineEntry(
        "ONNX Runtime", "pipeline.engine.onnx_engine", "OnnxStage", "onnxruntime", ("f32",)
    ),
    "keras": EngineEntry("Keras", "pipeline.engine.keras_engine", "KerasStage", "keras", ("f32",)),
}
CHOICES = ("auto", *ENGINES)
PRECISION_CHOICES = ("auto", *PRECISIONS)


def exporting_engines(engine: str) -> list[str]:
    """The engines that a choice stands for and that answer from exported files, fastest first.

    Raises:
        InputError: It is unknown, needs no export, or is not installed.
    """
    _check_known(engine)
    wanted = [name for name in SUFFIXES if engine in ("auto", name)]
    found = [name for name in wanted if find_spec(ENGINES[name].package)]
    if not wanted:
        raise InputError("", f"The engine {engine} needs no export.")
    if not found:
        packages = " or ".join(ENGINES[name].package for name in wanted)
        raise InputError("", f"No fast engine is installed; run: pip install {packages}")
    return found


def choose_engine(info: NetworkInfo, engine: str, *, precision: str, engine_dir: Path) -> str:
    """The engine that answers.

    Args:
        info: The network.
        engine: One of `CHOICES`. ``auto`` is the fastest that is installed, computes at the
            precision and whose export agreed with Keras; never Keras, because a job must not import
            TensorFlow.
        precision: Precision, as `choose_precision` gives it.
        engine_dir: Where exported models are kept.

    Raises:
        InputError: There is no such engine, or it does not compute at that precision.
    """
    fit = _fitting_engines(engine, precision)
    ready = [name for name in fit if name in SUFFIXES and is_exported(info, engine_dir, name)]
    return (ready or fit)[0]


def fastest_engine(engine: str, *, precision: str = "f32") -> str:
    """The engine that a choice stands for, whether or not its export is there yet.

    Raises:
        InputError: There is no such engine, or it does not compute at that precision.
    """
    return _fitting_engines(engine, precision)[0]


def choose_precision(info: NetworkInfo, precision: str, *, engine: str = "auto") -> str:
    """The precision at which a network answers.

    Args:
        info: The network, with the comparisons that were shipped with it.
        precision: One of `PRECISION_CHOICES`; ``auto`` is the first of `fast_precisions` that the
            engine has and at which these weights were shown to agree (`pipeline.engine.precision`),
            f32 without any.
        engine: One of `CHOICES`.

    Raises:
        InputError: There is no such engine or precision, or these weights do not agree at it.
    """
    _check_known(engine)
    find_entry(dict.fromkeys(PRECISION_CHOICES), precision, kind="precision")
    installed = [name for name in ENGINES if find_spec(ENGINES[name].package)]
    candidates = installed if engine == "auto" else [engine]
    if precision == "auto":
        lower = [p for p in fast_precisions(instruction_sets()) if _may(info, candidates, p)]
        return lower[0] if lower else "f32"
    if engine != "auto":
        _check_precision(engine, precision)
    if precision != "f32" and not _may(info, candidates, precision):
        raise InputError(
            info.name,
            f"The network {info.name} has not been shown to agree with float32 at {precision}; "
            f"run: python -m pipeline check-precision --precision {precision}",
        )
    return precision


def fast_precisions(instructions: Collection[str]) -> tuple[str, ...]:
    """Precisions that this processor computes faster than float32, the first to be used first.

    bfloat16 is closer to float32 than int8. Where a processor does not say what it can, int8 may be
    slower; asked for bfloat16 it computes at float32 where it has no other.

    Args:
        instructions: From `pipeline.engine.speed_probe.instruction_sets`.
    """
    if "avx2" not in instructions or computes_bfloat16(instructions):
        return ("bf16",)
    return "int8", "bf16"


def open_network(
    info: NetworkInfo, *, engine: str, precision: str, engine_dir: Path, threads: int | None = None
) -> tuple[tuple[StageModel, ...], HeadWeights | None]:
    """Load a network of any kind with the chosen runtime.

    Args:
        info: The network.
        engine: One of `ENGINES`.
        precision: Precision to compute at.
        engine_dir: Where exported models and compiled-model caches are kept.
        threads: CPU threads to use; None leaves the choice to the runtime. Keras ignores it.

    Returns:
        Its stages, and what its heads weigh features by where `NetworkInfo.has_heads`.

    Raises:
        InputError: Unknown engine or precision, the network is not exported, or the runtime is not
            installed or cannot read the export.
    """
    _check_precision(engine, precision)
    entry = ENGINES[engine]
    stage = getattr(import_module(entry.module), entry.stage)
    if engine not in SUFFIXES:
        model = load_keras_model(info)
        stages = tuple(stage(part, precision=precision) for part in info.split(model))
        return stages, read_heads(model) if info.has_heads else None
    files = require_export(info, Path(engine_dir), engine)
    settings = StageSettings(precision, files.compiled, threads, _largest(info, precision))
    try:
        if entry.has_streams and info.takes_parts:
            settings = replace(settings, streams=_choose_streams(info, files, stage, settings))
        stages = tuple(stage(path, settings) for path in files.stages)
    except ImportError:
        message = f"{entry.title} is not installed; use another engine."
        raise InputError(info.name, message) from None
    except Exception as error:  # the runtimes' own exceptions share no base class
        raise InputError(
            info.name,
            f"{entry.title} cannot load the exported network of task {info.task_name}. "
            f"Run: python -m pipeline export --task {info.task_name} --again",
        ) from error
    return stages, load_heads(files.heads) if info.has_heads else None


def open_stages(
    info: ModelInfo, *, engine: str, precision: str, engine_dir: Path, threads: int | None = None
) -> NetworkStages:
    """Load both stages of the network for slices; see `open_network`."""
    (first, second), heads = open_network(
        info, engine=engine, precision=precision, engine_dir=engine_dir, threads=threads
    )
    return NetworkStages(first, second, heads)


def _largest(info: NetworkInfo, precision: str) -> Mapping[str, float]:
    """What the convolutions read at most that are computed at int8, by name."""
    if precision != "int8":
        return {}
    if info.ranges is None:
        raise InputError(
            info.name,
            f"The network {info.name} has no {RANGES_FILE} for these weights and cannot answer at"
            " int8; run: python -m pipeline calibrate",
        )
    return info.ranges.largest


def _choose_streams(
    info: NetworkInfo, files: ExportedFiles, stage: Any, settings: StageSettings
) -> int:
    """Requests at once that are fastest on this machine."""
    runtime = version(ENGINES[files.engine].package)
    return choose_streams(
        files.compiled,
        lambda streams: stage(files.stages[0], replace(settings, streams=streams)),
        threads=settings.threads,
        shape=(info.input_size, info.input_size, len(info.channels)),
        machine=machine_digest(settings.precision, settings.threads, runtime),
    )


def _fitting_engines(engine: str, precision: str) -> list[str]:
    _check_known(engine)
    if engine != "auto":
        _check_precision(engine, precision)
        return [engine]
    fit = [name for name in exporting_engines(engine) if precision in ENGINES[name].precisions]
    if not fit:
        raise InputError("", f"No installed engine computes at precision {precision!r}.")
    return fit


def _may(info: NetworkInfo, engines: list[str], precision: str) -> bool:
    """Whether one of the engines may answer at a precision."""
    able = [name for name in engines if precision in ENGINES[name].precisions]
    return any(agrees(info, engine=name, precision=precision) for name in able)


def _check_known(engine: str) -> None:
    find_entry(dict.fromkeys(CHOICES), engine, kind="engine")


def _check_precision(engine: str, precision: str) -> None:
    precisions = find_entry(ENGINES, engine, kind="engine").precisions
    if precision not in precisions:
        known = ", ".join(precisions)
        message = f"The engine {engine} does not support precision {precision!r}; it has: {known}."
        raise InputError("", message)
