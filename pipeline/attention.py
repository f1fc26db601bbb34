"""Where the classifier looked: Grad-CAM of its score, from features that are computed anyway.

Grad-CAM (Selvaraju et al. 2017, arXiv 1610.02391) weighs feature maps by the score's mean gradient
and keeps what speaks for it. The score's logit is the sum of two heads, each of which takes the
strongest cell: one of a 1x1 convolution over the features at 1/16 of the side, one of each channel
of the features at 1/32, weighed by a dense layer (`pipeline.models.resnet_classifier`). The
gradient of a maximum lies in one cell, so that its mean over the cells is the head's own weight
over their number: Grad-CAM is the features times those weights, up to that factor, and no gradient
is needed. A test holds it against real gradients. The maps of both heads are added in units of the
logit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.atomic_files import write_json
from pipeline.checked_json import Fields, read_json_object
from pipeline.errors import InputError

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


def read_heads(model: Any) -> HeadWeights:
    """The heads of a Keras network by `pipeline.models.resunet.build_resunet`."""
    kernels = {
        name: np.asarray(model.get_layer(layer).kernel, np.float32).reshape(-1)
        for name, layer in _LAYERS.items()
    }
    return HeadWeights(**kernels)


def save_heads(heads: HeadWeights, path: Path) -> None:
    """Write them beside an export."""
    write_json(path, {name: getattr(heads, name).astype(float).tolist() for name in _LAYERS})


def load_heads(path: Path) -> HeadWeights:
    """Read them back.

    Raises:
        InputError: The file is missing or damaged.
    """
    content = read_json_object(path, path.name)
    if content is None:
        raise InputError(path.name, "heads.json is missing; run: python -m pipeline export --again")
    fields = Fields(content, path.name)
    return HeadWeights(**{name: _numbers(fields, name) for name in _LAYERS})


def _numbers(fields: Fields, name: str) -> NDArray[np.float32]:
    values = fields.get(name)
    right = isinstance(values, list) and all(
        isinstance(v, float) and np.isfinite(v) for v in values
    )
    fields.require(bool(values) and right, f"{name} must be a list of numbers")
    return np.array(values, np.float32)


def attend(features: Sequence[NDArray[np.float32]], heads: HeadWeights) -> NDArray[np.float32]:
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


def enlarge(cells: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """A slice's map ``(g, g)`` as ``(size, size)`` in [0, 1]: 1 at its strongest, 0 without any."""
    peak = float(cells.max(initial=0.0))
    scaled = (cells / (peak or 1.0)).astype(np.float32)
    return np.asarray(cv2.resize(scaled, (size, size), interpolation=cv2.INTER_LINEAR), np.float32)
