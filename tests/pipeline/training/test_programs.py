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
from pipeline.errors import InputError
from pipeline.models.resnet_classifier import build_resnet18
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
    monkeypatch.setattr(run, "load_split", lambda: split)
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


def test_missing_imagenet_weights_are_named(plan, tmp_path):
    with pytest.raises(InputError, match=r"holds no file resnet18_imagenet_folded\.npz"):
        train_classifier.train(replace(plan, pretrained=tmp_path), size=32)


def test_a_finished_run_ships_again_without_training(plan):
    train_segmenter.train(plan, size=32, features=2)
    shipped = keras.models.load_model(plan.output / run.MODEL_FILE).get_weights()
    (plan.output / run.MODEL_FILE).unlink()
    train_segmenter.train(plan, size=32, features=2)
    again = keras.models.load_model(plan.output / run.MODEL_FILE).get_weights()
    for one, other in zip(shipped, again, strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(history(plan)) == 1


@pytest.mark.parametrize(
    ("specificity", "marked"),
    [(1.0, [False] * 20), (0.95, [False] * 19 + [True]), (0.9, [False] * 18 + [True] * 2)],
)
def test_the_operating_point_keeps_the_specificity(specificity, marked):
    scores = np.append(np.linspace(0.01, 0.2, 20), [0.15, 0.9])
    labels = np.array([False] * 20 + [True] * 2)
    threshold = train_classifier.choose_threshold(scores, labels, specificity=specificity)
    assert (scores[:20] >= threshold).tolist() == marked


def test_calibration_in_the_weights_equals_calibration_of_the_logits():
    model = build_resnet18(32)
    slices = np.random.default_rng(0).normal(size=(3, 32, 32, 3)).astype(np.float32)
    inner = keras.Model(model.inputs, model.get_layer("score_logit").output)
    before = inner.predict(slices, verbose=0)
    train_classifier.fold_calibration(model, 0.4, -1.5)
    np.testing.assert_allclose(inner.predict(slices, verbose=0), 0.4 * before - 1.5, atol=1e-4)


def test_calibration_finds_slope_and_intercept_of_overconfident_logits():
    rng = np.random.default_rng(0)
    true = rng.normal(size=20000) * 2
    labels = rng.random(20000) < 1 / (1 + np.exp(-true))
    slope, intercept = train_classifier.fit_calibration(3 * true + 1, labels)
    assert slope == pytest.approx(1 / 3, abs=0.02)
    assert intercept == pytest.approx(-1 / 3, abs=0.05)


def test_the_shipped_file_is_float32_without_an_optimizer(plan):
    train_segmenter.train(plan, size=32, features=2)
    model = keras.models.load_model(plan.output / run.MODEL_FILE, safe_mode=True)
    assert model.dtype_policy.name == "float32"
    assert getattr(model, "optimizer", None) is None
    kernel = model.get_layer("mask").get_weights()[0]
    np.testing.assert_array_equal(kernel, kernel.astype(np.float16).astype(np.float32))
