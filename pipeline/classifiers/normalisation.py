"""Batch normalisation for inference after a short training. Imports Keras.

The running means of a network such as MobileNetV2 move by a thousandth per batch. A few hundred
batches leave them where ImageNet left them while the features have moved on, and the network
answers at random though its training loss is small. So they are measured again: the mean over
batches of the training images ("precise" batch normalisation, Wu and Johnson 2021,
arXiv 2105.07576).
"""

from __future__ import annotations

import keras
import numpy as np
from numpy.typing import NDArray


def refresh_normalisation(
    model: keras.Model, images: NDArray[np.uint8], *, batch_size: int, seed: int
) -> None:
    """Set the running means and variances to those of the training images.

    Args:
        model: Changed in place; all other weights stay.
        images: ``(n, side, side, 3)`` uint8.
        batch_size: As in training.
        seed: Of the order in which images are put into batches.
    """
    layers = [x for x in model.layers if isinstance(x, keras.layers.BatchNormalization)]
    kept = [layer.momentum for layer in layers]
    order = np.random.default_rng(seed).permutation(len(images))
    starts = range(0, len(images) - batch_size + 1, batch_size) or range(1)
    for done, start in enumerate(starts):
        for layer in layers:
            layer.momentum = done / (done + 1)  # a running mean over all batches alike
        batch = images[order[start : start + batch_size]].astype(np.float32)
        model(batch, training=True)
    for layer, momentum in zip(layers, kept, strict=True):
        layer.momentum = momentum
