"""What a reader must know of a case before relying on its result, as records.

A caution is made where its reason is found: by the readers of files, and by the comparison with
the training data (`pipeline.input_gate`). Its sentence is for people; programs go by aspect and
severity.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum


class InputAspect(StrEnum):
    """In what an input may differ from the training data. One caution of each is enough."""

    SEQUENCE = "sequence"
    ORIENTATION = "orientation"
    INTENSITY = "intensity"
    HEAD = "head"
    RESOLUTION = "resolution"
    FIELD_OF_VIEW = "field of view"
    SLICE_DISTANCE = "slice distance"
    SLICE_COUNT = "slice count"
    GAPS = "gaps"


class ReadingAspect(StrEnum):
    """What reading decided, assumed or left out. Several cautions of one may differ."""

    ACQUISITION = "acquisition"
    SELECTION = "selection"
    STACK = "stack"
    SPACING = "spacing"
    NO_SPACING = "no spacing"
    PLACE = "place"
    VALUES = "values"
    REFERENCE = "reference"


class Severity(IntEnum):
    """How much a caution weighs."""

    #: The result may be less certain, or wrong in places.
    CAUTION = 1
    #: The models say nothing reliable of such images: no headline is drawn from the result.
    UNFIT = 2
    #: The images show nothing that could be analysed: there is no result.
    NO_RESULT = 3


@dataclass(frozen=True)
class Caution:
    """One caution.

    Attributes:
        sentence: What is the matter, and what it means.
        aspect: What it is about; None in studies that were stored before cautions had one.
        severity: How much it weighs.
    """

    sentence: str
    aspect: InputAspect | ReadingAspect | None = None
    severity: Severity = Severity.CAUTION


def cautions_of(
    aspect: InputAspect | ReadingAspect,
    sentences: Iterable[str],
    *,
    severity: Severity = Severity.CAUTION,
) -> tuple[Caution, ...]:
    """A caution of each sentence."""
    return tuple(Caution(sentence, aspect, severity) for sentence in sentences)


def merge_cautions(cautions: Iterable[Caution]) -> tuple[Caution, ...]:
    """Each sentence once, and of each `InputAspect` the gravest caution, the first of equals.

    The order stays that of the first caution of an aspect.
    """
    merged: dict[object, Caution] = {}
    for caution in cautions:
        key = caution.aspect if isinstance(caution.aspect, InputAspect) else caution.sentence
        known = merged.get(key)
        if known is None or caution.severity > known.severity:
            merged[key] = caution
    return tuple({caution.sentence: caution for caution in merged.values()}.values())
