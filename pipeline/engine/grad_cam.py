"""Where a classifier looked: Grad-CAM of its answer, from features that are computed anyway.

Grad-CAM (Selvaraju et al. 2017, arXiv 1610.02391) weighs feature maps by the answer's mean gradient
and keeps what speaks for it. No gradient is needed here, since every classifier pools its features
and weighs them linearly; tests compare with real gradients.

Single images: the maps are averaged and feed one dense layer, so that the gradient is that layer's
weight over the number of cells. Grad-CAM is then the class activation map (Zhou et al. 2016, arXiv
1512.04150) up to a factor, which the network gives along with its answer. Where each feature is the
strongest cell of its map, the same weights apply, as for slices below.

Slices: the score's logit is the sum of two heads, each of which takes the strongest cell: one of a
1x1 convolution over the features at 1/16 of the side, one of each channel of the features at 1/32,
weighed by a dense layer (`pipeline.models.resnet_classifier`). The gradient of a maximum lies in
one cell, so that its mean over the cells is the head's own weight over their number. The maps of
both heads are added in units of the logit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, with_config

from pipeline.errors import InputError
from pipeline.storage.checked_json import STRICT, read_json, write_document

#: Names of the layers whose kernels the heads are.
_LAYERS = {"evidence": "evidence", "whole": "whole"}


@dataclass(frozen=True, eq=False)
class HeadWeights:
    """What the classification heads weigh the encoder's two coarsest features by.

    Attributes:
        evidence: ``(c,)`` float32, for the features at 1/16 of the side.
        whole: ``(d,)`` float32, for those at 1/32.
    """

    evidence: NDArray[np.float32]
    whole: NDArray[np.float32]


@with_config(STRICT)
@dataclass(frozen=True)
class _HeadsFile:
    """heads.json; see `HeadWeights`."""

    evidence: Annotated[tuple[float, ...], Field(min_length=1)]
    whole: Annotated[tuple[float, ...], Field(min_length=1)]


def read_heads(model: Any) -> HeadWeights:
    """The heads of a Keras network by `pipeline.models.resunet.build_resunet`."""
    kernels = {
        name: np.asarray(model.get_layer(layer).kernel, np.float32).reshape(-1)
        for name, layer in _LAYERS.items()
    }
    return HeadWeights(**kernels)


def save_heads(heads: HeadWeights, path: Path) -> None:
    """Write them to a file of an export."""
    kernels = (getattr(heads, name).astype(float).tolist() for name in _LAYERS)
    write_document(path, _HeadsFile(*map(tuple, kernels)))


def load_heads(path: Path) -> HeadWeights:
    """Read them back.

    Raises:
        InputError: The file is missing or not valid.
    """
    remedy = "run python -m pipeline export --again"
    file = read_json(path, _HeadsFile, shown=path.name, remedy=remedy)
    if file is None:
        raise InputError(path.name, f"{path.name} is missing; {remedy}.")
    return HeadWeights(np.array(file.evidence, np.float32), np.array(file.whole, np.float32))


def compute_saliency(
    features: Sequence[NDArray[np.float32]], heads: HeadWeights
) -> NDArray[np.float32]:
    """What speaks for the score, cell by cell.

    Args:
        features: The encoder's, finest first; the last two are ``(b, 2g, 2g, c)`` and
            ``(b, g, g, d)``.
        heads: What they are weighed by.

    Returns:
        ``(b, 2g, 2g)`` float32 >= 0, in units of the score's logit.
    """
    fine, coarse = features[-2:]
    near = np.maximum(fine @ heads.evidence, 0)
    far = np.maximum(coarse @ heads.whole, 0)
    return np.asarray(near + far.repeat(2, axis=1).repeat(2, axis=2), np.float32)


def scale_map(activation: NDArray[np.floating]) -> NDArray[np.float32]:
    """What speaks for an answer, ``(h, w)`` in [0, 1]: 1 at its strongest, 0 where nothing does.

    Args:
        activation: ``(h, w)`` of any range; what is negative speaks against the answer.
    """
    positive = np.maximum(np.asarray(activation, np.float32), 0)
    peak = float(positive.max(initial=0.0))
    return (positive / (peak or 1.0)).astype(np.float32)
