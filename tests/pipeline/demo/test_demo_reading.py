"""The demo studies as the reader sees them: one case each, sides and volumes as stated."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.data.case import RADIOLOGICAL_AXIAL, Case, SequenceName
from pipeline.data.reading.reading import read_cases
from pipeline.data.sequences import sequence_of_words, split_words
from pipeline.demo import DEMO_STUDIES, MANIFEST_NAME, make_demo_studies

pytestmark = pytest.mark.slow

PATIENTS = ("DEMO-01", "DEMO-05", "DEMO-06", "DEMO-07", "DEMO-10")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("demo")
    chosen = [
        replace(plan, matrix=64, pixel_mm=3.75, thickness_mm=8.0, spacing_mm=10.0, n_slices=14)
        for plan in DEMO_STUDIES
        if plan.patient_id in PATIENTS
    ]
    make_demo_studies(target, studies=chosen, template_mm=3)
    return target


@pytest.fixture(scope="module")
def cases(folder: Path) -> dict[str, Case]:
    """All studies of the folder, read in one go, by patient."""
    report = read_cases([folder])
    assert report.errors == ()
    found = {}
    for case in report.cases:
        (patient,) = (name for name in PATIENTS if name in case.labels.patient)
        assert patient not in found
        found[patient] = case
    return found


def test_every_study_is_one_case_without_warnings(cases: dict[str, Case]) -> None:
    assert sorted(cases) == list(PATIENTS)
    assert all(case.warnings == () and case.labels.synthetic for case in cases.values())
    assert {case.orientation for case in cases.values()} == {RADIOLOGICAL_AXIAL}


def test_sequences_are_reported(cases: dict[str, Case]) -> None:
    assert set(cases["DEMO-01"].sequences) == {
        SequenceName.PRE,
        SequenceName.FLAIR,
        SequenceName.POST,
    }
    assert cases["DEMO-05"].sequences == (SequenceName.FLAIR,)


@pytest.mark.parametrize("patient", PATIENTS)
def test_side_and_volume_are_the_stated_ones(
    cases: dict[str, Case], folder: Path, patient: str
) -> None:
    stated = json.loads((folder / MANIFEST_NAME).read_text())["studies"][patient]
    case = cases[patient]
    assert case.masks is not None and case.grid is not None and case.spacing_mm is not None
    assert bool(case.masks.any()) == stated["lesion"]
    if not stated["lesion"]:
        return
    volume_ml = case.masks.sum() * np.prod(case.spacing_mm) / 1000
    assert volume_ml == pytest.approx(stated["volume_ml"], abs=0.06)
    on_right_of_image = np.nonzero(case.masks)[2].mean() > (case.masks.shape[2] - 1) / 2
    assert on_right_of_image == (stated["side"] == "left")
    voxel = np.argwhere(case.grid.restore(case.masks)).mean(axis=0)
    x_right_mm = float((case.grid.affine @ [*voxel, 1.0])[0])
    assert (x_right_mm > 0) == (stated["side"] == "right")
    slices = [k + 1 for k in np.flatnonzero(case.masks.any(axis=(1, 2)))]
    assert slices == stated["slices"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("T1 pre-contrast (synthetic)", SequenceName.PRE),
        ("AX T1 without contrast", SequenceName.PRE),
        ("t1_pre_gd", SequenceName.PRE),
        ("T1 post-contrast (synthetic)", SequenceName.POST),
        ("t1_post", SequenceName.POST),
        ("AX T1 + contrast", SequenceName.POST),
    ],
)
def test_a_negated_contrast_is_none(name: str, expected: SequenceName) -> None:
    assert sequence_of_words(split_words(name)) is expected


def test_gap_counts_in_the_spacing(cases: dict[str, Case]) -> None:
    assert cases["DEMO-07"].spacing_mm == pytest.approx((10.0, 3.75, 3.75))
