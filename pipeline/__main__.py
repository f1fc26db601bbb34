"""Command line: ``python -m pipeline <command>``.

Exit status: 0 done, 1 bad input, 2 wrong usage, 130 interrupted. Nothing heavy is imported before a
command runs, so that ``--help`` answers at once.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from types import ModuleType

from pipeline.commands.console import complain
from pipeline.commands.lazy_parser import LazyParser
from pipeline.errors import InputError

#: Command -> what it does. Each is a module of `pipeline.commands`: ``add_arguments``, ``run``.
COMMANDS = {
    "train": "train the network: classifier and segmenter on one encoder",
    "train-image-task": "train and measure the model of an image task",
    "evaluate": "measure the whole chain on patients with reference masks",
    "demo": "make synthetic demo studies",
    "predict": "analyse files, folders or archives",
    "export": "export the models for the fast engine, once per machine",
    "benchmark": "time the ways in which the network can answer",
    "calibrate": "measure the ranges with which the network can answer at int8",
    "check-precision": "show whether the network may answer at less than float32",
    "fit-expected-dice": "learn from held-out patients how good an outline probably is",
    "measure-inputs": "measure what the pictures of the training patients look like",
    "experiment": "run a published system again and measure it",
    "report": "write the shipped figures into README, model cards and docs, and docs/results.md",
}


def build_parser() -> argparse.ArgumentParser:
    """Build the parser; a command's own arguments are added when it is chosen."""
    parser = LazyParser(
        prog="python -m pipeline",
        description="Two-stage brain tumor pipeline. Research use only, not a medical device.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, what in COMMANDS.items():
        commands.add_parser(
            name,
            help=what,
            description=f"{what[0].upper()}{what[1:]}.",
            fill=partial(_fill, name),
        )
    return parser


def _fill(command: str, parser: argparse.ArgumentParser) -> None:
    _module_of(command).add_arguments(parser)


def _module_of(command: str) -> ModuleType:
    return import_module(f"pipeline.commands.{command.replace('-', '_')}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    arguments = build_parser().parse_args(argv)
    try:
        return int(_module_of(arguments.command).run(arguments))
    except InputError as error:
        complain(error.message)
        return 1
    except KeyboardInterrupt:
        complain("Interrupted.")
        return 130
    except BrokenPipeError:  # the reader of our output has closed it, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # files are replaced whole or stay as they were
        from pipeline.storage.atomic_files import is_disk_full

        if is_disk_full(error):
            complain(
                "The disk is full: the result is not stored. Make room and run the command again."
            )
        elif error.filename is not None and error.strerror:
            complain(f"{error.filename} cannot be read or written: {error.strerror}.")
        else:  # of a library, not of a file that was given
            raise
        return 1


if __name__ == "__main__":
    sys.exit(main())
