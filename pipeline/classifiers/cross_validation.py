"""Repeated stratified folds by group: what a recipe reaches on images that it has not seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.classifiers.images import LabelledImages, Pixels
from pipeline.errors import ProgressCallback
from pipeline.storage.atomic_files import replacing

#: Seed of the committed folds: they follow from it and from the images.
FOLD_SEED = 20261121
FOLDS = 5

#: From images to probabilities ``(n, classes)``.
Answer = Callable[[Pixels], NDArray[np.floating]]


@dataclass(frozen=True, eq=False)
class Fold:
    """Places of the images to learn from and of those held out.

    Attributes:
        repeat, number: Which fold of which repeat, both from 0.
        train, held_out: Places, in order.
    """

    repeat: int
    number: int
    train: NDArray[np.intp]
    held_out: NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class HeldOutAnswers:
    """Answers to images by networks that had not seen them.

    Attributes:
        probabilities: ``(repeats, n, classes)`` in [0, 1].
        folds: ``(repeats, n)`` the fold in which each image was held out.
    """

    probabilities: NDArray[np.float64]
    folds: NDArray[np.intp]


def iterate_folds(images: LabelledImages, *, repeats: int) -> Iterator[Fold]:
    """The folds of all repeats; every image is held out once per repeat, groups stay together."""
    # Answering images does not need scikit-learn.
    from sklearn.model_selection import StratifiedGroupKFold

    for repeat in range(repeats):
        splitter = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=FOLD_SEED + repeat)
        parts = splitter.split(np.zeros(len(images)), images.labels, images.groups)
        for number, (train, held_out) in enumerate(parts):
            yield Fold(repeat, number, np.sort(train), np.sort(held_out))


def cross_validate(
    images: LabelledImages,
    learn: Callable[[NDArray[np.intp]], Answer],
    *,
    repeats: int,
    folder: Path | None = None,
    progress: ProgressCallback | None = None,
) -> HeldOutAnswers:
    """Have each fold answered by a network that learned from the others.

    Args:
        images: The images.
        learn: Trains a network on the images at some places.
        repeats: How many times every image is held out.
        folder: Keeps the answers of each fold, and gives them back to a run that was interrupted;
            None keeps nothing.
        progress: Called after each fold.
    """
    shape = (repeats, len(images), len(images.classes))
    probabilities, folds = np.zeros(shape), np.zeros(shape[:2], np.intp)
    for done, fold in enumerate(iterate_folds(images, repeats=repeats), start=1):
        name = f"fold-{fold.repeat + 1}-{fold.number + 1}.npy"
        path = None if folder is None else folder / name
        answers = _read_answers(path, (len(fold.held_out), shape[2]))
        if answers is None:
            answer = learn(fold.train)
            answers = np.asarray(answer(images.images[fold.held_out]), np.float64)
            _write_answers(path, answers)
        probabilities[fold.repeat, fold.held_out] = answers
        folds[fold.repeat, fold.held_out] = fold.number
        if progress is not None:
            words = f"Fold {fold.number + 1} of repeat {fold.repeat + 1}"
            progress(done, repeats * FOLDS, words)
    return HeldOutAnswers(probabilities, folds)


def _write_answers(path: Path | None, answers: NDArray[np.float64]) -> None:
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as draft:
            np.save(draft, answers, allow_pickle=False)


def _read_answers(path: Path | None, shape: tuple[int, int]) -> NDArray[np.float64] | None:
    """Answers of a finished fold; None where the file is missing or does not fit."""
    if path is None:
        return None
    try:
        answers = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    fits = answers.shape == shape and answers.dtype == np.float64 and np.isfinite(answers).all()
    return answers if fits else None
