"""``report``: write the shipped evaluation's figures into README and model card."""

from __future__ import annotations

import argparse
from pathlib import Path

from pipeline.commands.console import say
from pipeline.errors import InputError

_ROOT = Path(__file__).resolve().parents[2]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    parser.add_argument(
        "--models", type=Path, default=_ROOT / "models", metavar="DIR", help="shipped models"
    )
    parser.add_argument(
        "--readme", type=Path, default=_ROOT / "README.md", metavar="FILE", help="the README"
    )


def run(arguments: argparse.Namespace) -> int:
    """Rewrite the results sections; returns the exit status.

    Raises:
        InputError: There is no evaluation, or a document lacks its markers.
    """
    from pipeline.evaluation.report import write_results
    from pipeline.models.registry import read_model_info

    info = read_model_info(arguments.models)
    if info.evaluation is None:
        raise InputError(
            "evaluation.json",
            "The models have no evaluation.json; run python -m pipeline evaluate first.",
        )
    documents = [arguments.readme, *filter(None, [info.network.card])]
    write_results(dict(info.evaluation), documents)
    for path in documents:
        say(f"Results written into {path.name} of {path.parent.name}.")
    return 0
