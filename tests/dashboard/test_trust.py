"""The expected Dice as the browser is told of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from fake_server import FakeAnalyser, add_case, make_case, make_services

from dashboard import trust
from pipeline import DiceEstimate, InputError
from pipeline.expected_dice import SimilarPatient


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
