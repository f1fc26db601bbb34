"""``check-precision``: show whether the network may answer at less than float32."""

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
    parser.add_argument("--precision", choices=PRECISIONS[1:], default="bf16")
    parser.add_argument("--threads", type=positive, metavar="N", help="CPU threads to use")
    add_model_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Measure and keep the result with the weights; returns 0 where the precision may be used.

    Raises:
        InputError: Held-out patients are missing, or the models cannot run.
    """
    from pipeline import Analyser
    from pipeline.commands.evaluate import choose_patients
    from pipeline.datasets.lgg import find_patients
    from pipeline.engine.export import export_network
    from pipeline.engine.precision import write_precision_check
    from pipeline.evaluation.precision import measure_precision

    folders = find_patients(arguments.data)
    patients, _ = choose_patients(tuple(folders), "held-out")
    where = {"engine_dir": arguments.engine_dir, "task": arguments.task}
    reference = Analyser(arguments.models, engine="keras", precision="f32", **where)
    export_network(reference.network, arguments.engine_dir, engine="openvino")
    candidate = Analyser(
        arguments.models,
        engine="openvino",
        precision=arguments.precision,
        threads=arguments.threads,
        unproven=True,
        **where,
    )
    with ProgressBar("patient") as bar:
        check = measure_precision(
            _read_each([folders[patient] for patient in patients], bar), reference, candidate
        )
    with writing(reference.network.folder):
        path = write_precision_check(reference.network, check)
    say(describe_check(check))
    say(f"Stored in {path.name} with the weights.")
    return 0 if check.passes() else 1


def _read_each(folders: list[Path], bar: ProgressBar) -> Iterator[Case]:
    """One patient after the other, so that none is held longer than needed."""
    from pipeline.data.reading.isolated import read_cases

    for done, folder in enumerate(folders):
        bar(done, len(folders), folder.name)
        report = read_cases([folder])
        for error in report.errors:
            raise InputError(error.source, error.message)
        yield from report.cases
    bar(len(folders), len(folders), "")
