"""Both training programs on two tiny patients: they learn, stop, go on, and ship usable files."""

import csv
import json
from dataclasses import replace

import cv2
import keras
import numpy as np
import pytest

from pipeline.data.splits import Split
from pipeline.digests import file_digest
from pipeline.training import run, train_classifier, train_segmenter

PATIENTS = ("TCGA_CS_0001_19990101", "TCGA_DU_0002_19990101")


@pytest.fixture
def data(tmp_path):
    rng = np.random.default_rng(0)
    for patient in PATIENTS:
        folder = tmp_path / "lgg" / patient
        folder.mkdir(parents=True)
        for k in range(1, 5):
            image = np.zeros((32, 32, 3), np.uint8)
            image[4:28, 4:28] = rng.integers(60, 120, (24, 24, 3))
            mask = np.zeros((32, 32), np.uint8)
            if k > 2:
                image[10:18, 10:18, 1] = 250
                mask[10:18, 10:18] = 255
            cv2.imwrite(str(folder / f"{patient}_{k}.png"), image[..., ::-1])
            cv2.imwrite(str(folder / f"{patient}_{k}_mask.png"), mask)
    return tmp_path / "lgg"


@pytest.fixture
def plan(data, tmp_path):
    return run.TrainingPlan(
        data=data,
        output=tmp_path / "out",
        epochs=1,
        steps=1,
        batch_size=2,
        tumor_slices=1,
        learning_rate=1e-3,
        seed=3,
        precision="float32",
        pretrained=None,
        crop=32,
    )


@pytest.fixture(autouse=True)
def two_patients(monkeypatch):
    split = Split(train=PATIENTS[:1], validation=PATIENTS[1:], held_out=())
    for program in (train_classifier, train_segmenter):
        monkeypatch.setattr(program, "load_split", lambda: split)
    yield
    keras.config.set_dtype_policy("float32")


def history(plan):
    with (plan.output / run.HISTORY_FILE).open() as file:
        return list(csv.DictReader(file))


def test_an_interrupted_run_goes_on_where_it_stopped(plan):
    train_segmenter.train(plan, size=32, features=2)
    train_segmenter.train(replace(plan, epochs=3), size=32, features=2)
    metadata = json.loads((plan.output / run.METADATA_FILE).read_text())
    assert [row["epoch"] for row in history(plan)] == ["0", "1", "2"]
    assert metadata["training"]["epochs"] == 3
    assert metadata["training"]["interrupted"] is False
    assert metadata["digest"] == file_digest(plan.output / run.MODEL_FILE)


def test_the_classifier_ships_an_operating_point_from_the_validation_patients(plan):
    train_classifier.train(plan, size=32)
    metadata = json.loads((plan.output / run.METADATA_FILE).read_text())
    assert 0 <= metadata["threshold"] <= 1
    assert 0 <= float(history(plan)[0]["val_auc"]) <= 1
    assert metadata["stage"] == "classifier"


def test_the_operating_point_separates_what_can_be_separated():
    scores = np.array([0.1, 0.2, 0.6, 0.9], np.float32)
    labels = np.array([False, False, True, True])
    assert 0.2 < train_classifier.choose_threshold(scores, labels) <= scores[2]


def test_the_shipped_file_is_float32_without_an_optimizer(plan):
    train_segmenter.train(plan, size=32, features=2)
    model = keras.models.load_model(plan.output / run.MODEL_FILE, safe_mode=True)
    assert model.dtype_policy.name == "float32"
    assert getattr(model, "optimizer", None) is None
    kernel = model.get_layer("mask").get_weights()[0]
    np.testing.assert_array_equal(kernel, kernel.astype(np.float16).astype(np.float32))
