"""What follows from an answer and its case, so that it is computed once: keys and bytes.

Binding the answer for a large study takes half a second, and measuring its lesions takes several.
What is stored must be what computing it again would give: a key therefore names everything that
decides, this program's own text included.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, with_config

from pipeline.analysis.results import ResultWithoutMaps
from pipeline.data.case import Case
from pipeline.data.case_files import describe_case
from pipeline.input_gate import gate
from pipeline.storage.checked_json import STRICT
from pipeline.storage.digests import seal, unseal

_MAGIC = b"OVD1"
_PACKAGE = Path(__file__).resolve().parents[1]
#: Packages whose modules decide what is stored.
_DECIDING = ("analysis", "data", "input_gate", "measurement", "metrics")


@with_config(STRICT)
@dataclass(frozen=True)
class _BoundResult:
    """A result that is bound to its case."""

    result: ResultWithoutMaps


def derived_key(name: str, key: str, *parts: object) -> str:
    """Key of something that is derived from an answer.

    Args:
        name: What it is.
        key: The answer's (`pipeline.analysis.cache.result_key`).
        parts: Everything else that decides, as JSON holds it.

    Returns:
        64 hexadecimal digits.
    """
    ranges = asdict(gate.shipped_ranges())
    content = json.dumps(["derived", name, key, _program_digest(), ranges, parts])
    return hashlib.sha256(content.encode()).hexdigest()


def bound_key(key: str, case: Case, *, data_digest: str) -> str:
    """Key of an answer that is bound to a case.

    Args:
        key: The answer's.
        case: The case.
        data_digest: Of its pixels and reference masks.
    """
    return derived_key("bound", key, describe_case(case), data_digest)


def encode_bound(result: ResultWithoutMaps) -> bytes:
    """Bytes of a bound result."""
    return _bound_type().dump_json(_BoundResult(result))


def decode_bound(content: bytes) -> ResultWithoutMaps:
    """Read a bound result back.

    Raises:
        ValueError: It is damaged.
    """
    return _bound_type().validate_json(content).result


def seal_derived(content: bytes, key: str) -> bytes:
    """Bytes as the cache stores them; ``key`` is written into them."""
    return seal(_MAGIC, key.encode() + content)


def unseal_derived(entry: bytes, key: str) -> bytes:
    """The bytes that `seal_derived` got.

    Raises:
        ValueError: They are damaged, or of another key.
    """
    body = bytes(unseal(_MAGIC, entry))
    if not body.startswith(key.encode()):
        raise ValueError("the entry is of another key")
    return body[len(key) :]


@cache
def _bound_type() -> TypeAdapter[Any]:
    return TypeAdapter(_BoundResult)


@cache
def _program_digest() -> str:
    """Digest of the modules whose programs decide what is stored."""
    digest = hashlib.sha256()
    for folder in _DECIDING:
        for path in sorted((_PACKAGE / folder).rglob("*.py")):
            digest.update(path.relative_to(_PACKAGE).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
