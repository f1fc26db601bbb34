"""Which runtime answers: the one table of engines, and what ``auto`` means."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from pipeline.engine.base import NetworkStages
from pipeline.errors import InputError
from pipeline.models.registry import ModelInfo

#: Engine -> (module, precisions). Each module has ``open_stages(info, *, engine_dir, ...)``.
ENGINES: dict[str, tuple[str, tuple[str, ...]]] = {
    "keras": ("pipeline.engine.keras_engine", ("f32",)),
    "openvino": ("pipeline.engine.openvino_engine", ("f32",)),
}
#: What ``auto`` stands for. Never Keras: a job must not import TensorFlow.
FASTEST = "openvino"
CHOICES = ("auto", *ENGINES)


def resolve_engine(engine: str, precision: str) -> str:
    """The engine that a choice stands for.

    Raises:
        InputError: There is no such engine, or it does not compute at that precision.
    """
    name = FASTEST if engine == "auto" else engine
    if name not in ENGINES:
        raise InputError("", f"There is no engine {engine!r}; known: {', '.join(CHOICES)}.")
    if precision not in ENGINES[name][1]:
        known = ", ".join(ENGINES[name][1])
        raise InputError("", f"The engine {name} has no precision {precision!r}; known: {known}.")
    return name


def open_stages(
    info: ModelInfo, *, engine: str, precision: str, engine_dir: Path, threads: int | None = None
) -> NetworkStages:
    """Load both stages of a network with the chosen runtime.

    Args:
        info: The network.
        engine: One of `CHOICES`.
        precision: Precision to compute at.
        engine_dir: Where exported models and compiled-model caches are kept.
        threads: CPU threads to use; None leaves the choice to the runtime.

    Raises:
        InputError: Unknown engine or precision, or the network is not there in the form it needs.
    """
    module = import_module(ENGINES[resolve_engine(engine, precision)][0])
    stages: NetworkStages = module.open_stages(
        info, precision=precision, engine_dir=Path(engine_dir), threads=threads
    )
    return stages
