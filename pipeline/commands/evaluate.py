"""``evaluate``: measure the whole chain; writes evaluation.json and prints the figures."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.commands.console import ProgressBar, complain, say
from pipeline.commands.locations import add_engine_arguments, positive, ready_engine
from pipeline.data.case import Case
from pipeline.errors import InputError, ProgressCallback
from pipeline.models.registry import EVALUATION_FILE
from pipeline.predictions.files import writing

if TYPE_CHECKING:
    from pipeline.evaluation.document import Evaluation

#: What the figures are called where the patients are none of the committed split.
GIVEN_FOLDER = "given folder"
SPLITS = ("train", "validation", "held-out", "all")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this command."""
    source = parser.add_mutually_exclusive_group(required=True)
    for option, metavar, what in (
        ("--data", "DIR", "patients' folders with reference masks"),
        ("--demo", "DIR", "demo studies: counts the lesions that are found"),
        (
            "--from-rows",
            "FILE",
            "an evaluation.json: computes its figures and intervals again from the rows that it "
            "holds, without data or networks, and rewrites it",
        ),
    ):
        source.add_argument(option, type=Path, metavar=metavar, help=what)
    parser.add_argument("--output", type=Path, metavar="DIR", help="folder for evaluation.json")
    parser.add_argument(
        "--split",
        choices=SPLITS,
        help="patients of the shipped fold (default: held-out; all where none of them is there)",
    )
    parser.add_argument(
        "--folds",
        type=Path,
        metavar="DIR",
        help="cross-validate: training runs (fold-1 to fold-5, by-slice, without-CODE), each on "
        "the patients that it did not learn from",
    )
    parser.add_argument(
        "--again", action="store_true", help="with --folds: measure again what was measured before"
    )
    parser.add_argument(
        "--draws", type=positive, default=10_000, metavar="N", help="draws behind the intervals"
    )
    parser.add_argument(
        "--worst",
        type=positive,
        metavar="N",
        help="picture N patients with the lowest Dice, and N slices with the most pixels too many, "
        "missed, and left out as small",
    )
    parser.add_argument(
        "--pictures", type=Path, metavar="DIR", help="folder for the pictures of --worst"
    )
    add_engine_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Evaluate; returns the exit status.

    Raises:
        InputError: No patients with reference masks, the models cannot run, the options do not go
            together, or a folder cannot be written.
    """
    _check_options(arguments)
    if arguments.from_rows is not None:
        return _compute_again(arguments)
    for folder in filter(None, (arguments.output, arguments.pictures)):
        with writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
    if arguments.demo is not None:
        return _evaluate_demo(arguments, _open_analyser(arguments))
    picture_worst: Callable[[], None]
    if arguments.folds is not None:
        from pipeline.commands.fold_evaluation import evaluate_folds

        evaluation, picture_worst = evaluate_folds(arguments, command=_command(arguments))
    else:
        evaluation, picture_worst = _evaluate_patients(arguments, _open_analyser(arguments))
    _write(arguments.output / EVALUATION_FILE, evaluation)
    if arguments.worst is not None:
        picture_worst()
    return 0


def choose_patients(found: Sequence[str], split: str | None) -> tuple[tuple[str, ...], str]:
    """Choose the patients to evaluate and say what they are.

    Args:
        found: Patients whose folders are there.
        split: One of `SPLITS`, or None for the held-out patients where they are there.

    Returns:
        The patients, and ``held-out``, ``validation``, ``train``, ``all`` or ``given folder``.

    Raises:
        InputError: Patients of the split are missing.
    """
    from pipeline.datasets.splits import load_fold

    committed = load_fold()
    known = {*committed.train, *committed.validation, *committed.held_out}
    if split == "all":
        return tuple(found), "all"
    if split is None and not known & set(found):
        return tuple(found), GIVEN_FOLDER
    split = split or "held-out"
    wanted: tuple[str, ...] = getattr(committed, split.replace("-", "_"))
    missing = [patient for patient in wanted if patient not in set(found)]
    if missing:
        raise InputError(
            missing[0],
            f"{len(missing)} of the {len(wanted)} patients of the {split} split are missing, such "
            f"as {missing[0]}. To evaluate all that are there, use --split all.",
        )
    return wanted, split


def _check_options(arguments: argparse.Namespace) -> None:
    if arguments.from_rows is not None:
        others = ("output", "split", "folds", "worst", "pictures")
        if arguments.again or any(getattr(arguments, name) is not None for name in others):
            message = "--from-rows rewrites its file; it can be combined only with --draws."
            raise InputError("", message)
        return
    if arguments.output is None:
        raise InputError("", "--output names the folder for the figures; it is missing.")
    if (arguments.worst is None) != (arguments.pictures is None):
        raise InputError("", "--worst and --pictures are given together or not at all.")
    if arguments.folds is None:
        return
    if arguments.data is None or arguments.split is not None:
        raise InputError("", "--folds needs --data, and chooses the patients itself: no --split.")


def _compute_again(arguments: argparse.Namespace) -> int:
    """Compute what follows from the rows of a file, and rewrite the file."""
    from pipeline.evaluation.computing import compute_evaluation
    from pipeline.evaluation.dice_fit import rebind_dice_models
    from pipeline.evaluation.document import read_evaluation
    from pipeline.storage.digests import file_digest

    path: Path = arguments.from_rows
    evaluation = read_evaluation(path)
    if not evaluation.patients:
        raise InputError(path.name, f"{path.name} holds no rows of patients to compute from.")
    before = file_digest(path)
    with ProgressBar("part") as bar:
        evaluation = compute_evaluation(evaluation, draws=arguments.draws, progress=bar)
    _write(path, evaluation)
    with writing(path.parent):
        rebind_dice_models(path, before)
    return 0


def _write(path: Path, evaluation: Evaluation) -> None:
    """Write the document and print its figures."""
    from pipeline.evaluation.document import write_evaluation
    from pipeline.evaluation.tables import format_text

    with writing(path.parent):
        write_evaluation(path, evaluation)
    say(format_text(evaluation))


def _open_analyser(arguments: argparse.Namespace) -> Any:
    from pipeline import Analyser

    engine = ready_engine(arguments)
    return Analyser(
        arguments.models,
        engine=engine,
        precision="f32",
        engine_dir=arguments.engine_dir,
        task=arguments.task,
        threads=arguments.threads,
    )


def _evaluate_patients(
    arguments: argparse.Namespace, analyser: Any
) -> tuple[Evaluation, Callable[[], None]]:
    """Measure the shipped network; returns what pictures its worst patients as well."""
    from pipeline.datasets.lgg import find_patients
    from pipeline.evaluation.computing import collect_evaluation, compute_evaluation
    from pipeline.evaluation.document import MeasuredNetwork
    from pipeline.evaluation.evaluate import (
        describe_environment,
        evaluate_cases,
    )

    paths, split = [arguments.data], GIVEN_FOLDER
    try:
        folders = find_patients(arguments.data)
    except InputError:
        if arguments.split is not None or not arguments.data.is_dir():
            raise
    else:
        patients, split = choose_patients(tuple(folders), arguments.split)
        paths = [folders[patient] for patient in patients]
    info = analyser.models.network
    calibration = info.metadata.calibration
    with ProgressBar("patient") as bar:
        rows = evaluate_cases(_read_each(paths, bar), analyser, calibration=calibration)
    if not rows.patients:
        name = arguments.data.name
        raise InputError(name, f"{name} holds no patient with reference masks to compare with.")
    engine = f"{analyser.engine} {analyser.precision}"
    collected = collect_evaluation(
        rows,
        MeasuredNetwork(info.name, info.version, info.digest),
        task=info.task,
        split=split,
        environment=describe_environment(
            engine, command=_command(arguments), draws=arguments.draws
        ),
    )
    with ProgressBar("part") as bar:
        evaluation = compute_evaluation(collected, draws=arguments.draws, progress=bar)
    return evaluation, lambda: _picture_worst(arguments, analyser, paths, rows.patients)


def _picture_worst(
    arguments: argparse.Namespace, analyser: Any, paths: Sequence[Path], patients: Any
) -> None:
    """Picture what the shipped network does worst; the cases are read once more."""
    from pipeline.commands.worst_cases import picture_worst
    from pipeline.evaluation.pictures import worst_patients

    chosen = [row.case_id for row in worst_patients(patients, arguments.worst)]
    cases = (case for case in _read_each(paths, _silent) if case.masks is not None)
    picture_worst(
        cases, chosen, lambda _: analyser, arguments.pictures, total=max(len(patients), 1)
    )


def _evaluate_demo(arguments: argparse.Namespace, analyser: Any) -> int:
    from pipeline.evaluation.evaluate import DemoEvaluation, DemoRow, count_lesions
    from pipeline.storage.checked_json import write_document

    studies: list[DemoRow] = []
    with ProgressBar("study") as bar:
        for case in _read_each(_subfolders(arguments.demo), bar):
            if case.masks is not None:
                result = analyser.analyse(case)
                found, lesions = count_lesions(case, result)
                called = sum(answer.tumor for answer in result.slices)
                studies.append(DemoRow(case.case_id, lesions, found, called))
    if not studies:
        name = arguments.demo.name
        raise InputError(name, f"{name} holds no demo study; make some with the command demo.")
    found, lesions = sum(row.found for row in studies), sum(row.lesions for row in studies)
    evaluation = DemoEvaluation(lesions=lesions, found=found, studies=tuple(studies))
    with writing(arguments.output):
        write_document(arguments.output / "demo.json", evaluation)
    say(
        f"{found} of {lesions} synthetic lesions in {len(studies)} demo studies were touched by an "
        "outline. They are drawn, not patients: this says nothing about accuracy."
    )
    return 0


def _subfolders(folder: Path) -> list[Path]:
    """The folders in a folder, or the folder itself where it has none."""
    if not folder.is_dir():
        raise InputError(folder.name, f"There is no folder {folder.name}.")
    return sorted(path for path in folder.iterdir() if path.is_dir()) or [folder]


def _read_each(paths: Sequence[Path], progress: ProgressCallback) -> Iterator[Case]:
    """Read the folders one after the other, so that one patient at a time is held."""
    from pipeline import read_cases

    for done, path in enumerate(paths):
        progress(done, len(paths), f"Evaluating {path.name}")
        report = read_cases([path])
        for error in report.errors:
            complain(f"{error.source}: {error.message}")
        yield from report.cases
    progress(len(paths), len(paths), "Evaluated")


def _silent(done: int, total: int, message: str) -> None:
    """No progress is shown: the same cases were read before."""


def _command(arguments: argparse.Namespace) -> str:
    """What repeats the evaluation, without this machine's folders."""
    words = ["python", "-m", "pipeline", "evaluate", "--data", "DIR", "--output", "DIR"]
    if arguments.folds is not None:
        words += ["--folds", "DIR"]
    if arguments.split is not None:
        words += ["--split", arguments.split]
    if arguments.engine != "auto":
        words += ["--engine", arguments.engine]
    return shlex.join(words)
