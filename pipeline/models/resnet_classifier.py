"""Stage one: a ResNet18 that answers per slice whether tumor is present, and the encoder of both.

He et al. 2016 (arXiv 1512.03385). The stem and the first three stages carry ImageNet's batch
normalisation folded into their convolutions; the fourth is one fresh block with its own. During
training a further output says where on a 16x16 grid the tumor lies: a slice's label alone teaches
little from sixty patients. The score adds the strongest cell of that grid to what the deepest
features say; both pool by the maximum, so that a score does not hang on the size of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from keras import layers

#: (stage, features, blocks, stride of its first block, whether it normalises its batches).
_STAGES = (
    (1, 64, 2, 1, False),
    (2, 128, 2, 2, False),
    (3, 256, 2, 2, False),
    (4, 256, 1, 2, True),
)
#: Layers whose outputs the decoder joins, finest first: at 1/2 to 1/32 of the side.
FEATURE_LAYERS = (
    "stem_relu",
    "stage1_block1_relu",
    "stage2_block1_relu",
    "stage3_block1_relu",
    "stage4_block0_relu",
)
#: Side of one cell of the location map in pixels.
LOCATION_CELL_PX = 16
#: The encoder halves the picture five times.
SIDE_MULTIPLE_PX = 32


@dataclass(frozen=True, eq=False)
class Encoded:
    """What stage one makes of a slice.

    Attributes:
        features: Outputs of `FEATURE_LAYERS`.
        logit: ``(batch, 1)`` logit of the slice score.
        location: ``(batch, side/16, side/16, 1)`` logits of where the tumor lies.
    """

    features: tuple[keras.KerasTensor, ...]
    logit: keras.KerasTensor
    location: keras.KerasTensor


def _convolution(
    x: keras.KerasTensor, features: int, size: int, stride: int, *, name: str, normalise: bool
) -> keras.KerasTensor:
    """Convolution padded as ImageNet's weights expect, with batch normalisation where asked."""
    padding = "same"
    if stride > 1 and size > 1:
        # "same" would pad an even picture on one side only.
        x = layers.ZeroPadding2D(size // 2, name=f"{name}_pad")(x)
        padding = "valid"
    x = layers.Conv2D(
        features,
        size,
        strides=stride,
        padding=padding,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
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


def encode(inputs: keras.KerasTensor, *, dropout: float = 0.2) -> Encoded:
    """Build encoder and classification head.

    Args:
        inputs: ``(batch, side, side, channels)``, standardised.
        dropout: Part of the pooled features dropped during training, in [0, 1).
    """
    x = _convolution(inputs, 64, 7, 2, name="stem", normalise=False)
    x = layers.ReLU(name="stem_relu")(x)
    outputs = {"stem_relu": x}
    x = layers.ZeroPadding2D(1, name="stem_pool_pad")(x)
    x = layers.MaxPooling2D(3, strides=2, name="stem_pool")(x)
    for stage, features, blocks, stride, normalise in _STAGES:
        for block in range(blocks):
            name = f"stage{stage}_block{block}"
            step = stride if block == 0 else 1
            x = _basic_block(x, features, step, name=name, normalise=normalise)
            outputs[f"{name}_relu"] = x
    evidence = layers.Conv2D(1, 1, dtype="float32", name="evidence")(outputs[FEATURE_LAYERS[3]])
    pooled = layers.GlobalMaxPooling2D(name="pool")(x)
    pooled = layers.Dropout(dropout, name="dropout")(pooled)
    whole = layers.Dense(1, dtype="float32", name="whole")(pooled)
    strongest = layers.GlobalMaxPooling2D(dtype="float32", name="strongest")(evidence)
    logit = layers.Add(dtype="float32", name="score_logit")([whole, strongest])
    return Encoded(tuple(outputs[name] for name in FEATURE_LAYERS), logit, evidence)


def load_imagenet_weights(model: keras.Model, path: Path) -> int:
    """Start the encoder from ImageNet weights with folded batch normalisation.

    The stem's three colour kernels go to the slice's three sequences. Its kernels for the
    neighbours' FLAIR start at zero: training begins with a network that sees the slice alone.

    Args:
        model: A network with `encode` in it.
        path: ``.npz`` whose keys are ``layer<stage>/<block>/conv<k>/<kernel|bias>`` (HWIO kernels).

    Returns:
        Number of convolutions that were set; those that do not fit keep their initial values.
    """
    names = {"conv1": "stem_conv"}
    for stage in (1, 2, 3):
        for block in range(2):
            ours, theirs = f"stage{stage}_block{block}", f"layer{stage}/{block}"
            names |= {f"{theirs}/conv{k}": f"{ours}_{k}_conv" for k in (1, 2)}
        names[f"layer{stage}/0/downsample/0"] = f"stage{stage}_block0_downsample_conv"
    count = 0
    with np.load(path, allow_pickle=False) as arrays:
        for theirs, ours in names.items():
            if f"{theirs}/kernel" in arrays:
                layer = model.get_layer(ours)
                kernel = np.zeros(layer.get_weights()[0].shape, np.float32)
                given = arrays[f"{theirs}/kernel"]
                kernel[:, :, : given.shape[2]] = given
                layer.set_weights([kernel, arrays[f"{theirs}/bias"].astype(np.float32)])
                count += 1
    return count
