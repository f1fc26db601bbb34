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
from typing import Annotated, Any, Literal, NoReturn, TypeVar

from pydantic import AfterValidator, Field

from pipeline.classifiers.bases.registry import ARCHITECTURES
from pipeline.classifiers.strategies import Strategy
from pipeline.errors import InputError
from pipeline.experiments.options import Option, RowOptions
from pipeline.image_tasks.registry import IMAGE_TASKS
from pipeline.image_tasks.task import ImageTask, Published
from pipeline.storage.checked_json import parse_json
from pipeline.storage.declared_models import DeclaredModel
from pipeline.storage.field_types import Name, Text

FOLDER = Path(__file__).with_name("configurations")
_MAX_ROWS = 500
_REMEDY = "correct the configuration"
Part = TypeVar("Part", bound=DeclaredModel)


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
        published: Figures of others.
        data_name, licence: The data set.
        cautions: Sentences that stand wherever a figure of it is shown.
        notes: Further sentences.
        rows: All rows.
    """

    name: str
    title: str
    question: str
    published: tuple[Published, ...]
    data_name: str
    licence: str
    cautions: tuple[str, ...]
    notes: tuple[str, ...]
    rows: tuple[PlannedRow, ...] = field(repr=False)


class _Data(DeclaredModel):
    name: Text
    licence: Text
    cautions: tuple[Text, ...] = ()


class _File(DeclaredModel):
    """A configuration file. A value of a row may be a list: see `_expand`."""

    title: Text
    question: Text
    published: tuple[Published, ...] = ()
    data: _Data
    notes: tuple[Text, ...] = ()
    common: dict[Name, Any] = Field(default_factory=dict)
    rows: Annotated[tuple[dict[Name, Any], ...], Field(min_length=1, max_length=_MAX_ROWS)]


def _check_architecture(name: str) -> str:
    """The name, if the registry holds it now: a new architecture is one line there."""
    if name not in ARCHITECTURES:
        raise ValueError(f"must be one of {', '.join(ARCHITECTURES)}")
    return name


class _Row(RowOptions):
    """A row of a configuration file; see `PlannedRow`."""

    architecture: Annotated[str, AfterValidator(_check_architecture)]
    strategy: Strategy | Literal[""] = ""
    split: Text
    epochs: Annotated[int, Field(ge=0, le=1000)] = 0
    minutes: Annotated[float, Field(gt=0, le=10_000)]
    left_out: Text = ""


def read_configuration(path: Path) -> Configuration:
    """Read a configuration.

    Raises:
        InputError: The file is missing, is not TOML, or is not valid.
    """
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise InputError(path.name, f"There is no configuration {path.name}.") from None
    except (OSError, ValueError):
        raise InputError(path.name, f"{path.name} cannot be read as TOML.") from None
    if path.stem in IMAGE_TASKS:
        if {"published", "data"} & set(content):
            _refuse(path.name, "published and data are those of the image task")
        content |= _describe_data(IMAGE_TASKS[path.stem])
    file = _parse(content, _File, path.name)
    return Configuration(
        name=path.stem,
        title=file.title,
        question=file.question,
        published=file.published,
        data_name=file.data.name,
        licence=file.data.licence,
        cautions=file.data.cautions,
        notes=file.notes,
        rows=_read_rows(file, path),
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


def _read_rows(file: _File, path: Path) -> tuple[PlannedRow, ...]:
    shared = frozenset(file.common).difference(*file.rows)
    rows = [
        _read_row(values, path, shared)
        for grid in file.rows
        for values in _expand(file.common | grid)
    ]
    if len(rows) > _MAX_ROWS:
        _refuse(path.name, f"it has more than {_MAX_ROWS} rows")
    if len({row.digest for row in rows}) != len(rows):
        _refuse(path.name, "a row stands twice")
    return tuple(rows)


def _expand(grid: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The rows of a grid; the last list changes fastest."""
    choices = [value if isinstance(value, list) else [value] for value in grid.values()]
    for values in itertools.product(*choices):
        yield dict(zip(grid, values, strict=True))


def _read_row(values: Mapping[str, Any], path: Path, shared: frozenset[str]) -> PlannedRow:
    row = _parse(values, _Row, path.name)
    # As they are written: the digest is that of the text.
    options = {name: value for name, value in values.items() if name in RowOptions.model_fields}
    measured_with = {
        "experiment": path.stem,
        "architecture": row.architecture,
        "strategy": row.strategy,
        "split": row.split,
        "epochs": row.epochs,
        "options": options,
    }
    text = json.dumps(measured_with, sort_keys=True)
    return PlannedRow(
        architecture=row.architecture,
        strategy=Strategy(row.strategy) if row.strategy else None,
        split=row.split,
        epochs=row.epochs,
        options=options,
        shared=shared & frozenset(options),
        minutes=row.minutes,
        left_out=row.left_out,
        digest=hashlib.sha256(text.encode()).hexdigest(),
    )


def _parse(content: Mapping[str, Any], kind: type[Part], source: str) -> Part:
    """Check a part of a file; a date, which JSON does not have, becomes a text."""
    return parse_json(json.dumps(content, default=str), kind, shown=source, remedy=_REMEDY)


def _refuse(source: str, why: str) -> NoReturn:
    raise InputError(source, f"{source} is not valid: {why}; {_REMEDY}.")
