"""What the training loop is fed: shuffled batches of images, or of a frozen base's features."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
from numpy.typing import NDArray

from pipeline.classifiers.features import Features
from pipeline.classifiers.images import Augmentation, Pixels, augment_image

Batch = tuple[NDArray[np.generic], NDArray[np.intp], NDArray[np.float32]]


class _Shuffled(keras.utils.PyDataset):
    """Batches in a new random order each epoch, the same orders for the same seed.

    Args:
        labels: ``(n,)`` classes.
        weights: ``(n,)`` weight of each image in the loss.
        batch_size: Images in a batch; the last one of an epoch may be smaller.
        seed: Of all draws.
    """

    def __init__(
        self,
        labels: NDArray[np.intp],
        weights: NDArray[np.float32],
        *,
        batch_size: int,
        seed: int,
    ) -> None:
        super().__init__()
        self._labels, self._weights = labels, weights
        self._batch_size = batch_size
        self._rng = np.random.default_rng(seed)
        self._order = self._rng.permutation(len(labels))

    @property
    def num_batches(self) -> int:
        """Batches of an epoch."""
        return -(-len(self._labels) // self._batch_size)

    def __getitem__(self, index: int) -> Batch:
        chosen = self._order[index * self._batch_size : (index + 1) * self._batch_size]
        return self._inputs(chosen), self._labels[chosen], self._weights[chosen]

    def on_epoch_end(self) -> None:
        """Shuffle again."""
        self._order = self._rng.permutation(len(self._labels))

    def _inputs(self, chosen: NDArray[np.intp]) -> NDArray[np.generic]:
        raise NotImplementedError


class ImageBatches(_Shuffled):
    """Batches of images ``(batch, side, side, 3)`` float32 in [0, 255], changed at random."""

    def __init__(
        self,
        images: Pixels,
        labels: NDArray[np.intp],
        weights: NDArray[np.float32],
        augmentation: Augmentation,
        *,
        batch_size: int,
        seed: int,
    ) -> None:
        super().__init__(labels, weights, batch_size=batch_size, seed=seed)
        self._images, self._augmentation = images, augmentation

    def _inputs(self, chosen: NDArray[np.intp]) -> NDArray[np.float32]:
        if self._augmentation.none:
            return self._images[chosen].astype(np.float32)
        changed = [augment_image(self._images[k], self._augmentation, self._rng) for k in chosen]
        return np.stack(changed).astype(np.float32)


class FeatureBatches(_Shuffled):
    """Batches of features; of each image's variants one is drawn each time."""

    def __init__(
        self,
        variants: Sequence[Features],
        labels: NDArray[np.intp],
        weights: NDArray[np.float32],
        *,
        batch_size: int,
        seed: int,
    ) -> None:
        super().__init__(labels, weights, batch_size=batch_size, seed=seed)
        self._variants = variants

    def _inputs(self, chosen: NDArray[np.intp]) -> NDArray[np.float32]:
        drawn = self._rng.integers(len(self._variants), size=len(chosen))
        picked = [self._variants[v][k] for v, k in zip(drawn, chosen, strict=True)]
        return np.stack(picked).astype(np.float32)
