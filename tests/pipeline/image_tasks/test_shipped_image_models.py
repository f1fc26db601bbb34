"""What is shipped for image tasks fits together, and every figure in a card is its JSON's."""

import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.evaluation.report import replace_results
from pipeline.experiments.registry import configured_tasks
from pipeline.image_tasks.answers import ImageClassifier
from pipeline.image_tasks.card import render_results
from pipeline.image_tasks.models import read_image_model
from pipeline.image_tasks.reading import read_grey_bytes
from pipeline.image_tasks.registry import IMAGE_TASKS
from pipeline.storage.digests import file_digest
from tests.answers import find_pictures

PROJECT = Path(__file__).resolve().parents[3]
MODELS = PROJECT / "models"
SHARED = PROJECT.parent / "shared" / "data"


@pytest.mark.parametrize("name", list(IMAGE_TASKS))
def test_the_shipped_folder_is_whole(name: str) -> None:
    info = read_image_model(MODELS, name)
    assert file_digest(info.file) == info.digest
    assert info.history
    assert info.evaluation is not None
    evaluation = info.evaluation
    assert evaluation["network"] == {
        "name": info.name, "version": info.version, "digest": info.digest,
    }  # fmt: skip
    assert evaluation["cautions"] == list(info.task.cautions)
    assert evaluation["calibration"]["temperature"] == info.temperature
    assert len(evaluation["rows"]) == evaluation["counts"]["images"]
    assert info.card is not None
    card = info.card.read_text("utf-8")
    assert replace_results(card, render_results(evaluation), name=name) == card
    assert info.task.cautions[0] in card


def test_both_models_are_small() -> None:
    sizes = [read_image_model(MODELS, name).file.stat().st_size for name in IMAGE_TASKS]
    assert sum(sizes) < 6 * 2**20


@pytest.mark.parametrize("name", configured_tasks())
def test_the_experiment_tells_what_the_evaluation_tells(name: str) -> None:
    evaluation = read_image_model(MODELS, name).evaluation
    document = json.loads((MODELS / "experiments" / f"{name}.json").read_text())
    (row,) = (row for row in document["rows"] if "recipe of the shipped model" in row["split"])
    assert evaluation is not None
    assert row["figures"] == evaluation["figures"]
    assert row["confusion"] == evaluation["confusion"]
    assert document["data"]["cautions"] == evaluation["cautions"]


@pytest.mark.data
@pytest.mark.parametrize("name", list(IMAGE_TASKS))
def test_the_shipped_model_knows_what_it_learned_from(name: str, tmp_path: Path) -> None:
    if not SHARED.is_dir():
        pytest.skip("the public data sets are not beside the checkout")
    classifier = ImageClassifier(MODELS, name, engine="keras", engine_dir=tmp_path)
    task, right = IMAGE_TASKS[name], 0
    pictures = find_pictures(task, SHARED, 20)
    for path in pictures:
        result = classifier.classify(read_grey_bytes(path.read_bytes(), path.name))
        np.testing.assert_allclose(result.probabilities.sum(), 1)
        right += task.classes[result.answer] == path.parent.name
    assert right / len(pictures) > 0.85
