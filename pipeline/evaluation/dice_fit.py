"""Learns the Dice that is to be expected from the rows of held-out patients.

The fit is a ridge regression in logits of Dice whose slopes may only have the sign that makes sense
(`pipeline.analysis.expected_dice.FEATURES`): with some ninety patients and facts that speak of the
same thing, a free fit would give some of them the wrong one. Nothing is tuned. Its errors and the
interval's coverage are those of patients that it did not see: each patient is estimated by the
whole procedure on the others alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from pipeline.analysis.expected_dice import (
    COVERAGE,
    FEATURES,
    MODEL_FILE,
    DiceFile,
    FitCheck,
    PatientFit,
    VolumeRatio,
    evaluation_path,
    outline_features,
    quantile_ranks,
    spread,
    to_logit,
)
from pipeline.analysis.outline_facts import OutlineFacts
from pipeline.errors import InputError
from pipeline.evaluation.document import Evaluation
from pipeline.evaluation.rows import PatientRow
from pipeline.models.registry import EVALUATION_FILE, ModelInfo
from pipeline.storage.checked_json import read_json, write_document
from pipeline.storage.digests import file_digest

#: Fewer patients have no quantiles for the interval.
LEAST_PATIENTS = 20
#: Splits of an evaluation in which each patient was answered by a network that had not seen it.
_HELD_OUT = ("cross-validated", "held-out")
#: The penalty on slopes weighs as much as this many patients. Chosen before any fit.
_RIDGE = 5.0
_DRAWS, _SEED = 10_000, 20261121


@dataclass(frozen=True, eq=False)
class LearningRows:
    """Patients to learn from.

    Attributes:
        case_ids: ``(n,)``.
        dice: ``(n,)`` in [0, 1].
        features: ``(n, features)``.
        left_out: Patients without an outline or without a Dice, from which nothing is learned.
    """

    case_ids: tuple[str, ...]
    dice: NDArray[np.float64]
    features: NDArray[np.float64]
    left_out: int


def read_learning_rows(evaluation: Evaluation) -> LearningRows:
    """Take the patients from an evaluation.

    Raises:
        InputError: They were not held out, too few, or measured before facts were kept.
    """
    if not evaluation.split.startswith(_HELD_OUT):
        _refuse(f"Its patients are not held out (split: {evaluation.split or 'none'}).")
    rows = evaluation.patients
    facts = [_facts_of(row) for row in rows]
    if rows and all(found is None for found in facts):
        _refuse("It was written before facts of the outline were kept; evaluate again.")
    names, dice, features = [], [], []
    for row, found in zip(rows, facts, strict=True):
        values = None if found is None else outline_features(found)
        if values is not None and row.dice is not None:
            names.append(row.case_id)
            dice.append(row.dice)
            features.append(values)
    if len(names) < LEAST_PATIENTS:
        _refuse(f"It holds {len(names)} patients, at least {LEAST_PATIENTS} are needed.")
    return LearningRows(tuple(names), np.array(dice), np.array(features), len(rows) - len(names))


def _facts_of(row: PatientRow) -> OutlineFacts | None:
    """What the answer said of its own outline; None in rows that do not hold it."""
    if row.mask_threshold is None:
        return None
    return OutlineFacts(**{name: getattr(row, name) for name in OutlineFacts.__dataclass_fields__})


def fit_slopes(features: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ridge regression whose slopes have the signs of `FEATURES`, or are 0.

    Args:
        features: ``(n, features)``.
        target: ``(n,)``.

    Returns:
        ``(1 + features,)``, intercept and slopes.
    """
    signs = np.array(list(FEATURES.values()), np.float64)
    mean, scale = features.mean(axis=0), features.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    standard = (features - mean) / scale * signs
    penalty = np.sqrt(_RIDGE) * np.eye(len(signs))
    wanted = np.concatenate([target - target.mean(), np.zeros(len(signs))])
    weights, _ = nnls(np.vstack([standard, penalty]), wanted)
    slopes = weights * signs / scale
    return np.concatenate([[target.mean() - slopes @ mean], slopes])


def leave_each_out(
    features: NDArray[np.float64], target: NDArray[np.float64], *, learned: bool = True
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The fit without each patient, and that patient's error under it.

    Args:
        features: ``(n, features)``.
        target: ``(n,)`` logits of Dice.
        learned: False fits no slopes: all that is left is how Dice is spread.

    Returns:
        ``(n, 1 + features)`` and ``(n,)``.
    """
    n = len(target)
    fits = np.zeros((n, 1 + features.shape[1]))
    if learned:
        kept = ~np.eye(n, dtype=bool)
        fits = np.stack([fit_slopes(features[rows], target[rows]) for rows in kept])
    return fits, target - fits[:, 0] - (fits[:, 1:] * features).sum(axis=1)


def check_fit(rows: LearningRows, *, draws: int = _DRAWS) -> FitCheck:
    """Estimate each patient by the whole procedure on the others, and compare."""
    target = to_logit(rows.dice)
    spreads: dict[bool, NDArray[np.float64]] = {}
    for learned in (True, False):
        found = []
        for k, features in enumerate(rows.features):
            others = np.arange(len(target)) != k
            fits, errors = leave_each_out(rows.features[others], target[others], learned=learned)
            found.append(spread(fits, errors, features))
        spreads[learned] = np.array(found)
    # Coverage is that of the Dice as it is clipped, since the ends are.
    dice = 1 / (1 + np.exp(-target))
    inside = {key: (dice >= v[:, 1]) & (dice <= v[:, 2]) for key, v in spreads.items()}
    n = len(dice)
    without = [np.delete(rows.dice, k) for k in range(n)]
    error = np.abs(spreads[True][:, 0] - rows.dice)
    of_mean = np.abs([other.mean() for other in without] - rows.dice)
    of_median = np.abs([np.median(other) for other in without] - rows.dice)
    drawn = np.random.default_rng(_SEED).integers(0, n, (draws, n))
    better = np.minimum(of_mean[drawn].mean(axis=1), of_median[drawn].mean(axis=1))
    low, high = np.percentile(better - error[drawn].mean(axis=1), [5, 95])
    return FitCheck(
        patients=n,
        coverage=float(inside[True].mean()),
        mean_width=float((spreads[True][:, 2] - spreads[True][:, 1]).mean()),
        error=float(error.mean()),
        plain_coverage=float(inside[False].mean()),
        plain_width=float((spreads[False][:, 2] - spreads[False][:, 1]).mean()),
        error_of_mean=float(of_mean.mean()),
        error_of_median=float(of_median.mean()),
        gain_low=float(low),
        gain_high=float(high),
    )


def fit_volume_ratio(patients: Sequence[PatientRow]) -> VolumeRatio | None:
    """Learn between which multiples of the mask's volume the reference's lies.

    Returns:
        None where fewer than `LEAST_PATIENTS` patients have both.
    """
    areas = [(row.reference_px, row.volume_px) for row in patients]
    ratios = np.sort([wanted / found for wanted, found in areas if wanted and found])
    if len(ratios) < LEAST_PATIENTS:
        return None
    ranges = [_ends(np.delete(ratios, k)) for k in range(len(ratios))]
    inside = [a <= ratio <= b for ratio, (a, b) in zip(ratios, ranges, strict=True)]
    low, high = _ends(ratios)
    return VolumeRatio(len(ratios), low, high, float(np.mean(inside)))


def _ends(ratios: NDArray[np.float64]) -> tuple[float, float]:
    """Ends of the range of sorted values; the outermost ones where there are few."""
    n = len(ratios)
    low, high = quantile_ranks(n)
    return float(ratios[max(low, 1) - 1]), float(ratios[min(high, n) - 1])


def write_dice_model(
    network: ModelInfo, rows: LearningRows, check: FitCheck, volume: VolumeRatio | None
) -> Path:
    """Fit on all patients and store it with the weights.

    Args:
        network: The network.
        rows: The patients.
        check: How the estimate does on unseen patients.
        volume: How volumes compare, as of `fit_volume_ratio`.

    Raises:
        OSError: It cannot be written.
    """
    learned = check.beats_the_mean
    fits, errors = leave_each_out(rows.features, to_logit(rows.dice), learned=learned)
    path = network.folder / MODEL_FILE
    file = DiceFile(
        network=network.digest,
        evaluation=file_digest(evaluation_path(network)),
        learned=learned,
        features=tuple(FEATURES),
        check=check,
        patients=tuple(
            PatientFit(
                case_id,
                float(rows.dice[k]),
                tuple(rows.features[k].tolist()),
                tuple(fits[k].tolist()),
                float(errors[k]),
            )
            for k, case_id in enumerate(rows.case_ids)
        ),
        volume=volume,
    )
    write_document(path, file)
    return path


def rebind_dice_models(evaluation: Path, before: str) -> None:
    """Keep what was learned from an evaluation valid after its figures were computed again.

    The patients are the same, so that a new fit would be the same; only the file's digest changed.

    Args:
        evaluation: The file, as it is now.
        before: Its digest before.

    Raises:
        OSError: A file cannot be written.
    """
    for path in evaluation.parent.glob(f"*/{MODEL_FILE}"):
        try:
            file = read_json(path, DiceFile, shown=path.name, remedy="learn it again")
        except InputError:
            continue  # a file that is not valid is bound to nothing
        if file is not None and file.evaluation == before:
            write_document(path, replace(file, evaluation=file_digest(evaluation)))


def describe_fit(check: FitCheck, left_out: int = 0, *, volume: VolumeRatio | None = None) -> str:
    """What came out, as text."""
    lines = [
        f"Expected Dice, estimated for {check.patients} held-out patients from the others:",
        f"  mean absolute error {check.error:.3f}; always the mean {check.error_of_mean:.3f}, "
        f"always the median {check.error_of_median:.3f}",
        f"  better than both by {check.gain_low:.3f} to {check.gain_high:.3f} (90%, draws of "
        "patients)",
        f"  interval: aimed at {COVERAGE:.0%}, holds {check.coverage:.1%}, mean width "
        f"{check.mean_width:.3f}",
        f"  plain quantiles: hold {check.plain_coverage:.1%}, mean width {check.plain_width:.3f}",
    ]
    if volume:
        lines.append(
            f"  reference volume / mask volume: aimed at {COVERAGE:.0%}, {volume.low:.2f} to"
            f" {volume.high:.2f}, holds {volume.coverage:.1%} of {volume.patients}"
        )
    if left_out:
        lines.append(f"  left out, without outline or Dice: {left_out}")
    lines.append(
        "The estimate is used."
        if check.beats_the_mean
        else "It does not beat the mean beyond chance: the plain quantiles are shown instead."
    )
    return "\n".join(lines)


def _refuse(why: str) -> NoReturn:
    raise InputError(EVALUATION_FILE, f"No expected Dice can be learned from it. {why}")
