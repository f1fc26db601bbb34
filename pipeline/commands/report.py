"""``report``: write what is generated: figures in README and model cards, pages of docs."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from pipeline.benchmark.results import BenchmarkResults, read_benchmark
from pipeline.benchmark.tables import format_benchmark
from pipeline.commands.console import say
from pipeline.commands.locations import PROJECT
from pipeline.engine.precision import PrecisionCheck, describe_check
from pipeline.storage.atomic_files import write_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    for option, default, metavar, what in (
        ("--models", "models", "DIR", "shipped models"),
        ("--readme", "README.md", "FILE", "the README"),
        ("--performance", "docs/performance.md", "FILE", "the page of times"),
        ("--results", "docs/results.md", "FILE", "the description of results.json"),
    ):
        parser.add_argument(
            option, type=Path, default=PROJECT / default, metavar=metavar, help=what
        )


def run(arguments: argparse.Namespace) -> int:
    """Rewrite the results sections; returns the exit status.

    Raises:
        InputError: There is no evaluation, it does not fit, or a document lacks its markers.
    """
    from pipeline.analysis.expected_dice import evaluation_path, read_dice_model
    from pipeline.engine.precision import read_precision_checks
    from pipeline.evaluation.document import read_evaluation
    from pipeline.evaluation.report import write_results, write_section
    from pipeline.image_tasks.card import format_results
    from pipeline.image_tasks.models import read_image_model
    from pipeline.image_tasks.registry import IMAGE_TASKS
    from pipeline.models.registry import read_model_info
    from pipeline.predictions.results_page import format_results_page

    info = read_model_info(arguments.models)
    documents = [arguments.readme]
    evaluation = read_evaluation(evaluation_path(info.network))
    write_results(evaluation, documents)
    if info.network.card is not None:
        learned = read_dice_model(info.network)
        volume = learned.volume if learned else None
        write_results(evaluation, [info.network.card], volume=volume)
        documents.append(info.network.card)
    for task in IMAGE_TASKS:
        if not (arguments.models / task).is_dir():
            continue
        image_model = read_image_model(arguments.models, task)
        if image_model.card is not None and image_model.evaluation is not None:
            write_section(image_model.card, format_results(image_model.evaluation))
            documents.append(image_model.card)
    benchmark = read_benchmark(arguments.models)
    if benchmark is not None:
        text = format_times(benchmark, read_precision_checks(info.network))
        write_section(arguments.performance, text)
        documents.append(arguments.performance)
    write_text(arguments.results, format_results_page())
    say(f"Description of results.json written into {arguments.results.name}.")
    for path in documents:
        say(f"Results written into {path.name} of {path.parent.name}.")
    return 0


def format_times(benchmark: BenchmarkResults, checks: Sequence[PrecisionCheck]) -> str:
    """What docs/performance.md says of benchmark and precision checks, as Markdown."""
    parts = [format_benchmark(benchmark)]
    parts += [describe_check(check).replace("\n", " ") for check in checks]
    return "\n\n".join(parts) + "\n"
