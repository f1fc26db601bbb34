"""Batches of augmented slices for `keras.Model.fit`."""

from __future__ import annotations

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from pipeline.models.resnet_classifier import LOCATION_CELL_PX
from pipeline.training.augmentation import AugmentationPlan, augment
from pipeline.training.learning_set import ChosenSlices


class StageBatches(keras.utils.PyDataset):
    """Endless, seeded batches for both stages, with a fixed share of tumor slices.

    A batch holds images, labels, coarse locations and masks; a slice counts as tumor by what is
    left of its mask after augmentation. Batch ``k`` of epoch ``e`` is the same in every run with
    the same seed, so that a resumed run sees what an uninterrupted one would have seen.

    Args:
        chosen: Patients and their slices to learn from.
        batch_size: Slices per batch.
        tumor_slices: How many of them hold tumor.
        steps: Batches per epoch.
        plan: Augmentation.
        seed: Seed of the run.
        first_epoch: Epoch that the first pass stands for (when resuming).
    """

    def __init__(
        self,
        chosen: ChosenSlices,
        *,
        batch_size: int,
        tumor_slices: int,
        steps: int,
        plan: AugmentationPlan,
        seed: int,
        first_epoch: int = 0,
    ) -> None:
        super().__init__(workers=1, use_multiprocessing=False, max_queue_size=8)
        self.volumes = [volume for volume, _ in chosen]
        self.batch_size = batch_size
        self.tumor_slices = tumor_slices
        self.steps = steps
        self.plan = plan
        self.seed = seed
        self.first_epoch = first_epoch
        self.epoch = first_epoch
        self._with_tumor: list[tuple[int, int]] = []
        self._without: list[tuple[int, int]] = []
        weights: list[float] = []
        for v, (volume, counted) in enumerate(chosen):
            tumor = volume.masks.any(axis=(1, 2))
            self._without += [(v, int(k)) for k in np.flatnonzero(counted & ~tumor)]
            mine = [(v, int(k)) for k in np.flatnonzero(counted & tumor)]
            self._with_tumor += mine
            # Every patient counts alike in the end: between alike and by number of tumor slices.
            weights += [len(mine) ** -0.5] * len(mine)
        self._weights = np.array(weights) / sum(weights)

    def __len__(self) -> int:
        return self.steps

    def on_epoch_end(self) -> None:
        """Move on to the next epoch's draws."""
        self.epoch += 1

    def draw(self, rng: np.random.Generator) -> list[tuple[int, int]]:
        """Volume and slice of each example of a batch, those with tumor first."""
        drawn = rng.choice(len(self._with_tumor), size=self.tumor_slices, p=self._weights)
        empty = rng.integers(len(self._without), size=self.batch_size - self.tumor_slices)
        return [self._with_tumor[i] for i in drawn] + [self._without[i] for i in empty]

    def examples(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Images ``(batch, h, w, 5)`` float32 and masks ``(batch, h, w)`` uint8 of a batch."""
        rng = np.random.default_rng((self.seed, self.epoch, index))
        images, masks = [], []
        for volume_index, k in self.draw(rng):
            volume = self.volumes[volume_index]
            image, mask = augment(
                volume.with_neighbours(k),
                volume.masks[k],
                volume.mean,
                volume.deviation,
                rng=rng,
                plan=self.plan,
            )
            images.append(image)
            masks.append(mask)
        return np.stack(images), np.stack(masks)

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], dict[str, NDArray[np.float32]]]:
        images, masks = self.examples(index)
        return images, stage_targets(masks)


def stage_targets(masks: NDArray[np.uint8] | NDArray[np.bool_]) -> dict[str, NDArray[np.float32]]:
    """What the outputs are to be for masks ``(batch, h, w)``: labels, masks, coarse locations."""
    score = masks.reshape(len(masks), -1).max(axis=1, keepdims=True) > 0
    cells = [
        cv2.resize(
            mask.astype(np.float32),
            (mask.shape[1] // LOCATION_CELL_PX, mask.shape[0] // LOCATION_CELL_PX),
            interpolation=cv2.INTER_AREA,
        )
        for mask in masks
    ]
    return {
        "score": np.asarray(score, np.float32),
        "mask": masks[..., None].astype(np.float32),
        "location": np.stack(cells)[..., None].astype(np.float32),
    }
