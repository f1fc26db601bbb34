"""Compares answers for less work with the reference's, on held-out patients."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence

import numpy as np

from pipeline import metrics
from pipeline.analysis.analyser import Analyser
from pipeline.analysis.results import CaseResult
from pipeline.data.case import Case
from pipeline.engine.precision import PrecisionCheck, ranges_of
from pipeline.errors import InputError
from pipeline.evaluation.evaluate import cpu_name


def measure_precision(
    cases: Iterable[Case], reference: Analyser, candidates: Sequence[Analyser]
) -> list[PrecisionCheck]:
    """Answer cases in each way and compare: masks with masks, rankings with the reference outline.

    Args:
        cases: Held-out patients with reference masks, read one by one.
        reference: Keras at float32, computing everything.
        candidates: Engine, precision and savings in question, with the same weights.

    Returns:
        What was measured of each candidate.

    Raises:
        InputError: A case has no reference masks, nothing is outlined in any case, or all or none
            of the slices show tumor, so that there is no AUC.
        ValueError: The analysers have other weights.
    """
    if any(one.network.digest != reference.network.digest for one in candidates):
        raise ValueError("all analysers must have the same weights")
    dice: list[list[float]] = [[] for _ in candidates]
    scores: list[list[float]] = [[] for _ in candidates]
    right_scores: list[float] = []
    tumor: list[bool] = []
    for case in cases:
        if case.masks is None:
            raise InputError(case.case_id, f"{case.case_id} has no reference masks.")
        right = reference.analyse(case)
        tumor += [bool(mask.any()) for mask in case.masks]
        right_scores += _scores(right)
        for k, candidate in enumerate(candidates):
            given = candidate.analyse(case)
            dice[k].append(metrics.dice_score(right.masks(), given.masks()))
            scores[k] += _scores(given)
    if not 0 < sum(tumor) < len(tumor):
        raise InputError("", "Slices with and without tumor are needed to compare a ranking.")
    if np.isnan(dice).all():
        raise InputError("", "Nothing is outlined in any of these cases: no masks to compare.")
    reference_auc = metrics.slice_auc(tumor, np.array(right_scores))
    return [
        PrecisionCheck(
            engine=candidate.engine,
            precision=candidate.precision,
            savings=candidate.network.savings,
            ranges=ranges_of(candidate.network, candidate.precision),
            patients=len(own),
            slices=len(tumor),
            mask_dice_mean=float(np.nanmean(own)),
            mask_dice_lowest=float(np.nanmin(own)),
            auc=metrics.slice_auc(tumor, np.array(given)),
            reference_auc=reference_auc,
            largest_score_difference=float(np.abs(np.subtract(right_scores, given)).max()),
            cpu=cpu_name(),
            date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        )
        for candidate, own, given in zip(candidates, dice, scores, strict=True)
    ]


def _scores(result: CaseResult) -> list[float]:
    return [answer.slice_score for answer in result.slices]
