"""Expected accuracy of a segmentation, learned on patients that the networks were not trained on.

``python -m pipeline fit-expected-dice`` stores ``expected_dice.json`` with the weights
(`pipeline.evaluation.dice_fit`); here it is read and applied, with NumPy alone, so that the web
process can. Every held-out patient left behind the fit without it and its own error under that fit;
a case's Dice is distributed as all these errors around all these fits (jackknife+, Barber, Candes,
Ramdas and Tibshirani 2021, Annals of Statistics 49(1), arXiv 1905.02928, here with one quantile on
each side). Fits and errors are in logits of Dice, so that an interval stays within 0 and 1 and is
wider where the segmentation is uncertain.

The file holds only for the network and the evaluation that it names. The patients were analysed by
networks of the same recipe, each by the one that had not seen it: what is learned from them is
assumed to hold for the shipped one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, with_config

from pipeline.analysis.outline_facts import OutlineFacts
from pipeline.analysis.results import ResultWithoutMaps
from pipeline.models.registry import EVALUATION_FILE, ModelInfo
from pipeline.storage.checked_json import STRICT, read_json
from pipeline.storage.digests import file_digest
from pipeline.storage.field_types import Count, Digest, Flag, Name, Number, Share

MODEL_FILE = "expected_dice.json"
#: Share of new patients whose Dice the interval is meant to include.
COVERAGE = 0.9
#: Facts that are learned from, and whether more of one means a better (1) or a worse mask (-1).
FEATURES = {
    "expected_dice_logit": 1,
    "border_stability": 1,
    "log_volume": 1,
    "mean_disagreement": -1,
    "largest_score_gap": -1,
}
_SIMILAR = 3
#: Dice nearer to 0 or 1 than this differ by a few pixels only.
_FLOOR = 0.02
_WIDTH = len(FEATURES)
Value = Annotated[float, Field(gt=-1e6, lt=1e6)]


@dataclass(frozen=True)
class SimilarPatient:
    """A held-out patient whose result is similar to the case's.

    Attributes:
        case_id: The patient.
        dice: Dice of its outline against the reference, in [0, 1].
        distance: Root mean square difference of the facts, in standard deviations of the held-out
            patients; 0 is the same.
    """

    case_id: str
    dice: float
    distance: float


@dataclass(frozen=True)
class DiceEstimate:
    """What the Dice of a segmentation probably is.

    Attributes:
        expected: Expected Dice, in [0, 1].
        low: Lower end of the 90% range of new patients.
        high: Upper end.
        learned: False where nothing was found that beats "always the mean": the interval is then
            that of all held-out patients, whatever the case looks like.
        patients: Held-out patients behind it.
        similar: The most similar of them, the nearest first.
        unlike_all: Whether the case is further from its nearest held-out patient than any of these
            was from its own: the estimate then has nothing to rest on.
    """

    expected: float
    low: float
    high: float
    learned: bool
    patients: int
    similar: tuple[SimilarPatient, ...]
    unlike_all: bool

    @property
    def sentence(self) -> str:
        """The estimate in words."""
        words = (
            f"Expected Dice {self.expected:.2f} ({COVERAGE:.0%} range {self.low:.2f} to"
            f" {self.high:.2f}), from {self.patients} held-out patients."
        )
        if not self.learned:
            words = (
                f"No estimate for this case in particular: {COVERAGE:.0%} of the {self.patients}"
                f" held-out patients had a Dice of {self.low:.2f} to {self.high:.2f},"
                f" {self.expected:.2f} on average."
            )
        if self.unlike_all:
            words += " This case differs from all of them: the estimate may be far off."
        return words


@dataclass(frozen=True)
class VolumeRatio:
    """How the volume of the reference compares with that of the mask in held-out patients.

    A ratio of pixels per patient, so that it needs no spacing; patients without either are left
    out.

    Attributes:
        patients: How many.
        low, high: Ends of the 90% range of reference over mask.
        coverage: Part of the patients whose ratio lies in the range that the others give.
    """

    patients: Count
    low: Annotated[float, Field(gt=0, le=1e3)]
    high: Annotated[float, Field(gt=0, le=1e3)]
    coverage: Share

    def range_ml(self, volume_ml: float | None) -> tuple[float, float] | None:
        """Between which volumes the reference's probably is; None without a volume, or at 0 mL."""
        return (volume_ml * self.low, volume_ml * self.high) if volume_ml else None


@dataclass(frozen=True, eq=False)
class DiceModel:
    """What was learned.

    Attributes:
        fits: ``(n, 1 + features)`` intercept and slopes of the fit without each patient.
        errors: ``(n,)`` each patient's logit of Dice less that of its own fit.
        case_ids: ``(n,)`` the patients.
        dice: ``(n,)`` theirs, in [0, 1].
        features: ``(n, features)`` theirs.
        learned: False where all slopes are 0.
        volume: How volumes compare; None in files of earlier versions.
    """

    fits: NDArray[np.float64]
    errors: NDArray[np.float64]
    case_ids: tuple[str, ...]
    dice: NDArray[np.float64]
    features: NDArray[np.float64]
    learned: bool
    volume: VolumeRatio | None = None

    def estimate(self, facts: OutlineFacts, *, case_id: str = "") -> DiceEstimate | None:
        """Estimate the Dice of an outline.

        Args:
            facts: Of its segmentation.
            case_id: The case, which is not named as similar to itself.

        Returns:
            None where nothing was outlined.
        """
        features = outline_features(facts)
        if features is None:
            return None
        expected, low, high = spread(self.fits, self.errors, features)
        distances = distances_to(self.features, features)
        others = np.flatnonzero(np.array(self.case_ids) != case_id)
        nearest = others[np.argsort(distances[others], kind="stable")]
        similar = tuple(
            SimilarPatient(self.case_ids[k], float(self.dice[k]), float(distances[k]))
            for k in nearest[:_SIMILAR]
        )
        unlike = bool(similar) and similar[0].distance > largest_gap(self.features)
        n = len(self.case_ids)
        return DiceEstimate(expected, low, high, self.learned, n, similar, unlike)


def estimate_dice(model: DiceModel | None, result: ResultWithoutMaps) -> DiceEstimate | None:
    """The expected Dice of a segmentation; None where nothing is to be claimed of it."""
    if model is None or result.unfit is not None:
        return None
    return model.estimate(result.facts, case_id=result.case_id)


@dataclass(frozen=True)
class FitCheck:
    """How the estimate does on patients that it did not see.

    Attributes:
        patients: How many.
        coverage: Part of them whose Dice lies in the interval, of `COVERAGE` that were aimed at.
        mean_width: Mean width of the interval.
        error: Mean absolute error of the expected Dice.
        plain_coverage: Coverage of the interval of all others' Dice, whatever the case looks like.
        plain_width: Its mean width.
        error_of_mean: Mean absolute error of "always the mean of the others".
        error_of_median: Likewise of their median.
        gain_low: Lower end of the 90% interval (draws of patients) of how much the error is below
            the better of both.
        gain_high: Its upper end.
    """

    patients: Count
    coverage: Share
    mean_width: Share
    error: Share
    plain_coverage: Share
    plain_width: Share
    error_of_mean: Share
    error_of_median: Share
    gain_low: Number
    gain_high: Number

    @property
    def beats_the_mean(self) -> bool:
        """Whether the estimate is better than the same value for all patients, beyond chance."""
        return self.gain_low > 0


@dataclass(frozen=True)
class PatientFit:
    """A held-out patient in the file; see `DiceModel`."""

    case_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._ -]{0,127}\z")]
    dice: Share
    features: Annotated[tuple[Value, ...], Field(min_length=_WIDTH, max_length=_WIDTH)]
    fit: Annotated[tuple[Value, ...], Field(min_length=1 + _WIDTH, max_length=1 + _WIDTH)]
    error: Annotated[float, Field(ge=-100, le=100)]


@with_config(STRICT)
@dataclass(frozen=True, kw_only=True)
class DiceFile:
    """expected_dice.json.

    Attributes:
        network: SHA-256 of the weights that it was learned for.
        evaluation: SHA-256 of the evaluation that it was learned from.
        learned: False where all slopes are 0.
        features: Names of `FEATURES`.
        check: How the estimate does on unseen patients.
        patients: What was learned.
        volume: How volumes compare; None in files of earlier versions.
    """

    schema: Literal[1] = 1
    network: Digest
    evaluation: Digest
    learned: Flag
    features: tuple[Name, ...]
    check: FitCheck
    patients: Annotated[tuple[PatientFit, ...], Field(min_length=1, max_length=10_000)]
    volume: VolumeRatio | None = None

    def __post_init__(self) -> None:
        if self.features != tuple(FEATURES):
            raise ValueError("must have the features of this version")


def outline_features(facts: OutlineFacts) -> NDArray[np.float64] | None:
    """The facts as `FEATURES`: ``(features,)``; None where nothing was outlined."""
    known = (
        facts.expected_dice,
        facts.border_stability,
        facts.log_volume,
        facts.mean_disagreement,
    )
    if any(value is None for value in known):
        return None
    expected, *others = (float(value) for value in known if value is not None)
    gap = facts.largest_score_gap or 0.0
    return np.array([float(to_logit(np.float64(expected))), *others, gap], np.float64)


def to_logit(dice: NDArray[np.float64] | np.float64) -> NDArray[np.float64]:
    """Logit of Dice in [0, 1], any shape, kept from the ends; the shape stays."""
    clipped = np.clip(dice, _FLOOR, 1 - _FLOOR)
    return np.asarray(np.log(clipped / (1 - clipped)), np.float64)


def spread(
    fits: NDArray[np.float64], errors: NDArray[np.float64], features: NDArray[np.float64]
) -> tuple[float, float, float]:
    """Mean and both ends of the distribution of a case's Dice.

    Args:
        fits: As in `DiceModel`.
        errors: As in `DiceModel`.
        features: ``(features,)`` of the case.

    Returns:
        Expected Dice, and the ends of the jackknife+ interval. Where there are too few patients for
        a quantile, its end is 0 or 1.
    """
    logits = np.sort(fits[:, 0] + fits[:, 1:] @ features + errors)
    dice = 1 / (1 + np.exp(-logits))
    low, high = quantile_ranks(len(dice))
    return (
        float(dice.mean()),
        float(dice[low - 1]) if low >= 1 else 0.0,
        float(dice[high - 1]) if high <= len(dice) else 1.0,
    )


def quantile_ranks(n: int) -> tuple[int, int]:
    """Ranks, from 1, of the ends of the `COVERAGE` range of n sorted values.

    Returns:
        0, or n + 1, where there are too few values for an end.
    """
    tail = (1 - COVERAGE) / 2
    return int(np.floor(tail * (n + 1))), int(np.ceil((1 - tail) * (n + 1)))


def distances_to(known: NDArray[np.float64], features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance of each known patient to a case: ``(n,)``, see `SimilarPatient`."""
    scale = known.std(axis=0)
    apart = (known - features) / np.where(scale > 0, scale, 1.0)
    return np.asarray(np.sqrt((apart**2).mean(axis=1)), np.float64)


def largest_gap(known: NDArray[np.float64]) -> float:
    """The largest distance of a known patient to the one nearest to it.

    Args:
        known: ``(n, features)``, two patients at least.
    """
    nearest = []
    for k, features in enumerate(known):
        distances = distances_to(known, features)
        distances[k] = np.inf
        nearest.append(distances.min())
    return float(max(nearest))


def read_dice_model(network: ModelInfo) -> DiceModel | None:
    """Read what was learned for just this network and its evaluation.

    Returns:
        None where nothing was learned, or of another network or another evaluation.

    Raises:
        InputError: The file is there and does not fit.
    """
    remedy = "run python -m pipeline fit-expected-dice"
    file = read_json(network.folder / MODEL_FILE, DiceFile, shown=MODEL_FILE, remedy=remedy)
    if file is None or file.network != network.digest:
        return None
    try:
        evaluation = file_digest(evaluation_path(network))
    except OSError:
        return None
    if file.evaluation != evaluation:
        return None
    return DiceModel(
        fits=np.array([row.fit for row in file.patients], np.float64),
        errors=np.array([row.error for row in file.patients], np.float64),
        case_ids=tuple(row.case_id for row in file.patients),
        dice=np.array([row.dice for row in file.patients], np.float64),
        features=np.array([row.features for row in file.patients], np.float64),
        learned=file.learned,
        volume=file.volume,
    )


def evaluation_path(network: ModelInfo) -> Path:
    """The evaluation of a shipped network."""
    return network.folder.parent / EVALUATION_FILE
