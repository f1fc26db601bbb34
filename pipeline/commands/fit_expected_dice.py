"""``fit-expected-dice``: learn from the held-out patients how good an outline probably is."""

from __future__ import annotations

import argparse

from pipeline.commands.console import say
from pipeline.commands.locations import add_model_arguments
from pipeline.errors import InputError
from pipeline.predictions.files import writing


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    add_model_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Fit, store it with the weights and say how it does on unseen patients; returns 0.

    Raises:
        InputError: There is no evaluation of just this network, nothing can be learned from it, or
            the folder cannot be written.
    """
    from pipeline.analysis.expected_dice import evaluation_path
    from pipeline.evaluation.dice_fit import (
        check_fit,
        describe_fit,
        fit_volume_ratio,
        read_learning_rows,
        write_dice_model,
    )
    from pipeline.evaluation.document import read_evaluation
    from pipeline.models.registry import EVALUATION_FILE, read_model_info

    info = read_model_info(arguments.models, arguments.task)
    evaluation = read_evaluation(evaluation_path(info.network))
    if not evaluation.is_of(info.network.digest):
        raise InputError(
            EVALUATION_FILE,
            f"{EVALUATION_FILE} belongs to other weights than the installed ones; evaluate again.",
        )
    rows = read_learning_rows(evaluation)
    check = check_fit(rows)
    volume = fit_volume_ratio(evaluation.patients)
    with writing(info.network.folder):
        path = write_dice_model(info.network, rows, check, volume)
    say(describe_fit(check, rows.left_out, volume=volume))
    say(f"Stored in {path.name} with the weights.")
    return 0
