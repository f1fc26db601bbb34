"""``export``: build the fast engine's files from the shipped models."""

from __future__ import annotations

import argparse

from pipeline.commands.console import ProgressBar, say
from pipeline.commands.locations import add_model_arguments, all_tasks, read_network_of
from pipeline.engine.selection import CHOICES


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    add_model_arguments(parser, tasks=all_tasks())
    parser.add_argument(
        "--engine",
        choices=[name for name in CHOICES if name != "keras"],
        default="auto",
        help="runtime (auto: the fastest that is installed and agrees with Keras)",
    )
    parser.add_argument("--again", action="store_true", help="export what is exported already, too")


def run(arguments: argparse.Namespace) -> int:
    """Export what is not exported yet; returns the exit status."""
    network = read_network_of(arguments.models, arguments.task)
    from pipeline.engine.export import export_network

    with ProgressBar("model") as progress:
        folder = export_network(
            network,
            arguments.engine_dir,
            engine=arguments.engine,
            again=arguments.again,
            progress=progress,
        )
    say(str(folder))
    return 0
