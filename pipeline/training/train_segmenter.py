"""Train the second stage: ``python -m pipeline train segmenter``."""

from __future__ import annotations

import argparse

import keras
import numpy as np

from pipeline.data.augmentation import AugmentationPlan
from pipeline.data.lgg import TrainingVolume
from pipeline.data.preprocessing import INPUT_SIZE
from pipeline.models.resunet import build_resunet
from pipeline.training import run
from pipeline.training.batches import OutlineBatches
from pipeline.training.losses import CrossEntropyAndBatchDice

#: Fixed before training; probabilities at or above it are mask.
THRESHOLD = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this program."""
    run.add_common_arguments(parser, epochs=30, rate=2e-3)
    parser.add_argument("--features", type=int, default=16, help="features of the first block")
    parser.add_argument("--crop", type=int, default=192, help="side of the training crops, px")


def patient_dice(model: keras.Model, volumes: list[TrainingVolume]) -> dict[str, float]:
    """Mean volume Dice over patients, each slice segmented, without the first stage."""
    scores = []
    for volume in volumes:
        predicted = model.predict(volume.standardised(), batch_size=8, verbose=0)[..., 0]
        mask = predicted >= THRESHOLD
        overlap = np.count_nonzero(mask & volume.masks)
        scores.append(2 * overlap / max(np.count_nonzero(mask) + volume.masks.sum(), 1))
    return {"val_patient_dice": float(np.mean(scores))}


def train(plan: run.TrainingPlan, *, features: int = 16, size: int = INPUT_SIZE) -> None:
    """Train the ResUNet and write model, metadata and history into ``plan.output``.

    Args:
        plan: The run.
        features: Features of the first block.
        size: Side of the shipped model's input in pixels.
    """
    split, volumes, validation = run.begin(plan)
    model = build_resunet(None, features=features)
    model.compile(
        run.make_optimizer(plan, weight_decay=1e-4),
        CrossEntropyAndBatchDice(),
    )
    batches = OutlineBatches(
        volumes,
        batch_size=plan.batch_size,
        tumor_slices=plan.tumor_slices,
        steps=plan.steps,
        plan=AugmentationPlan(crop=plan.crop),
        seed=plan.seed,
    )

    def ship(finished: int) -> None:
        shipped = run.build_float32(lambda: build_resunet(size, features=features))
        shipped.set_weights(model.get_weights())
        digest = run.save_half_precision(shipped, plan.output / run.MODEL_FILE)
        run.write_metadata(
            plan,
            split,
            stage="segmenter",
            name="resunet",
            digest=digest,
            finished=finished,
            size=size,
            threshold=THRESHOLD,
            extra={
                "features": features,
                "inference": {
                    "flip_average": True,
                    "mask_sigma_slices": 0.7,
                    "min_component_fraction": 0.1,
                },
            },
        )

    run.fit(model, batches, plan, measure=lambda m: patient_dice(m, validation), ship=ship)


def main(arguments: argparse.Namespace) -> int:
    """Run the program; returns the exit status."""
    plan = run.TrainingPlan.from_arguments(arguments, tumor_share=11 / 16, crop=arguments.crop)
    train(plan, features=arguments.features)
    return 0
