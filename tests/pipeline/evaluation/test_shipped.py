"""The shipped evaluation: held-out patients only, told alike everywhere, above the standard."""

from pathlib import Path

import pytest

from pipeline.data.splits import load_split
from pipeline.evaluation.report import format_results
from pipeline.models.registry import read_model_info

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def shipped():
    return read_model_info(ROOT / "models")


def test_only_held_out_patients_were_evaluated(shipped):
    evaluated = {row["case_id"] for row in shipped.evaluation["patients"]}
    assert evaluated == set(load_split().held_out)


def test_readme_and_cards_tell_the_evaluations_figures(shipped):
    results = format_results(dict(shipped.evaluation))
    for path in (ROOT / "README.md", *(m.card for m in shipped.stages)):
        assert results in path.read_text(encoding="utf-8"), path


def test_the_first_standard_is_met(shipped):
    figures = shipped.evaluation["figures"]
    assert figures["slice_auc"]["value"] >= 0.95
    assert figures["patient_dice_mean"]["value"] >= 0.75
