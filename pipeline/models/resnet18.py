"""ResNet18's convolutions (He et al. 2016, arXiv 1512.03385), which Keras does not have.

Both the encoder of the two-stage network and a base of the classifier kit. The stem and the first
three stages carry ImageNet's batch normalisation folded into their convolutions, as
``resnet18_imagenet_folded.npz`` has them. That file has no 3x3 kernels of the fourth stage, which
starts fresh and normalises its batches.

Nothing here imports Keras before something is built.
"""

from __future__ import annotations

import re
from typing import Any

WEIGHTS_FILE = "resnet18_imagenet_folded.npz"
#: Last layer that the file reaches.
COVERED_LAYER = "stage3_block1_relu"
#: (stage, features, blocks, stride of its first block).
_FOLDED_STAGES = ((1, 64, 2, 1), (2, 128, 2, 2), (3, 256, 2, 2))
_FRESH_STAGE = 4
#: Names of layers, and of their weights in the file.
_FILE_NAMES = (
    (re.compile(r"stem_conv"), "conv1"),
    (re.compile(r"stage(\d)_block(\d)_(\d)_conv"), r"layer\1/\2/conv\3"),
    (re.compile(r"stage(\d)_block(\d)_downsample_conv"), r"layer\1/\2/downsample/0"),
)


def build_stages(inputs: Any, *, last_features: int, last_blocks: int) -> dict[str, Any]:
    """Build the convolutions.

    Args:
        inputs: ``(batch, side, side, channels)``.
        last_features: Features of the fourth stage; 512 as published.
        last_blocks: Blocks of the fourth stage; 2 as published.

    Returns:
        Output of the stem (``stem_relu``) and of each block (``stage<k>_block<k>_relu``) by layer
        name, finest first; the fourth stage is at 1/32 of the side.
    """
    from keras import layers

    x = layers.ReLU(name="stem_relu")(_convolution(inputs, 64, 7, 2, name="stem", fresh=False))
    outputs = {"stem_relu": x}
    x = layers.ZeroPadding2D(1, name="stem_pool_pad")(x)
    x = layers.MaxPooling2D(3, strides=2, name="stem_pool")(x)
    last = (_FRESH_STAGE, last_features, last_blocks, 2)
    for stage, features, blocks, stride in (*_FOLDED_STAGES, last):
        for block in range(blocks):
            name = f"stage{stage}_block{block}"
            step = stride if block == 0 else 1
            x = _basic_block(x, features, step, name=name, fresh=stage == _FRESH_STAGE)
            outputs[f"{name}_relu"] = x
    return outputs


def file_name(layer: str) -> str:
    """A layer's name in the file: ``stage2_block0_1_conv`` is ``layer2/0/conv1`` there."""
    for pattern, name in _FILE_NAMES:
        if (match := pattern.fullmatch(layer)) is not None:
            return match.expand(name)
    return layer


def _convolution(x: Any, features: int, size: int, stride: int, *, name: str, fresh: bool) -> Any:
    """Convolution padded as ImageNet's weights expect, normalised where it is fresh."""
    from keras import layers

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
    return layers.BatchNormalization(momentum=0.97, name=f"{name}_bn")(x) if fresh else x


def _basic_block(x: Any, features: int, stride: int, *, name: str, fresh: bool) -> Any:
    """Two 3x3 convolutions beside a shortcut, projected where its shape changes."""
    from keras import layers

    shortcut = x
    if stride > 1 or x.shape[-1] != features:
        shortcut = _convolution(x, features, 1, stride, name=f"{name}_downsample", fresh=fresh)
    x = _convolution(x, features, 3, stride, name=f"{name}_1", fresh=fresh)
    x = layers.ReLU(name=f"{name}_1_relu")(x)
    x = _convolution(x, features, 3, 1, name=f"{name}_2", fresh=fresh)
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([x, shortcut]))
