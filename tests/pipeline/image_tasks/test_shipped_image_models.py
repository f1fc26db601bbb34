"""What is shipped for image tasks fits together, and every figure in a card is its JSON's."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.evaluation.document import MeasuredNetwork
from pipeline.evaluation.report import replace_results
from pipeline.experiments.documents import experiment_files, read_results
from pipeline.experiments.image_folders import SHIPPED
from pipeline.experiments.registry import EXPERIMENTS, configured_tasks
from pipeline.image_tasks.answers import ImageClassifier
from pipeline.image_tasks.card import format_results
from pipeline.image_tasks.models import read_image_model
from pipeline.image_tasks.reading import read_grey_bytes
from pipeline.image_tasks.registry import IMAGE_TASKS
from pipeline.storage.digests import file_digest
from tests.answers import find_pictures

pytestmark = pytest.mark.slow

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
    assert evaluation.network == MeasuredNetwork(info.name, info.version, info.digest)
    assert evaluation.cautions == info.task.cautions
    assert evaluation.calibration.temperature == info.temperature
    assert len(evaluation.rows) == evaluation.counts.images
    assert info.card is not None
    card = info.card.read_text("utf-8")
    assert replace_results(card, format_results(evaluation), name=name) == card
    assert info.task.cautions[0] in card


def test_both_models_are_small() -> None:
    sizes = [read_image_model(MODELS, name).file.stat().st_size for name in IMAGE_TASKS]
    assert sum(sizes) < 12 * 2**20


@pytest.mark.parametrize("name", configured_tasks())
def test_the_experiment_tells_what_the_evaluation_tells(name: str) -> None:
    evaluation = read_image_model(MODELS, name).evaluation
    results = read_results(MODELS / "experiments" / f"{name}.json")
    (row,) = (row for row in results.rows if SHIPPED in row.split)
    assert evaluation is not None
    assert row.figures == evaluation.figures
    assert row.confusion == evaluation.confusion
    assert results.data.cautions == evaluation.cautions


def test_every_shipped_experiment_is_valid() -> None:
    files = experiment_files(MODELS)
    assert {path.stem for path in files} == set(EXPERIMENTS)
    for path in files:
        assert read_results(path).name == path.stem


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
