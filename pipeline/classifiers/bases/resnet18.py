"""ResNet18 without its top (He et al. 2016, arXiv 1512.03385), which Keras does not have.

The layers bear the names of ``resnet18_imagenet_folded.npz``, with underscores. That file holds
batch normalisation folded into the convolutions, so that layer1 to layer3 have none of their own;
layer4, of whose 3x3 kernels the file has none, starts fresh and normalises its batches.
"""

from __future__ import annotations

import re
from typing import Any

from pipeline.classifiers.bases.architecture import Architecture, InputKind

#: (layer, features, stride of its first block).
_LAYERS = ((1, 64, 1), (2, 128, 2), (3, 256, 2), (4, 512, 2))
_FRESH = 4


def _convolution(x: Any, features: int, size: int, stride: int, *, name: str) -> Any:
    """Convolution padded on both sides alike, as the weights expect."""
    from keras import layers

    fresh = name.startswith(f"layer{_FRESH}")
    if size > 1:
        x = layers.ZeroPadding2D(size // 2, name=f"{name}_pad")(x)
    x = layers.Conv2D(
        features,
        size,
        strides=stride,
        use_bias=not fresh,
        kernel_initializer="he_normal",
        name=name,
    )(x)
    return layers.BatchNormalization(name=f"{name}_bn")(x) if fresh else x


def _block(x: Any, features: int, stride: int, *, name: str) -> Any:
    """Two 3x3 convolutions beside a shortcut, projected where its shape changes."""
    from keras import layers

    shortcut = x
    if stride > 1 or x.shape[-1] != features:
        shortcut = _convolution(x, features, 1, stride, name=f"{name}_downsample_0")
    x = _convolution(x, features, 3, stride, name=f"{name}_conv1")
    x = layers.ReLU(name=f"{name}_relu1")(x)
    x = _convolution(x, features, 3, 1, name=f"{name}_conv2")
    return layers.ReLU(name=f"{name}_out")(layers.Add(name=f"{name}_add")([x, shortcut]))


def _build(pixels: Any) -> Any:
    from keras import layers

    x = layers.ReLU(name="relu")(_convolution(pixels, 64, 7, 2, name="conv1"))
    x = layers.ZeroPadding2D(1, name="maxpool_pad")(x)
    x = layers.MaxPooling2D(3, strides=2, name="maxpool")(x)
    for layer, features, stride in _LAYERS:
        for block in range(2):
            name = f"layer{layer}_{block}"
            x = _block(x, features, stride if block == 0 else 1, name=name)
    return x


def _file_name(layer: str) -> str:
    """``layer2_0_downsample_0`` in the model is ``layer2/0/downsample/0`` in the file."""
    return re.sub(r"_(?=\d|conv|downsample)", "/", layer)


ARCHITECTURE = Architecture(
    name="resnet18",
    title="ResNet18",
    input_kind=InputKind.TORCH,
    build=_build,
    weights_file="resnet18_imagenet_folded.npz",
    covered_layer="layer3_1_out",
    covered="layer1 to layer3",
    missing="layer4",
    file_names=_file_name,
)
