"""evaluation.json of an image task, as types: the recipe's figures on images it had not seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, with_config

from pipeline.classifiers.scoring import ConfusionMatrix
from pipeline.evaluation.document import MeasuredNetwork
from pipeline.evaluation.intervals import Estimate
from pipeline.image_tasks.task import Published
from pipeline.storage.checked_json import STRICT
from pipeline.storage.field_types import Amount, Count, Name, Share, Text


@dataclass(frozen=True)
class ImageCounts:
    """How many images and groups were measured, and how many images each class has."""

    images: Count
    groups: Count
    classes: Mapping[Name, Count]


@dataclass(frozen=True)
class CalibrationError:
    """Cross-entropy, and the calibration error of the predicted class."""

    cross_entropy: Amount
    ece: Share


@dataclass(frozen=True)
class ImageCalibration:
    """Calibration of the probabilities, before and after temperature scaling."""

    temperature: Annotated[float, Field(ge=0.05, le=50)]
    before: CalibrationError
    after: CalibrationError


@dataclass(frozen=True)
class ImageRow:
    """One image that was measured.

    Attributes:
        file: Its path below the data set.
        group: Number of its group.
        label: Its class in the data set.
        answer: The predicted class: the one with the highest mean probability.
        probabilities: Mean over the repeats, by class.
    """

    file: Text
    group: Count
    label: Name
    answer: Annotated[Name, Field(alias="class")]
    probabilities: Mapping[Name, Share]

    @property
    def share(self) -> float:
        """Mean probability of the predicted class."""
        return self.probabilities[self.answer]

    def __post_init__(self) -> None:
        if self.answer not in self.probabilities:
            raise ValueError("must have a probability of the predicted class")


@with_config(STRICT)
@dataclass(frozen=True, kw_only=True)
class ImageEvaluation:
    """What was measured, how, and the figures.

    Attributes:
        task, title: The task.
        network: The shipped network, which learned from all images.
        split: How images were split.
        measures: What the figures are of.
        cautions, published: Those of the task.
        counts: Images and groups.
        environment: Where, when and by which command.
        figures: By name.
        confusion: Counts of all repeats together.
        calibration: Of the probabilities.
        rows: One per image.
    """

    schema: Literal[1] = 1
    task: Name
    title: Text
    network: MeasuredNetwork
    split: Text
    measures: Text
    cautions: tuple[Text, ...]
    published: tuple[Published, ...]
    counts: ImageCounts
    environment: Mapping[Name, Text | float]
    figures: Mapping[Name, Estimate]
    confusion: ConfusionMatrix
    calibration: ImageCalibration
    rows: tuple[ImageRow, ...]

    @property
    def answers(self) -> int:
        """Predictions that figures and confusion matrix count."""
        return sum(map(sum, self.confusion.counts))

    @property
    def repeats(self) -> int:
        """How many predictions each image has; 0 where images differ in that."""
        whole = self.rows and self.answers % len(self.rows) == 0
        return self.answers // len(self.rows) if whole else 0
