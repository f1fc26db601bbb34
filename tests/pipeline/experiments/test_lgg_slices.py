from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from tiny_classifiers import COMPLETE, write_weights

from pipeline.classifiers.bases import registry
from pipeline.classifiers.strategies import Strategy
from pipeline.classifiers.weights import WeightsSource
from pipeline.errors import InputError
from pipeline.experiments.configuration import PlannedRow
from pipeline.experiments.lgg_slices import BY_PATIENT, BY_SLICE, LggSlices, open_experiment
from pipeline.experiments.plans import RunContext
from pipeline.training import run

PATIENTS, SLICES = 14, 6


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Fourteen patients of six slices; in every other slice a bright tumor."""
    rng = np.random.default_rng(0)
    for number in range(PATIENTS):
        patient = f"TCGA_{'CS' if number % 2 else 'DU'}_{number:04d}"
        (tmp_path / patient).mkdir()
        for k in range(1, SLICES + 1):
            image = rng.integers(10, 60, (32, 32, 3)).astype(np.uint8)
            mask = np.zeros((32, 32), np.uint8)
            if k % 2:
                image[8:24, 8:24] = 230
                mask[8:24, 8:24] = 255
            cv2.imwrite(str(tmp_path / patient / f"{patient}_{k}.tif"), image)
            cv2.imwrite(str(tmp_path / patient / f"{patient}_{k}_mask.tif"), mask)
    return tmp_path


def open_slices(folder: Path) -> LggSlices:
    return open_experiment("lgg-slices", RunContext(folder, WeightsSource(folder)))


def test_slices_are_read_with_their_patients_and_labels(folder: Path) -> None:
    experiment = open_slices(folder)
    slices = experiment.slices
    assert slices.images.shape == (PATIENTS * SLICES, 32, 32, 3)
    assert slices.labels[:SLICES].tolist() == [1, 0, 1, 0, 1, 0]
    assert len(np.unique(slices.groups)) == PATIENTS
    facts = experiment.facts()
    assert facts.images == "84 slices, 42 with tumor, of 14 patients"
    assert len(facts.digest) == 64


def test_a_split_by_slice_parts_patients_and_one_by_patient_does_not(folder: Path) -> None:
    experiment = open_slices(folder)
    patients = experiment.slices.groups
    by_slice, by_patient = experiment.held_out(BY_SLICE), experiment.held_out(BY_PATIENT)
    assert by_slice.sum() == round(0.15 * len(patients))
    assert set(patients[by_slice]) & set(patients[~by_slice])
    assert not set(patients[by_patient]) & set(patients[~by_patient])
    assert len(np.unique(patients[by_patient])) == round(0.15 * PATIENTS)
    np.testing.assert_array_equal(by_slice, open_slices(folder).held_out(BY_SLICE))
    with pytest.raises(InputError, match="by slice or by patient, got by hand"):
        experiment.held_out("by hand")


def test_a_row_is_trained_and_scored_on_what_was_held_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry.ARCHITECTURES, "tiny", COMPLETE)
    monkeypatch.setattr(run, "fastest_policy", lambda: "float32")
    write_weights(folder)
    row = PlannedRow(
        architecture="tiny",
        strategy=Strategy.HEAD,
        split=BY_PATIENT,
        epochs=15,
        options={
            "side": 32,
            "optimizer": "adam",
            "learning_rate": 0.05,
            "dropout": 0.0,
            "precision": "mixed_bfloat16",
        },
        shared=frozenset(),
        minutes=1,
        left_out="",
        digest="0" * 64,
    )
    measurement = open_slices(folder).measure(row, lambda done, total, message: None)
    assert measurement.scores is not None
    accuracy = measurement.scores.figures["accuracy"]
    assert accuracy.value is not None and accuracy.value > 0.9
    assert measurement.initial_weights == "ImageNet, all layers"
    assert measurement.details == {
        "training_slices": 72,
        "held_out_slices": 12,
        "held_out_patients": 2,
        "precision": "float32",
    }
    assert sum(map(sum, measurement.scores.confusion.counts)) == 12


def test_the_folder_is_asked_for() -> None:
    with pytest.raises(InputError, match="Give the folder of the LGG set with --data"):
        open_experiment("lgg-slices", RunContext(None, WeightsSource()))
