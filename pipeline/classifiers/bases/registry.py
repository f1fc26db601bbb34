"""The registry of architectures."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module

from pipeline.classifiers.bases.architecture import Architecture
from pipeline.errors import InputError

#: Modules of `pipeline.classifiers.bases`: a new architecture is one of them and its line here.
MODULES = (
    "resnet18",
    "resnet50",
    "resnet50v2",
    "vgg16",
    "vgg19",
    "densenet169",
    "mobilenetv2",
)


def read_architectures(modules: Iterable[str]) -> dict[str, Architecture]:
    """The architectures of modules, by name."""
    found = [import_module(f"pipeline.classifiers.bases.{name}").ARCHITECTURE for name in modules]
    return {architecture.name: architecture for architecture in found}


ARCHITECTURES = read_architectures(MODULES)


def find_architecture(name: str) -> Architecture:
    """The architecture of that name.

    Raises:
        InputError: There is no such architecture.
    """
    if name not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        raise InputError(name, f"There is no architecture {name}; known are {known}.")
    return ARCHITECTURES[name]
