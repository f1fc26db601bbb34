"""What is exported of a study: outlines by the AI and by a reader, lesions, who vouches for them.

The objects are functions of this alone, so that a second export writes the same bytes. Nothing here
imports a DICOM library: the web process may collect it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from pipeline.data.case import Case, volume_ml
from pipeline.errors import InputError
from pipeline.measurement.bidimensional import measure_lesions
from pipeline.measurement.lesions import find_lesions

#: In every series description, and in the pixels of key images.
RESEARCH_USE = "Research use only"
#: What is said of a study in which nothing is outlined.
NOTHING_FOUND = "No FLAIR abnormality is outlined. This does not mean normal."
#: Colours over an image, on the page (`assets/css/tokens.css`), in reports and in key images.
AI_COLOUR, READER_COLOUR, REFERENCE_COLOUR = "#f2a93b", "#dcc4ff", "#56d0c4"
DIAMETER_COLOUR, MEASUREMENT_COLOUR = "#ffffff", "#ffe066"


class ExportKind(StrEnum):
    """What can be exported, by the words of the command line."""

    SEG = "seg"
    SEG_JOINED = "seg-joined"
    SR = "sr"
    SC = "sc"
    PDF = "pdf"
    REPORT = "report"
    NIFTI = "nifti"
    RLE = "rle"
    CSV = "csv"


class Origin(StrEnum):
    """Who drew an outline."""

    AI = "AI"
    READER = "reader"


class Side(StrEnum):
    """Side of the patient."""

    RIGHT = "right"
    LEFT = "left"
    BOTH = "both sides"
    UNKNOWN = ""


@dataclass(frozen=True)
class Location:
    """A place in the head that a reader chose: a SNOMED CT code and its words."""

    code: str
    meaning: str


@dataclass(frozen=True)
class Algorithm:
    """The network that drew an outline: name, version, and SHA-256 of its weights."""

    name: str
    version: str
    digest: str


@dataclass(frozen=True)
class Reader:
    """The person who vouches for an outline, with the organisation, "" where it is unknown."""

    name: str
    organisation: str = ""


class Judgement(StrEnum):
    """What a reader decided on the AI result."""

    ACCEPTED = "AI result accepted"
    CHANGED = "AI result accepted with changes"
    REJECTED = "AI result rejected"
    NOT_ASSESSABLE = "Images cannot be assessed"


@dataclass(frozen=True)
class Assessment:
    """A reader's decision, with the reason from the list and in the reader's words, or ""."""

    judgement: Judgement
    reason: str = ""
    comment: str = ""

    @property
    def is_accepting(self) -> bool:
        """Whether outlines are findings: those of a rejected result are none."""
        return self.judgement in {Judgement.ACCEPTED, Judgement.CHANGED}


@dataclass(frozen=True, kw_only=True)
class ExportedLesion:
    """A lesion of an outline.

    Attributes:
        number: Its value in `Outlines.labels`, from 1.
        tracking: Names the lesion: the same text for the same lesion in later studies.
        location: Place that the reader chose, or None.
        side: Side of the patient.
        volume_ml: Volume, None without spacing.
        longest_mm, perpendicular_mm: Diameters in plane, None where none was measured.
        measured_on: Slice of the diameters, from 0, or None.
        first, last: Its slices, from 0.
        comment: The reader's, or "".
    """

    number: int
    tracking: str
    location: Location | None = None
    side: Side = Side.UNKNOWN
    volume_ml: float | None = None
    longest_mm: float | None = None
    perpendicular_mm: float | None = None
    measured_on: int | None = None
    first: int
    last: int
    comment: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Outlines:
    """One mask with its lesions.

    Attributes:
        origin: Who drew it.
        labels: ``(n, h, w)`` uint16 on the case's slices: 0, or the number of a lesion.
        lesions: In the order of their numbers.
    """

    origin: Origin
    labels: NDArray[np.uint16]
    lesions: tuple[ExportedLesion, ...]


def withheld_words(reason: str) -> str:
    """What leaves in place of an AI result whose images are unlike the training data."""
    return f"No volume, diameters or lesions of the AI result are given. {reason}"


def _without_figures(outlines: Outlines) -> Outlines:
    bare = (
        replace(one, volume_ml=None, longest_mm=None, perpendicular_mm=None, measured_on=None)
        for one in outlines.lesions
    )
    return replace(outlines, lesions=tuple(bare))


@dataclass(frozen=True)
class Signed:
    """What identifies a signed record: its SHA-256, and when it was signed (UTC)."""

    digest: str
    at: datetime


@dataclass(frozen=True, kw_only=True, eq=False)
class ExportedStudy:
    """All that objects are made of.

    Attributes:
        case: The study.
        digest: SHA-256 of the record or the result: identifiers of objects are derived from it.
        at: When it was signed or computed, UTC; every object has this date.
        algorithm: The network; None where the study was read without one.
        reader: Who read it; None for the AI result alone.
        is_signed: Whether the reader signed.
        ai, read: The AI's mask and the mask as read; None if missing. Where figures of the AI
            result are withheld, the AI's lesions have none.
        assessment: What the reader decided; None where nobody has read the study.
        amends: The record that this one amends, or None.
        withheld: Why figures of the AI result are withheld, or "".
    """

    case: Case
    digest: str
    at: datetime
    algorithm: Algorithm | None
    reader: Reader | None = None
    is_signed: bool = False
    assessment: Assessment | None = None
    ai: Outlines | None = None
    read: Outlines | None = None
    amends: Signed | None = None
    withheld: str = ""

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ValueError("at must state its zone")
        shape = self.case.pixels.shape[:3]
        for outlines in (self.ai, self.read):
            if outlines is not None and outlines.labels.shape != shape:
                raise ValueError(f"labels must have shape {shape}, got {outlines.labels.shape}")
        if self.withheld and self.ai is not None:
            object.__setattr__(self, "ai", _without_figures(self.ai))

    def outlines(self, origin: Origin) -> Outlines | None:
        """The outlines that somebody drew."""
        return self.ai if origin is Origin.AI else self.read

    @property
    def is_refused(self) -> bool:
        """Whether a reader rejected the AI result or could not assess the images."""
        return self.assessment is not None and not self.assessment.is_accepting

    @property
    def has_findings(self) -> bool:
        """Whether outlines are findings.

        Those of a result that a reader refused are none, nor those of one that is withheld and that
        no reader has accepted.
        """
        return not self.is_refused and not (self.withheld and self.read is None)


class LineKind(StrEnum):
    """What a line over a key image is."""

    DIAMETERS = "diameters"
    MEASUREMENT = "measurement"
    ARROW = "arrow"


@dataclass(frozen=True, kw_only=True)
class DrawnLine:
    """A line over a key image.

    Attributes:
        kind: What it is.
        points: ``(x, y)`` in image coordinates, where pixel (0, 0) covers 0 to 1; of an arrow the
            head first.
        text: What the reader wrote at it, or "".
    """

    kind: LineKind
    points: tuple[tuple[float, float], ...]
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class KeyView:
    """A slice as a reader marked it.

    Attributes:
        k: Slice, from 0.
        channel: Channel, from 0.
        window: Low and high, in pixel values; None for the whole range of the slice.
        origins: Whose outlines are drawn.
        lines: Diameters, measurements and arrows that are drawn.
        caption: In the reader's words, or "".
    """

    k: int
    channel: int = 0
    window: tuple[float, float] | None = None
    origins: tuple[Origin, ...] = (Origin.AI, Origin.READER)
    lines: tuple[DrawnLine, ...] = ()
    caption: str = ""


def outline_lesions(
    origin: Origin,
    mask: NDArray[np.bool_],
    case: Case,
    *,
    study: str,
    limit_s: float = 5.0,
    must_measure: bool = False,
) -> Outlines:
    """Number the lesions of a mask, the largest first, and measure them.

    Args:
        origin: Who drew it.
        mask: ``(n, h, w)`` bool on the case's slices.
        case: The case.
        study: Names the study in the lesions' tracking identifiers.
        limit_s: Diameters are left out of a mask that takes longer to measure.
        must_measure: Refuse such a mask instead, so that what is written never depends on speed.

    Raises:
        InputError: Its diameters must be measured and took longer.
    """
    found, _ = find_lesions(mask, most=np.iinfo(np.uint16).max)
    labels = np.zeros(mask.shape, np.uint16)
    try:
        measured = measure_lesions(mask, case.spacing_mm, limit_s=limit_s).lesions
    except InputError:
        if must_measure:
            raise
        measured = ()
    lesions = []
    for number, lesion in enumerate(found, start=1):
        areas = np.zeros(len(mask), np.int64)
        for k, (y, x, piece) in lesion.pieces.items():
            labels[k, y : y + piece.shape[0], x : x + piece.shape[1]][piece] = number
            areas[k] = piece.sum()
        slices = sorted(lesion.pieces)
        diameters = measured[number - 1] if number <= len(measured) else None
        in_mm = diameters if case.spacing_mm is not None else None
        lesions.append(
            ExportedLesion(
                number=number,
                tracking=f"{study}/{number}",
                volume_ml=volume_ml(areas, case.spacing_mm, case.slice_weights),
                longest_mm=in_mm.longest.length if in_mm else None,
                perpendicular_mm=in_mm.perpendicular.length if in_mm else None,
                measured_on=in_mm.position if in_mm else None,
                first=slices[0],
                last=slices[-1],
            )
        )
    return Outlines(origin=origin, labels=labels, lesions=tuple(lesions))
