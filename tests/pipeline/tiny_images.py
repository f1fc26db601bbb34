"""A network that answers by rule, its shipped folder, and images for it.

Bright cells speak for ``covid``, dark ones for ``normal``; the other classes are never answered.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pipeline.storage.digests import file_digest

SIZE = 32
TASK = "chest-xray"
CLASSES = ["covid", "normal", "pneumonia_bac", "pneumonia_vir"]


def build_network(classes: int = 4) -> Any:
    """Cells of 4x4 pixels: how bright, how dark; averaged, then one dense layer."""
    import keras

    pixels = keras.Input((SIZE, SIZE, 3), name="pixels")
    maps = keras.layers.Conv2D(2, 4, strides=4, activation="relu", name="maps")(pixels)
    x = keras.layers.GlobalAveragePooling2D(name="features")(maps)
    x = keras.layers.Dropout(0.3, name="dropout")(x)
    x = keras.layers.Dense(classes, activation="softmax", name="probabilities")(x)
    model = keras.Model(pixels, x)
    kernel = np.ones((4, 4, 3, 2), np.float32) / 48 / 127.5
    kernel[..., 1] *= -1
    model.get_layer("maps").set_weights([kernel, np.array([-1, 1], np.float32)])
    weights = np.full((2, classes), -4, np.float32)
    weights[0, 0] = weights[1, 1] = 4
    model.get_layer("probabilities").set_weights([weights, np.zeros(classes, np.float32)])
    return model


def write_shipped(models_dir: Path, *, model: Any = None, **changes: Any) -> Path:
    """Write a shipped folder; returns it."""
    folder = models_dir / TASK / "mobilenetv2"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "model.keras"
    if model is not None:
        model.save(file)
    metadata = {
        "schema": 1,
        "task": TASK,
        "name": "mobilenetv2",
        "version": "1.0.0",
        "file": "model.keras",
        "digest": file_digest(file) if file.exists() else "0" * 64,
        "input": {"size": SIZE, "fit": "whole"},
        "preprocessing_version": 1,
        "classes": CLASSES,
        "calibration": {"temperature": 2.0, "on": "held-out folds"},
    }
    (folder / "metadata.json").write_text(json.dumps(metadata | changes))
    return folder


def corner_pixels(value: int = 230, *, side: int = 64) -> np.ndarray:
    """A grey image with a corner of another value at the top left.

    A black and a white line keep mid-grey in the middle when the range is stretched.
    """
    pixels = np.full((side, side), 128, np.uint8)
    pixels[: side // 2, : side // 2] = value
    pixels[-2], pixels[-1] = 0, 255
    return pixels


def write_image(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path
