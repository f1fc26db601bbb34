"""``benchmark``: time the ways in which the network can answer, in turn and in one run."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from pipeline.commands.console import ProgressBar, say
from pipeline.commands.locations import PROJECT, add_model_arguments, positive
from pipeline.predictions.files import writing


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    parser.add_argument(
        "--output",
        type=Path,
        default=PROJECT / "models" / "benchmark.json",
        metavar="FILE",
        help="file of the figures, which the performance page reads",
    )
    parser.add_argument("--rounds", type=positive, default=20, metavar="N", help="of one slice")
    parser.add_argument(
        "--study-rounds", type=positive, default=5, metavar="N", help="of a study of 36 slices"
    )
    parser.add_argument(
        "--folder-rounds", type=positive, default=3, metavar="N", help="of `predict` over a folder"
    )
    parser.add_argument(
        "--without-training", action="store_true", help="leave the training loops out"
    )
    parser.add_argument("--threads", type=positive, metavar="N", help="CPU threads of each runtime")
    add_model_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Time everything, keep and print it; returns the exit status.

    Raises:
        InputError: The models cannot be exported or read, or the file cannot be written.
    """
    from pipeline.benchmark.material import write_material
    from pipeline.benchmark.runner import FOLDER, BenchmarkPlan, run_benchmark
    from pipeline.benchmark.tables import format_benchmark
    from pipeline.commands.locations import export_in_own_process
    from pipeline.engine.selection import exporting_engines
    from pipeline.errors import InputError
    from pipeline.storage.checked_json import write_document

    for engine in exporting_engines("auto"):
        arguments.engine = engine
        if export_in_own_process(arguments) != 0:
            raise InputError("", f"The models could not be exported for the engine {engine}.")
    plan = BenchmarkPlan(
        models=arguments.models,
        engine_dir=arguments.engine_dir,
        rounds={
            "slice": arguments.rounds,
            "study": arguments.study_rounds,
            FOLDER: arguments.folder_rounds,
        },
        threads=arguments.threads,
        training_rounds=0 if arguments.without_training else 5,
    )
    with tempfile.TemporaryDirectory() as folder, ProgressBar("run") as bar:
        material = write_material(Path(folder))
        results = run_benchmark(plan, material, progress=bar)
    with writing(arguments.output.parent):
        write_document(arguments.output, results)
    say(format_benchmark(results))
    return 0
