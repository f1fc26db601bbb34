"""Where models and exported models are, unless the command line says otherwise."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from pipeline.commands.console import complain
from pipeline.engine.exports import is_exported
from pipeline.engine.selection import (
    CHOICES,
    PRECISION_CHOICES,
    choose_engine,
    choose_precision,
)
from pipeline.errors import InputError
from pipeline.image_tasks.models import read_image_model
from pipeline.image_tasks.registry import IMAGE_TASKS
from pipeline.models.registry import DEFAULT_TASK, TASKS, NetworkInfo, read_model_info
from pipeline.sandbox.watch import ReadingLimits

PROJECT = Path(__file__).resolve().parents[2]
#: Largest number that an argument may be.
_MOST = 999_999_999


def all_tasks() -> tuple[str, ...]:
    """Names of the two-stage task and of the image tasks."""
    return (*TASKS, *IMAGE_TASKS)


def read_network_of(models_dir: Path, task: str) -> NetworkInfo:
    """The shipped network of any task.

    Raises:
        InputError: The task is unknown, or its metadata.json is missing or does not fit.
    """
    if task in IMAGE_TASKS:
        return read_image_model(models_dir, task)
    return read_model_info(models_dir, task).network


def default_engine_dir() -> Path:
    """``engine`` in the workspace: OVERREAD_HOME, or ``workspace`` in the program's folder."""
    home = os.environ.get("OVERREAD_HOME", "").strip()
    return (Path(home).expanduser() if home else PROJECT / "workspace") / "engine"


def add_model_arguments(parser: argparse.ArgumentParser, *, tasks: Iterable[str] = TASKS) -> None:
    """Arguments of every command that uses the shipped models."""
    parser.add_argument(
        "--task", choices=tuple(tasks), default=DEFAULT_TASK, help="what to look for"
    )
    parser.add_argument(
        "--models", type=Path, default=PROJECT / "models", metavar="DIR", help="shipped models"
    )
    parser.add_argument(
        "--engine-dir",
        type=Path,
        default=default_engine_dir(),
        metavar="DIR",
        help="exported models (default: engine in the workspace)",
    )


def add_engine_arguments(parser: argparse.ArgumentParser, *, tasks: Iterable[str] = TASKS) -> None:
    """Arguments of every command that runs the models."""
    add_model_arguments(parser, tasks=tasks)
    parser.add_argument(
        "--engine", choices=CHOICES, default="auto", help="runtime (auto: the fastest)"
    )
    parser.add_argument("--threads", type=positive, metavar="N", help="CPU threads to use")


def add_precision_argument(parser: argparse.ArgumentParser) -> None:
    """Argument of every command that may run the models at less than float32."""
    parser.add_argument(
        "--precision",
        choices=PRECISION_CHOICES,
        default="auto",
        help="precision of the runtime (auto: what this CPU is fast at and was shown to agree)",
    )


def add_reading_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of every command that reads files of unknown origin."""
    usual = ReadingLimits()
    parser.add_argument(
        "--file-memory-mb",
        type=positive,
        default=usual.file_bytes >> 20,
        metavar="MB",
        help="memory that one file may take to be read (default: %(default)s)",
    )
    parser.add_argument(
        "--file-seconds",
        type=positive,
        default=int(usual.file_seconds),
        metavar="S",
        help="time that one file may take to be read (default: %(default)s)",
    )


def reading_limits(arguments: argparse.Namespace) -> ReadingLimits:
    """What reading may take, by the arguments of `add_reading_arguments`."""
    return ReadingLimits(
        file_bytes=arguments.file_memory_mb << 20, file_seconds=arguments.file_seconds
    )


def positive(text: str) -> int:
    """Parse a whole number from 1 to `_MOST`."""
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to {_MOST:,}, not {text}")
    return int(text)


def ready_engine(arguments: argparse.Namespace) -> str:
    """Make sure that the chosen engine can run; export the models first where that is needed.

    The export runs in a process of its own, so that this one never holds TensorFlow. Where it
    fails, ``auto`` falls back to Keras, and says so.

    Returns:
        The engine to use.

    Raises:
        InputError: The models are missing, or the engine that was asked for by name cannot run.
    """
    network = read_network_of(arguments.models, arguments.task)
    wanted = getattr(arguments, "precision", "f32")
    precision = choose_precision(network, wanted, engine=arguments.engine)
    where = arguments.engine_dir
    engine = choose_engine(network, arguments.engine, precision=precision, engine_dir=where)
    if engine == "keras" or is_exported(network, where, engine):
        return engine
    complain("Exporting the models for the fast engine; this is done once.")
    if export_in_own_process(arguments) == 0:
        return choose_engine(network, arguments.engine, precision=precision, engine_dir=where)
    if arguments.engine != "auto":
        raise InputError("", f"The models could not be exported for the engine {engine}.")
    complain("The models could not be exported; continuing with Keras, which is slower.")
    return "keras"


def export_in_own_process(arguments: argparse.Namespace) -> int:
    """Run ``python -m pipeline export``; returns its exit status. Its output goes to stderr."""
    command = [sys.executable, "-m", "pipeline", "export", "--task", arguments.task]
    command += ["--models", str(arguments.models.resolve())]
    command += ["--engine-dir", str(arguments.engine_dir.resolve())]
    command += ["--engine", arguments.engine]
    return subprocess.run(command, cwd=PROJECT, stdout=sys.stderr, check=False).returncode
