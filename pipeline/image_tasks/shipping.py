"""The files of a shipped image model: weights, metadata, evaluation, history, figures in the card.

Imports Keras by way of the training programs.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.classifiers.calibration import CalibratedAnswers, cross_entropy
from pipeline.classifiers.cross_validation import FOLD_SEED, FOLDS
from pipeline.classifiers.scoring import score_repeats
from pipeline.evaluation.document import MeasuredNetwork
from pipeline.evaluation.intervals import DRAWS
from pipeline.evaluation.report import write_section
from pipeline.image_tasks.card import format_results
from pipeline.image_tasks.dataset import ImageSet
from pipeline.image_tasks.evaluation import (
    CalibrationError,
    ImageCalibration,
    ImageCounts,
    ImageEvaluation,
    ImageRow,
)
from pipeline.image_tasks.preprocessing import PREPROCESSING_VERSION
from pipeline.image_tasks.training import FinalModel
from pipeline.metrics import expected_calibration_error
from pipeline.models.metadata import (
    DataFacts,
    ImageInput,
    ImageMetadata,
    ImageSplitFacts,
    ImageTrainingFacts,
    Temperature,
)
from pipeline.models.registry import (
    CARD_FILE,
    EVALUATION_FILE,
    HISTORY_FILE,
    METADATA_FILE,
    MODEL_FILE,
)
from pipeline.models.saving import describe_backend, save_half_precision
from pipeline.storage.atomic_files import replacing
from pipeline.storage.checked_json import write_document


def write_shipped(
    folder: Path,
    image_set: ImageSet,
    fitted: FinalModel,
    measured: CalibratedAnswers,
    *,
    environment: Mapping[str, str | float],
) -> None:
    """Write all files of a model; the figures are put into the card where there is one.

    Args:
        folder: Receives the files.
        image_set: What the model learned from, and the recipe was measured on.
        fitted: The model.
        measured: The recipe's cross-validation.
        environment: Where and how it was measured.

    Raises:
        InputError: The card has no section for results.
    """
    folder.mkdir(parents=True, exist_ok=True)
    digest = save_half_precision(fitted.model, folder / MODEL_FILE)
    write_document(
        folder / METADATA_FILE, describe_model(image_set, fitted, measured, digest=digest)
    )
    evaluation = describe_evaluation(image_set, measured, digest=digest, environment=environment)
    write_document(folder / EVALUATION_FILE, evaluation)
    _write_history(folder / HISTORY_FILE, fitted)
    if (folder / CARD_FILE).is_file():
        write_section(folder / CARD_FILE, format_results(evaluation))


def describe_model(
    image_set: ImageSet, fitted: FinalModel, measured: CalibratedAnswers, *, digest: str
) -> ImageMetadata:
    """The content of metadata.json."""
    task, recipe = image_set.task, image_set.task.recipe
    return ImageMetadata(
        schema=1,
        task=task.name,
        name=task.model_name,
        version=task.version,
        file=MODEL_FILE,
        digest=digest,
        preprocessing_version=PREPROCESSING_VERSION,
        data=DataFacts(task.data_name, task.data_licence),
        input=ImageInput(image_set.labelled.images.shape[1], task.fit.value),
        classes=task.classes,
        calibration=Temperature(measured.temperature, on="held-out folds"),
        licence="; ".join(
            filter(None, (f"as the data: {task.data_licence}", task.weights_licence))
        ),
        split=ImageSplitFacts(
            measured=f"{len(measured.raw)} x {FOLDS} stratified folds by group",
            seed=FOLD_SEED,
            shipped_model_learned_from="all images",
            images=len(image_set.files),
            groups=image_set.n_groups,
        ),
        training=ImageTrainingFacts(
            **asdict(recipe),
            initial_weights=fitted.record.initial_weights,
            trained=fitted.record.trained,
            seconds_per_epoch=round(fitted.record.seconds_per_epoch, 1),
            **describe_backend(),
        ),
    )


def describe_evaluation(
    image_set: ImageSet,
    measured: CalibratedAnswers,
    *,
    digest: str,
    environment: Mapping[str, str | float],
) -> ImageEvaluation:
    """The content of evaluation.json."""
    task = image_set.task
    scores = score_repeats(measured.calibrated, image_set.labelled)
    counts = np.bincount(image_set.labelled.labels, minlength=len(task.classes))
    return ImageEvaluation(
        task=task.name,
        title=task.title,
        network=MeasuredNetwork(task.model_name, task.version, digest),
        split=f"{len(measured.raw)} x {FOLDS} stratified folds by group",
        measures="held-out images; the shipped model was trained on all images",
        cautions=task.cautions,
        published=task.published,
        counts=ImageCounts(
            len(image_set.files),
            image_set.n_groups,
            dict(zip(task.classes, counts.tolist(), strict=True)),
        ),
        environment=dict(environment)
        | {"intervals": f"95% CI, {DRAWS:,} bootstrap samples of groups"},
        figures=scores.figures,
        confusion=scores.confusion,
        calibration=ImageCalibration(
            measured.temperature,
            _calibration(image_set, measured.raw),
            _calibration(image_set, measured.calibrated),
        ),
        rows=tuple(_rows(image_set, measured)),
    )


def _calibration(image_set: ImageSet, probabilities: Any) -> CalibrationError:
    everything = probabilities.reshape(-1, probabilities.shape[-1])
    labels = np.tile(image_set.labelled.labels, len(probabilities))
    right = everything.argmax(axis=-1) == labels
    return CalibrationError(
        cross_entropy(everything, labels),
        expected_calibration_error(right, everything.max(axis=-1)),
    )


def _rows(image_set: ImageSet, measured: CalibratedAnswers) -> Iterator[ImageRow]:
    """One row per image: its label, and the mean of the repeats' probabilities."""
    classes = image_set.task.classes
    mean = measured.calibrated.mean(axis=0)
    for k, file in enumerate(image_set.files):
        yield ImageRow(
            file=file,
            group=int(image_set.labelled.groups[k]),
            label=classes[image_set.labelled.labels[k]],
            answer=classes[int(mean[k].argmax())],
            probabilities=dict(zip(classes, np.round(mean[k], 4).tolist(), strict=True)),
        )


def _write_history(path: Path, fitted: FinalModel) -> None:
    """One row per epoch."""
    names = list(fitted.record.history[0])
    with replacing(path) as draft, draft.open("w", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, ["epoch", *names], lineterminator="\n")
        table.writeheader()
        for epoch, logs in enumerate(fitted.record.history):
            table.writerow({"epoch": epoch} | {name: f"{logs[name]:.6g}" for name in names})
