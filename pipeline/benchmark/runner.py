"""Runs the benchmark: every route in turn, round after round, and makes benchmark.json."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pipeline.benchmark.children import Child
from pipeline.benchmark.material import Material
from pipeline.benchmark.results import (
    COMMAND,
    BenchmarkResults,
    MeasuredRoute,
    MissingRoute,
    TimedLoop,
    TimedNetwork,
    TimedTask,
    TimedTraining,
    TrainingNotRun,
)
from pipeline.benchmark.routes import PUBLISHED, ROUTES, TENSORFLOW
from pipeline.benchmark.statistics import paired_ratio, percentile_ms
from pipeline.engine.exports import exported_files
from pipeline.engine.speed_probe import PROBE_FILE, instruction_sets, read_probe
from pipeline.errors import ProgressCallback
from pipeline.evaluation.evaluate import cpu_name
from pipeline.models.registry import ModelInfo, read_model_info

#: What is timed: name -> (label, whether both stages run whatever the gate says).
TASKS = {
    "slice": ("One slice through both stages, from the file to the mask's PNG", True),
    "study": ("A study of 36 slices, from the files to the masks' PNGs", False),
}
_PACKAGES = ("tensorflow", "keras", "openvino", "onnxruntime", "numpy")


@dataclass(frozen=True)
class BenchmarkPlan:
    """What to run.

    Attributes:
        models, engine_dir: As for `pipeline.Analyser`.
        rounds: Rounds of each task, by name.
        threads: CPU threads of each runtime; None leaves it to them.
        training_rounds: Rounds of the training loops; 0 leaves them out.
        training_steps: Batches per round.
    """

    models: Path
    engine_dir: Path
    rounds: dict[str, int] = field(default_factory=lambda: {"slice": 20, "study": 5})
    threads: int | None = None
    training_rounds: int = 5
    training_steps: int = 2


@dataclass
class _Times:
    """What one route came to."""

    first_answer_s: float = 0.0
    memory_mb: float = 0.0
    seconds: dict[str, list[float]] = field(default_factory=dict)
    engine_seconds: dict[str, list[float]] = field(default_factory=dict)
    slices: dict[str, int] = field(default_factory=dict)


def run_benchmark(
    plan: BenchmarkPlan, material: Material, *, progress: ProgressCallback
) -> BenchmarkResults:
    """Time everything.

    Raises:
        InputError: The models cannot be read, or a route ended.
    """
    network = read_model_info(plan.models).network
    times = _time_routes(plan, material, progress)
    training = _time_training(plan, material, progress)
    return BenchmarkResults(
        network=TimedNetwork(network.name, network.version, network.digest),
        environment=_environment(plan, network),
        tasks=tuple(_describe_task(name, times) for name in TASKS),
        training=training,
    )


def _time_routes(
    plan: BenchmarkPlan, material: Material, progress: ProgressCallback
) -> dict[str, _Times]:
    paths = {"slice": material.slice_file, "study": material.study}
    ranges = read_model_info(plan.models).network.ranges
    names = [
        name
        for name, route in ROUTES.items()
        if find_spec(route.package) and (route.precision != "int8" or ranges is not None)
    ]
    times = {name: _Times() for name in names}
    total = len(names) * (1 + sum(plan.rounds.values()))
    done = 0
    with ExitStack() as stack:
        children: dict[str, Child] = {}
        for name in names:
            progress(done, total, f"Starting: {ROUTES[name].label}")
            children[name] = stack.enter_context(Child(_plan_of(name, plan)))
            order = {"path": str(paths["slice"]), "single": True}
            times[name].first_answer_s = children[name].first(order)
            children[name].ask({"path": str(paths["study"]), "single": False})  # warm
            done += 1
        for task, rounds in plan.rounds.items():
            order = {"path": str(paths[task]), "single": TASKS[task][1]}
            for k in range(rounds):
                for name in _turn(names, k):
                    progress(done, total, f"{task}: {ROUTES[name].label}")
                    _note(times[name], task, children[name].ask(order))
                    done += 1
    progress(total, total, "Routes timed")
    return times


def _turn(names: Sequence[str], k: int) -> list[str]:
    """The order of round ``k``: each route follows each other one in some round."""
    k %= len(names)
    return [*names[k:], *names[:k]]


def _plan_of(name: str, plan: BenchmarkPlan) -> dict[str, Any]:
    return {
        "kind": "inference",
        "route": name,
        "models": str(plan.models.resolve()),
        "engine_dir": str(plan.engine_dir.resolve()),
        "threads": plan.threads,
    }


def _note(times: _Times, task: str, answer: dict[str, float]) -> None:
    times.seconds.setdefault(task, []).append(answer["seconds"])
    times.engine_seconds.setdefault(task, []).append(answer["engine_seconds"])
    times.memory_mb = max(times.memory_mb, answer["memory_mb"])
    times.slices[task] = int(answer["slices"])


def _describe_task(task: str, times: dict[str, _Times]) -> TimedTask:
    timed = {name: one for name, one in times.items() if task in one.seconds}
    slices = max((one.slices[task] for one in timed.values()), default=0)
    missing = [
        MissingRoute(route=name, label=route.label)
        for name, route in ROUTES.items()
        if name not in times
    ]
    measured = [_describe_route(name, task, timed) for name in timed]
    return TimedTask(task, TASKS[task][0], slices, (*measured, *missing))


def _describe_route(name: str, task: str, times: dict[str, _Times]) -> MeasuredRoute:
    own = times[name]
    seconds = own.seconds[task]
    over = {
        other: paired_ratio(times[other].seconds[task], seconds)
        for other in (PUBLISHED, TENSORFLOW)
        if other in times and other != name
    }
    return MeasuredRoute(
        route=name,
        label=ROUTES[name].label,
        precision=ROUTES[name].precision,
        rounds=len(seconds),
        p50_ms=percentile_ms(seconds, 50),
        p95_ms=percentile_ms(seconds, 95),
        engine_p50_ms=percentile_ms(own.engine_seconds[task], 50),
        slices_per_s=own.slices[task] / (percentile_ms(seconds, 50) / 1000),
        first_answer_s=own.first_answer_s,
        memory_mb=own.memory_mb,
        times_faster_than=over,
        over_engine=paired_ratio(seconds, own.engine_seconds[task]),
    )


def _time_training(
    plan: BenchmarkPlan, material: Material, progress: ProgressCallback
) -> TimedTraining | TrainingNotRun:
    if plan.training_rounds == 0:
        return TrainingNotRun()
    labels = {
        "plain": "Plain Keras generator: files decoded for each batch, float32",
        "own": "python -m pipeline train: decoded once, augmented, mixed bfloat16",
    }
    times: dict[str, list[float]] = {name: [] for name in labels}
    images = 0.0
    with ExitStack() as stack:
        children: dict[str, Child] = {}
        for name in labels:
            progress(len(children), len(labels), f"Starting: {labels[name]}")
            work = {"kind": "training", "route": name, "study": str(material.study)}
            children[name] = stack.enter_context(Child(work))
            children[name].first({"steps": 2})
        for k in range(plan.training_rounds):
            progress(k, plan.training_rounds, "Training loops")
            for name in _turn(list(labels), k):
                answer = children[name].ask({"steps": plan.training_steps})
                times[name].append(answer["seconds"])
                images = answer["images"]
    progress(plan.training_rounds, plan.training_rounds, "Training loops timed")
    loops = (
        TimedLoop(name, labels[name], images / (percentile_ms(times[name], 50) / 1000))
        for name in labels
    )
    return TimedTraining(
        rounds=plan.training_rounds,
        loops=tuple(loops),
        times_faster=paired_ratio(times["plain"], times["own"]),
    )


def _environment(plan: BenchmarkPlan, network: ModelInfo) -> dict[str, str]:
    versions = {name: importlib.metadata.version(name) for name in _PACKAGES if find_spec(name)}
    return {
        "cpu": cpu_name(),
        "cores": str(os.cpu_count() or 0),
        "threads": "each runtime's own choice" if plan.threads is None else str(plan.threads),
        "python": platform.python_version(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "command": COMMAND,
        "material": "a synthetic study made from the MNI152 template, 256 x 256, three sequences",
        "answers": "all methods use the same weights and average each slice with its mirror image;"
        " the published method and TensorFlow compute all of it, the engines what can matter",
        **_found_by_engine(plan, network),
        **versions,
    }


def _found_by_engine(plan: BenchmarkPlan, network: ModelInfo) -> dict[str, str]:
    """What decides how fast the engine is on this machine, and what it chose."""
    facts = {"instructions": ", ".join(instruction_sets()), "savings": ", ".join(network.savings)}
    folder = exported_files(network, plan.engine_dir, "openvino").compiled
    probe = read_probe(folder / PROBE_FILE)
    if probe is not None:
        facts["requests"] = str(probe.streams)
    return {name: text for name, text in facts.items() if text}
