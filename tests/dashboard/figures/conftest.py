from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest


@pytest.fixture
def contrast() -> Callable[[str, str], float]:
    """The contrast of two colours, as WCAG defines it."""
    return _contrast


def _contrast(one: str, other: str) -> float:
    def luminance(color):
        parts = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        linear = np.where(parts <= 0.03928, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return linear @ [0.2126, 0.7152, 0.0722]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)
