"""Stage one: a ResNet18 that answers per slice whether tumor is present, and the encoder of both.

Its fourth stage is one block of 256 features (`pipeline.models.resnet18`). During training a
further output says where on a 16x16 grid the tumor lies: a slice's label alone teaches little from
sixty patients. The score adds the strongest cell of that grid to what the deepest features say;
both pool by the maximum, so that a score does not depend on the size of the image.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from keras import layers

from pipeline.errors import InputError
from pipeline.models.resnet18 import COVERED_LAYER, build_stages, file_name

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


def encode(inputs: keras.KerasTensor, *, dropout: float = 0.2) -> Encoded:
    """Build encoder and classification head.

    Args:
        inputs: ``(batch, side, side, channels)``, standardised.
        dropout: Part of the pooled features dropped during training, in [0, 1).
    """
    outputs = build_stages(inputs, last_features=256, last_blocks=1)
    evidence = layers.Conv2D(1, 1, dtype="float32", name="evidence")(outputs[FEATURE_LAYERS[3]])
    pooled = layers.GlobalMaxPooling2D(name="pool")(outputs[FEATURE_LAYERS[-1]])
    pooled = layers.Dropout(dropout, name="dropout")(pooled)
    whole = layers.Dense(1, dtype="float32", name="whole")(pooled)
    strongest = layers.GlobalMaxPooling2D(dtype="float32", name="strongest")(evidence)
    logit = layers.Add(dtype="float32", name="score_logit")([whole, strongest])
    return Encoded(tuple(outputs[name] for name in FEATURE_LAYERS), logit, evidence)


def load_imagenet_weights(model: keras.Model, path: Path) -> None:
    """Start the encoder from ImageNet weights with folded batch normalisation.

    The stem's three colour kernels go to the slice's three sequences. Its kernels for the
    neighbours' FLAIR start at zero: training begins with a network that sees the slice alone.

    Args:
        model: A network with `encode` in it.
        path: ``.npz`` whose keys are ``layer<stage>/<block>/conv<k>/<kernel|bias>`` (HWIO kernels).

    Convolutions that the file lacks keep their initial values.

    Raises:
        InputError: The file cannot be read, or holds weights of another network.
    """
    names = [layer.name for layer in model.layers]
    is_any = False
    try:
        with np.load(path, allow_pickle=False) as arrays:
            for ours in names[: names.index(COVERED_LAYER)]:
                theirs = file_name(ours)
                if f"{theirs}/kernel" in arrays:
                    layer = model.get_layer(ours)
                    kernel = np.zeros(layer.get_weights()[0].shape, np.float32)
                    given = arrays[f"{theirs}/kernel"]
                    kernel[:, :, : given.shape[2]] = given
                    layer.set_weights([kernel, arrays[f"{theirs}/bias"].astype(np.float32)])
                    is_any = True
    except (OSError, ValueError, TypeError, LookupError, EOFError, zipfile.BadZipFile):
        is_any = False
    if not is_any:
        raise InputError(path.name, f"{path.name} does not hold the weights of a ResNet18 (.npz).")
