"""Train the network of both stages: ``python -m pipeline train``."""

from __future__ import annotations

import argparse
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import log_loss, roc_auc_score

from pipeline.data.preprocessing import INPUT_SIZE
from pipeline.datasets.splits import SHIPPED_FOLD
from pipeline.errors import InputError
from pipeline.metrics import dice_score
from pipeline.models.metadata import InferenceOptions, PlattScaling
from pipeline.models.registry import MODEL_FILE
from pipeline.models.resnet18 import WEIGHTS_FILE
from pipeline.models.resnet_classifier import load_imagenet_weights
from pipeline.models.resunet import build_resunet
from pipeline.models.saving import dtype_policy, save_half_precision
from pipeline.training import run
from pipeline.training.augmentation import AugmentationPlan
from pipeline.training.batches import StageBatches
from pipeline.training.calibration import (
    SIGMA_SLICES,
    StageAnswers,
    calibrate,
    fit_decision,
    fit_platt,
    fold_calibration,
)
from pipeline.training.learning_set import LearningSet, load_learning_set
from pipeline.training.losses import CrossEntropyAndBatchDice

#: Fixed before training; probabilities at or above it are mask, in sure cases.
MASK_THRESHOLD = 0.5
#: Volumes that show progress after each epoch; all validation volumes choose at the end.
_WATCHED_VOLUMES = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this program."""
    run.add_common_arguments(parser, epochs=10, rate=5e-4)
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument(
        "--fold",
        type=int,
        default=SHIPPED_FOLD,
        metavar="K",
        help="committed fold, from 1 (%(default)s)",
    )
    choice.add_argument("--without", metavar="CODE", help="hold out one institution, such as CS")
    choice.add_argument(
        "--by-slice", action="store_true", help="split by slice: the mistake, to be measured"
    )
    parser.add_argument(
        "--pretrained", type=Path, metavar="DIR", help=f"folder with {WEIGHTS_FILE}"
    )
    parser.add_argument(
        "--crop", type=int, default=192, help="side of the training crops, px (%(default)s)"
    )


def predict_stages(
    model: keras.Model, slices: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Scores ``(n,)`` and maps ``(n, size, size)`` of standardised slices."""
    answer = model.predict(slices, batch_size=16, verbose=0)
    return answer["score"][:, 0].astype(np.float64), answer["mask"][..., 0]


def measure_progress(model: keras.Model, learning: LearningSet) -> dict[str, float]:
    """Figures of the first validation volumes: single slices, no gate, nothing smoothed."""
    scores, labels, dice = [], [], []
    for volume, counted in learning.validation[:_WATCHED_VOLUMES]:
        score, maps = predict_stages(model, volume.standardised())
        reference, mask = volume.masks[counted], maps[counted] >= MASK_THRESHOLD
        scores.append(score[counted])
        labels.append(reference.any(axis=(1, 2)))
        if reference.any():
            dice.append(dice_score(mask, reference))
    flat, truth = np.concatenate(scores), np.concatenate(labels)
    return {
        "val_auc": float(roc_auc_score(truth, flat)),
        "val_score_loss": float(log_loss(truth, flat)),
        "val_patient_dice": float(np.mean(dice)),
    }


def answer_validation(model: keras.Model, learning: LearningSet) -> list[StageAnswers]:
    """Raw answers of all validation volumes, as the chain computes them."""
    answers = []
    for volume, counted in learning.validation:
        slices = volume.standardised()
        plain, maps = predict_stages(model, slices)
        mirrored, turned = predict_stages(model, np.ascontiguousarray(slices[:, :, ::-1]))
        both = ((maps + turned[:, :, ::-1]) / 2).astype(np.float16)
        labels = np.asarray(volume.masks.any(axis=(1, 2)))
        answers.append(StageAnswers(np.stack([plain, mirrored]), both, labels, counted))
    return answers


def ship(
    model: keras.Model, plan: run.TrainingPlan, learning: LearningSet, *, finished: int, size: int
) -> None:
    """Calibrate, choose the decision rule, write model and metadata."""
    with dtype_policy("float32"):
        shipped = build_resunet(size)
    for layer in shipped.layers:
        layer.set_weights(model.get_layer(layer.name).get_weights())
    answers = answer_validation(shipped, learning)
    scores = np.concatenate([a.scores[0, a.counted] for a in answers])
    labels = np.concatenate([a.labels[a.counted] for a in answers])
    slope, intercept = fit_platt(scores, labels)
    fold_calibration(shipped, slope, intercept)
    digest = save_half_precision(shipped, plan.output / MODEL_FILE)
    rule = fit_decision([calibrate(a, slope, intercept) for a in answers])
    run.write_metadata(
        plan,
        learning,
        name="resunet-resnet18",
        digest=digest,
        finished=finished,
        size=size,
        rule=rule,
        mask_threshold=MASK_THRESHOLD,
        inference=InferenceOptions(
            flip_average=True,
            sigma_slices=SIGMA_SLICES,
            min_component_fraction=0.1,
            lowest_mask_threshold=0.2,
        ),
        calibration=PlattScaling(slope, intercept, on="validation"),
        operating_point="95% specificity on the validation patients",
    )


def train(plan: run.TrainingPlan, *, size: int = INPUT_SIZE) -> None:
    """Train the network and write model, metadata and history into ``plan.output``.

    Args:
        plan: The run.
        size: Side of the shipped model's input in pixels.

    Raises:
        InputError: Patients of the split, or the weights to start from, are missing.
    """
    if plan.pretrained is not None and not (plan.pretrained / WEIGHTS_FILE).is_file():
        raise InputError(WEIGHTS_FILE, f"{plan.pretrained.name} holds no file {WEIGHTS_FILE}.")
    run.prepare(plan)
    learning = load_learning_set(plan.data, plan.split)
    model = build_resunet(None, with_location=True)
    if plan.pretrained is not None:
        load_imagenet_weights(model, plan.pretrained / WEIGHTS_FILE)
    model.compile(
        run.make_optimizer(plan, weight_decay=1e-3),
        loss={
            "score": "binary_crossentropy",
            "mask": CrossEntropyAndBatchDice(),
            "location": "binary_crossentropy",
        },
        loss_weights={"score": 0.5, "mask": 1.0, "location": 1.0},
    )
    batches = StageBatches(
        learning.train,
        batch_size=plan.batch_size,
        tumor_slices=plan.tumor_slices,
        steps=plan.steps,
        plan=AugmentationPlan(crop=plan.crop),
        seed=plan.seed,
    )
    finished = run.fit(model, batches, plan, measure=lambda m: measure_progress(m, learning))
    ship(model, plan, learning, finished=finished, size=size)


def main(arguments: argparse.Namespace) -> int:
    """Run the program; returns the exit status."""
    train(run.TrainingPlan.from_arguments(arguments, tumor_share=11 / 16))
    return 0
