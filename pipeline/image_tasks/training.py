"""Trains what a task ships: the recipe measured on repeated folds, then learned from all images.

Imports Keras. A run resumes: the answers of each finished fold are kept in the run's folder.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from pipeline.atomic_files import replacing, write_json
from pipeline.checked_json import read_json_object
from pipeline.classifiers.bases.registry import find_architecture
from pipeline.classifiers.calibration import apply_temperature, fit_temperature
from pipeline.classifiers.images import Augmentation
from pipeline.classifiers.network import Head
from pipeline.classifiers.normalisation import refresh_normalisation
from pipeline.classifiers.strategies import Strategy
from pipeline.classifiers.training import ClassifierPlan, FittedClassifier, fit_classifier
from pipeline.classifiers.weights import WeightsSource
from pipeline.image_tasks.dataset import FOLDS, ImageSet, iterate_folds
from pipeline.results import ProgressCallback

_BATCH = 32


@dataclass(frozen=True, eq=False)
class CrossValidation:
    """Answers of the recipe to images that it had not seen.

    Attributes:
        raw: ``(repeats, n, classes)`` probabilities as the networks gave them.
        calibrated: The same at the temperature that the other folds of the repeat chose.
        temperature: The one that all held-out answers together choose: the shipped model's.
    """

    raw: NDArray[np.float64]
    calibrated: NDArray[np.float64]
    temperature: float


@dataclass(frozen=True, eq=False)
class FinalModel:
    """The model to ship.

    Attributes:
        model: From pixels to probabilities.
        history: Loss and accuracy after each epoch.
        initial_weights: What it started from.
        seconds_per_epoch: What an epoch took.
    """

    model: keras.Model
    history: list[dict[str, float]]
    initial_weights: str
    seconds_per_epoch: float


def limit_groups(
    groups: NDArray[np.int64], chosen: NDArray[np.int64], *, at_most: int, seed: int
) -> NDArray[np.int64]:
    """Of the chosen images at most so many of each group, drawn at random, in order."""
    rng = np.random.default_rng(seed)
    kept = [
        rng.permutation(chosen[groups[chosen] == group])[:at_most]
        for group in np.unique(groups[chosen])
    ]
    return np.sort(np.concatenate(kept))


def even_batch_size(images: int, about: int) -> int:
    """Batch size that leaves no batch of a few images, whose normalisation would be noise."""
    batches = -(-images // about)
    return -(-images // batches)


def make_plan(image_set: ImageSet, images: int, weights: Path | None) -> ClassifierPlan:
    """The recipe of a task as a plan for so many training images."""
    recipe = image_set.task.recipe
    return ClassifierPlan(
        architecture=find_architecture(recipe.architecture),
        strategy=Strategy.ALL,
        weights=WeightsSource(weights),
        side=image_set.images.shape[1],
        epochs=recipe.epochs,
        batch_size=even_batch_size(images, recipe.batch_size),
        learning_rate=recipe.learning_rate,
        cosine=True,
        optimizer="adam",
        head=Head(dropout=recipe.dropout),
        augmentation=Augmentation(
            flips=recipe.flips, rotation_degrees=15, scale=0.15, shift=0.08, contrast=0.2
        ),
        balanced=True,
        freeze_normalisation=False,
        seed=recipe.seed,
    )


def fit_recipe(
    image_set: ImageSet,
    chosen: NDArray[np.int64],
    weights: Path | None,
    *,
    progress: ProgressCallback | None = None,
) -> FittedClassifier:
    """Train the recipe on the chosen images."""
    recipe = image_set.task.recipe
    learned = limit_groups(
        image_set.groups, chosen, at_most=recipe.images_per_group, seed=recipe.seed
    )
    plan = make_plan(image_set, len(learned), weights)
    fitted = fit_classifier(plan, image_set.labelled().pick(learned), progress=progress)
    refresh_normalisation(
        fitted.model, image_set.images[learned], batch_size=plan.batch_size, seed=recipe.seed
    )
    return fitted


def cross_validate(
    image_set: ImageSet,
    weights: Path | None,
    folder: Path,
    *,
    repeats: int | None = None,
    progress: ProgressCallback | None = None,
) -> CrossValidation:
    """Measure the recipe on repeated folds; finished folds are read from ``folder``.

    Args:
        image_set: The images.
        weights: Folder of ImageNet weights, None for random ones.
        folder: Keeps the answers of each fold.
        repeats: How often all folds are dealt; None takes the recipe's.
        progress: Told after each fold.
    """
    repeats = repeats or image_set.task.recipe.repeats
    shape = (repeats, len(image_set.files), len(image_set.task.classes))
    raw, fold_of = np.zeros(shape), np.zeros(shape[:2], int)
    for fold in iterate_folds(image_set, repeats=repeats):
        path = folder / f"fold-{fold.repeat + 1}-{fold.number + 1}.npy"
        answers = _read_answers(path, (len(fold.held_out), shape[2]))
        if answers is None:
            fitted = fit_recipe(image_set, fold.train, weights)
            answers = answer_images(fitted.model, image_set.images[fold.held_out])
            folder.mkdir(parents=True, exist_ok=True)
            with replacing(path) as draft:
                np.save(draft, answers, allow_pickle=False)
        raw[fold.repeat, fold.held_out] = answers
        fold_of[fold.repeat, fold.held_out] = fold.number
        if progress is not None:
            done = fold.repeat * FOLDS + fold.number + 1
            progress(done, repeats * FOLDS, f"Fold {fold.number + 1} of repeat {fold.repeat + 1}")
    return calibrate_folds(raw, fold_of, image_set.labels)


def answer_images(model: keras.Model, images: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Probabilities ``(n, classes)``; not by ``predict``, which compiles for so few images."""
    parts = [
        np.asarray(model(images[start : start + _BATCH].astype(np.float32), training=False))
        for start in range(0, len(images), _BATCH)
    ]
    return np.concatenate(parts).astype(np.float64)


def fit_final(
    image_set: ImageSet,
    weights: Path | None,
    folder: Path,
    *,
    progress: ProgressCallback | None = None,
) -> FinalModel:
    """Train the model to ship on all images; a finished one is read from ``folder``."""
    path = folder / "final.keras"
    record = read_json_object(path.with_suffix(".json"), "final.json")
    if record is not None and path.is_file():
        model = keras.models.load_model(path, compile=False, safe_mode=True)
        return FinalModel(model=model, **record)
    fitted = fit_recipe(image_set, np.arange(len(image_set.files)), weights, progress=progress)
    record = {
        "history": [dict(logs) for logs in fitted.history],
        "initial_weights": fitted.coverage.label,
        "seconds_per_epoch": fitted.seconds_per_epoch,
    }
    folder.mkdir(parents=True, exist_ok=True)
    fitted.model.save(path)
    write_json(path.with_suffix(".json"), record)
    return FinalModel(model=fitted.model, **record)


def calibrate_folds(
    raw: NDArray[np.float64], fold_of: NDArray[np.int64], labels: NDArray[np.int64]
) -> CrossValidation:
    """Calibrate each fold by the others, so that no image chooses its own temperature.

    Args:
        raw: ``(repeats, n, classes)`` held-out probabilities.
        fold_of: ``(repeats, n)`` the fold in which each image was held out.
        labels: ``(n,)`` classes.
    """
    calibrated = np.zeros_like(raw)
    for repeat, answers in enumerate(raw):
        for fold in np.unique(fold_of[repeat]):
            held = fold_of[repeat] == fold
            temperature = fit_temperature(answers[~held], labels[~held])
            calibrated[repeat, held] = apply_temperature(answers[held], temperature)
    everything = raw.reshape(-1, raw.shape[-1])
    return CrossValidation(raw, calibrated, fit_temperature(everything, np.tile(labels, len(raw))))


def _read_answers(path: Path, shape: tuple[int, int]) -> NDArray[np.float64] | None:
    """Answers of a finished fold; None where there are none that fit."""
    try:
        answers = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    fits = answers.shape == shape and answers.dtype == np.float64 and np.isfinite(answers).all()
    return answers if fits else None
