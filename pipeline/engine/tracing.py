"""Keras models as TensorFlow graphs: what every export starts from. Needs TensorFlow."""

from __future__ import annotations

from typing import Any

from pipeline.errors import InputError
from pipeline.models.quiet_keras import import_keras


def signature(model: Any) -> list[Any]:
    """TensorFlow's description of a model's inputs, named ``input_0`` and so on."""
    import tensorflow as tf

    return [
        tf.TensorSpec(tensor.shape, tf.float32, name=f"input_{i}")
        for i, tensor in enumerate(model.inputs)
    ]


def trace(model: Any) -> Any:
    """A ``tf.function`` that answers as the model does outside training.

    Raises:
        InputError: Keras runs on something else than TensorFlow.
    """
    if import_keras().backend.backend() != "tensorflow":
        raise InputError(
            model.name, "This needs Keras on TensorFlow; set KERAS_BACKEND=tensorflow."
        )
    import tensorflow as tf

    return tf.function(
        lambda *inputs: model(list(inputs), training=False), input_signature=signature(model)
    )
