"""Stage two: ResUNet that outlines the FLAIR abnormality on a slice.

A U-Net (Ronneberger et al. 2015, arXiv 1505.04597) with residual blocks (Zhang et al. 2018, arXiv
1711.10684), in the form published for this data set: an encoder of four blocks (the first a 3x3
convolution with ReLU and batch normalisation, then three residual blocks, each after 2x2
max-pooling, features doubling), a residual bottleneck with up-sampling, a decoder of four blocks
(concatenation with the encoder's output, residual block, up-sampling), and a 1x1 convolution to a
mask of the input's size.
"""

from __future__ import annotations

import keras
from keras import layers


def _residual_block(x: keras.KerasTensor, features: int, *, name: str) -> keras.KerasTensor:
    """Two 3x3 convolutions with batch normalisation beside a projected shortcut."""
    shortcut = layers.Conv2D(features, 1, use_bias=False, name=f"{name}_shortcut_conv")(x)
    shortcut = layers.BatchNormalization(momentum=0.97, name=f"{name}_shortcut_bn")(shortcut)
    for k in (1, 2):
        x = layers.Conv2D(
            features,
            3,
            padding="same",
            use_bias=False,
            kernel_initializer="he_normal",
            name=f"{name}_{k}_conv",
        )(x)
        x = layers.BatchNormalization(momentum=0.97, name=f"{name}_{k}_bn")(x)
        if k == 1:
            x = layers.ReLU(name=f"{name}_1_relu")(x)
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([x, shortcut]))


def build_resunet(input_size: int | None = 256, *, features: int = 16) -> keras.Model:
    """Build the segmenter.

    Args:
        input_size: Side of the square, standardised three-channel input, px, a multiple of 16;
            None for any such size (training on crops).
        features: Features of the first block; each block below has twice as many.

    Returns:
        A model from ``(batch, size, size, 3)`` to probabilities ``(batch, size, size, 1)``.

    Raises:
        ValueError: If `input_size` is not a positive multiple of 16, or `features` not positive.
    """
    if input_size is not None and (input_size < 16 or input_size % 16):
        raise ValueError(f"input_size must be a positive multiple of 16, got {input_size}")
    if features < 1:
        raise ValueError(f"features must be positive, got {features}")
    inputs = keras.Input((input_size, input_size, 3), name="slice")
    x = layers.Conv2D(
        features, 3, padding="same", kernel_initializer="he_normal", name="encoder0_conv"
    )(inputs)
    x = layers.ReLU(name="encoder0_relu")(x)
    x = layers.BatchNormalization(momentum=0.97, name="encoder0_bn")(x)
    skips = [x]
    for level in (1, 2, 3):
        x = layers.MaxPooling2D(2, name=f"encoder{level}_pool")(x)
        x = _residual_block(x, features * 2**level, name=f"encoder{level}")
        skips.append(x)
    x = layers.MaxPooling2D(2, name="bottleneck_pool")(x)
    x = _residual_block(x, features * 16, name="bottleneck")
    for level in (3, 2, 1, 0):
        x = layers.UpSampling2D(2, name=f"decoder{level}_up")(x)
        x = layers.Concatenate(name=f"decoder{level}_join")([x, skips[level]])
        x = _residual_block(x, features * 2**level, name=f"decoder{level}")
    outputs = layers.Conv2D(1, 1, activation="sigmoid", dtype="float32", name="mask")(x)
    return keras.Model(inputs, outputs, name="resunet")
