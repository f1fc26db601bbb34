"""What browsers receive of a study, as `dashboard.studies.description` describes it.

`assets/js/viewer/study.d.ts` has the same for the browser's modules.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from dashboard.api.endpoint import Answer
from dashboard.store import JobState, Origin

_Share = Annotated[float, Field(ge=0, le=1)]
#: Lowest and highest value.
_Range = tuple[float, float]


class OrientationAnswer(Answer):
    """Letters of the patient's directions at the edges of the image."""

    left: str
    right: str
    top: str
    bottom: str


class ChannelAnswer(Answer):
    """A channel of a study.

    Attributes:
        sequence: Its sequence, such as "flair".
        label: The sequence's name for readers.
        same_as: The channel that this one only repeats.
        start: Whether the study opens with it.
    """

    sequence: str
    label: str
    same_as: int | None
    start: bool


class JobAnswer(Answer):
    """Where an analysis stands."""

    job_id: int
    state: JobState
    done: int
    total: int
    message: str


class SliceAnswer(Answer):
    """The result of both stages on one slice.

    Attributes:
        index: The file's own number of the slice.
        slice_score: Calibrated score.
        tumor: Whether it reaches the default operating point.
        classifier_score: The classifier's own score.
        outline_evidence: The segmentation's; null where the segmenter was not run.
        decided_by: Which stage decided the slice score.
        mask_area_px: Pixels of the mask.
        dice: Against the reference; null without one, or where both masks are empty.
        left_out_px: Pixels of small components that were left out of the mask.
        doubts: Why the outline is likely false: "outside head", "mirrored"; empty as a rule.
    """

    index: int
    slice_score: _Share
    tumor: bool
    classifier_score: _Share
    outline_evidence: _Share | None
    decided_by: str
    mask_area_px: int
    dice: _Share | None
    left_out_px: int
    doubts: list[str]


class NetworkAnswer(Answer):
    """The network that gave the result."""

    name: str
    version: str
    digest: str
    engine: str
    precision: str


class SimilarPatient(Answer):
    """A held-out patient; here says whether the address is the case itself."""

    case_id: str
    dice: _Share
    href: str
    here: bool


class VolumeRangeAnswer(Answer):
    """Volumes between which the reference's lies in 90% of held-out patients.

    Attributes:
        low_ml, high_ml: The ends.
        patients: Held-out patients behind them.
        coverage: Part of these that lie in the range of all others.
    """

    low_ml: float
    high_ml: float
    patients: int
    coverage: _Share


class TrustAnswer(Answer):
    """The expected Dice of the mask with its 90% range, and held-out patients like this one.

    Attributes:
        volume: Null without spacing.
    """

    expected: _Share
    low: _Share
    high: _Share
    sentence: str
    volume: VolumeRangeAnswer | None
    similar: list[SimilarPatient]


class ResultAnswer(Answer):
    """The result of an analysis.

    Attributes:
        key: In the addresses of all that belongs to it.
        probability_url, uncertainty_url, saliency_url, left_out_url: Maps, with {slice}.
        measures_url: `MeasuresAnswer`.
        diameters_url, surface_url: With {mask}.
        plane_probability_url: With {axis} and {place}.
        slices: In the study's order.
        threshold: The default operating point.
        mask_threshold: The default mask threshold.
        network_mask_threshold: The installed network's; null where it is not installed any more.
        volume_ml: Null without spacing.
        left_out_ml: Volume of small components that were left out of the mask, on slices above the
            default operating point; null without spacing.
        unfit: Why the images are unlike the training data, so that no volume, diameters or expected
            Dice are shown unasked; null as a rule.
        dice: Over the volume, as of a slice.
        warnings: Sentences.
        network: What gave the result.
        series: Channels that the network saw.
        trust: Null where nothing was learned for this network, nothing is outlined, or the images
            are unfit.
        learned: A sentence where the network was trained on this patient.
    """

    key: str
    probability_url: str
    uncertainty_url: str
    saliency_url: str
    left_out_url: str
    measures_url: str
    diameters_url: str
    plane_probability_url: str
    surface_url: str
    slices: list[SliceAnswer]
    threshold: _Share
    mask_threshold: _Share
    network_mask_threshold: _Share | None
    volume_ml: float | None
    left_out_ml: float | None
    unfit: str | None
    dice: _Share | None
    warnings: list[str]
    network: NetworkAnswer
    series: list[int]
    trust: TrustAnswer | None
    learned: str | None


class EntryAnswer(Answer):
    """Who entered or removed something, and when (ISO 8601, UTC)."""

    by: str
    at: str


class EntriesAnswer(Answer):
    """What readers entered for a study.

    Attributes:
        revision: Increases with each change; sent with the next one.
        label: What the study is called instead of its original name, or "".
        original_name: What it is called after its files.
        label_by, spacing_by, reference_by: Who last changed them; null where nobody did.
        spacing_mm: The spacing that was entered, as `StudyAnswer.spacing_mm`, or null.
        spacing_stated: Whether the files state a spacing, so that none can be entered.
        reference_files: Files of the attached reference; null where none is attached.
        joined: Whether only the numbers of its pictures say that they are one stack, so that it
            can be divided.
    """

    revision: int
    label: str
    original_name: str
    label_by: EntryAnswer | None
    spacing_by: EntryAnswer | None
    reference_by: EntryAnswer | None
    spacing_mm: tuple[float, float, float] | None
    spacing_stated: bool
    reference_files: list[str] | None
    joined: bool


class StudyAnswer(Answer):
    """A study without its pixels.

    Attributes:
        study_id: Opaque.
        name: What it is called on screen.
        case_id, patient, study_date, description: For display, "" where unknown.
        synthetic: Whether it is not of a real patient.
        origin: Where it came from.
        n, height, width: Slices, and their size in pixels.
        indices: The files' own numbers of the slices.
        sources: The files, by slice.
        spacing_mm: Between slices, rows, columns; null where unknown.
        slice_weights: For how many times the distance of slices each slice stands in volumes; null
            where all stand alike.
        orientation, orientation_note: Null where unknown; where it comes from, if not from a file.
        positions_mm: Of the slices, along their normal; null where unknown.
        channels: In the order of the addresses.
        pixel_type, slope, intercept: A value is stored x slope + intercept.
        windows, value_range: By channel.
        warnings: Sentences.
        pixels_url, thumbnail_url: With {channel} and {slice}.
        reference_url: With {slice}; null without a reference.
        plane_url, plane_reference_url: With {axis}, {place} and {channel}.
        space_url: `SpaceAnswer`.
        result: Null where there is not one yet, or `no_result` is given.
        no_result: Why the analysis gave no result: the images are blank; null as a rule.
        job: The analysis; null where none was submitted.
        entries: What readers entered for it.
    """

    study_id: str
    name: str
    case_id: str
    patient: str
    study_date: str
    description: str
    synthetic: bool
    origin: Origin
    n: int
    height: int
    width: int
    indices: list[int]
    sources: list[str]
    spacing_mm: tuple[float, float, float] | None
    slice_weights: list[float] | None
    orientation: OrientationAnswer | None
    orientation_note: str
    positions_mm: list[float] | None
    channels: list[ChannelAnswer]
    pixel_type: Literal["uint8", "uint16"]
    slope: float
    intercept: float
    windows: list[_Range]
    value_range: list[_Range] | None
    warnings: list[str]
    pixels_url: str
    reference_url: str | None
    thumbnail_url: str
    plane_url: str
    plane_reference_url: str | None
    space_url: str
    result: ResultAnswer | None
    no_result: str | None
    job: JobAnswer | None
    entries: EntriesAnswer
