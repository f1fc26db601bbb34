"""``demo``: make synthetic studies, so that a machine without data can show everything."""

from __future__ import annotations

import argparse
from pathlib import Path

from pipeline.commands.console import ProgressBar, say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder for the studies")


def run(arguments: argparse.Namespace) -> int:
    """Make the studies; returns the exit status."""
    from pipeline import make_demo_studies

    with ProgressBar("study") as progress:
        make_demo_studies(arguments.folder, progress=progress)
    say(f"Synthetic demo studies are in {arguments.folder}")
    return 0
