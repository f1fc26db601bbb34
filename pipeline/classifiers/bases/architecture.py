"""What an architecture is: a convolutional base, the input it expects, and where its weights are.

A new one is a module of this package and a line in `registry`. Nothing here imports Keras, so that
architectures can be listed at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

#: Mean and standard deviation of ImageNet's red, green and blue, in [0, 1].
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)
#: Means that the first ImageNet networks subtracted (Caffe), red, green, blue, in [0, 255].
CAFFE_MEAN = (123.68, 116.779, 103.939)


class InputKind(StrEnum):
    """How the pixels of ImageNet looked to the base when its weights were learned."""

    CAFFE = "caffe"
    TORCH = "torch"
    TF = "tf"


@dataclass(frozen=True)
class Architecture:
    """One convolutional base.

    Attributes:
        name: As the command line and the configurations call it.
        title: As a table calls it.
        input_kind: What its ImageNet weights expect.
        build: From preprocessed pixels ``(batch, h, w, 3)`` to the last feature map. The layers
            hang flat on the given tensor and have stable names.
        weights_file: Name of the local file of weights, None where the base has no file.
        covered_layer: Last layer that the file reaches, None where it reaches all of them.
        covered: The part that the file holds, in words.
        missing: The part that it lacks, in words; "" where it lacks nothing.
        published: Builds the base with Keras's own download of ImageNet weights; None where
            Keras has none.
        file_names: Renames layers of the base to the names in the file.
        shipped: Sets the weights of a base that other shipped networks hold; None elsewhere.
        strongest: Whether each feature is the strongest cell of its map, not the mean.
        parts: Features of each part of the base that a head is fitted to on its own; () for one.
        smallest: Smallest side of the input, px.
    """

    name: str
    title: str
    input_kind: InputKind
    build: Callable[[Any], Any]
    weights_file: str | None = None
    covered_layer: str | None = None
    covered: str = "all layers"
    missing: str = ""
    published: Callable[[], keras.Model] | None = None
    file_names: Callable[[str], str] = str
    shipped: Callable[[keras.Model], None] | None = None
    strongest: bool = False
    parts: tuple[int, ...] = ()
    smallest: int = 32

    def __post_init__(self) -> None:
        if (self.covered_layer is None) != (self.missing == ""):
            raise ValueError(
                f"{self.name} must name the covered layer and what is missing, or none"
            )


def keras_application(application: str, input_kind: InputKind, **options: float) -> Architecture:
    """A base that `keras.applications` builds and has ImageNet weights for.

    Example:
        ``keras_application("VGG16", InputKind.CAFFE)`` is the architecture ``vgg16``.

    Args:
        application: Name in `keras.applications`.
        input_kind: What its ImageNet weights expect.
        options: Further arguments for Keras, such as ``alpha``.
    """
    return Architecture(
        name=application.lower(),
        title=application,
        input_kind=input_kind,
        build=partial(_build_application, application, options),
        published=partial(_published_application, application, options),
    )


def _build_application(application: str, options: Mapping[str, float], pixels: Any) -> Any:
    from keras import applications

    network = getattr(applications, application)(
        include_top=False,
        weights=None,
        input_tensor=pixels,
        # Without it Keras warns of sides that it has no weights for.
        input_shape=tuple(pixels.shape[1:]),
        **options,
    )
    return network.output


def _published_application(application: str, options: Mapping[str, float]) -> keras.Model:
    from keras import applications

    return getattr(applications, application)(
        include_top=False, weights="imagenet", input_shape=(224, 224, 3), **options
    )


def channel_map(kind: InputKind, *, normalise: bool) -> tuple[list[list[float]], list[float]]:
    """The affine map from RGB pixels in [0, 255] to what a base expects.

    Args:
        kind: What the base expects.
        normalise: Subtract ImageNet's mean and divide by its deviation. Without it the pixels have
            the order and the scale that the kind knows, and nothing else: 0 to 255 in blue, green,
            red for Caffe, 0 to 1 for the others.

    Returns:
        Matrix ``(3 in, 3 out)`` and offset ``(3 out)``.
    """
    if kind is InputKind.CAFFE:
        matrix = [[float(row + column == 2) for column in range(3)] for row in range(3)]
        return matrix, [-mean if normalise else 0.0 for mean in reversed(CAFFE_MEAN)]
    scale, offset = [1 / 255] * 3, [0.0] * 3
    if normalise and kind is InputKind.TORCH:
        scale = [1 / (255 * deviation) for deviation in IMAGENET_DEVIATION]
        offset = [-m / d for m, d in zip(IMAGENET_MEAN, IMAGENET_DEVIATION, strict=True)]
    elif normalise:
        scale, offset = [1 / 127.5] * 3, [-1.0] * 3
    return [[scale[row] * (row == column) for column in range(3)] for row in range(3)], offset
