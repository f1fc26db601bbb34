"""What readers record of a study, and what a signature freezes; checked whenever it is read.

A `Reading` is the work in progress: one for each study, with a revision. A `SignedContent` is what
a reader signed; it is never changed again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, ClassVar, Final, Literal, get_args

from pydantic import ConfigDict, Field

from dashboard.store.stored_json import (
    STRICT,
    Entry,
    MaskBase,
    Measurement,
    Position,
    Sentence,
    Share,
)

_Key = Annotated[str, Field(pattern=r"^[0-9a-z-]{1,64}$")]
_Word = Annotated[str, Field(max_length=200)]
_Comment = Annotated[str, Field(max_length=4000)]
_Volume = Annotated[float, Field(ge=0)]
_Length = Annotated[float, Field(ge=0)]
Spacing = tuple[float, float, float]


class Verdict(StrEnum):
    """A reader's decision on the AI result of a study."""

    ACCEPT = "accept"
    ACCEPT_WITH_CHANGES = "accept with changes"
    REJECT = "reject"
    CANNOT_ASSESS = "cannot assess"


class LesionVerdict(StrEnum):
    """A reader's decision on one lesion."""

    KEEP = "keep"
    REMOVE = "remove"
    ADD = "add"


class Reason(StrEnum):
    """Why a result is changed, rejected or cannot be assessed."""

    FALSE_LESION = "false lesion"
    MISSED_LESION = "missed lesion"
    TOO_LARGE = "outline too large"
    TOO_SMALL = "outline too small"
    ARTEFACT = "motion or artefact"
    QUALITY = "image quality"
    SEQUENCE = "wrong or missing sequence"
    OTHER = "other"


#: How hard the study was to read.
Difficulty = Literal["easy", "moderate", "hard"]
DIFFICULTIES: Final[tuple[str, ...]] = get_args(Difficulty)
#: Decisions that need a reason; under them no outline is a finding.
NEEDS_REASON = frozenset({Verdict.REJECT, Verdict.CANNOT_ASSESS})
#: Decisions on the AI result as it is.
JUDGES_RESULT = frozenset({Verdict.ACCEPT, Verdict.REJECT})
#: Where a lesion of a list comes from.
LesionSource = Literal["ai", "left out", "reader"]
#: Side of the patient, of the image where the orientation is unknown.
Side = Literal["right", "left", "both sides", ""]


@dataclass(frozen=True, kw_only=True)
class Decision:
    """A reader's decision on a study.

    Attributes:
        verdict: What they decided.
        reason: From the short list; needed by `NEEDS_REASON`.
        comment: In the reader's own words, or "".
        difficulty: How hard it was, or None.
        by: Who decided, and when.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    verdict: Verdict
    reason: Reason | None = None
    comment: _Comment = ""
    difficulty: Difficulty | None = None
    by: Entry

    def __post_init__(self) -> None:
        """Refuse a decision that lacks its reason.

        Raises:
            ValueError: It needs one.
        """
        if self.verdict in NEEDS_REASON and self.reason is None:
            raise ValueError("needs a reason")


@dataclass(frozen=True, kw_only=True)
class LesionReading:
    """What a reader recorded of one lesion.

    Attributes:
        key: The lesion's, the same while its mask stays; see `dashboard.decisions.lesions`.
        verdict: What they decided; None for nothing yet.
        location: Code of the place that they chose (`dashboard.decisions.locations`), or None.
        comment: In the reader's own words, or "".
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    key: _Key
    verdict: LesionVerdict | None = None
    location: _Word | None = None
    comment: _Comment = ""


@dataclass(frozen=True, kw_only=True)
class KeyImage:
    """A slice that a reader marked as a key image, with the view of it.

    Attributes:
        id: Unique within the study.
        k: Slice, from 0.
        channel: Channel, from 0.
        window: Low and high, in pixel values.
        layers: What was drawn on it: "ai", "reference", "correction", "diameters", "measurements".
        caption: In the reader's own words, or "".
        by: Who marked it, and when.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    id: _Key
    k: Position
    channel: Annotated[int, Field(ge=0, lt=64)]
    window: tuple[float, float]
    layers: Annotated[tuple[_Word, ...], Field(max_length=16)] = ()
    caption: Annotated[str, Field(max_length=1000)] = ""
    by: Entry


@dataclass(frozen=True, kw_only=True)
class LesionChange:
    """Lesions of a study and of its prior that lie at one place.

    Attributes:
        lesions: Numbers in the study's list; empty where nothing is left of them.
        prior_lesions: Numbers in the prior's; empty for new ones.
        volume_ml, prior_volume_ml: Of all of them, None without spacing.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    lesions: Annotated[tuple[Position, ...], Field(max_length=1000)]
    prior_lesions: Annotated[tuple[Position, ...], Field(max_length=1000)]
    volume_ml: _Volume | None
    prior_volume_ml: _Volume | None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A prior study that a reader compared with.

    Attributes:
        study_id: The prior.
        study_date: Its date, or "".
        registered: Whether it was shown registered to this study.
        method: How, or "".
        source: Which mask of the prior: "signed", "version" or "ai"; "" for none.
        volume_ml, prior_volume_ml: Of both, None without spacing.
        lesions: What became of each lesion; empty unless it was registered.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    study_id: _Key
    study_date: _Word = ""
    registered: bool = False
    method: _Word = ""
    source: _Word = ""
    volume_ml: _Volume | None = None
    prior_volume_ml: _Volume | None = None
    lesions: Annotated[tuple[LesionChange, ...], Field(max_length=1000)] = ()


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What readers have recorded of a study so far.

    Attributes:
        decision: None before one is recorded.
        lesions: By lesion; those without an entry have none.
        notes: In the readers' own words.
        key_images: In the order in which they were marked.
        shown: Slices above the operating point that were on screen, from 0.
        comparison: The prior that it was compared with, or None.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    decision: Decision | None = None
    lesions: Annotated[tuple[LesionReading, ...], Field(max_length=1000)] = ()
    notes: Annotated[str, Field(max_length=20_000)] = ""
    key_images: Annotated[tuple[KeyImage, ...], Field(max_length=200)] = ()
    shown: Annotated[tuple[Position, ...], Field(max_length=100_000)] = ()
    comparison: Comparison | None = None


@dataclass(frozen=True, kw_only=True)
class StudyFacts:
    """The study that was signed; see `dashboard.store.NewStudy`."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    study_id: _Key
    case_id: Sentence
    name: Sentence
    patient: Sentence
    study_date: Sentence
    description: Sentence
    content_digest: _Word
    data_digest: _Word
    sequences: Annotated[tuple[_Word, ...], Field(max_length=64)]
    slices: Position
    spacing_mm: Spacing | None
    spacing_by: Entry | None


def _is_empty(text: str) -> bool:
    return not text


@dataclass(frozen=True, kw_only=True)
class SignedResult:
    """The AI result that was in view.

    Attributes:
        key: Of the result.
        network, version, digest, engine, precision: What gave it.
        operating_point, mask_threshold: Its defaults.
        volume_ml, left_out_ml: None without spacing.
        expected_dice: None where nothing is to be expected.
        cautions: Sentences.
        unfit: Why figures of the result are withheld (`CaseResult.unfit`), or "": then it is not
            written, so that records of earlier versions keep their digests.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    key: _Word
    network: _Word
    version: _Word
    digest: _Word
    engine: _Word
    precision: _Word
    operating_point: Share
    mask_threshold: Share
    volume_ml: _Volume | None
    left_out_ml: _Volume | None
    expected_dice: Share | None
    cautions: Annotated[tuple[Sentence, ...], Field(max_length=1000)]
    unfit: Annotated[Sentence, Field(exclude_if=_is_empty)] = ""


@dataclass(frozen=True, kw_only=True)
class SignedLesion:
    """A lesion of the signed list.

    Attributes:
        number: From 1, the largest first.
        key, source, verdict, location, comment: As of `LesionReading`.
        side: Of the patient; "" where it is unknown.
        volume_ml: None without spacing.
        voxels: Of its mask.
        first, last: Slices, from 0.
        longest, perpendicular: Diameters in ``unit``, None where none was measured.
        unit: "mm" or "px".
        score: Highest slice score on its slices, None without a result and for what the reader
            added.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    number: Position
    key: _Key
    source: LesionSource
    verdict: LesionVerdict
    location: _Word | None
    comment: _Comment
    side: Side
    volume_ml: _Volume | None
    voxels: Position
    first: Position
    last: Position
    longest: _Length | None
    perpendicular: _Length | None
    unit: Literal["mm", "px"]
    score: Share | None


@dataclass(frozen=True, kw_only=True)
class ReadContent:
    """A study as read: what is recorded of it, and what was measured on the mask as read.

    Attributes:
        study: The study.
        result: The AI result; None where the study was read without one.
        decision: None before one is recorded.
        notes, key_images, comparison: As of `Reading`.
        lesions: The list as read.
        volume_ml: Of the mask as read, None without spacing.
        based_on: What the mask starts from.
        mask_version: The saved version that was read; None for the AI mask as it is.
        measurements: The reader's own.
        open_s: How long the study was open for this reader, in seconds.
        software: Version of Overread.
        amends: Number of the record that this one amends, None for the first.
        reason: Why it was amended, or "".
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    study: StudyFacts
    result: SignedResult | None
    decision: Decision | None
    notes: Annotated[str, Field(max_length=20_000)]
    key_images: Annotated[tuple[KeyImage, ...], Field(max_length=200)]
    comparison: Comparison | None
    lesions: Annotated[tuple[SignedLesion, ...], Field(max_length=10_000)]
    volume_ml: _Volume | None
    based_on: MaskBase
    mask_version: Position | None
    measurements: Annotated[tuple[Measurement, ...], Field(max_length=1000)]
    open_s: Annotated[float, Field(ge=0)]
    software: _Word
    amends: Position | None = None
    reason: _Comment = ""


def is_refused(content: ReadContent) -> bool:
    """Whether the reader rejected the AI result or could not assess the images.

    No lesion of the list is then a finding.
    """
    return content.decision is not None and content.decision.verdict in NEEDS_REASON


@dataclass(frozen=True, kw_only=True)
class SignedContent(ReadContent):
    """What a reader signed.

    Attributes:
        decision: Never missing.
    """

    decision: Decision


@dataclass(frozen=True, kw_only=True)
class EventDetails:
    """What a line of a study's history says beside who, when and what.

    Attributes:
        text: Such as a decision, a file's name or an amendment's reason.
        number: Of the version or record.
        network: Name, version and digest of the network.
        added, removed: Voxels that a correction added to its base and removed from it.
        open_s: How long the study was open, in seconds.
        export: Which kind of file was exported (`dashboard.reports.exports`), or "".
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    text: _Comment = ""
    number: Position | None = None
    network: _Word = ""
    added: Position | None = None
    removed: Position | None = None
    open_s: Annotated[float, Field(ge=0)] | None = None
    export: _Word = ""


class Event(StrEnum):
    """What happened to a study."""

    ADDED = "added"
    ANALYSED = "analysed"
    OPENED = "opened"
    CLOSED = "closed"
    CORRECTED = "corrected"
    DECIDED = "decided"
    WITHDRAWN = "withdrawn"
    SIGNED = "signed"
    AMENDED = "amended"
    DISCARDED = "discarded"
    TAKEN_OVER = "taken over"
    PRIORITY = "priority"
    CHANGED = "changed"
    DELETED = "deleted"
    RESTORED = "restored"
    EXPORTED = "exported"
