"""``train classifier|segmenter``: train one of the two stages on the LGG set."""

from __future__ import annotations

import argparse
from functools import partial
from importlib import import_module

#: Stage -> its training program. They import Keras, so that they are imported only when chosen.
STAGES = {
    "classifier": "pipeline.training.train_classifier",
    "segmenter": "pipeline.training.train_segmenter",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    stages = parser.add_subparsers(dest="stage", required=True, metavar="STAGE")
    for stage, program in STAGES.items():
        stages.add_parser(stage, help=f"train the {stage}", fill=partial(_fill, program))


def _fill(program: str, parser: argparse.ArgumentParser) -> None:
    from pipeline.models.quiet_keras import import_keras

    import_keras()
    import_module(program).add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Train; returns the exit status."""
    return int(import_module(STAGES[arguments.stage]).main(arguments))
