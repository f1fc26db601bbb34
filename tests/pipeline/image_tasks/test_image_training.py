"""The recipe of a task on a tiny network: folds, calibration, what is shipped, the command."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny_classifiers import COMPLETE
from tiny_images import write_image

from pipeline.__main__ import main
from pipeline.classifiers.bases.registry import ARCHITECTURES
from pipeline.image_tasks import training
from pipeline.image_tasks.dataset import ImageSet
from pipeline.image_tasks.models import read_image_model
from pipeline.image_tasks.registry import IMAGE_TASKS
from pipeline.image_tasks.task import Recipe
from pipeline.models.quiet_keras import import_keras
from pipeline.models.registry import load_keras_model

TASK = replace(
    IMAGE_TASKS["brain-mri"],
    input_size=32,
    mirrored=False,
    recipe=Recipe(architecture="tiny", epochs=12, repeats=1, flips=True, images_per_group=4),
)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Noise: coarse without tumor, fine with."""
    import_keras()
    monkeypatch.setitem(IMAGE_TASKS, "brain-mri", TASK)
    monkeypatch.setitem(ARCHITECTURES, "tiny", COMPLETE)
    rng = np.random.default_rng(1)
    for k in range(10):
        fine = rng.integers(0, 255, (32, 32), dtype=np.uint8)
        coarse = np.kron(rng.integers(0, 255, (4, 4)), np.ones((8, 8))).astype(np.uint8)
        write_image(tmp_path / "data" / "yes" / f"{k}.png", fine)
        write_image(tmp_path / "data" / "no" / f"{k}.png", coarse)
    return tmp_path / "data"


def test_groups_are_limited_and_batches_even() -> None:
    groups = np.array([0, 0, 0, 1, 2, 2])
    kept = training.limit_groups(groups, np.arange(1, 6), at_most=1, seed=0)
    assert groups[kept].tolist() == [0, 1, 2]
    assert 0 not in kept
    assert training.even_batch_size(161, 16) == 15
    assert training.even_batch_size(160, 16) == 16
    assert training.even_batch_size(7, 16) == 7


def _refuse(image_set: ImageSet, *_: object, **__: object) -> None:
    raise AssertionError("trained again")


@pytest.mark.slow
def test_the_command_ships_a_model_with_figures_and_goes_on_where_it_stopped(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "models" / "brain-mri" / TASK.model_name
    folder.mkdir(parents=True)
    (folder / "README.md").write_text(
        "# Card\n<!-- results: of a test -->\nold\n<!-- end of results -->\nafter\n"
    )
    given = ["train-image-task", "brain-mri", "--data", str(data), "--run", str(tmp_path / "run")]
    given += ["--models", str(tmp_path / "models")]
    assert main(given) == 0
    info = read_image_model(tmp_path / "models", "brain-mri")
    assert load_keras_model(info).output.shape[-1] == 2
    evaluation = json.loads((folder / "evaluation.json").read_text())
    assert evaluation["network"]["digest"] == info.digest
    assert evaluation["split"] == "1 x 5 stratified folds by group"
    assert {row["file"] for row in evaluation["rows"]} == {
        f"{name}/{k}.png" for name in ("yes", "no") for k in range(10)
    }
    assert np.sum(evaluation["confusion"]["counts"]) == 20
    accuracy = evaluation["figures"]["accuracy"]
    assert accuracy["low"] <= accuracy["value"] <= accuracy["high"]
    assert evaluation["environment"]["seconds_per_image"] < 60
    with (folder / "history.csv").open() as stream:
        assert len(list(csv.DictReader(stream))) == 12
    card = (folder / "README.md").read_text()
    assert card.startswith("# Card\n")
    assert card.endswith("\nafter\n")
    assert f"| Accuracy | {accuracy['value']:.3f} |" in card
    monkeypatch.setattr(training, "fit_recipe", _refuse)
    assert main(given) == 0
    again = json.loads((folder / "evaluation.json").read_text())
    assert again["figures"] == evaluation["figures"]
