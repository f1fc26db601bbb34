"""``export``: build the fast engine's files from the shipped models."""

from __future__ import annotations

import argparse

from pipeline.commands.console import ProgressBar, say
from pipeline.commands.locations import add_model_arguments
from pipeline.engine.selection import CHOICES
from pipeline.image_tasks.registry import IMAGE_TASKS
from pipeline.models.registry import TASKS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    add_model_arguments(parser, tasks=(*TASKS, *IMAGE_TASKS))
    parser.add_argument(
        "--engine",
        choices=[name for name in CHOICES if name != "keras"],
        default="auto",
        help="runtime (auto: the fastest that is installed and agrees with Keras)",
    )
    parser.add_argument("--again", action="store_true", help="export anew what is there already")


def run(arguments: argparse.Namespace) -> int:
    """Export what is not exported yet; returns the exit status."""
    if arguments.task in IMAGE_TASKS:
        from pipeline.image_tasks.export import export_image_model

        where = (arguments.models, arguments.engine_dir, arguments.task)
        say(str(export_image_model(*where, again=arguments.again)))
        return 0
    from pipeline.engine.export import export_models

    with ProgressBar("model") as progress:
        folder = export_models(
            arguments.models,
            arguments.engine_dir,
            task=arguments.task,
            engine=arguments.engine,
            again=arguments.again,
            progress=progress,
        )
    say(str(folder))
    return 0
