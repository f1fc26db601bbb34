"""Expected accuracy of a segmentation for the browser: its expected Dice and similar patients."""

from __future__ import annotations

from typing import Any

from dashboard.jobs.claims import find_dice_model
from dashboard.studies.addresses import review_href
from dashboard.workspace.services import Services
from pipeline import ResultWithoutMaps, estimate_dice, role_of

#: View of the performance page with every held-out patient's Dice.
_FIGURES = "/performance?view=outlines"

#: What a reader must know about a patient used in training, by role.
TRAINING_USE = {
    "train": "The installed network was trained on this patient: its agreement with the reference"
    " here does not apply to new patients.",
    "validation": "The installed network's thresholds were chosen with this patient: its agreement"
    " with the reference here applies less to new patients.",
}


def describe_training_use(services: Services, case_id: str) -> str | None:
    """A sentence where the installed network's training used this patient, by name; else None."""
    if services.models is None:
        return None
    split = services.models.network.metadata.split
    return TRAINING_USE.get(str(role_of(split.name if split else "", case_id)))


def describe_trust(services: Services, result: ResultWithoutMaps) -> dict[str, Any] | None:
    """The expected Dice of the segmentation.

    Returns:
        expected, low, high, sentence, volume (low_ml, high_ml, patients, coverage; None without a
        volume) and similar (case_id, dice, href, here: whether the address is the case itself);
        None without a Dice model for these weights, without a segmentation, and where the images
        are unlike the training data.
    """
    model = find_dice_model(services)
    estimate = estimate_dice(model, result)
    if model is None or estimate is None:
        return None
    volume = None
    range_ml = model.volume.range_ml(result.volume_ml) if model.volume else None
    if model.volume and range_ml:
        volume = {
            "low_ml": range_ml[0],
            "high_ml": range_ml[1],
            "patients": model.volume.patients,
            "coverage": model.volume.coverage,
        }
    known = services.store.studies_of_cases([one.case_id for one in estimate.similar])
    similar = []
    for one in estimate.similar:
        found = known.get(one.case_id)
        href = review_href(found[0].study_id) if found else _FIGURES
        similar.append(
            {"case_id": one.case_id, "dice": one.dice, "href": href, "here": bool(found)}
        )
    return {
        "expected": estimate.expected,
        "low": estimate.low,
        "high": estimate.high,
        "sentence": estimate.sentence,
        "volume": volume,
        "similar": similar,
    }
