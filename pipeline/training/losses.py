"""Losses of the two-stage network."""

from __future__ import annotations

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="overread")
class CrossEntropyAndBatchDice(keras.losses.Loss):
    """``2 x binary cross-entropy + (1 - soft Dice over the whole batch)``.

    Dice over the batch instead of per slice (Kodym et al. 2018, arXiv 1806.03019) stays defined on
    slices without tumor, and a missed small lesion still costs through the cross-entropy.

    Args:
        weight: Weight of the cross-entropy.
        smooth: Added to both sides of the Dice quotient, in pixels.
    """

    def __init__(
        self, weight: float = 2.0, smooth: float = 100.0, name: str = "outline_loss"
    ) -> None:
        super().__init__(name=name, reduction="sum_over_batch_size")
        self.weight = weight
        self.smooth = smooth

    def call(self, y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> keras.KerasTensor:
        """Loss of ``(batch, h, w, 1)`` masks and probabilities; a scalar."""
        y_true = ops.cast(y_true, y_pred.dtype)
        entropy = ops.mean(keras.losses.binary_crossentropy(y_true, y_pred))
        overlap = ops.sum(y_true * y_pred)
        total = ops.sum(y_true) + ops.sum(y_pred)
        dice = (2.0 * overlap + self.smooth) / (total + self.smooth)
        return self.weight * entropy + 1.0 - dice

    def get_config(self) -> dict[str, object]:
        """Arguments that make this loss again."""
        return {"weight": self.weight, "smooth": self.smooth, "name": self.name}
