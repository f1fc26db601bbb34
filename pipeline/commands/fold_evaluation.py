"""``evaluate --folds``: every training run on the patients it held out, pooled into one document.

Each run keeps its rows in its own folder, so that a second call only pools.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pipeline.analysis.analyser import Analyser
from pipeline.commands.console import ProgressBar, complain
from pipeline.commands.worst_cases import picture_worst
from pipeline.data.case import Case
from pipeline.datasets.lgg import find_patients
from pipeline.engine.exports import is_exported
from pipeline.engine.selection import fastest_engine
from pipeline.errors import InputError
from pipeline.evaluation.cross_validation import build_cross_validation
from pipeline.evaluation.document import Evaluation, MeasuredNetwork
from pipeline.evaluation.pictures import worst_patients
from pipeline.evaluation.runs import (
    MeasuredRun,
    Measuring,
    RunPlan,
    estimate_minutes,
    measure_run,
    plan_runs,
    store_training,
)
from pipeline.models.registry import ModelInfo, TaskInfo, read_model_info
from pipeline.predictions.files import writing

_PRECISION = "f32"
#: Below a run's own folder: an export removes those of other weights next to it.
_ENGINE_FOLDER = "engine"


def evaluate_folds(
    arguments: argparse.Namespace, *, command: str
) -> tuple[Evaluation, Callable[[], None]]:
    """Measure what is not measured yet, and pool it.

    Returns:
        The evaluation, and what pictures its worst patients.

    Raises:
        InputError: No fold is there, a patient is missing, or a run cannot be measured.
    """
    folders = find_patients(arguments.data)
    plan = plan_runs(arguments.folds, patients=tuple(folders))
    _check_patients(plan, folders)
    how = Measuring(
        read_case=lambda patient: _read_patient(folders[patient]),
        open_run=lambda info: open_run(info, arguments),
        engine=fastest_engine(arguments.engine, precision=_PRECISION),
        precision=_PRECISION,
        again=arguments.again,
    )
    measured: dict[str, MeasuredRun] = {}
    for run in plan.all:
        if run.is_there:
            with ProgressBar("patient") as bar:
                measured[run.name] = measure_run(run, how, progress=bar)
            with writing(arguments.output):
                store_training(run, arguments.output)
        else:
            complain(f"Not run: {run.name}. To train it: {run.command}")
    with ProgressBar("part") as bar:
        evaluation = build_cross_validation(
            plan,
            measured,
            task=arguments.task,
            shipped=_shipped_network(arguments),
            estimate=estimate_minutes(plan),
            engine=f"{how.engine} {how.precision}",
            command=command,
            draws=arguments.draws,
            progress=bar,
        )
    folds = [measured[run.name] for run in plan.folds if run.name in measured]
    return evaluation, lambda: _picture_folds(folds, how, arguments)


def open_run(info: ModelInfo, arguments: argparse.Namespace) -> Analyser:
    """The analyser of a training run's network, exported into the run's folder where need be.

    Unlike the shipped network it never falls back to another runtime: rows name theirs.

    Raises:
        InputError: The network cannot be exported or loaded.
    """
    engine = fastest_engine(arguments.engine, precision=_PRECISION)
    engine_dir = info.folder / _ENGINE_FOLDER
    if engine != "keras" and not is_exported(info, engine_dir, engine):
        complain(f"Exporting the network of {info.folder.name}; this is done once.")
        from pipeline.engine.export import export_network

        export_network(info, engine_dir, engine=engine)
    return Analyser(
        TaskInfo(info.task, info),
        engine=engine,
        precision=_PRECISION,
        engine_dir=engine_dir,
        threads=arguments.threads,
    )


def _check_patients(plan: RunPlan, folders: Mapping[str, Path]) -> None:
    wanted = [patient for fold in plan.folds for patient in fold.patients]
    missing = [patient for patient in wanted if patient not in folders]
    if missing:
        raise InputError(
            missing[0],
            f"{len(missing)} of the {len(wanted)} patients of the folds are missing, such as"
            f" {missing[0]}; all of them are needed to cross-validate.",
        )


def _read_patient(folder: Path) -> Case:
    """The one case of a patient's folder, with its reference masks."""
    from pipeline.data.reading.isolated import read_cases

    report = read_cases([folder])
    for error in report.errors:
        raise InputError(error.source, error.message)
    if len(report.cases) != 1 or report.cases[0].masks is None:
        raise InputError(folder.name, f"{folder.name} holds no study with reference masks.")
    return report.cases[0]


def _shipped_network(arguments: argparse.Namespace) -> MeasuredNetwork | None:
    """The network under ``models/``; None before anything is shipped."""
    try:
        info = read_model_info(arguments.models, arguments.task).network
    except InputError as error:
        complain(f"{error.message} The document names the first fold's network.")
        return None
    return MeasuredNetwork(info.name, info.version, info.digest)


def _picture_folds(
    folds: Sequence[MeasuredRun], how: Measuring, arguments: argparse.Namespace
) -> None:
    """Picture what is worst of all folds, each patient answered by the fold that held it out."""
    from pipeline.models.registry import read_run

    rows = [row for fold in folds for row in fold.rows.patients]
    owner = {row.case_id: fold for fold in folds for row in fold.rows.patients}
    opened: dict[str, Analyser] = {}

    def open_fold(case: Case) -> Analyser:
        run = owner[case.case_id].run
        if run.name not in opened:
            opened[run.name] = how.open_run(read_run(run.folder).network)
        return opened[run.name]

    cases = (how.read_case(row.case_id) for row in rows)
    chosen = [row.case_id for row in worst_patients(rows, arguments.worst)]
    picture_worst(cases, chosen, open_fold, arguments.pictures, total=len(rows))
