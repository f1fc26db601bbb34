"""How networks are built and stored to be shipped. Imports Keras."""

from __future__ import annotations

import contextlib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict

import keras
import numpy as np

from pipeline.storage.digests import file_digest


@contextlib.contextmanager
def dtype_policy(name: str) -> Iterator[None]:
    """Build layers under a dtype policy, such as ``float32`` or ``mixed_bfloat16``.

    A model to ship is built under ``float32`` whatever precision its training computes in.
    """
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def save_half_precision(model: keras.Model, path: Path) -> str:
    """Save weights rounded to half precision in a compressed ``.keras`` file; return its SHA-256.

    The file stays an ordinary float32 ``.keras``: rounding leaves 13 zero bits in each weight,
    which deflate takes out. Variances of batch normalisation stay exact: half precision would flush
    small ones to zero.
    """
    for layer in model.layers:
        if not isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights(
                [w.astype(np.float16).astype(np.float32) for w in layer.get_weights()]
            )
    plain = path.with_name(f".{path.stem}.plain.keras")
    packed = path.with_name(f".{path.stem}.packed.keras")
    model.save(plain)
    with (
        zipfile.ZipFile(plain) as source,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as target,
    ):
        for entry in source.infolist():
            target.writestr(entry.filename, source.read(entry))
    plain.unlink()
    packed.replace(path)
    return file_digest(path)


class Backend(TypedDict):
    """What a network was trained with."""

    keras: str
    backend: str


def describe_backend() -> Backend:
    """What networks are trained with here, for their metadata.json."""
    return {"keras": keras.__version__, "backend": keras.backend.backend()}
