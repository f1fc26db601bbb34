"""Stage one: ResNet18 that answers per slice whether tumor is present.

He et al. 2016 (arXiv 1512.03385). The first three stages carry ImageNet's batch normalisation
folded into their convolutions; the fourth starts fresh and keeps its own. During training a second
output says where on a 16x16 grid the tumor lies: a slice's label alone teaches little from sixty
patients. The score adds the strongest cell of that grid to what the whole slice says.
"""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
from keras import layers

#: (stage, features, stride of its first block, whether it normalises its batches).
_STAGES = ((1, 64, 1, False), (2, 128, 2, False), (3, 256, 2, False), (4, 512, 2, True))


def _convolution(
    x: keras.KerasTensor, features: int, size: int, stride: int, *, name: str, normalise: bool
) -> keras.KerasTensor:
    """Convolution padded as ImageNet's weights expect, with batch normalisation where asked."""
    if size > 1:
        x = layers.ZeroPadding2D(size // 2, name=f"{name}_pad")(x)
    x = layers.Conv2D(
        features, size, strides=stride, kernel_initializer="he_normal", name=f"{name}_conv"
    )(x)
    return layers.BatchNormalization(momentum=0.97, name=f"{name}_bn")(x) if normalise else x


def _basic_block(
    x: keras.KerasTensor, features: int, stride: int, *, name: str, normalise: bool
) -> keras.KerasTensor:
    """Two 3x3 convolutions beside a shortcut, projected where its shape changes."""
    shortcut = x
    if stride > 1 or x.shape[-1] != features:
        shortcut = _convolution(
            x, features, 1, stride, name=f"{name}_downsample", normalise=normalise
        )
    x = _convolution(x, features, 3, stride, name=f"{name}_1", normalise=normalise)
    x = layers.ReLU(name=f"{name}_1_relu")(x)
    x = _convolution(x, features, 3, 1, name=f"{name}_2", normalise=normalise)
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([x, shortcut]))


def build_resnet18(
    input_size: int = 256, *, dropout: float = 0.3, with_location: bool = False
) -> keras.Model:
    """Build the slice classifier.

    Args:
        input_size: Side of the square, standardised three-channel input, px; a multiple of 32.
        dropout: Part of the pooled features dropped during training, in [0, 1).
        with_location: Add the training-only output ``location``, ``(size/16, size/16, 1)``.

    Returns:
        A model from ``(batch, size, size, 3)`` to ``score`` ``(batch, 1)`` in [0, 1].

    Raises:
        ValueError: If `input_size` is not a positive multiple of 32.
    """
    if input_size < 32 or input_size % 32:
        raise ValueError(f"input_size must be a positive multiple of 32, got {input_size}")
    inputs = keras.Input((input_size, input_size, 3), name="slice")
    x = _convolution(inputs, 64, 7, 2, name="stem", normalise=False)
    x = layers.ReLU(name="stem_relu")(x)
    x = layers.ZeroPadding2D(1, name="stem_pool_pad")(x)
    x = layers.MaxPooling2D(3, strides=2, name="stem_pool")(x)
    for stage, features, stride, normalise in _STAGES:
        for block in range(2):
            x = _basic_block(
                x,
                features,
                stride if block == 0 else 1,
                name=f"stage{stage}_block{block}",
                normalise=normalise,
            )
        if stage == 3:
            evidence = layers.Conv2D(1, 1, dtype="float32", name="evidence")(x)
    pooled = layers.GlobalAveragePooling2D(name="average_pool")(x)
    pooled = layers.Dropout(dropout, name="dropout")(pooled)
    whole = layers.Dense(1, dtype="float32", name="whole")(pooled)
    # A small lesion hardly moves an average: the strongest cell stands beside it.
    strongest = layers.GlobalMaxPooling2D(dtype="float32", name="strongest")(evidence)
    total = layers.Add(dtype="float32", name="score_logit")([whole, strongest])
    score = layers.Activation("sigmoid", dtype="float32", name="score")(total)
    if not with_location:
        return keras.Model(inputs, score, name="resnet18")
    location = layers.Activation("sigmoid", dtype="float32", name="location")(evidence)
    outputs = {"score": score, "location": location}
    return keras.Model(inputs, outputs, name="resnet18")


def load_imagenet_weights(model: keras.Model, path: Path) -> int:
    """Start a ResNet18 from ImageNet weights with folded batch normalisation.

    Args:
        model: From `build_resnet18`.
        path: ``.npz`` whose keys are ``layer<stage>/<block>/conv<k>/<kernel|bias>`` (HWIO kernels).

    Returns:
        Number of convolutions that were set; those that the file lacks keep their initial values.
    """
    names = {"conv1": "stem_conv"}
    for stage in (1, 2, 3, 4):
        for block in range(2):
            ours, theirs = f"stage{stage}_block{block}", f"layer{stage}/{block}"
            names |= {f"{theirs}/conv{k}": f"{ours}_{k}_conv" for k in (1, 2)}
        names[f"layer{stage}/0/downsample/0"] = f"stage{stage}_block0_downsample_conv"
    count = 0
    with np.load(path, allow_pickle=False) as arrays:
        for theirs, ours in names.items():
            if f"{theirs}/kernel" in arrays:
                kernel = arrays[f"{theirs}/kernel"].astype(np.float32)
                model.get_layer(ours).set_weights([kernel, arrays[f"{theirs}/bias"]])
                count += 1
    return count
