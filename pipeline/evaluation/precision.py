"""Compares answers at a lower precision with the reference's, on held-out patients."""

from __future__ import annotations

import datetime
from collections.abc import Iterable

import numpy as np

from pipeline import metrics
from pipeline.analysis.analyser import Analyser
from pipeline.analysis.results import CaseResult
from pipeline.data.case import Case
from pipeline.engine.precision import PrecisionCheck
from pipeline.errors import InputError
from pipeline.evaluation.evaluate import cpu_name


def measure_precision(
    cases: Iterable[Case], reference: Analyser, candidate: Analyser
) -> PrecisionCheck:
    """Answer cases twice and compare: masks with masks, the ranking with the reference outline.

    Args:
        cases: Held-out patients with reference masks, read one by one.
        reference: Keras at float32.
        candidate: The engine and precision in question, with the same weights.

    Raises:
        InputError: A case has no reference masks, nothing is outlined in any case, or all or none
            of the slices show tumor, so that there is no AUC.
        ValueError: The analysers have other weights.
    """
    if reference.network.digest != candidate.network.digest:
        raise ValueError("both analysers must have the same weights")
    dice: list[float] = []
    tumor: list[bool] = []
    scores: list[tuple[float, float]] = []
    for case in cases:
        if case.masks is None:
            raise InputError(case.case_id, f"{case.case_id} has no reference masks.")
        right, given = reference.analyse(case), candidate.analyse(case)
        dice.append(metrics.dice_score(right.masks(), given.masks()))
        tumor += [bool(mask.any()) for mask in case.masks]
        scores += list(zip(_scores(right), _scores(given), strict=True))
    if not 0 < sum(tumor) < len(tumor):
        raise InputError("", "Slices with and without tumor are needed to compare a ranking.")
    if np.isnan(dice).all():
        raise InputError("", "Nothing is outlined in any of these cases: no masks to compare.")
    ranked = np.array(scores)
    return PrecisionCheck(
        engine=candidate.engine,
        precision=candidate.precision,
        patients=len(dice),
        slices=len(tumor),
        mask_dice_mean=float(np.nanmean(dice)),
        mask_dice_lowest=float(np.nanmin(dice)),
        auc=metrics.slice_auc(tumor, ranked[:, 1]),
        reference_auc=metrics.slice_auc(tumor, ranked[:, 0]),
        largest_score_difference=float(np.abs(ranked[:, 0] - ranked[:, 1]).max()),
        cpu=cpu_name(),
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
    )


def _scores(result: CaseResult) -> list[float]:
    return [answer.slice_score for answer in result.slices]
