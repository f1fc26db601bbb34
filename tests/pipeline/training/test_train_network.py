"""The training program on two tiny patients: it resumes, ships, and chooses on validation only."""

import csv
from dataclasses import replace

import cv2
import keras
import numpy as np
import pytest
import tensorflow as tf

from pipeline.datasets.splits import Split, split_by_slice
from pipeline.errors import InputError
from pipeline.models.metadata import SplitFacts
from pipeline.models.registry import MODEL_FILE, read_run
from pipeline.storage.digests import file_digest
from pipeline.training import run, train_network
from pipeline.training.learning_set import load_learning_set, resolve_split
from pipeline.training.train_network import train

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:Even though the `tf.config:UserWarning"),
]

PATIENTS = ("TCGA_CS_0001_19990101", "TCGA_DU_0002_19990101")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Two patients of four slices, the upper two with a bright square."""
    root = tmp_path_factory.mktemp("lgg")
    rng = np.random.default_rng(0)
    for patient in PATIENTS:
        folder = root / patient
        folder.mkdir()
        for k in range(1, 5):
            image = np.zeros((32, 32, 3), np.uint8)
            image[4:28, 4:28] = rng.integers(60, 120, (24, 24, 3))
            mask = np.zeros((32, 32), np.uint8)
            if k > 2:
                image[10:18, 10:18, 1] = 250
                mask[10:18, 10:18] = 255
            cv2.imwrite(str(folder / f"{patient}_{k}.png"), image[..., ::-1])
            cv2.imwrite(str(folder / f"{patient}_{k}_mask.png"), mask)
    return root


@pytest.fixture(scope="module")
def plan(data, tmp_path_factory):
    return run.TrainingPlan(
        data=data,
        output=tmp_path_factory.mktemp("out"),
        epochs=1,
        steps=1,
        batch_size=2,
        tumor_slices=1,
        learning_rate=1e-3,
        seed=3,
        precision="float32",
        pretrained=None,
        crop=32,
        split=Split("fold 9", train=PATIENTS[:1], validation=PATIENTS[1:], held_out=()),
    )


@pytest.fixture(scope="module")
def resumed(plan):
    """A run that ended between its first epoch and the shipped file, and was asked for three."""
    tf.config.run_functions_eagerly(True)  # to trace the graphs takes longer than these steps
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(train_network, "ship", lambda *_, **__: None)
        train(plan, size=32)
    train(replace(plan, epochs=3), size=32)
    yield plan.output
    tf.config.run_functions_eagerly(False)
    keras.config.set_dtype_policy("float32")


def history(output):
    with (output / "history.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": 0},
        {"steps": 0},
        {"batch_size": 1},
        {"tumor_slices": 0},
        {"learning_rate": float("nan")},
        {"seed": -1},
        {"crop": 100},
    ],
)
def test_a_number_out_of_its_range_is_one_sentence(plan, change):
    with pytest.raises(InputError, match=r"^The .* must be .*\.$"):
        replace(plan, **change)


def test_an_interrupted_run_goes_on_where_it_stopped(resumed):
    assert [row["epoch"] for row in history(resumed)] == ["0", "1", "2"]
    assert all(0 <= float(row["val_auc"]) <= 1 for row in history(resumed))


def test_what_is_shipped_describes_itself(resumed):
    network = read_run(resumed).network
    assert network.digest == file_digest(network.file)
    assert network.metadata.training.epochs == 3
    assert network.metadata.calibration.on == "validation"
    assert network.metadata.split == SplitFacts("fold 9", "patient", 1, 1, 0)
    assert 0 <= network.decision.gate < 1
    assert network.inference.flip_average


def test_the_shipped_file_is_float32_without_an_optimizer(resumed):
    model = keras.models.load_model(resumed / MODEL_FILE, safe_mode=True)
    assert model.dtype_policy.name == "float32"
    assert getattr(model, "optimizer", None) is None
    kernel = model.get_layer("mask").get_weights()[0]
    np.testing.assert_array_equal(kernel, kernel.astype(np.float16).astype(np.float32))


def test_a_finished_run_ships_again_without_training(resumed, plan):
    shipped = keras.models.load_model(resumed / MODEL_FILE).get_weights()
    (resumed / MODEL_FILE).unlink()
    train(replace(plan, epochs=3), size=32)
    again = keras.models.load_model(resumed / MODEL_FILE).get_weights()
    for one, other in zip(shipped, again, strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(history(resumed)) == 3


def test_missing_imagenet_weights_are_named(plan, tmp_path):
    with pytest.raises(InputError, match=r"holds no file resnet18_imagenet_folded\.npz"):
        train(replace(plan, pretrained=tmp_path), size=32)


def test_a_split_by_slice_learns_from_every_patient_but_not_from_held_out_slices(data):
    split = split_by_slice(dict.fromkeys(PATIENTS, 4), held_out=0.25, validation=0.25)
    learning = load_learning_set(data, split)
    assert learning.by == "slice"
    assert [volume.patient for volume, _ in learning.train] == list(PATIENTS)
    for (volume, learned), (_, chooses) in zip(learning.train, learning.validation, strict=True):
        held_out = np.zeros(4, bool)
        held_out[list(split.held_out[volume.patient])] = True
        assert (learned.astype(int) + chooses + held_out == 1).all()


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"fold": 6, "without": None}, "Fold must be 1 to 5, got 6."),
        ({"fold": 1, "without": "XX"}, "Institution must be one of CS, DU, got XX."),
    ],
)
def test_splits_that_do_not_exist_are_reported(data, choice, message):
    with pytest.raises(InputError, match=message):
        resolve_split(data, by_slice=False, **choice)


@pytest.mark.parametrize(
    ("instructions", "policy"),
    [
        ([], "float32"),
        (["avx2", "fma", "avx512f"], "float32"),
        (["avx2", "avx512_bf16"], "mixed_bfloat16"),
        (["avx2", "amx_bf16"], "mixed_bfloat16"),
    ],
)
def test_a_machine_without_bfloat16_trains_at_float32(monkeypatch, instructions, policy):
    monkeypatch.setattr(run, "instruction_sets", lambda: instructions)
    monkeypatch.setattr(run, "has_gpu", lambda: False)
    assert run.fastest_policy() == policy
    monkeypatch.setattr(run, "has_gpu", lambda: True)
    assert run.fastest_policy() == "mixed_bfloat16"
