"""A classifier: preprocessing, a base, pooled features and a dense head, as one flat Keras model.

The model takes RGB pixels in [0, 255] and preprocesses them itself, so that it cannot be given
the wrong range. Its layers are flat, so that any feature map is found by name (`feature_layer`).
"""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from pipeline.classifiers.bases.architecture import Architecture, channel_map
from pipeline.classifiers.strategies import TrainedPart
from pipeline.classifiers.weights import FEATURES, PREPROCESSING


@dataclass(frozen=True, eq=False)
class Network:
    """A classifier and its two halves, which share their layers.

    Attributes:
        model: From pixels ``(batch, side, side, 3)`` in [0, 255] to probabilities
            ``(batch, classes)``.
        frozen: From pixels to what is computed once; None where everything is trained.
        trained: From there to the probabilities; the model itself where everything is trained.
    """

    model: keras.Model
    frozen: keras.Model | None
    trained: keras.Model


@dataclass(frozen=True)
class Head:
    """The dense head.

    Attributes:
        dropout: Part of the features dropped during training, in [0, 1).
        hidden: Units of a layer between features and probabilities; 0 for none.
    """

    dropout: float = 0.5
    hidden: int = 0


def build_network(
    architecture: Architecture,
    classes: int,
    *,
    side: int,
    part: TrainedPart,
    head: Head,
    normalise: bool = True,
) -> Network:
    """Build a classifier with random weights, under the dtype policy that is set.

    Args:
        architecture: The base.
        classes: Number of classes, two or more.
        side: Side of the square input, px.
        part: Where the base ends, and what of it is frozen.
        head: The dense head.
        normalise: Whether ImageNet's mean and deviation are taken into account.

    Raises:
        ValueError: `classes` or `side` is too small.
    """
    if classes < 2:
        raise ValueError(f"classes must be 2 or more, got {classes}")
    if side < architecture.smallest:
        raise ValueError(f"side must be {architecture.smallest} or more, got {side}")
    inputs = keras.Input((side, side, 3), dtype="float32", name="pixels")
    maps = architecture.build(_preprocess(inputs, architecture, normalise=normalise))
    if part.last_layer is not None:
        maps = keras.Model(inputs, maps).get_layer(part.last_layer).output
    pooling = (
        keras.layers.GlobalMaxPooling2D
        if architecture.strongest
        else keras.layers.GlobalAveragePooling2D
    )
    x = pooling(name=FEATURES)(maps)
    if head.hidden:
        x = keras.layers.Dense(head.hidden, activation="relu", name="hidden")(x)
    x = keras.layers.Dropout(head.dropout, name="dropout")(x)
    x = keras.layers.Dense(classes, activation="softmax", dtype="float32", name="probabilities")(x)
    model = keras.Model(inputs, x, name=architecture.name)
    if part.frozen_to is None:
        return Network(model, None, model)
    middle = model.get_layer(part.frozen_to).output
    return Network(model, keras.Model(inputs, middle), keras.Model(middle, x))


def feature_layer(model: keras.Model) -> keras.Layer:
    """The layer whose output ``(batch, h, w, features)`` is pooled: where the network looks."""
    names = [layer.name for layer in model.layers]
    return model.layers[names.index(FEATURES) - 1]


def with_activations(model: keras.Model) -> keras.Model:
    """A classifier that also gives where it sees each class; it shares the model's weights.

    Args:
        model: From `build_network` with a head without a hidden layer, possibly loaded from a file.

    Returns:
        From pixels to probabilities ``(batch, classes)`` and class activation maps
        ``(batch, h, w, classes)`` of any range (`pipeline.engine.grad_cam`).
    """
    dense = model.layers[-1]
    activate = keras.layers.Dense(dense.units, use_bias=False, name="activations")
    activations = activate(feature_layer(model).output)
    activate.set_weights(dense.get_weights()[:1])
    return keras.Model(model.inputs, [model.output, activations])


def make_sample_images(side: int) -> NDArray[np.float32]:
    """Pixels ``(5, side, side, 3)`` in [0, 255] to compare runtimes on, always the same.

    Noise, a ramp, a small and a large disc, black.
    """
    rng = np.random.default_rng(20260101)
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    batch = np.zeros((5, side, side, 3), np.float32)
    batch[0] = rng.uniform(0, 255, (side, side, 1))
    batch[1] = ((x + 1) / 2 * 255)[..., None]
    for k, radius in enumerate((0.4, 0.8), start=2):
        batch[k] = np.where(x**2 + y**2 < radius**2, 180.0, 20.0)[..., None]
    return batch


def _preprocess(
    inputs: keras.KerasTensor, architecture: Architecture, *, normalise: bool
) -> keras.KerasTensor:
    """Every kind of preprocessing is an affine map of the channels: a fixed 1x1 convolution.

    Unlike code of our own it survives saving and every export.
    """
    layer = keras.layers.Conv2D(3, 1, trainable=False, dtype="float32", name=PREPROCESSING)
    outputs = layer(inputs)
    matrix, offset = channel_map(architecture.input_kind, normalise=normalise)
    layer.set_weights([np.array(matrix, np.float32)[None, None], np.array(offset, np.float32)])
    return outputs
