"""DenseNet169 without its top, as Keras builds it (Huang et al. 2017, arXiv 1608.06993)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.experiments.architecture import Architecture, InputKind

if TYPE_CHECKING:
    import keras


def _build(pixels: Any) -> Any:
    from keras.applications import DenseNet169

    return DenseNet169(include_top=False, weights=None, input_tensor=pixels).output


def _published() -> keras.Model:
    from keras.applications import DenseNet169

    return DenseNet169(include_top=False, weights="imagenet")


ARCHITECTURE = Architecture(
    name="densenet169",
    title="DenseNet169",
    input_kind=InputKind.TORCH,
    build=_build,
    published=_published,
    weights_file="densenet169_imagenet_notop.npz",
)
