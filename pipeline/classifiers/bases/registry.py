"""The registry of architectures."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.classifiers.bases.architecture import Architecture
from pipeline.models.entries import find_entry, read_entries

#: Modules of `pipeline.classifiers.bases`: a new architecture is one of them, with an
#: ``ARCHITECTURE``, and its line here.
MODULES = (
    "resnet18",
    "resnet50",
    "resnet50v2",
    "vgg16",
    "vgg19",
    "densenet169",
    "mobilenetv2",
    "encoderpair",
)


def read_architectures(modules: Iterable[str]) -> dict[str, Architecture]:
    """The architectures of modules, by name."""
    return read_entries("pipeline.classifiers.bases", modules, "ARCHITECTURE")


ARCHITECTURES = read_architectures(MODULES)


def find_architecture(name: str) -> Architecture:
    """The architecture of a name.

    Raises:
        InputError: There is no such architecture.
    """
    return find_entry(ARCHITECTURES, name, kind="architecture")
