"""Folds by group, and the answers of an invented recipe to what it has not seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny_classifiers import make_images

from pipeline.classifiers.cross_validation import FOLDS, Answer, cross_validate, iterate_folds
from pipeline.classifiers.images import LabelledImages, Pixels


def make_set() -> LabelledImages:
    """Thirty images in fifteen groups of a dark and a bright one."""
    return make_images(30, side=4)


def learn_brightness(images: LabelledImages, seen: list[set[int]]):  # type: ignore[no-untyped-def]
    """A recipe that notes what it learns from and answers by brightness, surely and rightly."""

    def learn(chosen: np.ndarray) -> Answer:
        seen.append(set(map(int, chosen)))

        def answer(pixels: Pixels) -> np.ndarray:
            bright = pixels.mean(axis=(1, 2, 3)) > 100
            return np.stack([~bright, bright], axis=1) * 0.8 + 0.1

        return answer

    return learn


def test_every_image_is_answered_once_per_repeat_by_a_network_that_saw_none_of_its_group() -> None:
    images, seen = make_set(), []
    found = cross_validate(images, learn_brightness(images, seen), repeats=2)
    assert len(seen) == 2 * FOLDS
    assert found.probabilities.shape == (2, 30, 2)
    np.testing.assert_array_equal(found.probabilities[1].argmax(axis=1), images.labels)
    for learned, fold in zip(seen, iterate_folds(images, repeats=2), strict=True):
        held_out = set(np.flatnonzero(found.folds[fold.repeat] == fold.number))
        assert learned | held_out == set(range(30))
        assert not set(images.groups[list(learned)]) & set(images.groups[list(held_out)])


def test_folds_follow_from_the_images_alone_and_differ_between_repeats() -> None:
    first, again = (list(iterate_folds(make_set(), repeats=2)) for _ in range(2))
    assert all((a.train == b.train).all() for a, b in zip(first, again, strict=True))
    assert [f.held_out.tolist() for f in first[:FOLDS]] != [
        f.held_out.tolist() for f in first[FOLDS:]
    ]


@pytest.mark.parametrize("damage", ["cut", "shape", "nan"])
def test_finished_folds_are_read_and_a_damaged_one_is_learned_again(
    tmp_path: Path, damage: str
) -> None:
    images, seen = make_set(), []
    learn = learn_brightness(images, seen)
    reported: list[tuple[int, int]] = []
    before = cross_validate(images, learn, repeats=1, folder=tmp_path)
    seen.clear()
    damaged = tmp_path / "fold-1-2.npy"
    answers = np.load(damaged)
    if damage == "cut":
        damaged.write_bytes(damaged.read_bytes()[:40])
    else:
        np.save(damaged, answers[:, :1] if damage == "shape" else answers * np.nan)
    after = cross_validate(
        images,
        learn,
        repeats=1,
        folder=tmp_path,
        progress=lambda done, total, _: reported.append((done, total)),
    )
    assert len(seen) == 1
    np.testing.assert_array_equal(after.probabilities, before.probabilities)
    assert reported == [(k, FOLDS) for k in range(1, FOLDS + 1)]
