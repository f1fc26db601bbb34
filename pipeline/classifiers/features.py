"""Features of a frozen base, computed once per image and kept on disk.

Every image is known by the digest of its pixels, every base by a digest of its weights and of what
it is: neither a changed image nor another base can meet old features, and splits and experiments
that share images share their features. Files hold arrays only and are never unpickled.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from pipeline.classifiers.images import Pixels
from pipeline.errors import ProgressCallback
from pipeline.models.quiet_keras import has_gpu
from pipeline.storage.atomic_files import replacing

_BATCH = 32
#: Images whose features stand in one file: what an interrupted run loses at most.
_SHARD = 512

Features = NDArray[np.float32] | NDArray[np.float16]


class FeatureCache:
    """Features of one frozen base.

    Args:
        base: From pixels ``(batch, side, side, 3)`` to features of any shape.
        identity: What the base is besides its weights: architecture, last layer, input.
        folder: Where features are kept; None keeps them in memory alone.
    """

    def __init__(self, base: keras.Model, identity: str, folder: Path | None) -> None:
        self._base = base
        if not has_gpu():
            base.jit_compile = False
        self.digest = base_digest(base, identity)
        self._folder = None if folder is None else folder / self.digest[:24]
        self._known: dict[bytes, NDArray[np.generic]] = {}
        self.computed = 0
        if self._folder is not None and self._folder.is_dir():
            for path in sorted(self._folder.glob("*.npz")):
                self._read(path)

    def features(self, images: Pixels, progress: ProgressCallback | None = None) -> Features:
        """Features of images, in order; what is not known is computed and kept.

        Args:
            images: ``(n, side, side, 3)`` uint8.
            progress: Called with ``(done, total, message)`` while features are computed.

        Returns:
            ``(n, ...)``: float32 where they are pooled, float16 where they are maps.
        """
        keys = [hashlib.sha256(np.ascontiguousarray(image).tobytes()).digest() for image in images]
        places = {key: place for place, key in enumerate(keys) if key not in self._known}
        missing = list(places.items())
        for start in range(0, len(missing), _SHARD):
            if progress is not None:
                progress(start, len(missing), "Computing features")
            chunk = missing[start : start + _SHARD]
            self._compute([key for key, _ in chunk], images[[place for _, place in chunk]])
        if not keys:
            return np.zeros((0, *self._base.output.shape[1:]), np.float32)
        return np.stack([self._known[key] for key in keys])

    def _compute(self, keys: list[bytes], images: Pixels) -> None:
        raw = np.asarray(self._base.predict(images, batch_size=_BATCH, verbose=0), np.float32)
        half = np.finfo(np.float16).max
        features = raw if raw.ndim == 2 else np.clip(raw, -half, half).astype(np.float16)
        self.computed += len(keys)
        self._known.update(zip(keys, features, strict=True))
        if self._folder is None:
            return
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        digests = np.frombuffer(b"".join(keys), np.uint8).reshape(len(keys), -1)
        with replacing(self._folder / f"{keys[0].hex()[:24]}.npz") as path:
            np.savez(path, digests=digests, features=features)

    def _read(self, path: Path) -> None:
        """Take in a file; one that is damaged or of another base is computed again."""
        expected = tuple(self._base.output.shape[1:])
        try:
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
                digests, features = file["digests"], file["features"]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return
        fits = digests.ndim == 2 and digests.shape[1] == 32 and digests.dtype == np.uint8
        fits = fits and features.dtype in (np.float16, np.float32) and np.isfinite(features).all()
        if fits and features.shape == (len(digests), *expected):
            self._known.update(zip(map(bytes, digests), features, strict=True))


def base_digest(base: keras.Model, identity: str) -> str:
    """SHA-256 of a base: what it is called, and all its weights; 64 hexadecimal digits."""
    digest = hashlib.sha256(identity.encode())
    for name, array in _weights(base):
        digest.update(f"{name}{array.shape}{array.dtype}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _weights(base: keras.Model) -> Iterator[tuple[str, NDArray[np.generic]]]:
    for variable in base.weights:
        yield variable.path, np.asarray(variable)
