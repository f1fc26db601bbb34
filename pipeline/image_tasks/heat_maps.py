"""Where the network looked: Grad-CAM of the answered class, and its pictures.

Grad-CAM (Selvaraju et al. 2017, arXiv 1610.02391) weighs the last feature maps by the class score's
mean gradient. Where those maps are averaged and feed one dense layer, as here, that gradient is the
dense layer's weight over the number of cells, so that Grad-CAM is the class activation map of Zhou
et al. (2016, arXiv 1512.04150) up to a factor: the network gives it along with its answer, and no
gradient is needed. A test holds it against real gradients.
"""

from __future__ import annotations

import io

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

#: How much of the picture the strongest colour hides.
_OPACITY = 0.55
_PERCENTILES = (0.5, 99.5)


def scale_activation(activation: NDArray[np.floating]) -> NDArray[np.float32]:
    """What speaks for the class, ``(h, w)`` in [0, 1]: 1 at its strongest, 0 where nothing does.

    Args:
        activation: ``(h, w)`` class activation map of any range.
    """
    positive = np.maximum(np.asarray(activation, np.float32), 0)
    peak = float(positive.max(initial=0.0))
    return (positive / (peak or 1.0)).astype(np.float32)


def display_grey(grey: NDArray[np.float32]) -> NDArray[np.uint8]:
    """An image of any range ``(h, w)`` as 8-bit grey, between its percentiles 0.5 and 99.5."""
    low, high = np.percentile(grey, _PERCENTILES)
    if high <= low:
        low, high = float(grey.min()), float(max(grey.max(), grey.min() + 1))
    return np.rint(np.clip((grey - low) / (high - low), 0, 1) * 255).astype(np.uint8)


def draw_overlay(grey: NDArray[np.uint8], heat: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Lay a heat map in [0, 1] over a grey image, both ``(h, w)``; returns RGB ``(h, w, 3)``."""
    levels = np.rint(np.clip(heat, 0, 1) * 255).astype(np.uint8)
    colours = cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO)[..., ::-1].astype(np.float32)
    weight = (_OPACITY * np.clip(heat, 0, 1))[..., None]
    mixed = (1 - weight) * grey[..., None].astype(np.float32) + weight * colours
    return np.rint(mixed).astype(np.uint8)


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """PNG bytes of ``(h, w)`` grey or ``(h, w, 3)`` RGB."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG", optimize=False)
    return buffer.getvalue()
