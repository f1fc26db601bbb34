"""How good an outline probably is, for the browser: its expected Dice and the patients like it."""

from __future__ import annotations

import logging
from typing import Any

from dashboard.studies.addresses import review_href
from dashboard.workspace.services import Services
from pipeline import CaseResult, InputError, read_dice_model, role_of

_LOG = logging.getLogger(__name__)
#: Where the performance page shows every held-out patient's Dice.
_FIGURES = "/performance?view=outlines"


_LEARNED = {
    "train": "The installed network learned from this patient: how far it agrees with the reference"
    " here says little about new patients.",
    "validation": "This patient helped to choose the installed network's thresholds: how far it"
    " agrees with the reference here says less about new patients.",
}


def tell_learned(services: Services, case_id: str) -> str | None:
    """A sentence where the installed network knows the patient from its training, by name."""
    if services.models is None:
        return None
    split = services.models.network.metadata.split
    return _LEARNED.get(str(role_of(split.name if split else "", case_id)))


def describe_trust(services: Services, result: CaseResult) -> dict[str, Any] | None:
    """What the outline's Dice is expected to be.

    Returns:
        expected, low, high, sentence and similar (case_id, dice, href, here: whether the address is
        the case itself); None where nothing was learned for these weights or nothing is outlined.
    """
    if services.models is None:
        return None
    try:
        model = read_dice_model(services.models.network)
    except InputError:
        _LOG.warning("What was learned of the Dice cannot be read.", exc_info=True)
        return None
    estimate = model.estimate(result.facts, case_id=result.case_id) if model else None
    if estimate is None:
        return None
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
        "similar": similar,
    }
