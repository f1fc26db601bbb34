"""Probability maps that were unpacked a moment ago: a cut across a volume needs all slices."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

#: What they may hold together.
MOST_BYTES = 128 * 2**20


class RecentMaps:
    """Maps ``(n, h, w)`` uint8 by the key of their result, those used least let go.

    Args:
        most_bytes: A map larger than this is not kept at all.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._maps: OrderedDict[str, NDArray[np.uint8]] = OrderedDict()

    def get(
        self, key: str, read: Callable[[], NDArray[np.uint8] | None]
    ) -> NDArray[np.uint8] | None:
        """A map; read where it is not here. That there is none is never remembered."""
        with self._lock:
            found = self._maps.get(key)
            if found is not None:
                self._maps.move_to_end(key)
                return found
        found = read()
        if found is None or found.nbytes > self._most_bytes:
            return found
        with self._lock:
            self._maps[key] = found
            while sum(held.nbytes for held in self._maps.values()) > self._most_bytes:
                self._maps.popitem(last=False)
        return found
