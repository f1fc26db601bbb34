"""An architecture and an image task are a module and a line each; nothing else is edited.

Both modules are written to a folder of the test, and the lines are given to the registries.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tiny_classifiers import make_images
from tiny_images import write_image

from pipeline import image_tasks
from pipeline.__main__ import main
from pipeline.classifiers import bases
from pipeline.classifiers.bases import registry as architectures
from pipeline.classifiers.weights import WeightsSource
from pipeline.experiments.configuration import read_configuration
from pipeline.experiments.plans import RunContext, make_plan
from pipeline.image_tasks import registry as tasks
from pipeline.models.quiet_keras import import_keras

ARCHITECTURE = """
from pipeline.classifiers.bases.architecture import Architecture, InputKind


def _build(pixels):
    from keras import layers

    x = layers.Conv2D(8, 4, strides=4, activation="relu", name="conv1")(pixels)
    return layers.Conv2D(8, 3, activation="relu", name="conv2")(x)


ARCHITECTURE = Architecture(
    name="two-convolutions", title="Two convolutions", input_kind=InputKind.TF, build=_build
)
"""
TASK = """
from pipeline.image_tasks.task import Fit, ImageTask, Recipe

TASK = ImageTask(
    name="specks",
    title="Specks, three classes",
    classes=("few", "half", "many"),
    class_titles=("Few", "Half", "Many"),
    fit=Fit.WHOLE,
    input_size=32,
    near_duplicate_ncc=0.99,
    group_patterns=(),
    data_name="Invented specks",
    data_licence="none needed",
    cautions=("Invented.",),
    published=(),
    recipe=Recipe(
        **{"architecture": "two-convolutions", "epochs": 12, "flips": True, "images_per_group": 4},
        **{"batch_size": 8, "learning_rate": 0.01, "dropout": 0.0, "repeats": 1},
    ),
)
"""
CONFIGURATION = """
title = "Invented"
question = "Does it learn?"
[data]
name = "Dark and bright images"
licence = "none needed"
[[rows]]
architecture = "two-convolutions"
strategy = "all"
split = "none"
side = 32
epochs = 12
learning_rate = 0.01
optimizer = "adam"
dropout = 0.0
minutes = 1
"""


@pytest.fixture
def architecture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The invented architecture, registered; returns its name."""
    import_keras()
    folder = tmp_path / "bases"
    folder.mkdir()
    (folder / "invented_base.py").write_text(ARCHITECTURE)
    monkeypatch.setattr(bases, "__path__", [*bases.__path__, str(folder)])
    found = architectures.read_architectures((*architectures.MODULES, "invented_base"))
    assert list(found)[:-1] == list(architectures.ARCHITECTURES)
    monkeypatch.setitem(architectures.ARCHITECTURES, *list(found.items())[-1])
    return list(found)[-1]


@pytest.fixture
def task(architecture: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The invented task, registered; returns its name."""
    folder = tmp_path / "tasks"
    folder.mkdir()
    (folder / "invented_task.py").write_text(TASK)
    monkeypatch.setattr(image_tasks, "__path__", [*image_tasks.__path__, str(folder)])
    found = tasks.read_image_tasks((*tasks.MODULES, "invented_task"))
    monkeypatch.setitem(tasks.IMAGE_TASKS, *list(found.items())[-1])
    return list(found)[-1]


def draw(kind: str, rng: np.random.Generator) -> np.ndarray:
    """White specks on black ``(32, 32)``: few, as many, or many."""
    share = {"few": 0.1, "half": 0.5, "many": 0.9}[kind]
    return (255 * (rng.random((32, 32)) < share)).astype(np.uint8)


@pytest.mark.slow
def test_an_architecture_runs_through_the_kit(architecture: str, tmp_path: Path) -> None:
    from pipeline.classifiers.training import fit_classifier

    (tmp_path / "invented.toml").write_text(CONFIGURATION)
    (row,) = read_configuration(tmp_path / "invented.toml").rows
    assert row.architecture == architecture
    plan = make_plan(row, RunContext(None, WeightsSource()))
    fitted = fit_classifier(plan, make_images(24))
    held = make_images(8, seed=5)
    np.testing.assert_array_equal(fitted.probabilities(held.images).argmax(axis=1), held.labels)
    assert fitted.coverage.random


@pytest.mark.slow
def test_a_task_is_trained_exported_answered_and_described(
    task: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(1)
    kinds = ("few", "half", "many")
    for kind in kinds:
        for k in range(10):
            write_image(tmp_path / "data" / kind / f"{k}.png", draw(kind, rng))
        write_image(tmp_path / "new" / f"{kind}.png", draw(kind, rng))
    folder = tmp_path / "models" / task / "two-convolutions"
    folder.mkdir(parents=True)
    (folder / "README.md").write_text("<!-- results: -->\n<!-- end of results -->\n")
    where = ["--models", str(tmp_path / "models")]
    given = [task, "--data", str(tmp_path / "data"), "--run", str(tmp_path / "run"), *where]
    assert main(["train-image-task", *given]) == 0
    accuracy = json.loads((folder / "evaluation.json").read_text())["figures"]["accuracy"]
    assert accuracy["value"] > 0.7
    assert f"| Accuracy | {accuracy['value']:.3f} |" in (folder / "README.md").read_text()

    where += ["--engine-dir", str(tmp_path / "engine")]
    assert main(["export", "--task", task, *where]) == 0
    capsys.readouterr()
    output = tmp_path / "out"
    given = ["--task", task, str(tmp_path / "new"), "--output", str(output)]
    assert main(["predict", *given, *where]) == 0
    assert "Exporting" not in capsys.readouterr().err
    document = json.loads((output / "results.json").read_text())
    assert document["task"] == task
    answers = {case["case_id"]: case["slices"][0]["class"] for case in document["cases"]}
    assert answers == {kind: kind for kind in kinds}
    assert all((output / case["slices"][0]["heat_map"]).is_file() for case in document["cases"])
