"""Trains what a task ships: the recipe measured on repeated folds, then learned from all images.

Imports Keras. A run resumes: the answers of each finished fold are kept in the run's folder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import keras
import numpy as np
from numpy.typing import NDArray
from pydantic import Field, with_config

from pipeline.classifiers.bases.registry import find_architecture
from pipeline.classifiers.calibration import CalibratedAnswers, calibrate_folds
from pipeline.classifiers.cross_validation import Answer, cross_validate
from pipeline.classifiers.images import Augmentation
from pipeline.classifiers.network import Head
from pipeline.classifiers.normalisation import refresh_normalisation
from pipeline.classifiers.strategies import Strategy
from pipeline.classifiers.training import ClassifierPlan, FittedClassifier, fit_classifier
from pipeline.classifiers.weights import WeightsSource
from pipeline.errors import ProgressCallback
from pipeline.image_tasks.dataset import ImageSet
from pipeline.image_tasks.heads import HeadTrainer
from pipeline.image_tasks.task import HeadRecipe, Recipe
from pipeline.storage.checked_json import STRICT, read_json, write_document
from pipeline.storage.field_types import Amount, Name, Number


@with_config(STRICT)
@dataclass(frozen=True)
class FinalRecord:
    """How the model to ship was trained.

    Attributes:
        history: Loss and accuracy after each epoch.
        initial_weights: What it started from.
        seconds_per_epoch: What an epoch took, or the whole fit of a head.
        trained: Which part of the network was trained.
    """

    history: Annotated[tuple[Mapping[Name, Number], ...], Field(min_length=1)]
    initial_weights: Name
    seconds_per_epoch: Amount
    trained: Name = "all layers"


@dataclass(frozen=True, eq=False)
class FinalModel:
    """The model to ship, from pixels to probabilities, and how it was trained."""

    model: keras.Model
    record: FinalRecord


def limit_groups(
    groups: NDArray[np.generic], chosen: NDArray[np.intp], *, at_most: int, seed: int
) -> NDArray[np.intp]:
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


def make_plan(
    image_set: ImageSet, recipe: Recipe, images: int, weights: Path | None
) -> ClassifierPlan:
    """The recipe of a task as a plan for so many training images."""
    return ClassifierPlan(
        architecture=find_architecture(recipe.architecture),
        strategy=Strategy.ALL,
        weights=WeightsSource(weights),
        side=image_set.labelled.images.shape[1],
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
    chosen: NDArray[np.intp],
    weights: Path | None,
    *,
    progress: ProgressCallback | None = None,
) -> FittedClassifier:
    """Train all layers on the chosen images, by the task's recipe."""
    recipe, images = image_set.task.recipe, image_set.labelled
    if not isinstance(recipe, Recipe):
        raise ValueError(f"{image_set.task.name} trains a head only")
    learned = images.pick(
        limit_groups(images.groups, chosen, at_most=recipe.images_per_group, seed=recipe.seed)
    )
    plan = make_plan(image_set, recipe, len(learned), weights)
    fitted = fit_classifier(plan, learned, progress=progress)
    refresh_normalisation(
        fitted.model, learned.images, batch_size=plan.batch_size, seed=recipe.seed
    )
    return fitted


def measure_recipe(
    image_set: ImageSet,
    weights: Path | None,
    folder: Path,
    *,
    repeats: int | None = None,
    progress: ProgressCallback | None = None,
) -> CalibratedAnswers:
    """Cross-validate the recipe; finished folds are read from ``folder``.

    Args:
        image_set: The images.
        weights: Folder of ImageNet weights, None for random ones.
        folder: Keeps the answers of each fold.
        repeats: Repeats of the folds; None takes the recipe's.
        progress: Called after each fold.
    """

    def learn_all_layers(chosen: NDArray[np.intp]) -> Answer:
        return fit_recipe(image_set, chosen, weights).probabilities

    learn: Callable[[NDArray[np.intp]], Answer] = learn_all_layers
    if isinstance(image_set.task.recipe, HeadRecipe):
        learn = HeadTrainer(image_set, folder / "features").learn
    answers = cross_validate(
        image_set.labelled,
        learn,
        repeats=repeats or image_set.task.recipe.repeats,
        folder=folder,
        progress=progress,
    )
    return calibrate_folds(answers, image_set.labelled.labels)


def fit_final(
    image_set: ImageSet,
    weights: Path | None,
    folder: Path,
    *,
    progress: ProgressCallback | None = None,
) -> FinalModel:
    """Train the model to ship on all images; a finished one is read from ``folder``."""
    path = folder / "final.keras"
    stored = path.with_suffix(".json")
    record = read_json(stored, FinalRecord, shown=stored.name, remedy="delete it to train again")
    if record is not None and path.is_file():
        return FinalModel(keras.models.load_model(path, compile=False, safe_mode=True), record)
    final = _fit_final(image_set, weights, folder, progress)
    folder.mkdir(parents=True, exist_ok=True)
    final.model.save(path)
    write_document(stored, final.record)
    return final


def _fit_final(
    image_set: ImageSet, weights: Path | None, folder: Path, progress: ProgressCallback | None
) -> FinalModel:
    everything = np.arange(len(image_set.files))
    if isinstance(image_set.task.recipe, HeadRecipe):
        head = HeadTrainer(image_set, folder / "features").fit_network(everything)
        record = FinalRecord(head.history, head.initial_weights, head.seconds, "head")
        return FinalModel(head.model, record)
    fitted = fit_recipe(image_set, everything, weights, progress=progress)
    record = FinalRecord(fitted.history, fitted.coverage.label, fitted.seconds_per_epoch)
    return FinalModel(fitted.model, record)
