"""``calibrate``: measure the ranges with which the network can answer at int8."""

from __future__ import annotations

import argparse
from pathlib import Path

from pipeline.commands.console import ProgressBar, say
from pipeline.commands.locations import add_model_arguments
from pipeline.predictions.files import writing


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    parser.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help="patients of the LGG set"
    )
    add_model_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Measure the training patients and keep their ranges with the weights; returns 0.

    Raises:
        InputError: Patients are missing, or the models cannot run.
    """
    from pipeline import read_model_info
    from pipeline.commands.check_precision import read_each
    from pipeline.commands.evaluate import choose_patients
    from pipeline.datasets.lgg import find_patients
    from pipeline.engine.export import export_network
    from pipeline.evaluation.int8_calibration import measure_ranges
    from pipeline.models.int8_ranges import write_ranges

    folders = find_patients(arguments.data)
    patients, _ = choose_patients(tuple(folders), "train")
    network = read_model_info(arguments.models, arguments.task).network
    export_network(network, arguments.engine_dir, engine="openvino")
    with ProgressBar("patient") as bar:
        cases = read_each([folders[patient] for patient in patients], bar)
        ranges = measure_ranges(cases, network, arguments.engine_dir)
    with writing(network.folder):
        path = write_ranges(network.folder, ranges)
    count, slices = len(ranges.largest), ranges.slices
    say(f"Ranges of {count} convolutions on {slices} slices stored in {path.name}.")
    say("Next: python -m pipeline check-precision --precision int8")
    return 0
