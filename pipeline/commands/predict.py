"""``predict``: analyse files of any kind; writes results.json and masks."""

from __future__ import annotations

import argparse
import logging
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from pipeline.commands.console import ProgressBar, complain, say
from pipeline.commands.locations import add_engine_arguments, ready_engine
from pipeline.commands.prediction_files import PredictionFolder
from pipeline.data.case import Case
from pipeline.errors import InputError
from pipeline.image_tasks.registry import IMAGE_TASKS
from pipeline.models.registry import TASKS
from pipeline.results import ProgressCallback

_LOG = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    parser.add_argument(
        "paths", nargs="+", type=Path, metavar="PATH", help="file, folder or zip archive"
    )
    parser.add_argument(
        "--output", type=Path, required=True, metavar="DIR", help="folder for results and masks"
    )
    add_engine_arguments(parser, tasks=(*TASKS, *IMAGE_TASKS))


def run(arguments: argparse.Namespace) -> int:
    """Analyse what was given; returns 1 where any of it failed, and tells each in a sentence.

    Raises:
        InputError: The models cannot run, or the output folder cannot be written.
    """
    if arguments.task in IMAGE_TASKS:
        from pipeline.commands.predict_images import run as run_image_task

        return run_image_task(arguments)
    from pipeline import read_cases, read_model_info

    models = read_model_info(arguments.models, arguments.task)
    folder = PredictionFolder(arguments.output)
    with ProgressBar("file") as progress:
        report = read_cases(arguments.paths, progress=progress)
    own = _own_results(arguments.paths, arguments.output)
    cases = deque(case for case in report.cases if not own(case.sources[0]))
    errors = [error for error in report.errors if not own(error.source)]
    del report  # The queue alone holds the cases, so that each is let go when it is done.
    if cases:
        errors += _analyse(cases, arguments, folder)
    path = folder.finish(models, errors)
    for error in errors:
        complain(error.message)
    say(f"Results are in {path}")
    return 1 if errors else 0


def _own_results(paths: Sequence[Path], output: Path) -> Callable[[str], bool]:
    """Tell whether a source is an earlier result, where the output lies inside an input folder."""
    here = output.resolve()
    inside = [
        here.relative_to(path.resolve()).as_posix() + "/"
        for path in paths
        if here.is_relative_to(path.resolve()) and here != path.resolve()
    ]
    return lambda source: any(source.startswith(folder) for folder in inside)


def _analyse(
    cases: deque[Case], arguments: argparse.Namespace, folder: PredictionFolder
) -> Sequence[InputError]:
    """Analyse and write the cases one by one; returns what failed."""
    from pipeline import Analyser

    engine = ready_engine(arguments)
    analyser = Analyser(
        arguments.models,
        engine=engine,
        engine_dir=arguments.engine_dir,
        task=arguments.task,
        threads=arguments.threads,
    )
    analyser.load()
    errors = []
    with ProgressBar("slice") as bar:
        total, done = sum(case.n_slices for case in cases), 0
        while cases:
            case = cases.popleft()
            try:
                result = analyser.analyse(case, progress=_shifted(bar, case, done, total))
            except Exception:  # whatever one case does to a library, the others keep their results
                _LOG.debug("case %s failed", case.case_id, exc_info=True)
                name = Path(case.sources[0]).name
                message = (
                    f"{name} was read as {case.case_id} but cannot be analysed; it is left out."
                )
                errors.append(InputError(case.sources[0], message))
            else:
                folder.add(case, result)
            done += case.n_slices
    return errors


def _shifted(bar: ProgressBar, case: Case, before: int, total: int) -> ProgressCallback:
    """Progress of one case as progress of all slices."""

    def report(part: int, whole: int, message: str) -> None:
        bar(before + case.n_slices * part // whole, total, f"Analysing {case.case_id}")

    return report
