"""Runs the rows of an experiment; what was measured is written after each row and never lost."""

from __future__ import annotations

import contextlib
import datetime
import os
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pipeline.classifiers.bases.registry import find_architecture
from pipeline.classifiers.strategies import FREEZING, choose_part
from pipeline.classifiers.weights import NotRun
from pipeline.errors import InputError, ProgressCallback
from pipeline.experiments.configuration import Configuration, PlannedRow
from pipeline.experiments.documents import (
    AnyRow,
    ExperimentResults,
    MeasuredRow,
    NotRunRow,
    build_results,
    measured_row,
    not_run_row,
    read_measured_rows,
    row_words,
)
from pipeline.experiments.plans import RunContext
from pipeline.experiments.registry import Experiment
from pipeline.storage.checked_json import write_document

#: Packages whose versions are stored with the figures.
_PACKAGES = ("tensorflow", "keras", "onnxruntime")
#: What stands for initial weights that a strategy needs and that were not found.
NO_WEIGHTS = "not available"
_NOT_REACHED = "The run was stopped before this row."


@dataclass(frozen=True)
class RowChoice:
    """Which rows are run.

    Attributes:
        words: A row is run if it contains all of these (see `row_words`); none chooses all rows
            but those that are left out for their length.
        again: Measure also what was measured before.
    """

    words: tuple[str, ...] = ()
    again: bool = False

    def includes(self, row: PlannedRow) -> bool:
        """Whether the row is run."""
        if not self.words:
            return not row.left_out
        return all(word.casefold() in row_words(row).casefold() for word in self.words)


@dataclass(frozen=True)
class RunReport:
    """What a run did, in rows.

    Attributes:
        measured: Measured now.
        kept: Measured before and kept.
        failed: Chosen, and found to be impossible here.
        not_run: Without figures, for whatever reason.
    """

    measured: int
    kept: int
    failed: int
    not_run: int


def run_experiment(
    configuration: Configuration,
    context: RunContext,
    path: Path,
    *,
    open_data: Callable[[RunContext], Experiment],
    choice: RowChoice,
    say: Callable[[str], None],
    progress: ProgressCallback,
) -> RunReport:
    """Run an experiment and write its file.

    Args:
        configuration: Its rows.
        context: Data and weights.
        path: The file; rows in it that were measured alike are kept.
        open_data: Reads the data.
        choice: Which rows are run.
        say: Called with a line for each row that is measured.
        progress: Called while a row is measured; may raise to cancel.

    Raises:
        InputError: No row is chosen, the data or weights cannot be read, or the file is something
            else.
    """
    if not any(map(choice.includes, configuration.rows)):
        raise InputError(
            configuration.name,
            f"No row of {configuration.name} holds {' '.join(choice.words)}; --list shows them.",
        )
    experiment = open_data(context)
    facts = experiment.facts()
    before, every = read_measured_rows(path, facts), configuration.rows
    command = f"python -m pipeline experiment {configuration.name}"
    command += " --data DIR --weights DIR" if facts.digest else " --weights DIR"
    rows: list[AnyRow] = [
        before.get(row.digest)
        or _unmeasured(row, context, choice, _row_command(command, row, every))
        for row in every
    ]
    measured = kept = failed = 0

    def save() -> None:
        _write(path, build_results(configuration, facts, rows, command=f"{command} --again"))

    for place, row in enumerate(every):
        if row.digest in before and not (choice.again and choice.includes(row)):
            kept += 1
        elif choice.includes(row):
            say(f"{place + 1} of {len(rows)}: {row_words(row)}")
            rows[place] = found = _measure(experiment, row, context, progress)
            if isinstance(found, MeasuredRow):
                measured += 1
            else:
                failed += 1
                say(f"Not run: {found.reason}")
            save()
    save()
    return RunReport(measured, kept, failed, len(rows) - measured - kept)


def _write(path: Path, results: ExperimentResults) -> None:
    try:
        write_document(path, results)
    except OSError as error:
        reason = error.strerror or "unknown reason"
        raise InputError(path.name, f"{path.name} cannot be written: {reason}.") from error


def _unmeasured(row: PlannedRow, context: RunContext, choice: RowChoice, command: str) -> NotRunRow:
    """A row before this run reaches it; what cannot be run says why, chosen or not."""
    architecture = find_architecture(row.architecture)
    if row.strategy is not None:
        try:
            choose_part(row.strategy, architecture, context.weights.coverage(architecture))
        except NotRun as error:
            return _impossible(row, context, error)
    reason = _NOT_REACHED if choice.includes(row) else row.left_out or "It was not chosen."
    return not_run_row(
        row,
        _initial_weights(row, context),
        reason=reason,
        command=command,
        estimate=f"about {row.minutes:g} minutes on two cores",
    )


def _measure(
    experiment: Experiment, row: PlannedRow, context: RunContext, progress: ProgressCallback
) -> AnyRow:
    try:
        measurement = experiment.measure(row, progress)
    except NotRun as error:
        return _impossible(row, context, error)
    return measured_row(row, measurement, environment=_environment())


def _impossible(row: PlannedRow, context: RunContext, error: NotRun) -> NotRunRow:
    local = context.weights.has_file(find_architecture(row.architecture))
    weights = _initial_weights(row, context) if local else NO_WEIGHTS
    return not_run_row(row, weights, reason=error.reason)


def _initial_weights(row: PlannedRow, context: RunContext) -> str:
    coverage = context.weights.coverage(find_architecture(row.architecture))
    return NO_WEIGHTS if coverage.random and row.strategy in FREEZING else coverage.label


def _row_command(command: str, row: PlannedRow, every: Sequence[PlannedRow]) -> str:
    """What runs this row alone: the words that distinguish it from the others."""
    words: list[str] = []
    others = every
    for part in row_words(row).split(", "):
        fewer = [other for other in others if part in row_words(other)]
        if len(fewer) < len(others):
            words, others = [*words, part], fewer
    return f"{command} --rows {shlex.join(words)}" if words else command


def _environment() -> dict[str, str]:
    from pipeline.evaluation.evaluate import cpu_name

    return {
        "cpu": cpu_name(),
        "cores": str(os.cpu_count() or 0),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        **_versions(),
    }


def _versions() -> dict[str, str]:
    """Versions of the packages that are there; ONNX Runtime is needed for one experiment only."""
    found = {}
    for package in _PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found
