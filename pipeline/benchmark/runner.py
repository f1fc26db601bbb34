"""Runs the benchmark: every route in turn, round after round, and makes benchmark.json."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pipeline.benchmark.baseline import Installed, baseline_in
from pipeline.benchmark.children import Child, time_command
from pipeline.benchmark.material import FOLDER_STUDIES, STUDY_SLICES, Material
from pipeline.benchmark.results import (
    COMMAND,
    BenchmarkResults,
    MeasuredRoute,
    MissingReason,
    MissingRoute,
    TimedLoop,
    TimedNetwork,
    TimedTask,
    TimedTraining,
    TrainingNotRun,
)
from pipeline.benchmark.routes import BASELINE, PUBLISHED, ROUTES, TENSORFLOW
from pipeline.benchmark.statistics import Ratio, paired_ratio, percentile_ms
from pipeline.engine.exports import exported_files
from pipeline.engine.selection import choose_precision
from pipeline.engine.speed_probe import (
    PROBE_FILE,
    computes_bfloat16,
    instruction_sets,
    read_probe,
)
from pipeline.errors import ProgressCallback
from pipeline.evaluation.evaluate import cpu_name
from pipeline.models.registry import ModelInfo, read_model_info

#: What is timed: name -> (label, whether both stages run whatever the gate says).
TASKS = {
    "slice": ("One slice through both stages, from the file to the mask's PNG", True),
    "study": ("A study of 36 slices, from the files to the masks' PNGs", False),
}
#: A whole command over a folder, and its routes.
FOLDER = "folder"
_FOLDER_LABEL = f"`predict` over {FOLDER_STUDIES} studies of 36 slices, from its start to its end"
_PREDICT = "predict"
_FOLDER_ROUTES = {_PREDICT: "python -m pipeline predict", BASELINE: ROUTES[BASELINE].label}
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
    rounds: dict[str, int] = field(default_factory=lambda: {"slice": 20, "study": 5, FOLDER: 3})
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
    with tempfile.TemporaryDirectory() as folder:
        baseline = _make_baseline(plan, Path(folder), progress)
        times = _time_routes(plan, material, baseline, progress)
        over_folder = _time_folder(plan, material, baseline, progress)
    training = _time_training(plan, material, progress)
    precision = choose_precision(network, "auto")
    return BenchmarkResults(
        network=TimedNetwork(network.name, network.version, network.digest),
        environment=_environment(plan, network),
        tasks=(
            *(_describe_task(name, times, plan) for name in TASKS),
            _describe_folder(over_folder, precision),
        ),
        training=training,
    )


def _make_baseline(
    plan: BenchmarkPlan, folder: Path, progress: ProgressCallback
) -> Installed | None:
    """The engine to compare with; None where what makes it is not installed."""
    if not find_spec(ROUTES[BASELINE].package):
        return None
    progress(0, 1, f"Exporting: {ROUTES[BASELINE].label}")
    order = {
        "kind": "baseline",
        "route": BASELINE,
        "models": str(plan.models.resolve()),
        "folder": str(folder),
    }
    with Child(order) as child:
        child.first({})
    return baseline_in(folder)


def _time_folder(
    plan: BenchmarkPlan, material: Material, baseline: Installed | None, progress: ProgressCallback
) -> dict[str, _Times]:
    """``predict`` over a folder, with the installed network and engine, and with the baseline."""
    installed = {_PREDICT: Installed(plan.models.resolve(), plan.engine_dir.resolve())}
    if baseline is not None:
        installed[BASELINE] = baseline
    times = {name: _Times(slices={FOLDER: FOLDER_STUDIES * STUDY_SLICES}) for name in installed}
    rounds = plan.rounds.get(FOLDER, 0)
    for k in range(rounds):
        for name in _turn(list(installed), k):
            progress(k, rounds, f"Folder: {_FOLDER_ROUTES[name]}")
            where = installed[name]
            with tempfile.TemporaryDirectory() as output:
                arguments = ["predict", str(material.folder), "--output", output]
                arguments += ["--models", str(where.models), "--engine-dir", str(where.engine_dir)]
                arguments += ["--precision", "f32" if name == BASELINE else "auto"]
                if plan.threads is not None:
                    arguments += ["--threads", str(plan.threads)]
                seconds, memory = time_command(arguments)
            times[name].seconds.setdefault(FOLDER, []).append(seconds)
            times[name].memory_mb = max(times[name].memory_mb, memory)
    progress(rounds, rounds, "Folder timed")
    return times


def _time_routes(
    plan: BenchmarkPlan, material: Material, baseline: Installed | None, progress: ProgressCallback
) -> dict[str, _Times]:
    paths = {"slice": material.slice_file, "study": material.study}
    names = [name for name in ROUTES if why_not(name, plan) is None]
    times = {name: _Times() for name in names}
    tasks = {task: rounds for task, rounds in plan.rounds.items() if task in TASKS}
    total = len(names) * (1 + sum(tasks.values()))
    done = 0
    with ExitStack() as stack:
        children: dict[str, Child] = {}
        for name in names:
            progress(done, total, f"Starting: {ROUTES[name].label}")
            children[name] = stack.enter_context(Child(_plan_of(name, plan, baseline)))
            order = {"path": str(paths["slice"]), "single": True}
            times[name].first_answer_s = children[name].first(order)
            children[name].ask({"path": str(paths["study"]), "single": False})  # warm
            done += 1
        for task, rounds in tasks.items():
            order = {"path": str(paths[task]), "single": TASKS[task][1]}
            for k in range(rounds):
                for name in _turn(names, k):
                    progress(done, total, f"{task}: {ROUTES[name].label}")
                    _note(times[name], task, children[name].ask(order))
                    done += 1
    progress(total, total, "Routes timed")
    return times


def why_not(name: str, plan: BenchmarkPlan) -> MissingReason | None:
    """Why a route cannot be measured on this machine; None where it can."""
    route = ROUTES[name]
    if not find_spec(route.package):
        return "not installed"
    if route.precision == "bf16" and not computes_bfloat16(instruction_sets()):
        return "not computed by this processor"  # it would be float32 under another name
    if route.precision == "int8" and read_model_info(plan.models).network.ranges is None:
        return "without ranges"
    return None


def _turn(names: Sequence[str], k: int) -> list[str]:
    """The order of round ``k``: each route follows each other one in some round."""
    k %= len(names)
    return [*names[k:], *names[:k]]


def _plan_of(name: str, plan: BenchmarkPlan, baseline: Installed | None) -> dict[str, Any]:
    where = Installed(plan.models.resolve(), plan.engine_dir.resolve())
    if name == BASELINE and baseline is not None:
        where = baseline
    return {
        "kind": "inference",
        "route": name,
        "models": str(where.models),
        "engine_dir": str(where.engine_dir),
        "threads": plan.threads,
    }


def _note(times: _Times, task: str, answer: dict[str, float]) -> None:
    times.seconds.setdefault(task, []).append(answer["seconds"])
    times.engine_seconds.setdefault(task, []).append(answer["engine_seconds"])
    times.memory_mb = max(times.memory_mb, answer["memory_mb"])
    times.slices[task] = int(answer["slices"])


def _describe_task(task: str, times: dict[str, _Times], plan: BenchmarkPlan) -> TimedTask:
    timed = {name: one for name, one in times.items() if task in one.seconds}
    slices = max((one.slices[task] for one in timed.values()), default=0)
    missing = [
        MissingRoute(route=name, label=route.label, status=reason)
        for name, route in ROUTES.items()
        if name not in times and (reason := why_not(name, plan))
    ]
    measured = [_describe_route(name, task, timed) for name in timed]
    return TimedTask(task, TASKS[task][0], slices, (*measured, *missing))


def _describe_route(name: str, task: str, times: dict[str, _Times]) -> MeasuredRoute:
    own = times[name]
    seconds = own.seconds[task]
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
        times_faster_than=_faster_than(name, task, times),
        over_engine=paired_ratio(seconds, own.engine_seconds[task]),
    )


def _faster_than(name: str, task: str, times: dict[str, _Times]) -> dict[str, Ratio]:
    return {
        other: paired_ratio(times[other].seconds[task], times[name].seconds[task])
        for other in (PUBLISHED, TENSORFLOW, BASELINE)
        if other in times and other != name
    }


def _describe_folder(times: dict[str, _Times], precision: str) -> TimedTask:
    timed = {name: one for name, one in times.items() if FOLDER in one.seconds}
    measured = [
        MeasuredRoute(
            route=name,
            label=_FOLDER_ROUTES[name],
            precision=ROUTES[name].precision if name in ROUTES else precision,
            rounds=len(one.seconds[FOLDER]),
            p50_ms=percentile_ms(one.seconds[FOLDER], 50),
            p95_ms=percentile_ms(one.seconds[FOLDER], 95),
            engine_p50_ms=None,
            slices_per_s=one.slices[FOLDER] / (percentile_ms(one.seconds[FOLDER], 50) / 1000),
            first_answer_s=None,
            memory_mb=one.memory_mb,
            times_faster_than=_faster_than(name, FOLDER, timed),
            over_engine=None,
        )
        for name, one in timed.items()
    ]
    missing = [
        MissingRoute(route=name, label=label)
        for name, label in _FOLDER_ROUTES.items()
        if name not in times
    ]
    return TimedTask(FOLDER, _FOLDER_LABEL, FOLDER_STUDIES * STUDY_SLICES, (*measured, *missing))


def _time_training(
    plan: BenchmarkPlan, material: Material, progress: ProgressCallback
) -> TimedTraining | TrainingNotRun:
    if plan.training_rounds == 0:
        return TrainingNotRun()
    policy = "mixed bfloat16" if computes_bfloat16(instruction_sets()) else "float32"
    labels = {
        "plain": "Plain Keras generator: files decoded for each batch, float32",
        "own": f"python -m pipeline train: decoded once, augmented, {policy}",
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
    facts = {
        "instructions": ", ".join(instruction_sets()),
        "savings": ", ".join(network.savings),
        "precision": choose_precision(network, "auto"),
    }
    folder = exported_files(network, plan.engine_dir, "openvino").compiled
    probe = read_probe(folder / PROBE_FILE)
    if probe is not None:
        facts["requests"] = str(probe.streams)
    return {name: text for name, text in facts.items() if text}
