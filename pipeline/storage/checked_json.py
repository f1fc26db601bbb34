"""JSON files and bytes as declared types: read, checked and written in one place.

A file's type is a `pipeline.storage.declared_models.DeclaredModel`, or a frozen dataclass with
`STRICT`, which pydantic compiles when it is first read, not when its module is imported.
"""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path
from typing import Any, SupportsFloat, TypeVar, cast

from pydantic import ConfigDict, TypeAdapter, ValidationError

from pipeline.errors import InputError
from pipeline.storage.atomic_files import write_json
from pipeline.storage.declared_models import first_problem

Document = TypeVar("Document")

#: What `DeclaredModel` has, for dataclasses (``@with_config(STRICT)``) and those inside them.
STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
_MAX_BYTES = 64 * 2**20
_MAX_PLACE = 120


def json_number(value: SupportsFloat) -> float | None:
    """A figure as JSON holds it: None where it is not defined (NaN), such as Dice of empty masks.

    Metrics answer NaN, records that are stored or sent hold None; this is the one way between.
    """
    number = float(value)
    return None if math.isnan(number) else number


def read_json(path: Path, kind: type[Document], *, shown: str, remedy: str) -> Document | None:
    """Read a document from a file, or return None where the file is missing.

    Args:
        path: The file.
        kind: Its declared type.
        shown: What sentences call the file.
        remedy: What to do about a file that is not valid, such as ``export the model again``.

    Raises:
        InputError: The file cannot be read, is too large, or is not valid.
    """
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InputError(shown, f"{shown} is too large to be valid; {remedy}.")
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError:
        raise InputError(shown, f"{shown} cannot be read; check its permissions.") from None
    return parse_json(content, kind, shown=shown, remedy=remedy)


def parse_json(content: bytes | str, kind: type[Document], *, shown: str, remedy: str) -> Document:
    """Check a document that was read or received.

    Args:
        content: JSON.
        kind: As for `read_json`.
        shown: Likewise.
        remedy: Likewise.

    Raises:
        InputError: It is not valid.
    """
    try:
        document: Document = _adapter(cast(Any, kind)).validate_json(content)
        return document
    except ValidationError as error:
        raise input_error(error, shown, remedy=remedy) from error


def input_error(error: ValidationError, shown: str, *, remedy: str) -> InputError:
    """The one sentence about a document that is not valid: which, where, what, and what to do.

    Args:
        error: Of any pydantic type.
        shown: What the sentence calls the document.
        remedy: What to do about it, without a full stop.
    """
    problem = first_problem(error)
    if not problem.subject:
        return InputError(shown, f"{shown} {problem.rule}; {remedy}.")
    place = problem.subject[:_MAX_PLACE]
    return InputError(shown, f"{shown} is not valid: {place} {problem.rule}; {remedy}.")


def dump_json(document: object) -> Any:
    """A document as JSON holds it: lists, dictionaries, texts, numbers."""
    return _adapter(cast(Any, type(document))).dump_python(document, mode="json", by_alias=True)


def write_document(path: Path, document: object, *, lines: bool = True) -> None:
    """Write a document in one step; see `pipeline.storage.atomic_files.write_json`.

    Raises:
        OSError: It cannot be written.
        ValueError: It holds NaN or an infinity.
    """
    write_json(path, dump_json(document), lines=lines)


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
