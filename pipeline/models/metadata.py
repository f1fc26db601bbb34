"""metadata.json of a network, as types: what it is, how its answers are used, how it was trained.

`pipeline.models.registry` reads the file; training writes it. What a reader can do without may be
missing, since training runs are older than this program.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from pydantic import Field, with_config

from pipeline.models.decision import DecisionRule
from pipeline.storage.checked_json import STRICT
from pipeline.storage.field_types import (
    Amount,
    Count,
    Digest,
    Flag,
    Name,
    Number,
    PlainName,
    Share,
    Text,
    Threshold,
)

#: The two-stage network halves a slice five times: what it answers has sides of so many px.
SIDE_MULTIPLE_PX = 32
#: Side of a network's square input, px.
Side = Annotated[int, Field(ge=16, le=4096)]
PlainNames = Annotated[tuple[PlainName, ...], Field(min_length=1, max_length=16)]


@dataclass(frozen=True)
class DataFacts:
    """Name and licence of the data that a network was trained on."""

    name: Text
    licence: Text


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """What networks of every kind have.

    Attributes:
        schema: Version of the file, which differs between kinds of networks.
        task: Name of the task.
        name, version: Of the network, as shown to readers.
        file: Name of the ``.keras`` file in the same folder.
        digest: SHA-256 that the file must have.
        preprocessing_version: Of the preprocessing that it was trained with.
        data: What it was trained on.
    """

    schema: int
    task: PlainName
    name: PlainName
    version: PlainName
    file: PlainName
    digest: Digest
    preprocessing_version: Annotated[int, Field(ge=1, le=10**6)]
    data: DataFacts | None = None


#: Options of `InferenceOptions` that leave something out; each is shown to keep the answers
#: (``python -m pipeline check-precision``) before a network is shipped with it.
SAVINGS = ("skip_empty", "crop_to_head", "mirror_from")


@dataclass(frozen=True)
class InferenceOptions:
    """How raw answers become the stages' answers. All off unless metadata.json says so.

    Attributes:
        flip_average: Average the answers with those for the left-right mirrored input.
        sigma_slices: Gaussian over neighbouring slices' scores and probability maps, in slices.
        min_component_fraction: 3D components smaller than this fraction of the largest are removed.
        lowest_mask_threshold: How far a case's mask threshold may be lowered to the level of its
            highest expected Dice; 0 keeps ``mask_threshold``.
        skip_empty: Slices that show no head score 0 and are not answered.
        crop_to_head: Only the part of a slice that holds the head is answered.
        mirror_from: Classifier score of the slice alone, smoothed, from which its mirror image is
            answered too; slices below it stop at the gate. 0 answers every mirror image.
    """

    flip_average: Flag = False
    sigma_slices: Annotated[float, Field(ge=0, le=10)] = 0.0
    min_component_fraction: Share = 0.0
    lowest_mask_threshold: Share = 0.0
    skip_empty: Flag = False
    crop_to_head: Flag = False
    mirror_from: Share = 0.0

    def savings(self) -> tuple[str, ...]:
        """Names of the options by which something that hardly matters is not computed."""
        return tuple(name for name in SAVINGS if getattr(self, name))

    def keep_savings(self, names: Collection[str]) -> InferenceOptions:
        """These options with no other savings than the given ones."""
        everything = InferenceOptions()
        left = {name: getattr(everything, name) for name in SAVINGS if name not in names}
        return replace(self, **left)


@dataclass(frozen=True)
class SliceInput:
    """Input of the two-stage network: side in pixels, and what each channel holds."""

    size: Side
    channels: PlainNames


@dataclass(frozen=True)
class SplitFacts:
    """The split that a network was trained on.

    Attributes:
        name: Such as ``fold 1``.
        by: ``patient`` or ``slice``.
        train, validation, held_out: Numbers of patients.
    """

    name: Name = ""
    by: Name = ""
    train: Count | None = None
    validation: Count | None = None
    held_out: Count | None = None


@dataclass(frozen=True, kw_only=True)
class TrainingFacts:
    """How the two-stage network was trained.

    Attributes:
        epochs, planned_epochs: Finished and planned.
        interrupted: Whether the training ended early.
        steps_per_epoch, batch_size, tumor_slices_per_batch, learning_rate, precision, crop_px: As
            their names say.
        initial_weights: ``ImageNet`` or ``random``.
        keras, backend: Versions and backend of Keras.
    """

    epochs: Count | None = None
    planned_epochs: Count | None = None
    interrupted: Flag = False
    steps_per_epoch: Count | None = None
    batch_size: Count | None = None
    tumor_slices_per_batch: Count | None = None
    learning_rate: Amount | None = None
    precision: Name = ""
    crop_px: Count | None = None
    initial_weights: Name = ""
    keras: Name = ""
    backend: Name = ""


@dataclass(frozen=True)
class PlattScaling:
    """Calibration inside a network's head: its logit is ``slope x before + intercept``.

    Attributes:
        slope, intercept: Of the logit.
        on: The patients that it was fitted on, such as ``validation``.
    """

    slope: Annotated[float, Field(ge=1e-3, le=1e3)]
    intercept: Annotated[float, Field(ge=-1e3, le=1e3)]
    on: Name = ""


@with_config(STRICT)
@dataclass(frozen=True, kw_only=True)
class TwoStageMetadata(Metadata):
    """metadata.json of the two-stage network.

    Attributes:
        input: Of the first stage.
        decision: How classifier score and segmentation confidence make the slice score.
        mask_threshold: Probability from which a pixel belongs to the mask; the highest that a case
            gets where ``inference`` lowers it.
        inference: How raw answers are combined.
        split, training, seed: How it was trained.
        calibration: Of the classifier score.
        operating_point: How the operating point was chosen, in words.
    """

    schema: Literal[2]
    input: SliceInput
    decision: DecisionRule
    split: SplitFacts | None = None
    seed: Count | None = None
    training: TrainingFacts | None = None
    mask_threshold: Threshold
    inference: InferenceOptions = InferenceOptions()
    calibration: PlattScaling | None = None
    operating_point: Text = ""


@dataclass(frozen=True)
class ImageInput:
    """Input of an image task's network: side in pixels, and how an image is fitted to it."""

    size: Side
    fit: PlainName


@dataclass(frozen=True)
class Temperature:
    """Calibration of an image task's network: its temperature, and what it was fitted on."""

    temperature: Annotated[float, Field(ge=0.05, le=50)]
    on: Name = ""


@dataclass(frozen=True, kw_only=True)
class ImageSplitFacts:
    """How an image task's recipe was measured.

    Attributes:
        measured: The folds, in words.
        seed: Of the folds.
        shipped_model_learned_from: What the shipped model was trained on, in words.
        images, groups: How many there are.
    """

    measured: Text = ""
    seed: Count | None = None
    shipped_model_learned_from: Text = ""
    images: Count | None = None
    groups: Count | None = None


@dataclass(frozen=True, kw_only=True)
class ImageTrainingFacts:
    """How an image task's network was trained; see `pipeline.image_tasks.task`."""

    architecture: Name = ""
    epochs: Count | None = None
    batch_size: Count | None = None
    learning_rate: Amount | None = None
    dropout: Share | None = None
    flips: Flag = False
    images_per_group: Count | None = None
    variants: Count | None = None
    repeats: Count | None = None
    seed: Count | None = None
    initial_weights: Name = ""
    trained: Name = ""
    seconds_per_epoch: Number | None = None
    keras: Name = ""
    backend: Name = ""


@with_config(STRICT)
@dataclass(frozen=True, kw_only=True)
class ImageMetadata(Metadata):
    """metadata.json of an image task's network.

    Attributes:
        input: Of the network.
        classes: In the network's order.
        calibration: Of its probabilities.
        licence: Of the weights.
        split, training: How it was measured and trained.
    """

    schema: Literal[1]
    input: ImageInput
    classes: PlainNames
    calibration: Temperature
    licence: Text = ""
    split: ImageSplitFacts | None = None
    training: ImageTrainingFacts | None = None
