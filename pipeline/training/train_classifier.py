"""Train the first stage: ``python -m pipeline train classifier``."""

from __future__ import annotations

import argparse
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score

from pipeline.data.augmentation import AugmentationPlan
from pipeline.data.lgg import TrainingVolume
from pipeline.data.preprocessing import INPUT_SIZE
from pipeline.errors import InputError
from pipeline.models.resnet_classifier import build_resnet18, load_imagenet_weights
from pipeline.postprocessing import smoothing_weights
from pipeline.training import run
from pipeline.training.batches import ScoreBatches

WEIGHTS_FILE = "resnet18_imagenet_folded.npz"
#: Neighbouring slices share their tumor: the score leans on them this far.
SCORE_SIGMA_SLICES = 0.7


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of this program."""
    run.add_common_arguments(parser, epochs=9, rate=2e-4)
    parser.add_argument(
        "--pretrained", type=Path, metavar="DIR", help=f"folder with {WEIGHTS_FILE}"
    )


def slice_logits(
    model: keras.Model, volumes: list[TrainingVolume], *, mirrored: bool = False
) -> list[NDArray[np.float64]]:
    """Logits of the slice score, ``(n,)`` for each volume.

    Args:
        model: From `build_resnet18`, with or without its location output.
        volumes: Patients.
        mirrored: Show the slices left-right mirrored.
    """
    inner = keras.Model(model.inputs, model.get_layer("score_logit").output)
    logits = []
    for volume in volumes:
        slices = volume.standardised()
        shown = np.ascontiguousarray(slices[:, :, ::-1]) if mirrored else slices
        logits.append(inner.predict(shown, batch_size=16, verbose=0)[:, 0].astype(np.float64))
    return logits


def fit_calibration(logits: NDArray[np.float64], labels: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and intercept that make the logits probabilities (Platt 1999), slope at least 0.05."""
    fitted = LogisticRegression(C=1e3).fit(logits[:, None], labels)
    return max(float(fitted.coef_[0, 0]), 0.05), float(fitted.intercept_[0])


def fold_calibration(model: keras.Model, slope: float, intercept: float) -> None:
    """Write the calibration into the last layers, so that whoever loads the model has it.

    The logit is a sum of two linear layers' outputs, so that scaling both is exact.
    """
    for name, offset in (("whole", intercept), ("evidence", 0.0)):
        kernel, bias = model.get_layer(name).get_weights()
        model.get_layer(name).set_weights([kernel * slope, bias * slope + offset])


def chain_scores(
    plain: list[NDArray[np.float64]], mirrored: list[NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Slice scores as the chain makes them: mirror images averaged, smoothed through slices."""
    scores = []
    for one, other in zip(plain, mirrored, strict=True):
        averaged = (expit(one) + expit(other)) / 2
        weights = smoothing_weights(np.arange(len(one), dtype=np.float64), SCORE_SIGMA_SLICES)
        scores.append(weights @ averaged)
    return np.concatenate(scores)


def choose_threshold(
    scores: NDArray[np.float64], labels: NDArray[np.bool_], *, specificity: float = 0.95
) -> float:
    """Lowest operating point that leaves at least this part of tumor-free slices unmarked."""
    negative = np.sort(scores[~labels])
    allowed = int((1 - specificity) * len(negative) + 1e-9)
    lowest = np.nextafter(negative[len(negative) - allowed - 1], 1)
    return float(np.clip(lowest, 1e-6, 1 - 1e-6))


def train(plan: run.TrainingPlan, *, size: int = INPUT_SIZE) -> None:
    """Train the ResNet18 and write model, metadata and history into ``plan.output``.

    Args:
        plan: The run.
        size: Side of the model's input in pixels.
    """
    if plan.pretrained is not None and not (plan.pretrained / WEIGHTS_FILE).is_file():
        raise InputError(WEIGHTS_FILE, f"{plan.pretrained.name} holds no file {WEIGHTS_FILE}.")
    split, volumes, validation = run.begin(plan)
    model = build_resnet18(size, with_location=True)
    if plan.pretrained is not None:
        load_imagenet_weights(model, plan.pretrained / WEIGHTS_FILE)
    model.compile(
        run.make_optimizer(plan, weight_decay=1e-3),
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
    labels = np.concatenate([v.masks.any(axis=(1, 2)) for v in validation])
    logits: list[NDArray[np.float64]] = []

    def measure(current: keras.Model) -> dict[str, float]:
        logits[:] = slice_logits(current, validation)
        flat = np.concatenate(logits)
        entropy = log_loss(labels, expit(flat))
        return {"val_auc": float(roc_auc_score(labels, flat)), "val_score_loss": float(entropy)}

    def ship(finished: int) -> None:
        shipped = run.build_float32(lambda: build_resnet18(size))
        for layer in shipped.layers:
            layer.set_weights(model.get_layer(layer.name).get_weights())
        slope, intercept = fit_calibration(np.concatenate(logits), labels)
        fold_calibration(shipped, slope, intercept)
        digest = run.save_half_precision(shipped, plan.output / run.MODEL_FILE)
        scores = chain_scores(
            slice_logits(shipped, validation), slice_logits(shipped, validation, mirrored=True)
        )
        run.write_metadata(
            plan,
            split,
            stage="classifier",
            name="resnet18",
            digest=digest,
            finished=finished,
            size=size,
            threshold=choose_threshold(scores, labels),
            extra={
                "inference": {"flip_average": True, "score_sigma_slices": SCORE_SIGMA_SLICES},
                "calibration": {"slope": slope, "intercept": intercept, "on": "validation"},
                "operating_point": "95% specificity on the validation patients",
            },
        )

    run.fit(model, batches, plan, measure=measure, ship=ship)


def main(arguments: argparse.Namespace) -> int:
    """Run the program; returns the exit status."""
    train(run.TrainingPlan.from_arguments(arguments, tumor_share=1 / 2, crop=INPUT_SIZE))
    return 0
