"""results.json, as types: what ``predict`` writes is a contract with other programs.

Within a version (`schema`) keys keep their names and meanings, and keys may be added.
`pipeline.predictions.results_page` makes docs/results.md of the descriptions here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, with_config

from pipeline.data.cautions import InputAspect
from pipeline.errors import InputError
from pipeline.measurement.doubtful_outlines import Doubt
from pipeline.models.decision import DecidedBy
from pipeline.storage.checked_json import STRICT
from pipeline.storage.field_types import Amount, Count, Digest, Flag, Share

SCHEMA: Literal[1] = 1
#: A case's name: what a folder below ``masks`` may be called.
CASE_ID = r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}"
CaseId = Annotated[str, Field(pattern=rf"^{CASE_ID}\z")]
Spacing = Annotated[float, Field(gt=0)]


def described(words: str, *, null: str = "never") -> Any:
    """Description of a field, and when it is ``null``."""
    return Field(description=words, json_schema_extra={"null": null})


@dataclass(frozen=True)
class NetworkRecord:
    """A network: its name, and the SHA-256 of its weights."""

    name: str
    digest: Digest


@dataclass(frozen=True)
class TwoStageNetworks:
    """The networks of brain-tumor: both stages are one network, so that both name the same one."""

    classifier: NetworkRecord
    segmenter: NetworkRecord


@dataclass(frozen=True)
class ImageNetworks:
    """The network of an image task."""

    classifier: NetworkRecord


@dataclass(frozen=True)
class ErrorRecord:
    """A file that could not be read or analysed."""

    source: Annotated[str, described("its place in the input")]
    message: Annotated[str, described("one sentence: what is wrong, and what to do")]

    @classmethod
    def of(cls, error: InputError) -> ErrorRecord:
        """The record of an error."""
        return cls(error.source, error.message)


@dataclass(frozen=True)
class FindingRecord:
    """One way in which the input differs from the training data."""

    aspect: Annotated[
        InputAspect, described(f"its subject: {', '.join(f'`{a}`' for a in InputAspect)}")
    ]
    sentence: Annotated[str, described("how it differs, and what that means for the result")]


@dataclass(frozen=True, kw_only=True)
class SliceRecord:
    """A slice of brain-tumor."""

    index: Annotated[Count, described("number of the slice, from 1")]
    source: Annotated[
        str,
        described(
            "its file, relative to the path that was given; `archive.zip/inner.png` inside an"
            " archive"
        ),
    ]
    tumor_probability: Annotated[
        Share,
        described(
            "the slice score, 0 to 1, on which the decision is made: calibrated over slices, not"
            " the probability that the patient has a tumor"
        ),
    ]
    tumor: Annotated[Flag, described("whether the slice score reaches the operating point")]
    classifier_score: Annotated[Share, described("classifier score of the first stage, 0 to 1")]
    outline_evidence: Annotated[
        Share | None,
        described(
            "segmentation confidence of the second stage, 0 to 1",
            null="the classifier score is below the gate: the slice was not segmented",
        ),
    ]
    decided_by: Annotated[
        DecidedBy,
        described(
            "what the decision rests on: `gate` (not segmented), `both` (the stages agree),"
            " `classifier` or `outline` (the stages disagree, and this one prevailed)"
        ),
    ]
    mask: Annotated[
        str | None,
        described(
            "PNG of the slice's own size, 0 and 255, relative to `OUT`",
            null="the slice is below the operating point",
        ),
    ]
    mask_area_px: Annotated[Count, described("pixels of the mask; 0 without one")]
    left_out_px: Annotated[
        Count, described("pixels that were outlined but excluded from the mask as small")
    ]
    doubts: Annotated[
        tuple[Doubt, ...],
        described(
            "why the outline is likely false: `outside head`, `mirrored` (the same on both sides);"
            " usually empty. Doubts do not change the mask"
        ),
    ]
    dice: Annotated[
        Share | None,
        described(
            "Dice of mask and reference on this slice, 0 to 1",
            null="without a reference, or both are empty",
        ),
    ]


@with_config(STRICT)
@dataclass(frozen=True, kw_only=True)
class CaseRecord:
    """A case of brain-tumor."""

    case_id: Annotated[
        CaseId,
        described(
            "its name: letters, digits, `. _ -`; unique, and the name of its folder below `masks/`"
        ),
    ]
    spacing_mm: Annotated[
        tuple[Spacing, Spacing, Spacing] | None,
        described(
            "`[z, y, x]`, distance between slices, rows and columns in mm",
            null="the files state no spacing, or an implausible one",
        ),
    ]
    tumor: Annotated[Flag, described("whether any slice reaches the operating point")]
    volume_ml: Annotated[
        Amount | None, described("volume of the mask in mL", null="without spacing")
    ]
    volume_range_ml: Annotated[
        tuple[Amount, Amount] | None,
        described(
            "`[low, high]`, between which the volume of the reference lies for 90% of held-out"
            " patients, relative to the volume of the mask",
            null="without spacing, at 0 mL, where `unfit` is given, or where nothing was learned"
            " for the network",
        ),
    ]
    left_out_ml: Annotated[
        Amount | None,
        described(
            "volume in mL of parts that were outlined but excluded from the mask as small, on"
            " slices that reach the operating point",
            null="without spacing",
        ),
    ]
    unfit: Annotated[
        str | None,
        described(
            "why no conclusion should be drawn from the case's figures: its images are not FLAIR,"
            " or unlike the training data beyond the limit in docs/input.md",
            null="the images are like the training data, or within the limit",
        ),
    ]
    dice: Annotated[
        Share | None,
        described(
            "Dice of mask and reference over the volume, 0 to 1",
            null="without a reference, or both are empty",
        ),
    ]
    warnings: Annotated[tuple[str, ...], described("sentences that belong to the result")]
    input_findings: Annotated[
        tuple[FindingRecord, ...],
        described("how the input differs from the training data; see below"),
    ]
    slices: Annotated[
        tuple[SliceRecord, ...], described("one object per slice, inferior to superior")
    ]


@dataclass(frozen=True, kw_only=True)
class ImageSliceRecord:
    """The one slice of an image."""

    index: Annotated[Literal[1], described("1")]
    source: Annotated[str, described("as of a slice of brain-tumor")]
    answer: Annotated[
        str, Field(alias="class"), described("the most probable class, named as in the data set")
    ]
    probabilities: Annotated[
        Mapping[str, Share], described("probability of every class; they sum to 1")
    ]
    heat_map: Annotated[
        str, described("PNG of the saliency map (Grad-CAM) over the image, relative to `OUT`")
    ]


@with_config(STRICT)
@dataclass(frozen=True, kw_only=True)
class ImageCaseRecord:
    """A case of an image task: one image. What only a volume has is ``null``."""

    case_id: Annotated[CaseId, described("its name, as of a case of brain-tumor")]
    spacing_mm: Annotated[None, described("not available", null="always")] = None
    tumor: Annotated[None, described("not available", null="always")] = None
    volume_ml: Annotated[None, described("not available", null="always")] = None
    dice: Annotated[None, described("not available", null="always")] = None
    warnings: Annotated[tuple[str, ...], described("cautions of the task")]
    slices: Annotated[
        tuple[ImageSliceRecord], described("one object: the image is the case's only slice")
    ]


AnyCase = TypeVar("AnyCase", bound=CaseRecord | ImageCaseRecord)


@with_config(STRICT)
@dataclass(frozen=True, kw_only=True)
class Results:
    """The whole file, for brain-tumor."""

    schema: Annotated[Literal[1], described("version of the file: 1")] = SCHEMA
    task: Annotated[str, described("`brain-tumor`, or the image task")]
    models: Annotated[
        TwoStageNetworks,
        described(
            "`name` and `digest` (SHA-256 of the weights) of the `classifier` and, for brain-tumor,"
            " the `segmenter`; both stages are one network, so both entries name the same one"
        ),
    ]
    cases: Annotated[
        tuple[CaseRecord, ...], described("one object per case, in the order of the input")
    ]
    errors: Annotated[
        tuple[ErrorRecord, ...],
        described("one object per file that could not be read or analysed"),
    ]
    notices: Annotated[
        tuple[str, ...],
        described(
            "one sentence for each kind of file that was skipped: viewer programs,"
            " earlier results, files that come with images"
        ),
    ] = ()


@with_config(STRICT)
@dataclass(frozen=True, kw_only=True)
class ImageResults:
    """The whole file, for an image task."""

    schema: Literal[1] = SCHEMA
    task: str
    models: ImageNetworks
    cases: tuple[ImageCaseRecord, ...]
    errors: tuple[ErrorRecord, ...]
    notices: tuple[str, ...] = ()
