"""The results of an experiment in ``models/experiments``: written row by row, read to resume."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, TypedDict

from pydantic import Discriminator, Field, Strict, with_config

from pipeline.classifiers.bases.registry import find_architecture
from pipeline.classifiers.scoring import ConfusionMatrix, Scores
from pipeline.classifiers.strategies import strategy_label
from pipeline.errors import InputError
from pipeline.evaluation.intervals import Estimate
from pipeline.experiments.configuration import Configuration, PlannedRow
from pipeline.experiments.options import option_words
from pipeline.image_tasks.task import Published
from pipeline.storage.checked_json import STRICT, read_json
from pipeline.storage.field_types import Amount, Count, Digest, Name, Text

FOLDER = "experiments"
#: Options whose names are not the words for them.
_OPTION_LABELS = {"balanced": "class weights"}

#: A text or a number, as a table shows it.
Word = Annotated[str, Strict()] | Annotated[int, Strict()] | Annotated[float, Strict()]


@dataclass(frozen=True)
class DataFacts:
    """What an experiment was measured on.

    Attributes:
        images: How many, in words.
        digest: SHA-256 of the images, so that rows of other data are never kept; "" without data.
    """

    images: str
    digest: str = ""


@dataclass(frozen=True)
class Measurement:
    """What a row came to.

    Attributes:
        initial_weights: What it started from.
        figures: Name to estimate.
        scores: Figures and confusion matrix of a classifier, in place of `figures`.
        seconds_per_epoch: None where nothing was trained.
        details: Further facts, such as how many images were held out.
    """

    initial_weights: str
    figures: Mapping[str, Estimate] = field(default_factory=dict)
    scores: Scores | None = None
    seconds_per_epoch: float | None = None
    details: Mapping[str, str | int | float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One system of an experiment.

    Attributes:
        label: The system, as a table shows it.
        architecture: Name in the registry of architectures.
        strategy: What is trained, as a table shows it.
        options: Options by which rows of the experiment may differ.
        initial_weights: What training started from.
        split: What was held out, in words.
        epochs: Passes over the training images.
        digest: SHA-256 of all that the row is measured with.
    """

    label: Name
    architecture: Name
    strategy: Name
    options: Mapping[Name, Word]
    initial_weights: Name
    split: Name
    epochs: Count
    digest: Digest


@dataclass(frozen=True, kw_only=True)
class MeasuredRow(Row):
    """A row with figures.

    Attributes:
        environment: Where and when it was measured, and versions; rows of a file may differ in it.
        seconds_per_epoch: None where nothing was trained.
        figures: Name to estimate.
        confusion: None where nothing was classified.
        details: Further facts.
    """

    status: Literal["measured"] = "measured"
    environment: Mapping[Name, Text]
    seconds_per_epoch: Amount | None
    figures: Mapping[Name, Estimate]
    confusion: ConfusionMatrix | None
    details: Mapping[Name, Word] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class NotRunRow(Row):
    """A row without figures: why, and where time was short what would run it and for how long."""

    status: Literal["not run"] = "not run"
    reason: Text
    command: Text = ""
    estimate: Text = ""
    seconds_per_epoch: None = None
    figures: Mapping[Name, Estimate] = field(default_factory=dict)
    confusion: None = None


@dataclass(frozen=True)
class ExperimentData:
    """The data of an experiment, and sentences that stand wherever a figure of it is shown."""

    name: Text
    images: Text
    licence: Text
    cautions: tuple[Text, ...]
    digest: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?\z")]


AnyRow = Annotated[MeasuredRow | NotRunRow, Discriminator("status")]


@with_config(STRICT)
@dataclass(frozen=True, kw_only=True)
class ExperimentResults:
    """The results of an experiment.

    Attributes:
        name, title, question: What it is called, and what it asks.
        published: Figures of others.
        data: What it was measured on.
        command: Measures all rows again.
        rows: In the order of the configuration.
        notes: Further sentences.
    """

    schema: Literal[1] = 1
    name: Name
    title: Text
    question: Text
    published: tuple[Published, ...]
    data: ExperimentData
    command: Text
    rows: tuple[AnyRow, ...]
    notes: tuple[Text, ...]


def measured_row(
    row: PlannedRow, measurement: Measurement, *, environment: Mapping[str, str]
) -> MeasuredRow:
    """A row with figures, and where and when it was measured."""
    scores = measurement.scores
    return MeasuredRow(
        **_row_head(row, measurement.initial_weights),
        environment=dict(environment),
        seconds_per_epoch=measurement.seconds_per_epoch,
        figures=dict(measurement.figures if scores is None else scores.figures),
        confusion=None if scores is None else scores.confusion,
        details=dict(measurement.details),
    )


def not_run_row(
    row: PlannedRow, initial_weights: str, *, reason: str, command: str = "", estimate: str = ""
) -> NotRunRow:
    """A row without figures."""
    head = _row_head(row, initial_weights)
    return NotRunRow(**head, reason=reason, command=command, estimate=estimate)


def build_results(
    configuration: Configuration, facts: DataFacts, rows: list[AnyRow], *, command: str
) -> ExperimentResults:
    """The whole file; ``command`` measures all of its rows again."""
    return ExperimentResults(
        name=configuration.name,
        title=configuration.title,
        question=configuration.question,
        published=configuration.published,
        data=ExperimentData(
            configuration.data_name,
            facts.images,
            configuration.licence,
            configuration.cautions,
            facts.digest,
        ),
        command=command,
        rows=tuple(rows),
        notes=(*_shared_options(configuration), *configuration.notes),
    )


def experiment_files(models: Path) -> list[Path]:
    """The results of experiments below a models folder, by name."""
    try:
        return sorted(path for path in (models / FOLDER).glob("*.json") if path.is_file())
    except OSError:
        return []


def read_results(path: Path) -> ExperimentResults:
    """Read the results of an experiment.

    Raises:
        InputError: The file is missing or not valid.
    """
    shown = f"{FOLDER}/{path.name}"
    remedy = f"run python -m pipeline experiment {path.stem} into an empty folder"
    results = read_json(path, ExperimentResults, shown=shown, remedy=remedy)
    if results is None:
        raise InputError(shown, f"{shown} is missing.")
    return results


def read_measured_rows(path: Path, facts: DataFacts) -> dict[str, MeasuredRow]:
    """Rows that were measured before on the same data, by digest.

    Raises:
        InputError: The file holds something else, so that it must not be overwritten.
    """
    if not path.is_file():
        return {}
    results = read_results(path)
    if results.data.digest != facts.digest:
        return {}
    return {row.digest: row for row in results.rows if isinstance(row, MeasuredRow)}


def row_words(row: PlannedRow) -> str:
    """A row in one line, as progress and ``--rows`` know it."""
    options = [f"{key} {value}" for key, value in _own_options(row).items()]
    parts = [row.architecture, f"strategy {_strategy(row)}", row.split]
    return ", ".join([*parts, *([f"{row.epochs} epochs"] if row.epochs else []), *options])


def _own_options(row: PlannedRow) -> dict[str, str | int | float]:
    """Options by which rows of the experiment may differ."""
    words = option_words(row.options)
    return {name: value for name, value in words.items() if name not in row.shared}


def _shared_options(configuration: Configuration) -> list[str]:
    """A sentence on the options that all rows share."""
    first = configuration.rows[0]
    words = option_words(first.options)
    shown = [
        f"{_OPTION_LABELS.get(name, name.replace('_', ' '))} {words[name]}"
        for name in words
        if name in first.shared
    ]
    return [f"All rows: {', '.join(shown)}."] if shown else []


def _strategy(row: PlannedRow) -> str:
    if row.strategy is None:
        return "none"
    return strategy_label(row.strategy, find_architecture(row.architecture))


class _Head(TypedDict):
    """What rows with and without figures have."""

    label: str
    architecture: str
    strategy: str
    options: Mapping[str, str | int | float]
    initial_weights: str
    split: str
    epochs: int
    digest: str


def _row_head(row: PlannedRow, initial_weights: str) -> _Head:
    return {
        "label": find_architecture(row.architecture).title,
        "architecture": row.architecture,
        "strategy": _strategy(row),
        "options": _own_options(row),
        "initial_weights": initial_weights,
        "split": row.split,
        "epochs": row.epochs,
        "digest": row.digest,
    }
