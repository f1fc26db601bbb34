"""Committed configurations of experiments: what is asked, of which data, and every row.

A configuration is a TOML file in `configurations`. Each of its ``[[rows]]`` is a small grid: where
a value is a list, there is a row for each of its values. Rows are known by a digest of all that
they were measured with. A configuration named after an image task takes published figures and data
from the task.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pipeline.classifiers.bases.registry import ARCHITECTURES
from pipeline.classifiers.strategies import Strategy
from pipeline.errors import InputError
from pipeline.experiments.options import Option, check_option
from pipeline.image_tasks.registry import IMAGE_TASKS
from pipeline.image_tasks.task import ImageTask

FOLDER = Path(__file__).with_name("configurations")
#: What a row says besides its options.
_OWN = ("architecture", "strategy", "split", "epochs", "minutes", "left_out")
_MAX_ROWS = 500


@dataclass(frozen=True)
class PlannedRow:
    """One row of an experiment, before it is measured.

    Attributes:
        architecture: Name in the registry.
        strategy: What is trained; None where nothing is.
        split: What is held out, in words; the experiment knows what to do.
        epochs: Passes over the training images; 0 where nothing is trained.
        options: All else, by the names of `options.OPTIONS`.
        shared: Names of the options that all rows of the experiment share.
        minutes: What it takes about, on two cores that do nothing else.
        left_out: Why it is not run unless it is asked for by name; "" where it is.
        digest: SHA-256 of all that it is measured with, 64 hexadecimal digits.
    """

    architecture: str
    strategy: Strategy | None
    split: str
    epochs: int
    options: Mapping[str, Option]
    shared: frozenset[str]
    minutes: float
    left_out: str
    digest: str


@dataclass(frozen=True)
class Configuration:
    """An experiment as it is committed.

    Attributes:
        name, title, question: What it is called, and what it asks.
        published: Figures of others, as texts ``label``, ``figure`` and ``source``.
        data_name, licence: The data set.
        cautions: Sentences that stand wherever a figure of it is shown.
        notes: Further sentences.
        rows: All rows.
    """

    name: str
    title: str
    question: str
    published: tuple[Mapping[str, str], ...]
    data_name: str
    licence: str
    cautions: tuple[str, ...]
    notes: tuple[str, ...]
    rows: tuple[PlannedRow, ...] = field(repr=False)


def read_configuration(path: Path) -> Configuration:
    """Read a configuration.

    Raises:
        InputError: The file is missing, is not TOML, or holds what is not known here.
    """
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise InputError(path.name, f"There is no configuration {path.name}.") from None
    except (OSError, ValueError):
        raise InputError(path.name, f"{path.name} cannot be read as TOML.") from None
    known = {"title", "question", "published", "data", "notes", "common", "rows"}
    _require(set(content) <= known, path.name, f"parts must be among {', '.join(sorted(known))}")
    if path.stem in IMAGE_TASKS:
        _require(not {"published", "data"} & set(content), path.name, "both are the image task's")
        content |= _describe_data(IMAGE_TASKS[path.stem])
    data = content.get("data", {})
    return Configuration(
        name=path.stem,
        title=_text(content, "title", path.name),
        question=_text(content, "question", path.name),
        published=tuple(
            {key: _text(entry, key, path.name) for key in ("label", "figure", "source")}
            for entry in content.get("published", [])
        ),
        data_name=_text(data, "name", path.name),
        licence=_text(data, "licence", path.name),
        cautions=_texts(data, "cautions", path.name),
        notes=_texts(content, "notes", path.name),
        rows=_read_rows(content, path),
    )


def _describe_data(task: ImageTask) -> dict[str, Any]:
    """Published figures and data of an image task, as a configuration has them."""
    return {
        "published": [asdict(entry) for entry in task.published],
        "data": {
            "name": task.data_name,
            "licence": task.data_licence,
            "cautions": list(task.cautions),
        },
    }


def _read_rows(content: Mapping[str, Any], path: Path) -> tuple[PlannedRow, ...]:
    grids = content.get("rows", [])
    _require(isinstance(grids, list) and bool(grids), path.name, "rows must be one or more tables")
    shared = frozenset(content.get("common", {})).difference(*grids)
    rows = [
        _read_row(values, path, shared)
        for grid in grids
        for values in _expand(content.get("common", {}) | grid)
    ]
    _require(len(rows) <= _MAX_ROWS, path.name, f"rows must be {_MAX_ROWS} at most")
    digests = [row.digest for row in rows]
    _require(len(set(digests)) == len(rows), path.name, "no row may stand twice")
    return tuple(rows)


def _expand(grid: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The rows of a grid; the last list changes fastest."""
    choices = [value if isinstance(value, list) else [value] for value in grid.values()]
    for values in itertools.product(*choices):
        yield dict(zip(grid, values, strict=True))


def _read_row(values: Mapping[str, Any], path: Path, shared: frozenset[str]) -> PlannedRow:
    name = path.name
    architecture = values.get("architecture")
    _require(architecture in ARCHITECTURES, name, f"there is no architecture {architecture}")
    strategy = values.get("strategy", "")
    _require(strategy in ("", *Strategy), name, f"there is no strategy {strategy}")
    epochs, minutes = values.get("epochs", 0), values.get("minutes", 0)
    _require(isinstance(epochs, int) and 0 <= epochs <= 1000, name, "epochs must be 0 to 1000")
    fits = isinstance(minutes, int | float) and 0 < minutes <= 10_000
    _require(fits, name, "minutes must be above 0")
    options = {key: check_option(key, v, name) for key, v in values.items() if key not in _OWN}
    measured_with = {
        "experiment": path.stem,
        "architecture": architecture,
        "strategy": strategy,
        "split": _text(values, "split", name),
        "epochs": epochs,
        "options": options,
    }
    text = json.dumps(measured_with, sort_keys=True)
    return PlannedRow(
        architecture=str(architecture),
        strategy=Strategy(strategy) if strategy else None,
        split=_text(values, "split", name),
        epochs=epochs,
        options=options,
        shared=shared & frozenset(options),
        minutes=float(minutes),
        left_out=_text(values, "left_out", name, default=""),
        digest=hashlib.sha256(text.encode()).hexdigest(),
    )


def _require(condition: bool, source: str, rule: str) -> None:
    if not condition:
        raise InputError(source, f"{source} does not fit: {rule}.")


def _text(values: Any, name: str, source: str, *, default: str | None = None) -> str:
    value = values.get(name, default) if isinstance(values, Mapping) else None
    _require(isinstance(value, str), source, f"{name} must be a text")
    return str(value)


def _texts(values: Mapping[str, Any], name: str, source: str) -> tuple[str, ...]:
    value = values.get(name, [])
    fits = isinstance(value, list) and all(isinstance(item, str) for item in value)
    _require(fits, source, f"{name} must be a list of texts")
    return tuple(value)
