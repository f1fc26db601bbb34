"""``train``: train the network of both stages on the LGG set."""

from __future__ import annotations

import argparse
from importlib import import_module

#: It imports Keras, so that it is imported only when chosen.
_PROGRAM = "pipeline.training.train_network"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    from pipeline.models.quiet_keras import import_keras

    import_keras()
    import_module(_PROGRAM).add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Train; returns the exit status."""
    return int(import_module(_PROGRAM).main(arguments))
