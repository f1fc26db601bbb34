"""Train the first stage: ``python -m pipeline train classifier``."""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import keras
import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score, roc_curve

from pipeline.data.augmentation import AugmentationPlan
from pipeline.data.lgg import TrainingVolume, load_training_volumes
from pipeline.data.preprocessing import INPUT_SIZE
from pipeline.data.splits import load_split
from pipeline.models.resnet_classifier import build_resnet18, load_imagenet_weights
from pipeline.training import run
from pipeline.training.batches import ScoreBatches
from pipeline.training.schedules import make_cosine_schedule

WEIGHTS_FILE = "resnet18_imagenet_folded.npz"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this program."""
    run.add_common_arguments(parser, epochs=16, rate=2e-4)


def score_volumes(
    model: keras.Model, volumes: list[TrainingVolume]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Slice scores and labels over all slices of the patients, flat."""
    scores, labels = [], []
    for volume in volumes:
        answer = model.predict(volume.standardised(), batch_size=16, verbose=0)
        answer = answer["score"] if isinstance(answer, dict) else answer
        scores.append(answer[:, 0])
        labels.append(volume.masks.any(axis=(1, 2)))
    return np.concatenate(scores), np.concatenate(labels)


def choose_threshold(scores: NDArray[np.float32], labels: NDArray[np.bool_]) -> float:
    """Operating point with the largest sensitivity + specificity (Youden 1950)."""
    false_positive_rate, sensitivity, thresholds = roc_curve(labels, scores)
    best = int(np.argmax(sensitivity - false_positive_rate))
    return float(np.clip(thresholds[best], 0.0, 1.0))


def train(plan: run.TrainingPlan, *, size: int = INPUT_SIZE) -> None:
    """Train the ResNet18 and write model, metadata and history into ``plan.output``.

    Args:
        plan: The run.
        size: Side of the model's input in pixels.
    """
    cv2.setNumThreads(1)
    plan.output.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(plan.seed)
    keras.config.set_dtype_policy(plan.precision)
    split = load_split()
    volumes = load_training_volumes(plan.data, split.train)
    validation = load_training_volumes(plan.data, split.validation)
    model = build_resnet18(size, with_location=True)
    if plan.pretrained is not None:
        load_imagenet_weights(model, plan.pretrained / WEIGHTS_FILE)
    model.compile(
        keras.optimizers.AdamW(
            make_cosine_schedule(peak=plan.learning_rate, total_steps=plan.epochs * plan.steps),
            weight_decay=1e-3,
            clipnorm=1.0,
        ),
        loss={"score": "binary_crossentropy", "location": "binary_crossentropy"},
        loss_weights={"score": 1.0, "location": 2.0},
    )
    batches = ScoreBatches(
        volumes,
        batch_size=plan.batch_size,
        tumor_slices=plan.tumor_slices,
        steps=plan.steps,
        plan=AugmentationPlan(crop=plan.crop),
        seed=plan.seed,
    )
    chosen = {"threshold": 0.5}

    def measure(current: keras.Model) -> dict[str, float]:
        scores, labels = score_volumes(current, validation)
        chosen["threshold"] = choose_threshold(scores, labels)
        clipped = np.clip(scores, 1e-6, 1 - 1e-6)
        entropy = -np.mean(np.where(labels, np.log(clipped), np.log(1 - clipped)))
        return {"val_auc": float(roc_auc_score(labels, scores)), "val_score_loss": float(entropy)}

    def ship(finished: int, logs: dict[str, float]) -> None:
        keras.config.set_dtype_policy("float32")
        shipped = build_resnet18(size)
        keras.config.set_dtype_policy(plan.precision)
        for layer in shipped.layers:
            layer.set_weights(model.get_layer(layer.name).get_weights())
        digest = run.save_half_precision(shipped, plan.output / run.MODEL_FILE)
        run.write_metadata(
            plan,
            split,
            stage="classifier",
            name="resnet18",
            digest=digest,
            finished=finished,
            size=size,
            threshold=chosen["threshold"],
            extra={"inference": {"flip_average": True, "score_sigma_slices": 0.7}},
        )

    run.fit(model, batches, plan, measure=measure, ship=ship)


def main(arguments: argparse.Namespace) -> int:
    """Run the program; returns the exit status."""
    train(
        run.TrainingPlan(
            data=arguments.data,
            output=Path(arguments.output),
            epochs=arguments.epochs,
            steps=arguments.steps,
            batch_size=arguments.batch_size,
            tumor_slices=arguments.batch_size // 2,
            learning_rate=arguments.learning_rate,
            seed=arguments.seed,
            precision=arguments.precision,
            pretrained=arguments.pretrained,
            crop=INPUT_SIZE,
        )
    )
    return 0
