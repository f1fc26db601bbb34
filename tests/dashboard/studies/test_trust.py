"""The expected Dice as the browser is told of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
from fake_server import FakeAnalyser, add_case, make_case, make_services

from dashboard.studies import trust
from pipeline import DiceEstimate, InputError
from pipeline.analysis.expected_dice import SimilarPatient
from pipeline.datasets.splits import load_fold
from pipeline.models.metadata import SplitFacts


@dataclass(frozen=True)
class Learned:
    """A model that knows two patients."""

    def estimate(self, facts: Any, *, case_id: str) -> DiceEstimate | None:
        assert (facts.called_slices, case_id) == (1, "case0")
        similar = (SimilarPatient("case7", 0.9, 0.1), SimilarPatient("TCGA_1", 0.8, 0.2))
        return DiceEstimate(0.88, 0.7, 0.95, True, 110, similar, False)


@pytest.fixture
def parts(tmp_path):
    return make_services(tmp_path / "home")


@pytest.fixture
def result(parts):
    return FakeAnalyser(parts.models, parts.results).analyse(make_case())


def test_similar_patients_lead_to_the_case_or_to_the_figures(parts, result, monkeypatch):
    monkeypatch.setattr(trust, "read_dice_model", lambda network: Learned())
    here = add_case(parts, make_case(seed=7))
    told = trust.describe_trust(parts, result)
    assert (told["expected"], told["low"], told["high"]) == (0.88, 0.7, 0.95)
    assert told["sentence"].startswith("Dice of about 0.88 is to be expected")
    assert told["similar"] == [
        {"case_id": "case7", "dice": 0.9, "href": f"/review?study={here}", "here": True},
        {"case_id": "TCGA_1", "dice": 0.8, "href": "/performance?view=outlines", "here": False},
    ]


def test_nothing_is_told_where_nothing_was_learned(parts, result, monkeypatch):
    assert trust.describe_trust(parts, result) is None  # no file beside the weights

    def damaged(network: Any) -> None:
        raise InputError("expected-dice.json", "does not fit")

    monkeypatch.setattr(trust, "read_dice_model", damaged)
    assert trust.describe_trust(parts, result) is None


def trained_on(parts, split):
    """The services with a network that was trained on a split."""
    network = parts.models.network
    network = replace(network, metadata=replace(network.metadata, split=split))
    return replace(parts, models=replace(parts.models, network=network))


@pytest.mark.parametrize(
    ("split", "case_id", "words"),
    [
        (SplitFacts("fold 1"), "TCGA_CS_4941_19960909", "The installed network learned from"),
        (SplitFacts("fold 1"), "TCGA_CS_5393_19990606", None),  # held out
        (SplitFacts("fold 1"), "case0", None),
        (SplitFacts("by slice"), "TCGA_CS_4941_19960909", None),
        (None, "TCGA_CS_4941_19960909", None),
    ],
)
def test_patients_that_the_network_learned_from_are_told(parts, split, case_id, words):
    known = trained_on(parts, split)
    told = trust.tell_learned(known, case_id)
    assert told == words or told.startswith(words)


def test_patients_that_chose_the_thresholds_are_told(parts):
    known = trained_on(parts, SplitFacts("fold 1"))
    told = trust.tell_learned(known, load_fold(1).validation[0])
    assert told.startswith("This patient helped to choose the installed network's thresholds")
