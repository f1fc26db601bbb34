"""ResNet50V2 without its top, as Keras builds it (He et al. 2016, arXiv 1603.05027)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.experiments.architecture import Architecture, InputKind

if TYPE_CHECKING:
    import keras


def _build(pixels: Any) -> Any:
    from keras.applications import ResNet50V2

    return ResNet50V2(include_top=False, weights=None, input_tensor=pixels).output


def _published() -> keras.Model:
    from keras.applications import ResNet50V2

    return ResNet50V2(include_top=False, weights="imagenet")


ARCHITECTURE = Architecture(
    name="resnet50v2",
    title="ResNet50V2",
    input_kind=InputKind.TF,
    build=_build,
    published=_published,
)
