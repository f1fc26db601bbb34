"""MobileNetV2 at width 0.35 without its top, as Keras builds it (Sandler et al. 2018).

Small enough (0.4 M parameters) to be shipped and to answer at once; arXiv 1801.04381.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.experiments.architecture import Architecture, InputKind

if TYPE_CHECKING:
    import keras

_WIDTH = 0.35


def _build(pixels: Any) -> Any:
    import keras

    # Keras names the base after its input's shape and warns where that is not a square it knows.
    network = keras.applications.MobileNetV2(
        input_shape=tuple(pixels.shape[1:]),
        alpha=_WIDTH,
        include_top=False,
        weights=None,
        input_tensor=pixels,
    )
    return network.output


def _published() -> keras.Model:
    from keras.applications import MobileNetV2

    return MobileNetV2((224, 224, 3), alpha=_WIDTH, include_top=False, weights="imagenet")


ARCHITECTURE = Architecture(
    name="mobilenetv2",
    title="MobileNetV2 0.35",
    input_kind=InputKind.TF,
    build=_build,
    published=_published,
    weights_file="mobilenetv2_0.35_imagenet_notop.npz",
)
