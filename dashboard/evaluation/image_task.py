"""The evaluation of an image task (``models/<task>/<model>/evaluation.json``), checked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dashboard.evaluation.estimates import (
    mappings,
    parse_figures,
    parse_strings,
    parse_text,
)
from dashboard.evaluation.experiments import ConfusionMatrix, parse_confusion
from pipeline import InputError
from pipeline.evaluation.facade import Estimate

SCHEMA = 1


@dataclass(frozen=True)
class ImageRow:
    """One image that was measured: its file, its label, the answer and the answer's probability."""

    file: str
    label: str
    answer: str
    share: float


@dataclass(frozen=True, eq=False)
class ImageEvaluation:
    """What was measured, how, and what came out.

    Attributes:
        split: How images were split.
        measures: What the figures are of, in a sentence.
        counts: Images and groups, as text.
        figures: Figures by name.
        confusion: Counts by class, None where there are none.
        environment: Where, when and by which command.
        rows: One per image, with the mean of its answers' probabilities.
    """

    split: str
    measures: str
    counts: Mapping[str, str]
    figures: Mapping[str, Estimate]
    confusion: ConfusionMatrix | None
    environment: Mapping[str, str]
    rows: tuple[ImageRow, ...]

    @property
    def answers(self) -> int:
        """Answers that figures and confusion matrix count, 0 without a matrix."""
        return sum(map(sum, self.confusion.counts)) if self.confusion else 0

    @property
    def repeats(self) -> int:
        """How often each image was answered, 0 where the file does not say."""
        whole = self.rows and self.answers % len(self.rows) == 0
        return self.answers // len(self.rows) if whole else 0


def parse_image_evaluation(document: object) -> ImageEvaluation | None:
    """Check the contents of an evaluation file; None for another version.

    Raises:
        InputError: A part is not of the expected kind.
    """
    if not isinstance(document, Mapping) or document.get("schema") != SCHEMA:
        return None
    try:
        return ImageEvaluation(
            split=parse_text(document.get("split")),
            measures=parse_text(document.get("measures")),
            counts=parse_strings(document.get("counts")),
            figures=parse_figures(document.get("figures")),
            confusion=parse_confusion(document.get("confusion")),
            environment=parse_strings(document.get("environment")),
            rows=tuple(_parse_row(row) for row in mappings(document.get("rows"))),
        )
    except (TypeError, ValueError, KeyError) as error:
        sentence = "The evaluation file holds a word where a number belongs."
        raise InputError("evaluation.json", sentence) from error


def _parse_row(row: Mapping[str, Any]) -> ImageRow:
    answer = parse_text(row.get("class"))
    shares = row.get("probabilities")
    share = float(shares[answer]) if isinstance(shares, Mapping) else math.nan
    return ImageRow(parse_text(row.get("file"))[:200], parse_text(row.get("label")), answer, share)
