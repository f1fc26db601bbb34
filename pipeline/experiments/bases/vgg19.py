"""VGG19 without its top, as Keras builds it (Simonyan and Zisserman 2015, arXiv 1409.1556)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.experiments.architecture import Architecture, InputKind

if TYPE_CHECKING:
    import keras


def _build(pixels: Any) -> Any:
    from keras.applications import VGG19

    return VGG19(include_top=False, weights=None, input_tensor=pixels).output


def _published() -> keras.Model:
    from keras.applications import VGG19

    return VGG19(include_top=False, weights="imagenet")


ARCHITECTURE = Architecture(
    name="vgg19",
    title="VGG19",
    input_kind=InputKind.CAFFE,
    build=_build,
    published=_published,
)
