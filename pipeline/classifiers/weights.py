"""Initial weights of a base: Keras's download, a local folder of ``.npz`` files, or none.

Keys of a file are ``<layer>/<variable>``, kernels ``(h, w, in, out)``. A file is untrusted:
every layer up to the one that it is said to reach must be there, with fitting shapes and finite
numbers, or nothing is loaded.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipeline.classifiers.bases.architecture import Architecture
from pipeline.errors import InputError

if TYPE_CHECKING:
    import keras

#: What a result says of a base that started from nothing.
RANDOM = "random"
#: Names of the layers that stand before and behind a base in every classifier.
PREPROCESSING, FEATURES = "preprocessing", "features"


class NotRun(Exception):
    """What was asked for cannot be done here, mostly for want of weights.

    Attributes:
        reason: Why, in one plain sentence.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class WeightsSource:
    """Where initial weights come from.

    Attributes:
        folder: Local folder of ``.npz`` files.
        download: Take Keras's ``weights="imagenet"`` where the folder has no file; needs a network.
    """

    folder: Path | None = None
    download: bool = False

    def coverage(self, architecture: Architecture) -> Coverage:
        """How far the weights reach that this source has for an architecture."""
        if architecture.shipped is not None:
            return Coverage(architecture.covered, None, "")
        if self._file(architecture) is not None:
            missing = architecture.missing
            return Coverage(
                f"ImageNet, {architecture.covered}", architecture.covered_layer, missing
            )
        if self.download and architecture.published is not None:
            return Coverage("ImageNet, all layers", None, "")
        return Coverage(RANDOM, None, "everything")

    def has_file(self, architecture: Architecture) -> bool:
        """Whether the folder holds the file of an architecture."""
        return self._file(architecture) is not None

    def arrays(self, architecture: Architecture) -> dict[str, NDArray[np.float32]]:
        """The weights by ``<layer>/<variable>``, layers as in the model; {} without a file.

        Raises:
            InputError: The file is not a file of weights.
            NotRun: Keras cannot download its own.
        """
        path = self._file(architecture)
        if path is not None:
            return _read_arrays(path)
        if self.download and architecture.published is not None:
            return _downloaded(architecture)
        return {}

    def _file(self, architecture: Architecture) -> Path | None:
        if self.folder is None or architecture.weights_file is None:
            return None
        path = self.folder / architecture.weights_file
        return path if path.is_file() else None


@dataclass(frozen=True)
class Coverage:
    """How far initial weights reach into a base.

    Attributes:
        label: Such as ``ImageNet, all layers``, ``ImageNet, conv1 to conv4``, ``random``.
        last_layer: Last layer with weights; None where no layer has any, or all have some.
        missing: What has none, in words; "" where nothing is missing.
    """

    label: str
    last_layer: str | None
    missing: str

    @property
    def complete(self) -> bool:
        """True where every layer has weights."""
        return self.missing == ""

    @property
    def random(self) -> bool:
        """True where no layer has any."""
        return self.label == RANDOM


def load_weights(model: keras.Model, architecture: Architecture, source: WeightsSource) -> Coverage:
    """Set the initial weights of a base within a model.

    Args:
        model: Holds the layers of the base by name, possibly among others.
        architecture: What the base is.
        source: Where the weights are.

    Returns:
        How far they reach; every layer up to there was set.

    Raises:
        InputError: Arrays are missing, have another shape, or are not finite.
        NotRun: Keras cannot download its own.
    """
    coverage = source.coverage(architecture)
    if coverage.random:
        return coverage
    if architecture.shipped is not None:
        architecture.shipped(model)
        return coverage
    arrays = source.arrays(architecture)
    for layer in covered_layers(model, coverage):
        name = architecture.file_names(layer.name)
        layer.set_weights([_fitting(arrays, f"{name}/{v.name}", v.shape) for v in layer.variables])
    return coverage


def covered_layers(model: keras.Model, coverage: Coverage) -> list[keras.Layer]:
    """Layers with weights that the coverage reaches, in order.

    The layers of a model stand in the order of its graph, so that a shortcut's convolution, which
    feeds the last covered layer, comes before it.
    """
    if coverage.random:
        return []
    names = [layer.name for layer in model.layers]
    first = names.index(PREPROCESSING) + 1
    last = names.index(coverage.last_layer or FEATURES)
    return [layer for layer in model.layers[first : last + 1] if layer.variables]


def _read_arrays(path: Path) -> dict[str, NDArray[np.float32]]:
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            return {name: np.asarray(file[name], np.float32) for name in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        raise InputError(path.name, f"{path.name} cannot be read as weights (.npz).") from None


def _downloaded(architecture: Architecture) -> dict[str, NDArray[np.float32]]:
    assert architecture.published is not None
    try:
        published = architecture.published()
    except Exception:
        # Keras raises a bare Exception where its server cannot be reached.
        raise NotRun(
            f"The ImageNet weights of {architecture.title} could not be downloaded; a folder of "
            "weights (--weights) does without a network."
        ) from None
    return {f"{x.name}/{v.name}": np.asarray(v) for x in published.layers for v in x.variables}


def _fitting(
    arrays: Mapping[str, NDArray[np.float32]], name: str, shape: tuple[int, ...]
) -> NDArray[np.float32]:
    if name not in arrays:
        raise InputError(name, f"The weights lack {name}, which are expected.")
    array = arrays[name]
    if array.shape != tuple(shape) or not np.isfinite(array).all():
        raise InputError(
            name, f"The weights of {name} must be {tuple(shape)} finite numbers, got {array.shape}."
        )
    return array
