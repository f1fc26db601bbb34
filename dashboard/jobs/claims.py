"""What may be claimed of a result: its expected Dice, and its figures in the worklist."""

from __future__ import annotations

import logging

from dashboard.store import ResultClaims
from dashboard.workspace.services import Services
from pipeline import DiceModel, InputError, ResultWithoutMaps, estimate_dice, read_dice_model

_LOG = logging.getLogger(__name__)


def find_dice_model(services: Services) -> DiceModel | None:
    """What was learned of the installed network's accuracy; None where nothing can be read."""
    if services.models is None:
        return None
    try:
        return read_dice_model(services.models.network)
    except InputError:
        _LOG.warning("The model of the expected Dice cannot be read.", exc_info=True)
        return None


def judge_claims(services: Services, result: ResultWithoutMaps) -> ResultClaims:
    """What the worklist says of how far a result can be relied on."""
    model = find_dice_model(services)
    estimate = estimate_dice(model, result)
    range_ml = None
    if model is not None and model.volume is not None and result.unfit is None:
        range_ml = model.volume.range_ml(result.volume_ml)
    low_ml, high_ml = range_ml or (None, None)
    return ResultClaims(
        conflicts=sum(one.is_conflict for one in result.slices),
        expected_dice=None if estimate is None else estimate.expected,
        cautions=len(result.cautions),
        unfit=result.unfit.sentence if result.unfit else "",
        low_ml=low_ml,
        high_ml=high_ml,
    )
