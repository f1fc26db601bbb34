"""What `python -m pipeline experiment NAME` wrote below ``models/experiments/``, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dashboard.evaluation.estimates import (
    mappings,
    parse_figures,
    parse_not_run,
    parse_strings,
    parse_text,
    parse_texts,
)
from pipeline import InputError
from pipeline.evaluation.facade import Estimate, NotRun

SCHEMA = 1
FOLDER = "experiments"
_MAX_CLASSES = 32


@dataclass(frozen=True)
class Published:
    """A figure that somebody has published.

    Attributes:
        label: The system that it is of.
        figure: The figure, as published.
        source: Where.
    """

    label: str
    figure: str
    source: str


@dataclass(frozen=True)
class ConfusionMatrix:
    """Counts by class: one row per class of the data, one column per class that was answered."""

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, eq=False)
class ExperimentRow:
    """One system of an experiment.

    Attributes:
        environment: Where and when it was measured: date, cpu, versions.
        not_run: Why it has no figures, None where it has.
    """

    label: str
    strategy: str
    initial_weights: str
    split: str
    epochs: str
    seconds_per_epoch: Estimate | None
    options: Mapping[str, str]
    figures: Mapping[str, Estimate]
    confusion: ConfusionMatrix | None
    environment: Mapping[str, str]
    not_run: NotRun | None


@dataclass(frozen=True, eq=False)
class Experiment:
    """An experiment: what was asked, of which data, what others have published, what came out."""

    name: str
    title: str
    question: str
    published: tuple[Published, ...]
    data: Mapping[str, str]
    cautions: tuple[str, ...]
    command: str
    rows: tuple[ExperimentRow, ...]
    notes: tuple[str, ...] = field(default=())


def experiment_files(models: Path) -> list[Path]:
    """The experiments' files below a models folder, by name."""
    try:
        return sorted(path for path in (models / FOLDER).glob("*.json") if path.is_file())
    except OSError:
        return []


def parse_experiment(document: object, name: str) -> Experiment:
    """Check the contents of an experiment's file.

    Args:
        document: What the file holds.
        name: The file's name without its suffix, for sentences and where it names none itself.

    Raises:
        InputError: It is of another version, or a part is not of the expected kind.
    """
    if not isinstance(document, Mapping) or document.get("schema") != SCHEMA:
        raise InputError(name, f"The file of experiment {name} is of another version.")
    try:
        return _parse(document, name)
    except (TypeError, ValueError, KeyError, InputError) as error:
        sentence = f"The file of experiment {name} holds something other than it should."
        raise InputError(name, sentence) from error


def parse_confusion(value: object) -> ConfusionMatrix | None:
    """A square matrix of counts with its labels; None where it does not fit."""
    if not isinstance(value, Mapping):
        return None
    labels, counts = parse_texts(value.get("labels")), value.get("counts")
    size = len(labels)
    if not 0 < size <= _MAX_CLASSES or not isinstance(counts, list) or len(counts) != size:
        return None
    rows = []
    for row in counts:
        if not isinstance(row, list) or len(row) != size or not all(map(_is_count, row)):
            return None
        rows.append(tuple(int(item) for item in row))
    return ConfusionMatrix(labels, tuple(rows))


def _parse(document: Mapping[str, Any], name: str) -> Experiment:
    data = document.get("data")
    facts = data if isinstance(data, Mapping) else {}
    return Experiment(
        name=parse_text(document.get("name")) or name,
        title=parse_text(document.get("title")) or name,
        question=parse_text(document.get("question")),
        published=tuple(
            Published(*(parse_text(item.get(key)) for key in ("label", "figure", "source")))
            for item in mappings(document.get("published"))
        ),
        data=parse_strings({key: facts.get(key) for key in ("name", "images", "licence")}),
        cautions=parse_texts(facts.get("cautions")),
        command=parse_text(document.get("command")),
        rows=tuple(_parse_row(item) for item in mappings(document.get("rows"))),
        notes=parse_texts(document.get("notes")),
    )


def _parse_row(value: Mapping[str, Any]) -> ExperimentRow:
    not_run = parse_not_run(value)
    seconds = parse_figures({"s": value.get("seconds_per_epoch")}).get("s")
    return ExperimentRow(
        label=parse_text(value.get("label")) or parse_text(value.get("architecture")),
        strategy=parse_text(value.get("strategy")),
        initial_weights=parse_text(value.get("initial_weights")),
        split=parse_text(value.get("split")),
        epochs=parse_text(value.get("epochs")),
        seconds_per_epoch=seconds,
        options=parse_strings(value.get("options")),
        figures={} if not_run else parse_figures(value.get("figures") or {}),
        confusion=None if not_run else parse_confusion(value.get("confusion")),
        environment=parse_strings(value.get("environment")),
        not_run=not_run,
    )


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
