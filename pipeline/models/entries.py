"""Registries: tables of modules that each hold one entry, and the error for an unknown name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any, TypeVar

from pipeline.errors import InputError

Entry = TypeVar("Entry")


def read_entries(package: str, modules: Iterable[str], attribute: str) -> dict[str, Any]:
    """The entries of a registry, by their ``name``, in the order of the modules.

    Args:
        package: Package of the modules, such as ``pipeline.image_tasks``.
        modules: Names of the modules in it.
        attribute: What each module calls its entry.
    """
    found = [getattr(import_module(f"{package}.{name}"), attribute) for name in modules]
    return {entry.name: entry for entry in found}


def find_entry(entries: Mapping[str, Entry], name: str, *, kind: str) -> Entry:
    """The entry of a name.

    Args:
        entries: The registry.
        name: A name that a user gave.
        kind: What the registry holds, such as ``image task``.

    Raises:
        InputError: The name is unknown; the sentence lists those that are known.
    """
    if name not in entries:
        message = f"Unknown {kind} {name!r}; choose one of: {', '.join(entries)}."
        raise InputError(name, message)
    return entries[name]
