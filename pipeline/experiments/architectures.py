"""The registry of architectures: a new one is a file in `bases` and a line here."""

from __future__ import annotations

from pipeline.errors import InputError
from pipeline.experiments.architecture import Architecture
from pipeline.experiments.bases import (
    densenet169,
    mobilenetv2,
    resnet18,
    resnet50,
    resnet50v2,
    vgg16,
    vgg19,
)

ARCHITECTURES: dict[str, Architecture] = {
    base.ARCHITECTURE.name: base.ARCHITECTURE
    for base in (
        resnet18,
        resnet50,
        resnet50v2,
        vgg16,
        vgg19,
        densenet169,
        mobilenetv2,
    )
}


def find_architecture(name: str) -> Architecture:
    """The architecture of that name.

    Raises:
        InputError: There is none.
    """
    if name not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        raise InputError(name, f"There is no architecture {name}; known are {known}.")
    return ARCHITECTURES[name]
