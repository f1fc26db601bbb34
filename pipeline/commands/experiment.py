"""``experiment``: run a published system again, or list all of them."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from pipeline.commands.console import ProgressBar, complain, say
from pipeline.commands.locations import PROJECT, default_engine_dir
from pipeline.errors import InputError
from pipeline.predictions.files import writing


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="the experiment")
    parser.add_argument("--list", action="store_true", help="list the experiments and their rows")
    parser.add_argument("--data", type=Path, metavar="DIR", help="the experiment's data set")
    parser.add_argument(
        "--weights",
        type=Path,
        metavar="DIR",
        help="folder of ImageNet weights (.npz); without it Keras downloads its own",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=PROJECT / "models" / "experiments",
        metavar="DIR",
        help="folder for NAME.json (default: models/experiments)",
    )
    parser.add_argument(
        "--rows",
        nargs="+",
        default=(),
        metavar="TEXT",
        help="only rows in which all of these stand, as --list shows them",
    )
    parser.add_argument(
        "--again", action="store_true", help="measure also the rows that NAME.json holds already"
    )
    parser.add_argument(
        "--cache",
        type=Path,
        default=default_engine_dir().with_name("features"),
        metavar="DIR",
        help="features of frozen bases, computed once (default: features in the workspace)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run an experiment; returns the exit status.

    Raises:
        InputError: There is no such experiment, its data or weights cannot be read, or the output
            folder cannot be written.
    """
    from pipeline.experiments.registry import EXPERIMENTS, find_configuration

    if arguments.list or arguments.name is None:
        return _list([arguments.name] if arguments.name else list(EXPERIMENTS))
    configuration = find_configuration(arguments.name)
    from pipeline.classifiers.weights import WeightsSource
    from pipeline.experiments.plans import RunContext
    from pipeline.experiments.registry import open_experiment
    from pipeline.experiments.runner import RowChoice, run_experiment
    from pipeline.models.quiet_keras import import_keras

    if arguments.weights is not None and not arguments.weights.is_dir():
        name = arguments.weights.name
        raise InputError(
            name, f"There is no folder {name}; --weights takes a folder of .npz files."
        )
    import_keras()
    # Every row builds networks of its own, of which TensorFlow warns as of a leak.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    with writing(arguments.output):
        arguments.output.mkdir(parents=True, exist_ok=True)
    with ProgressBar("step") as bar:
        report = run_experiment(
            configuration,
            RunContext(
                data=arguments.data,
                weights=WeightsSource(arguments.weights, download=arguments.weights is None),
                cache=arguments.cache,
            ),
            arguments.output / f"{configuration.name}.json",
            open_data=lambda context: open_experiment(configuration.name, context),
            choice=RowChoice(tuple(arguments.rows), arguments.again),
            say=complain,
            progress=bar,
        )
    kept = f", {report.kept} kept from before (--again measures them, too)" if report.kept else ""
    say(f"{configuration.name}: {report.measured} rows measured{kept}, {report.not_run} not run.")
    # Without --rows some may well be out of reach; who asks for rows expects figures.
    return 1 if arguments.rows and report.failed and not report.measured else 0


def _list(names: list[str]) -> int:
    """Name and title of each experiment; of a single one, its rows as well."""
    from pipeline.experiments.documents import row_words
    from pipeline.experiments.registry import find_configuration

    for name in names:
        configuration = find_configuration(name)
        say(f"{name}: {configuration.title} ({len(configuration.rows)} rows)")
        if len(names) == 1:
            for row in configuration.rows:
                left_out = f" [only when asked for: {row.minutes:g} min]" if row.left_out else ""
                say(f"  {row_words(row)}{left_out}")
    return 0
