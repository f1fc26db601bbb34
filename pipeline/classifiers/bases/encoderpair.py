"""The encoders of two networks that are shipped already, side by side.

One is the ResNet18 encoder of the two-stage network, which learned where brain MRI is abnormal, the
other the MobileNetV2 of the chest X-ray task. Both are used as they are, so that nothing but a head
is trained. Each map is reduced to 1/32 of the side by its strongest cells.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.classifiers.bases.architecture import Architecture, InputKind
from pipeline.errors import InputError

if TYPE_CHECKING:
    import keras

MODELS = Path(__file__).resolve().parents[3] / "models"
#: Layers whose maps are used, and how many times finer than 1/32 of the side they are.
_RESNET_LAYERS = {"stage2_block1_relu": 4, "stage3_block1_relu": 2, "stage4_block0_relu": 1}
_MOBILENET_LAYERS = {"block_13_expand_relu": 2, "out_relu": 1}
#: Features of the two encoders.
PARTS = (128 + 256 + 256, 192 + 1280)
#: Grey values up to this one are background.
_BACKGROUND = 10.0


def _build(pixels: Any) -> Any:
    """From pixels in [-1, 1] to the maps of both encoders ``(batch, side/32, side/32, 2112)``."""
    from keras import applications, layers

    from pipeline.models.resnet18 import build_stages

    stages = build_stages(_standardise(pixels), last_features=256, last_blocks=1)
    mobilenet = applications.MobileNetV2(
        include_top=False,
        weights=None,
        alpha=0.35,
        input_tensor=pixels,
        input_shape=tuple(pixels.shape[1:]),
    )
    maps = [(stages[name], finer) for name, finer in _RESNET_LAYERS.items()]
    maps += [(mobilenet.get_layer(name).output, by) for name, by in _MOBILENET_LAYERS.items()]
    reduced = [layers.MaxPooling2D(by)(found) if by > 1 else found for found, by in maps]
    return layers.Concatenate(name="strongest")(reduced)


def _standardise(pixels: Any) -> Any:
    """Grey values ``(batch, h, w, 1)`` standardised over what is not background.

    The two-stage network's input is standardised so; a 1x1 convolution brings [-1, 1] to grey
    values, another finds the foreground, whose grey values are whole numbers above 10.
    """
    from keras import initializers, layers, ops

    def affine(x: Any, gain: float, offset: float, name: str, **options: Any) -> Any:
        return layers.Conv2D(
            1,
            1,
            kernel_initializer=initializers.Constant(gain),
            bias_initializer=initializers.Constant(offset),
            trainable=False,
            dtype="float32",
            name=name,
            **options,
        )(x)

    def mean(x: Any) -> Any:
        return ops.mean(x, axis=(1, 2), keepdims=True)

    grey = affine(pixels, 127.5 / 3, 127.5, "grey")
    above = affine(grey, 1.0, -_BACKGROUND, "above_background")
    inside = layers.ReLU(max_value=1.0, name="foreground")(above)
    share = ops.maximum(mean(inside), 1e-4)
    centred = grey - mean(grey * inside) / share
    deviation = ops.sqrt(mean(ops.square(centred) * inside) / share)
    return centred / ops.maximum(deviation, 1.0)


def _set_weights(model: keras.Model) -> None:
    """Set the weights of both encoders within a model from the shipped networks.

    Raises:
        InputError: One of them is missing or damaged.
    """
    from pipeline.models.registry import load_keras_model, read_model_info

    resnet = load_keras_model(read_model_info(MODELS).network)
    for source in (resnet, _load_mobilenet(MODELS / "chest-xray" / "mobilenetv2")):
        names = {layer.name for layer in source.layers if layer.weights}
        for layer in model.layers:
            if layer.name in names - {"preprocessing", "probabilities"}:
                weights = source.get_layer(layer.name).get_weights()
                if layer.name == "stem_conv":
                    # Every channel is the same picture here.
                    weights[0] = weights[0].sum(axis=2, keepdims=True)
                layer.set_weights(weights)


def _load_mobilenet(folder: Path) -> keras.Model:
    import keras

    from pipeline.models.metadata import ImageMetadata
    from pipeline.models.registry import read_metadata
    from pipeline.storage.digests import file_digest

    metadata = read_metadata(folder, ImageMetadata, task="chest-xray")
    file = folder / metadata.file
    if not file.is_file() or file_digest(file) != metadata.digest:
        raise InputError(file.name, f"{folder.name} of chest-xray is missing or damaged.")
    return keras.models.load_model(file, compile=False, safe_mode=True)


ARCHITECTURE = Architecture(
    name="encoderpair",
    title="ResNet18 and MobileNetV2 encoders",
    input_kind=InputKind.TF,
    build=_build,
    shipped=_set_weights,
    covered="encoders of brain-tumor and chest-xray",
    strongest=True,
    parts=PARTS,
    smallest=64,
)
