"""ResNet50 without its top, as Keras builds it (He et al. 2016, arXiv 1512.03385)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.experiments.architecture import Architecture, InputKind

if TYPE_CHECKING:
    import keras


def _build(pixels: Any) -> Any:
    from keras.applications import ResNet50

    return ResNet50(include_top=False, weights=None, input_tensor=pixels).output


def _published() -> keras.Model:
    from keras.applications import ResNet50

    return ResNet50(include_top=False, weights="imagenet")


ARCHITECTURE = Architecture(
    name="resnet50",
    title="ResNet50",
    input_kind=InputKind.CAFFE,
    build=_build,
    published=_published,
    weights_file="resnet50_imagenet_conv1_to_conv4.npz",
    covered_layer="conv4_block6_out",
    covered="conv1 to conv4",
    missing="conv5",
)
