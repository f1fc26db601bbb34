"""Published classifiers of single images, measured on repeated stratified folds by group.

An experiment of this kind is named after the image task whose images it takes. Near-duplicates and
the images of one patient stay on one side of every fold.
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

from pipeline.classifiers.bases.registry import find_architecture
from pipeline.classifiers.cross_validation import FOLDS, Answer, cross_validate
from pipeline.classifiers.scoring import score_repeats
from pipeline.errors import InputError, ProgressCallback
from pipeline.experiments.configuration import PlannedRow
from pipeline.experiments.documents import DataFacts, Measurement
from pipeline.experiments.plans import RunContext, make_plan
from pipeline.image_tasks.dataset import ImageSet, read_image_set
from pipeline.image_tasks.registry import find_image_task

#: Side of the images of the published classifiers, px; the installed model has its own.
PUBLISHED_SIDE = 160
#: A split whose words begin so is measured with the recipe of the installed model.
SHIPPED = "recipe of the installed model"


@dataclass(frozen=True, eq=False)
class ImageFolderExperiment:
    """The images of a task, and what the machine brings.

    Attributes:
        image_set: The images as the published classifiers see them.
        shipped_set: The images as the installed model sees them.
        context: What the machine brings.
    """

    image_set: ImageSet
    shipped_set: ImageSet
    context: RunContext

    def facts(self) -> DataFacts:
        """Counts and digest of the images."""
        images = self.image_set.labelled
        digest = hashlib.sha256(images.images.tobytes() + images.labels.tobytes())
        digest.update(images.groups.tobytes())
        words = f"{len(images)} images in {self.image_set.n_groups} groups"
        return DataFacts(images=words, digest=digest.hexdigest())

    def measure(self, row: PlannedRow, progress: ProgressCallback) -> Measurement:
        """Train on the other folds and score each fold, as often as the row repeats them.

        Raises:
            NotRun: The row would freeze layers without weights.
            InputError: The weights cannot be read.
        """
        repeats = int(row.options.get("repeats", 1))
        with self._cached() as context:
            measure = self._shipped if SHIPPED in row.split else self._planned
            answers, weights, seconds = measure(row, repeats, context, progress)
        return Measurement(
            initial_weights=weights,
            scores=score_repeats(answers, self.image_set.labelled),
            seconds_per_epoch=seconds,
            details={"folds": FOLDS, "repeats": repeats, "groups": self.image_set.n_groups},
        )

    def _planned(
        self, row: PlannedRow, repeats: int, context: RunContext, progress: ProgressCallback
    ) -> tuple[NDArray[np.float64], str, float | None]:
        """Held-out answers ``(repeats, n, classes)``, initial weights, seconds per epoch."""
        from pipeline.classifiers.training import fit_classifier

        plan = make_plan(row, context)
        images = self.image_set.labelled
        seconds: list[float] = []

        def learn(chosen: NDArray[np.intp]) -> Answer:
            fitted = fit_classifier(plan, images.pick(chosen))
            seconds.append(fitted.seconds_per_epoch)
            return fitted.probabilities

        answers = cross_validate(images, learn, repeats=repeats, progress=progress)
        weights = plan.weights.coverage(plan.architecture).label
        return answers.probabilities, weights, round(float(np.mean(seconds)), 3)

    def _shipped(
        self, row: PlannedRow, repeats: int, context: RunContext, progress: ProgressCallback
    ) -> tuple[NDArray[np.float64], str, float | None]:
        """As `_planned`, with the shipped model's recipe and calibration."""
        from pipeline.image_tasks.training import measure_recipe

        # Answers of other images or of another recipe are never taken for this row's.
        folder = (context.cache or Path()) / f"{row.digest[:16]}-{self.facts().digest[:16]}"
        measured = measure_recipe(
            self.shipped_set, context.weights.folder, folder, repeats=repeats, progress=progress
        )
        architecture = find_architecture(row.architecture)
        return measured.calibrated, context.weights.coverage(architecture).label, None

    @contextmanager
    def _cached(self) -> Iterator[RunContext]:
        """The context with a folder for features, so that folds share those of their images."""
        if self.context.cache is not None:
            yield self.context
            return
        with tempfile.TemporaryDirectory(prefix="overread-") as folder:
            yield replace(self.context, cache=Path(folder))


def open_experiment(name: str, context: RunContext) -> ImageFolderExperiment:
    """Read the images of the image task of that name.

    Raises:
        InputError: No folder was given, or it does not hold the classes.
    """
    if context.data is None:
        raise InputError("--data", f"Give the folder of the {name} images with --data.")
    task = find_image_task(name)
    shipped = read_image_set(task, context.data)
    published = shipped
    if task.input_size != PUBLISHED_SIDE:
        published = read_image_set(task, context.data, size=PUBLISHED_SIDE)
    return ImageFolderExperiment(published, shipped, context)
