"""``export``: build the fast engine's files from the shipped models."""

from __future__ import annotations

import argparse

from pipeline.commands.console import ProgressBar, say
from pipeline.commands.locations import add_model_arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    add_model_arguments(parser)
    parser.add_argument("--again", action="store_true", help="export anew what is there already")


def run(arguments: argparse.Namespace) -> int:
    """Export what is not exported yet; returns the exit status."""
    from pipeline.engine.export import export_models

    with ProgressBar("model") as progress:
        folder = export_models(
            arguments.models,
            arguments.engine_dir,
            task=arguments.task,
            again=arguments.again,
            progress=progress,
        )
    say(str(folder))
    return 0
