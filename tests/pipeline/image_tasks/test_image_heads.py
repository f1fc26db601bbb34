"""A head on a base that is shipped already, on a tiny base of two parts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tiny_classifiers import COMPLETE, make_images

from pipeline.classifiers.bases.registry import ARCHITECTURES
from pipeline.classifiers.calibration import join_mirrored
from pipeline.classifiers.cross_validation import cross_validate
from pipeline.classifiers.images import LabelledImages
from pipeline.image_tasks.dataset import ImageSet
from pipeline.image_tasks.heads import HeadTrainer
from pipeline.image_tasks.registry import IMAGE_TASKS
from pipeline.image_tasks.task import HeadRecipe
from pipeline.models.quiet_keras import import_keras

pytestmark = pytest.mark.slow

TASK = replace(
    IMAGE_TASKS["brain-mri"],
    input_size=32,
    mirrored=True,
    recipe=HeadRecipe(architecture="tiny", variants=1, repeats=1),
)


@pytest.fixture
def image_set(monkeypatch: pytest.MonkeyPatch) -> ImageSet:
    import_keras()
    tiny = replace(COMPLETE, shipped=lambda model: None, strongest=True, parts=(2, 4))
    monkeypatch.setitem(ARCHITECTURES, "tiny", tiny)
    made = make_images(40)
    labelled = LabelledImages(made.images, made.labels, np.arange(40), ("no", "yes"))
    return ImageSet(TASK, tuple(f"{k}.png" for k in range(40)), labelled)


def test_a_head_tells_held_out_images_apart_and_the_network_answers_alike(
    image_set: ImageSet,
) -> None:
    trainer, images = HeadTrainer(image_set, None), image_set.labelled
    answers = cross_validate(images, trainer.learn, repeats=1)
    assert (answers.probabilities[0].argmax(axis=1) == images.labels).mean() > 0.9
    chosen = np.arange(40)
    network = trainer.fit_network(chosen)
    both = (images.images, np.ascontiguousarray(images.images[:, :, ::-1]))
    given = [np.asarray(network.model(pixels.astype(np.float32))) for pixels in both]
    expected = trainer.learn(chosen)(images.images)
    np.testing.assert_allclose(join_mirrored(*given), expected, atol=1e-4)
    assert network.history[0]["accuracy"] > 0.9


def test_an_image_and_its_mirror_image_get_the_same_answer(image_set: ImageSet) -> None:
    trainer, images = HeadTrainer(image_set, None), image_set.labelled.images
    answer = trainer.learn(np.arange(40))
    mirrored = np.ascontiguousarray(images[:, :, ::-1])
    np.testing.assert_allclose(answer(images), answer(mirrored), atol=1e-6)


def test_a_recipe_that_trains_all_layers_is_refused(image_set: ImageSet) -> None:
    task = IMAGE_TASKS["chest-xray"]
    with pytest.raises(ValueError, match="chest-xray"):
        HeadTrainer(replace(image_set, task=task), None)
