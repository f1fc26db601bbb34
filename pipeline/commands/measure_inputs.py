"""``measure-inputs``: what the training patients' pictures look like, for the input gate."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipeline.commands.console import ProgressBar, say
from pipeline.errors import InputError
from pipeline.predictions.files import writing


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    from pipeline.input_gate.ranges import RANGES_FILE

    parser.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help="patients of the LGG set"
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=RANGES_FILE,
        metavar="FILE",
        help="output file (default: the file that the input gate reads)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Measure the patients that the shipped network learned from, write their ranges; returns 0.

    Raises:
        InputError: Patients are missing, or the file cannot be written.
    """
    from pipeline.datasets.lgg import find_patients
    from pipeline.datasets.splits import load_fold
    from pipeline.input_gate.ranges import RangesFile, read_ranges
    from pipeline.storage.checked_json import write_document

    folders = find_patients(arguments.data)
    split = load_fold()
    others = [*split.validation, *split.held_out]
    missing = [name for name in (*split.train, *others) if name not in folders]
    if missing:
        raise InputError(
            missing[0], f"{len(missing)} patients of the split are missing, such as {missing[0]}."
        )
    with ProgressBar("patient") as bar:
        measured = _measure(folders, [*split.train, *others], bar)
    file = RangesFile(
        data="LGG MRI Segmentation (Buda et al. 2019, TCGA-LGG)",
        split=split.name,
        part="train",
        patients=len(split.train),
        ranges=ranges_of([measured[name] for name in split.train]),
    )
    with writing(arguments.output.parent):
        write_document(arguments.output, file)
    known = read_ranges(arguments.output)
    outside = [
        name
        for name in others
        if any(v is not None and known.outside(key, v) for key, v in measured[name].items())
    ]
    say(f"Ranges of the {len(split.train)} training patients of {split.name} written.")
    say(f"Of the {len(others)} patients that it did not learn from, {len(outside)} lie outside.")
    return 0


def ranges_of(measured: Sequence[Mapping[str, float | None]]) -> dict[str, tuple[float, float]]:
    """Lowest and highest value of each measure; patients without it are passed over."""
    columns = {name: [row[name] for row in measured] for name in measured[0]}
    known = {name: [v for v in column if v is not None] for name, column in columns.items()}
    return {name: (min(column), max(column)) for name, column in known.items() if column}


def _measure(
    folders: Mapping[str, Path], patients: Sequence[str], bar: ProgressBar
) -> dict[str, dict[str, Any]]:
    from pipeline.data.reading.isolated import read_cases
    from pipeline.input_gate.measures import measure_input

    measured = {}
    for done, name in enumerate(patients):
        bar(done, len(patients), name)
        report = read_cases([folders[name]])
        for error in report.errors:
            raise InputError(error.source, error.message)
        found = measure_input(report.cases[0])
        if found is None:
            raise InputError(name, f"The pictures of {name} are blank.")
        measured[name] = asdict(found)
    bar(len(patients), len(patients), "")
    return measured
