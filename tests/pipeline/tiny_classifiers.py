"""An architecture, weights and images that are small enough for a test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pipeline.classifiers.bases.architecture import Architecture, InputKind
from pipeline.classifiers.images import LabelledImages

SIDE = 32
FILE = "tiny.npz"


def build_base(pixels: Any) -> Any:
    from keras import layers

    x = layers.Conv2D(4, 3, strides=4, name="conv1")(pixels)
    x = layers.BatchNormalization(name="conv1_bn")(x)
    x = layers.ReLU(name="conv1_out")(x)
    x = layers.Conv2D(6, 3, name="conv2")(x)
    return layers.ReLU(name="conv2_out")(x)


COMPLETE = Architecture(
    name="tiny", title="Tiny", input_kind=InputKind.TORCH, build=build_base, weights_file=FILE
)
PARTLY = Architecture(
    name="tiny-partly",
    title="Tiny",
    input_kind=InputKind.TORCH,
    build=build_base,
    weights_file=FILE,
    covered_layer="conv1_out",
    covered="conv1",
    missing="conv2",
)


def write_weights(folder: Path, *, parts: tuple[str, ...] = ("conv1", "conv2")) -> None:
    rng = np.random.default_rng(3)
    arrays = {
        "conv1/kernel": rng.normal(scale=0.2, size=(3, 3, 3, 4)).astype(np.float16),
        "conv1/bias": np.zeros(4, np.float32),
        "conv1_bn/gamma": np.full(4, 2, np.float32),
        "conv1_bn/beta": np.zeros(4, np.float32),
        "conv1_bn/moving_mean": np.zeros(4, np.float32),
        "conv1_bn/moving_variance": np.ones(4, np.float32),
        "conv2/kernel": rng.normal(scale=0.2, size=(3, 3, 4, 6)).astype(np.float16),
        "conv2/bias": np.zeros(6, np.float32),
    }
    kept = {k: v for k, v in arrays.items() if k.startswith(parts)}
    np.savez(folder / FILE, **kept)


def make_images(count: int = 24, *, seed: int = 0, side: int = SIDE) -> LabelledImages:
    """Dark images (class 0) and bright ones (class 1), in groups of two."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    images = rng.integers(0, 60, (count, side, side, 3)) + 150 * labels[:, None, None, None]
    return LabelledImages(
        images.astype(np.uint8), labels, np.arange(count) // 2, ("dark", "bright")
    )
