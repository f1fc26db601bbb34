"""``train classifier|segmenter``: train one of the two stages on the LGG set."""

from __future__ import annotations

import argparse
from importlib import import_module

#: Stage -> its training program. They import Keras, so that only the chosen one is imported.
STAGES = {
    "classifier": "pipeline.training.train_classifier",
    "segmenter": "pipeline.training.train_segmenter",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    stages = parser.add_subparsers(dest="stage", required=True, metavar="STAGE")
    for stage, program in STAGES.items():
        stages.add_parser(stage, help=f"train the {stage}", fill=program)


def run(arguments: argparse.Namespace) -> int:
    """Train; returns the exit status."""
    return int(import_module(STAGES[arguments.stage]).main(arguments))
