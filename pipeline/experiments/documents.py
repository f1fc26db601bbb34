"""The JSON of an experiment in ``models/experiments``: written row by row, read back to go on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pipeline.classifiers.bases.registry import find_architecture
from pipeline.classifiers.scoring import Scores
from pipeline.classifiers.strategies import strategy_label
from pipeline.evaluation.intervals import Estimate
from pipeline.experiments.configuration import Configuration, PlannedRow
from pipeline.experiments.options import option_words
from pipeline.storage.checked_json import Fields, read_json_object
from pipeline.storage.digests import SHA256

SCHEMA = 1
MEASURED, NOT_RUN = "measured", "not run"


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


def measured_row(
    row: PlannedRow, measurement: Measurement, *, environment: Mapping[str, str]
) -> dict[str, Any]:
    """A row with figures, and where and when it was measured: rows of a file may differ in it."""
    scores = measurement.scores
    figures = measurement.figures if scores is None else scores.figures
    confusion = None
    if scores is not None:
        counts = [list(counts) for counts in scores.confusion]
        confusion = {"labels": list(scores.labels), "counts": counts}
    return _row_head(row, measurement.initial_weights) | {
        "status": MEASURED,
        "environment": dict(environment),
        "seconds_per_epoch": measurement.seconds_per_epoch,
        "figures": {name: asdict(estimate) for name, estimate in figures.items()},
        "confusion": confusion,
        "details": dict(measurement.details),
    }


def not_run_row(
    row: PlannedRow, initial_weights: str, *, reason: str, command: str = "", estimate: str = ""
) -> dict[str, Any]:
    """A row without figures: why, and where time was short what would run it."""
    optional = {"command": command, "estimate": estimate}
    return (
        _row_head(row, initial_weights)
        | {"status": NOT_RUN, "reason": reason}
        | {key: text for key, text in optional.items() if text}
        | {"seconds_per_epoch": None, "figures": {}, "confusion": None}
    )


def build_document(
    configuration: Configuration,
    facts: DataFacts,
    rows: list[dict[str, Any]],
    *,
    command: str,
) -> dict[str, Any]:
    """The whole file; ``command`` measures all of its rows again."""
    return {
        "schema": SCHEMA,
        "name": configuration.name,
        "title": configuration.title,
        "question": configuration.question,
        "published": [dict(entry) for entry in configuration.published],
        "data": {
            "name": configuration.data_name,
            "images": facts.images,
            "licence": configuration.licence,
            "cautions": list(configuration.cautions),
            "digest": facts.digest,
        },
        "command": command,
        "rows": rows,
        "notes": [*_shared_options(configuration), *configuration.notes],
    }


def read_measured_rows(path: Path, facts: DataFacts) -> dict[str, dict[str, Any]]:
    """Rows that were measured before on the same data, by digest.

    Raises:
        InputError: The file is no experiment's, so that it must not be written over.
    """
    content = read_json_object(path, path.name)
    if content is None:
        return {}
    fields = Fields(content, path.name)
    fields.require(fields.get("schema") == SCHEMA, f"schema must be {SCHEMA}")
    rows = fields.get("rows")
    fields.require(isinstance(rows, list), "rows must be a list")
    if fields.mapping("data").get("digest") != facts.digest:
        return {}
    return {
        str(row["digest"]): row
        for row in rows
        if isinstance(row, dict)
        and row.get("status") == MEASURED
        and SHA256.fullmatch(str(row.get("digest"))) is not None
    }


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
    shown = [f"{name.replace('_', ' ')} {words[name]}" for name in words if name in first.shared]
    return [f"All rows: {', '.join(shown)}."] if shown else []


def _strategy(row: PlannedRow) -> str:
    if row.strategy is None:
        return "none"
    return strategy_label(row.strategy, find_architecture(row.architecture))


def _row_head(row: PlannedRow, initial_weights: str) -> dict[str, Any]:
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
