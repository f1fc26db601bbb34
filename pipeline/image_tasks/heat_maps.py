"""The pictures of an answer: the image as it is shown, and where the network looked."""

from __future__ import annotations

import io

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

#: How much of the picture the strongest colour hides.
_OPACITY = 0.55
_PERCENTILES = (0.5, 99.5)


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
