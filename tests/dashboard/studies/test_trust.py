"""The expected Dice as described for the browser."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
from fake_server import FakeAnalyser, add_case, make_case, make_services

from dashboard.jobs import claims
from dashboard.studies import trust
from pipeline import Caution, DiceEstimate, InputAspect, InputError, Severity
from pipeline.analysis.expected_dice import SimilarPatient, VolumeRatio
from pipeline.datasets.splits import load_fold
from pipeline.models.metadata import SplitFacts


@dataclass(frozen=True)
class FakeDiceModel:
    """A model of two patients, whose references held half and twice the pixels."""

    volume = VolumeRatio(88, 0.5, 2.0, 0.9)

    def estimate(self, facts: Any, *, case_id: str) -> DiceEstimate | None:
        assert (facts.called_slices, case_id) == (1, "case0")
        return ESTIMATE


SIMILAR = (SimilarPatient("case7", 0.9, 0.1), SimilarPatient("TCGA_1", 0.8, 0.2))
ESTIMATE = DiceEstimate(0.88, 0.7, 0.95, True, 110, SIMILAR, False)


@pytest.fixture
def parts(tmp_path):
    return make_services(tmp_path / "home")


@pytest.fixture
def result(parts):
    """Of six pixels' width, but as if they were those of a head."""
    found = FakeAnalyser(parts.models, parts.results).analyse(make_case())
    return replace(found, input_findings=())


def test_similar_patients_lead_to_the_case_or_to_the_figures(parts, result, monkeypatch):
    monkeypatch.setattr(claims, "read_dice_model", lambda network: FakeDiceModel())
    here = add_case(parts, make_case(seed=7))
    described = trust.describe_trust(parts, result)
    assert (described["expected"], described["low"], described["high"]) == (0.88, 0.7, 0.95)
    assert described["sentence"] == ESTIMATE.sentence
    assert described["similar"] == [
        {"case_id": "case7", "dice": 0.9, "href": f"/review?study={here}", "here": True},
        {"case_id": "TCGA_1", "dice": 0.8, "href": "/performance?view=outlines", "here": False},
    ]
    assert result.volume_ml
    assert described["volume"] == {
        "low_ml": result.volume_ml / 2,
        "high_ml": result.volume_ml * 2,
        "patients": 88,
        "coverage": 0.9,
    }


def test_nothing_is_claimed_of_images_unlike_the_training_data(parts, result, monkeypatch):
    monkeypatch.setattr(claims, "read_dice_model", lambda network: FakeDiceModel())
    unfit = Caution("Not FLAIR.", InputAspect.SEQUENCE, Severity.UNFIT)
    assert trust.describe_trust(parts, replace(result, input_findings=(unfit,))) is None
    no_spacing = replace(result, volume_ml=None)
    assert trust.describe_trust(parts, no_spacing)["volume"] is None


def test_nothing_is_reported_where_nothing_was_learned(parts, result, monkeypatch):
    assert trust.describe_trust(parts, result) is None  # no file beside the weights

    def damaged(network: Any) -> None:
        raise InputError("expected-dice.json", "does not fit")

    monkeypatch.setattr(claims, "read_dice_model", damaged)
    assert trust.describe_trust(parts, result) is None


def trained_on(parts, split):
    """The services with a network that was trained on a split."""
    network = parts.models.network
    network = replace(network, metadata=replace(network.metadata, split=split))
    return replace(parts, models=replace(parts.models, network=network))


@pytest.mark.parametrize(
    ("split", "case_id", "role"),
    [
        (SplitFacts("fold 1"), "TCGA_CS_4941_19960909", "train"),
        (SplitFacts("fold 1"), "TCGA_CS_5393_19990606", None),  # held out
        (SplitFacts("fold 1"), "case0", None),
        (SplitFacts("by slice"), "TCGA_CS_4941_19960909", None),
        (None, "TCGA_CS_4941_19960909", None),
    ],
)
def test_patients_of_the_training_have_a_sentence(parts, split, case_id, role):
    known = trained_on(parts, split)
    assert trust.describe_training_use(known, case_id) == trust.TRAINING_USE.get(role)


def test_patients_that_chose_the_thresholds_have_another_sentence(parts):
    known = trained_on(parts, SplitFacts("fold 1"))
    sentence = trust.describe_training_use(known, load_fold(1).validation[0])
    assert sentence == trust.TRAINING_USE["validation"] != trust.TRAINING_USE["train"]
