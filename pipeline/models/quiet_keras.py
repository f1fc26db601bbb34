"""Imports Keras without what TensorFlow prints about the machine while it starts."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any


def import_keras() -> Any:
    """Import Keras and start its backend, TensorFlow unless KERAS_BACKEND says otherwise.

    TensorFlow's libraries write to standard error past Python, and one of their lines reads like a
    failure on every machine without a GPU.
    """
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _silent_stderr():
        import keras

        keras.ops.zeros(1)
    return keras


def has_gpu() -> bool:
    """Whether TensorFlow sees a GPU.

    Without one, XLA compiles each network for minutes, which a few hundred images never make up
    for: Keras compiles by default.
    """
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))


@contextlib.contextmanager
def _silent_stderr() -> Iterator[None]:
    """Send file descriptor 2 nowhere for a while; exceptions are raised as ever."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
