"""Experiments on folders of images, and their committed configurations."""

from pathlib import Path

import numpy as np
import pytest
from tiny_images import write_image

from pipeline.classifiers.weights import NotRun, WeightsSource
from pipeline.errors import InputError
from pipeline.experiments.image_folders import SHIPPED
from pipeline.experiments.plans import RunContext
from pipeline.experiments.registry import (
    configured_tasks,
    find_configuration,
    open_experiment,
)
from pipeline.image_tasks.registry import IMAGE_TASKS
from pipeline.image_tasks.task import Recipe


@pytest.fixture
def context(tmp_path: Path) -> RunContext:
    rng = np.random.default_rng(1)
    for name in ("no", "yes"):
        for k in range(5):
            pixels = rng.integers(0, 255, (32, 32), dtype=np.uint8)
            write_image(tmp_path / "data" / name / f"{k}.png", pixels)
    return RunContext(tmp_path / "data", WeightsSource(None))


@pytest.mark.parametrize("name", configured_tasks())
def test_the_configuration_says_what_the_task_says(name: str) -> None:
    configuration, task = find_configuration(name), IMAGE_TASKS[name]
    assert configuration.cautions == task.cautions
    assert configuration.data_name == task.data_name
    assert [entry.label for entry in configuration.published] == [
        entry.label for entry in task.published
    ]
    (shipped,) = (row for row in configuration.rows if SHIPPED in row.split)
    recipe = task.recipe
    assert shipped.architecture == recipe.architecture
    assert shipped.options["repeats"] == recipe.repeats
    assert shipped.options["side"] == task.input_size
    if isinstance(recipe, Recipe):
        assert shipped.epochs == recipe.epochs
        assert shipped.options["learning_rate"] == recipe.learning_rate
    assert {"vgg16", "vgg19", "resnet50v2"} <= {row.architecture for row in configuration.rows}


def test_what_has_no_weights_is_not_run(context: RunContext) -> None:
    experiment = open_experiment("brain-mri", context)
    assert experiment.facts().images == "10 images in 10 groups"
    row = find_configuration("brain-mri").rows[0]
    with pytest.raises(NotRun, match=r"VGG|ResNet50V2"):
        experiment.measure(row, lambda *_: None)


def test_no_folder_is_one_sentence() -> None:
    with pytest.raises(InputError, match=r"^Give the folder of the brain-mri images"):
        open_experiment("brain-mri", RunContext(None, WeightsSource(None)))
