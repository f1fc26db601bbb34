"""Training in two ways: the project's loop, and a plain generator in front of `keras.Model.fit`.

Both train the same network on crops of the same size with the same losses. The plain generator does
what tutorials do: decode the files of each batch, standardise, flip; the project's loop also
augments, which is to its disadvantage here.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np

from pipeline.datasets.lgg import load_training_volumes
from pipeline.models.resunet import build_resunet
from pipeline.training.augmentation import AugmentationPlan
from pipeline.training.batches import StageBatches, stage_targets
from pipeline.training.losses import CrossEntropyAndBatchDice
from pipeline.training.run import fastest_policy

PLAIN, OWN = "plain", "own"
BATCH = 8
CROP = 192
_SEED = 1


class TrainingRunner:
    """One of both ways, ready to take steps.

    Args:
        route: `PLAIN` or `OWN`.
        study: Patient's folder to learn from.
    """

    def __init__(self, route: str, *, study: Path) -> None:
        cv2.setNumThreads(1)
        keras.config.set_dtype_policy("float32" if route == PLAIN else fastest_policy())
        self._model = build_resunet(None, with_location=True)
        self._model.compile(
            keras.optimizers.AdamW(1e-4),
            loss={
                "score": "binary_crossentropy",
                "mask": CrossEntropyAndBatchDice(),
                "location": "binary_crossentropy",
            },
        )
        self._batches = plain_batches(study) if route == PLAIN else own_batches(study)

    def steps(self, count: int) -> dict[str, float]:
        """Train on ``count`` batches; returns ``seconds`` and ``images``."""
        began = time.perf_counter()
        for _ in range(count):
            images, targets = next(self._batches)
            self._model.train_on_batch(images, targets)
        return {"seconds": time.perf_counter() - began, "images": count * BATCH}


def own_batches(study: Path) -> Iterator[Any]:
    """The project's batches: the patient is decoded once."""
    volumes = load_training_volumes(study.parent, [study.name])
    batches = StageBatches(
        [(volume, np.ones(len(volume.masks), bool)) for volume in volumes],
        batch_size=BATCH,
        tumor_slices=BATCH // 2,
        steps=1,
        plan=AugmentationPlan(crop=CROP),
        seed=_SEED,
    )
    for k in itertools.count():
        yield batches[k]


def plain_batches(study: Path) -> Iterator[Any]:
    """A plain generator: files are decoded whenever they are drawn."""
    rng = np.random.default_rng(_SEED)
    files = sorted(path for path in study.glob("*.tif") if "mask" not in path.name)
    while True:
        images, masks = [], []
        for path in rng.choice(np.array(files, object), BATCH):
            image = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
            mask = cv2.imread(str(path.with_name(f"{path.stem}_mask.tif")), cv2.IMREAD_GRAYSCALE)
            assert image is not None and mask is not None
            top, left = rng.integers(0, image.shape[0] - CROP + 1, size=2)
            here = np.s_[top : top + CROP, left : left + CROP]
            pixels = image[here].astype(np.float32) / 255
            pixels = (pixels - pixels.mean()) / (pixels.std() + 1e-6)
            flip = -1 if rng.random() < 0.5 else 1
            images.append(np.concatenate([pixels, pixels[..., [1, 1]]], axis=-1)[:, ::flip])
            masks.append((mask[here] > 0)[:, ::flip])
        yield np.stack(images), stage_targets(np.stack(masks))
