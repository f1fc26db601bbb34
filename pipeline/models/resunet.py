"""The network of both stages: one ResNet encoder, a classification head and a U-Net decoder.

Stage one is the encoder with its head (`pipeline.models.resnet_classifier`). Stage two is a ResUNet
(Ronneberger et al. 2015, arXiv 1505.04597; Zhang et al. 2018, arXiv 1711.10684) on the same
encoder: its decoder joins the features that stage one has computed already, so that a slice that
passes the gate costs one encoder, not two. The last step from half to full size is one transposed
convolution: a level of ordinary convolutions at full size would cost as much as all others.
"""

from __future__ import annotations

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from pipeline.models.metadata import SIDE_MULTIPLE_PX
from pipeline.models.resnet_classifier import FEATURE_LAYERS, encode

#: Features of the decoder's levels, coarsest first.
_DECODER_FEATURES = (128, 64, 48, 32)


def _decoder_level(
    x: keras.KerasTensor, skip: keras.KerasTensor, features: int, *, name: str
) -> keras.KerasTensor:
    """Up-sampling, the encoder's features, two 3x3 convolutions with batch normalisation."""
    x = layers.UpSampling2D(2, name=f"{name}_up")(x)
    x = layers.Concatenate(name=f"{name}_join")([x, skip])
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
        x = layers.ReLU(name=f"{name}_{k}_relu")(x)
    return x


def build_resunet(
    input_size: int | None = 256, *, channels: int = 5, with_location: bool = False
) -> keras.Model:
    """Build the network of both stages.

    Args:
        input_size: Side of the square, standardised input, px, a multiple of 32; None for any such
            size (training on crops).
        channels: Channels of the input.
        with_location: Add the training-only output ``location``, ``(batch, size/16, size/16, 1)``.

    Returns:
        A model from ``(batch, size, size, channels)`` to ``score`` ``(batch, 1)`` and ``mask``
        ``(batch, size, size, 1)``, both in [0, 1].

    Raises:
        ValueError: If `input_size` is not a positive multiple of 32.
    """
    if input_size is not None and (input_size < 1 or input_size % SIDE_MULTIPLE_PX):
        raise ValueError(
            f"input_size must be a positive multiple of {SIDE_MULTIPLE_PX}, got {input_size}"
        )
    inputs = keras.Input((input_size, input_size, channels), name="slice")
    encoded = encode(inputs)
    x = encoded.features[-1]
    skips = encoded.features[-2::-1]
    for level, (skip, features) in enumerate(zip(skips, _DECODER_FEATURES, strict=True)):
        x = _decoder_level(x, skip, features, name=f"decoder{len(skips) - level}")
    mask = layers.Conv2DTranspose(
        1, 4, strides=2, padding="same", activation="sigmoid", dtype="float32", name="mask"
    )(x)
    score = layers.Activation("sigmoid", dtype="float32", name="score")(encoded.logit)
    outputs = {"score": score, "mask": mask}
    if with_location:
        outputs["location"] = layers.Activation("sigmoid", dtype="float32", name="location")(
            encoded.location
        )
    return keras.Model(inputs, outputs, name="resunet")


def take_any_size(model: keras.Model) -> keras.Model:
    """The same network for inputs of any height and width that are multiples of 32.

    Args:
        model: From `build_resunet`.
    """
    inputs = keras.Input((None, None, model.inputs[0].shape[-1]), name="slice")
    copied = keras.models.clone_model(model, input_tensors=inputs)
    copied.set_weights(model.get_weights())
    return copied


def split_stages(model: keras.Model) -> tuple[keras.Model, keras.Model]:
    """Cut the network where the two stages meet; both parts share its weights.

    Args:
        model: From `build_resunet`.

    Returns:
        Stage one, from the slice to ``[score, *features]``, and stage two, from those features to
        the mask.
    """
    features = [model.get_layer(name).output for name in FEATURE_LAYERS]
    score, mask = model.get_layer("score").output, model.get_layer("mask").output
    return (
        keras.Model(model.inputs, [score, *features], name="stage_one"),
        keras.Model(features, mask, name="stage_two"),
    )


def make_sample_slices(size: int, channels: int = 5) -> NDArray[np.float32]:
    """Standardised slices to compare runtimes on, always the same: ``(6, size, size, channels)``.

    Two of noise, three that look like a head with a bright lesion at several contrasts, one empty.
    """
    rng = np.random.default_rng(20260101)
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    head = (x / 0.7) ** 2 + (y / 0.85) ** 2 < 1
    lesion = np.exp(-(((x - 0.25) / 0.18) ** 2 + ((y + 0.2) / 0.14) ** 2))
    batch = np.zeros((6, size, size, channels), np.float32)
    batch[:2] = rng.normal(size=batch[:2].shape)
    for k, contrast in enumerate((0.5, 1.5, 3.0), start=2):
        texture = rng.normal(scale=0.4, size=(size, size, channels))
        batch[k] = np.where(head[..., None], texture + contrast * lesion[..., None], -2.0)
    batch[5] = -2.0
    return batch
