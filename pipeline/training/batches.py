"""Batches of augmented slices for `keras.Model.fit`."""

from __future__ import annotations

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from pipeline.data.augmentation import AugmentationPlan, augment
from pipeline.data.lgg import TrainingVolume

#: Side of one cell of the classifier's location map in pixels.
LOCATION_CELL_PX = 16


class SliceBatches(keras.utils.PyDataset):
    """Endless, seeded batches with a fixed share of tumor slices.

    Batch ``k`` of epoch ``e`` is the same in every run with the same seed, so that a resumed run
    sees what an uninterrupted one would have seen.

    Args:
        volumes: Patients to learn from.
        batch_size: Slices per batch.
        tumor_slices: How many of them hold tumor.
        steps: Batches per epoch.
        plan: Augmentation.
        seed: Seed of the run.
        first_epoch: Epoch that the first pass stands for (when resuming).
    """

    def __init__(
        self,
        volumes: list[TrainingVolume],
        *,
        batch_size: int,
        tumor_slices: int,
        steps: int,
        plan: AugmentationPlan,
        seed: int,
        first_epoch: int = 0,
    ) -> None:
        super().__init__(workers=1, use_multiprocessing=False, max_queue_size=8)
        self.volumes = volumes
        self.batch_size = batch_size
        self.tumor_slices = tumor_slices
        self.steps = steps
        self.plan = plan
        self.seed = seed
        self.first_epoch = first_epoch
        self.epoch = first_epoch
        rows = [(v, k, bool(m.any())) for v, t in enumerate(volumes) for k, m in enumerate(t.masks)]
        self._with_tumor = [(v, k) for v, k, tumor in rows if tumor]
        self._without = [(v, k) for v, k, tumor in rows if not tumor]

    def __len__(self) -> int:
        return self.steps

    def on_epoch_end(self) -> None:
        """Move on to the next epoch's draws."""
        self.epoch += 1

    def examples(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Images ``(batch, h, w, 3)`` float32 and masks ``(batch, h, w)`` uint8 of a batch."""
        rng = np.random.default_rng((self.seed, self.epoch, index))
        chosen = [
            self._with_tumor[i] for i in rng.integers(len(self._with_tumor), size=self.tumor_slices)
        ]
        empty = self.batch_size - self.tumor_slices
        chosen += [self._without[i] for i in rng.integers(len(self._without), size=empty)]
        images, masks = [], []
        for volume_index, k in chosen:
            volume = self.volumes[volume_index]
            image, mask = augment(
                volume.scaled[k],
                volume.masks[k],
                volume.mean,
                volume.deviation,
                rng=rng,
                plan=self.plan,
            )
            images.append(image)
            masks.append(mask)
        return np.stack(images), np.stack(masks)


class OutlineBatches(SliceBatches):
    """Batches for the segmenter: images and masks ``(batch, h, w, 1)``."""

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        images, masks = self.examples(index)
        return images, masks[..., None].astype(np.float32)


class ScoreBatches(SliceBatches):
    """Batches for the classifier: images, labels ``(batch, 1)`` and coarse locations.

    A slice counts as tumor by what is left of its mask after augmentation.
    """

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], dict[str, NDArray[np.float32]]]:
        images, masks = self.examples(index)
        score = masks.reshape(len(masks), -1).max(axis=1, keepdims=True) > 0
        cells = [
            cv2.resize(
                mask.astype(np.float32),
                (mask.shape[1] // LOCATION_CELL_PX, mask.shape[0] // LOCATION_CELL_PX),
                interpolation=cv2.INTER_AREA,
            )
            for mask in masks
        ]
        location = np.stack(cells)[..., None].astype(np.float32)
        return images, {"score": np.asarray(score, np.float32), "location": location}
