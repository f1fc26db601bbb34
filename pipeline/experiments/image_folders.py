"""Published classifiers of single images, measured on repeated stratified folds by group.

Both image tasks share this; their modules only name the task. Near-duplicates and the images of one
patient stay on one side of every fold.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.classifiers.scoring import score_classifier
from pipeline.errors import InputError
from pipeline.experiments.configuration import PlannedRow
from pipeline.experiments.documents import DataFacts, Measurement
from pipeline.experiments.options import RunContext, make_plan
from pipeline.image_tasks.dataset import FOLDS, ImageSet, iterate_folds, read_image_set
from pipeline.image_tasks.registry import find_image_task
from pipeline.results import ProgressCallback

#: A split whose words begin so is measured with the recipe of the shipped model.
SHIPPED = "recipe of the shipped model"


@dataclass(frozen=True, eq=False)
class ImageFolderExperiment:
    """The images of a task, and what the machine brings."""

    image_set: ImageSet
    context: RunContext

    def facts(self) -> DataFacts:
        """Counts and digest of the images."""
        images = self.image_set
        digest = hashlib.sha256(images.images.tobytes() + images.labels.tobytes())
        digest.update(images.groups.tobytes())
        words = f"{len(images.files)} images in {images.n_groups} groups"
        return DataFacts(images=words, digest=digest.hexdigest())

    def measure(self, row: PlannedRow, progress: ProgressCallback) -> Measurement:
        """Train on the other folds and score each fold, as often as the row repeats them.

        Raises:
            NotRun: The row would freeze layers without weights.
            InputError: The weights cannot be read.
        """
        repeats = int(row.options.get("repeats", 1))
        with self._cached() as context:
            if SHIPPED in row.split:
                answers, weights, seconds = self._shipped(repeats, context, progress)
            else:
                answers, weights, seconds = self._planned(row, repeats, context, progress)
        image_set = self.image_set
        scores = score_classifier(
            answers.reshape(-1, answers.shape[-1]),
            np.tile(image_set.labels, repeats),
            np.tile(image_set.groups, repeats),
            classes=image_set.task.classes,
        )
        return Measurement(
            initial_weights=weights,
            scores=scores,
            seconds_per_epoch=seconds,
            details={"folds": FOLDS, "repeats": repeats, "groups": image_set.n_groups},
        )

    def _planned(
        self, row: PlannedRow, repeats: int, context: RunContext, progress: ProgressCallback
    ) -> tuple[NDArray[np.float64], str, float | None]:
        """Held-out answers ``(repeats, n, classes)``, initial weights, seconds per epoch."""
        from pipeline.classifiers.training import fit_classifier

        plan = make_plan(row, context)
        images = self.image_set.labelled()
        answers = np.zeros((repeats, len(images), len(images.classes)))
        weights = ""
        seconds: list[float] = []
        for done, fold in enumerate(iterate_folds(self.image_set, repeats=repeats)):
            progress(done, repeats * FOLDS, f"Fold {fold.number + 1} of repeat {fold.repeat + 1}")
            fitted = fit_classifier(plan, images.pick(fold.train))
            held_out = images.images[fold.held_out]
            answers[fold.repeat, fold.held_out] = fitted.probabilities(held_out)
            weights = fitted.coverage.label
            seconds.append(fitted.seconds_per_epoch)
        return answers, weights, round(float(np.mean(seconds)), 3)

    def _shipped(
        self, repeats: int, context: RunContext, progress: ProgressCallback
    ) -> tuple[NDArray[np.float64], str, float | None]:
        """As `_planned`, with the shipped model's recipe and calibration."""
        from pipeline.classifiers.bases.registry import find_architecture
        from pipeline.image_tasks.training import cross_validate

        task = self.image_set.task
        architecture = find_architecture(task.recipe.architecture)
        folder = context.cache or Path()
        measured = cross_validate(
            self.image_set,
            context.weights.folder,
            folder / task.name,
            repeats=repeats,
            progress=progress,
        )
        return measured.calibrated, context.weights.coverage(architecture).label, None

    @contextmanager
    def _cached(self) -> Iterator[RunContext]:
        """The context with a folder for features, so that folds share those of their images."""
        if self.context.cache is not None:
            yield self.context
            return
        with tempfile.TemporaryDirectory(prefix="overread-") as folder:
            yield replace(self.context, cache=Path(folder))


def open_image_folder(task: str, context: RunContext) -> ImageFolderExperiment:
    """Read a task's images.

    Raises:
        InputError: No folder was given, or it does not hold the classes.
    """
    if context.data is None:
        raise InputError("--data", f"Give the folder of the {task} images with --data.")
    return ImageFolderExperiment(read_image_set(find_image_task(task), context.data), context)
