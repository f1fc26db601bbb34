"""``check-precision``: show whether the network may answer for less work."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from pipeline.commands.console import ProgressBar, say
from pipeline.commands.locations import add_model_arguments, positive
from pipeline.data.case import Case
from pipeline.engine.precision import PRECISIONS, describe_check
from pipeline.errors import InputError
from pipeline.predictions.files import writing


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    parser.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help="patients with reference masks"
    )
    parser.add_argument("--precision", choices=PRECISIONS, default="bf16")
    parser.add_argument(
        "--each-saving",
        action="store_true",
        help="also measure by itself each saving that the network makes",
    )
    parser.add_argument("--threads", type=positive, metavar="N", help="CPU threads to use")
    add_model_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Measure and keep the results with the weights; returns 0 where the answers agree.

    Raises:
        InputError: Held-out patients are missing, or the models cannot run.
    """
    from pipeline import Analyser, read_model_info
    from pipeline.commands.evaluate import choose_patients
    from pipeline.datasets.lgg import find_patients
    from pipeline.engine.export import export_network
    from pipeline.engine.precision import write_precision_check
    from pipeline.evaluation.precision import measure_precision

    folders = find_patients(arguments.data)
    patients, _ = choose_patients(tuple(folders), "held-out")
    info = read_model_info(arguments.models, arguments.task)
    used = info.network.savings
    kinds = [used, *((name,) for name in used if arguments.each_saving and len(used) > 1)]
    reference = Analyser(
        info.keep_savings(()), engine="keras", precision="f32", engine_dir=arguments.engine_dir
    )
    export_network(info.network, arguments.engine_dir, engine="openvino")
    candidates = [
        Analyser(
            info.keep_savings(names),
            engine="openvino",
            precision=arguments.precision,
            engine_dir=arguments.engine_dir,
            threads=arguments.threads,
            unproven=True,
        )
        for names in kinds
    ]
    with ProgressBar("patient") as bar:
        cases = read_each([folders[patient] for patient in patients], bar)
        checks = measure_precision(cases, reference, candidates)
    with writing(info.network.folder):
        for check in checks:
            path = write_precision_check(info.network, check)
    for check in checks:
        say(describe_check(check))
    say(f"Stored in {path.name} with the weights.")
    return 0 if checks[0].passes() else 1


def read_each(folders: list[Path], bar: ProgressBar) -> Iterator[Case]:
    """One patient after the other, so that none is held longer than needed."""
    from pipeline.data.reading.isolated import read_cases

    for done, folder in enumerate(folders):
        bar(done, len(folders), folder.name)
        report = read_cases([folder])
        for error in report.errors:
            raise InputError(error.source, error.message)
        yield from report.cases
    bar(len(folders), len(folders), "")
