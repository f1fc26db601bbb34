"""What the JSON columns of the review database hold; checked whenever a row is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from pipeline import SHA256, first_problem

#: How all of them are checked.
STRICT = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, str_max_length=4000)

Sentence = Annotated[str, Field(max_length=4000)]
_Channel = Annotated[int, Field(ge=0, lt=64)]
Position = Annotated[int, Field(ge=0, lt=2**31)]
Share = Annotated[float, Field(ge=0, le=1)]
#: Low and high.
_Range = tuple[float, float]

Sequences = Annotated[tuple[Sentence, ...], Field(min_length=1, max_length=64)]
Indices = Annotated[tuple[Position, ...], Field(min_length=1, max_length=100_000)]
Warnings = Annotated[tuple[Sentence, ...], Field(max_length=1000)]
#: Characters of a tag, tags of a study, characters of the name of a saved view.
LONGEST_TAG: Final = 40
MOST_TAGS: Final = 20
LONGEST_VIEW_NAME: Final = 60
#: A tag that readers give studies, and those of one study.
Tag = Annotated[str, Field(min_length=1, max_length=LONGEST_TAG)]
Tags = Annotated[tuple[Tag, ...], Field(max_length=MOST_TAGS)]
#: Views of a study: one, two side by side, three, two with a divider between them.
ViewMode = Literal["one", "linked", "three", "swipe"]
#: What could not be read: (file, sentence).
Errors = tuple[tuple[Sentence, Sentence], ...]


@dataclass(frozen=True)
class Display:
    """How a study's pixels are sent and shown; see `dashboard.studies.display`.

    Attributes:
        pixel_type: As they are sent.
        slope, intercept: ``value = stored * slope + intercept``.
        windows: ``(low, high)`` per channel, in pixel values.
        same_as: Per channel the earlier one with the same pixels, or None.
        start_channel: Channel that is shown first: FLAIR where there is one.
        value_range: Smallest and largest value per channel; None in studies of older versions.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    pixel_type: Literal["uint8", "uint16"]
    slope: float
    intercept: float
    windows: tuple[_Range, ...]
    same_as: tuple[_Channel | None, ...]
    start_channel: _Channel
    value_range: tuple[_Range, ...] | None = None

    def __post_init__(self) -> None:
        """Refuse channels that do not exist.

        Raises:
            ValueError: The lists differ in length, or a channel is outside them.
        """
        channels = len(self.windows)
        named = [self.start_channel, *(one for one in self.same_as if one is not None)]
        lengths = {channels, len(self.same_as), len(self.value_range or self.windows)}
        if lengths != {channels} or max(named) >= channels or self.slope == 0:
            raise ValueError("has channels that do not fit together")


@dataclass(frozen=True)
class MaskBase:
    """What a correction starts from.

    Attributes:
        result_key: Key of the AI's result, None where the reader began with an empty mask.
        threshold: Mask threshold of the AI mask, None without a result.
        operating_point: Operating point of the slice score, None for the default.
        version: Number of the version that is edited further, None for the AI mask itself.
        network: Name and version of the network, None without a result.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    result_key: str | None = None
    threshold: Share | None = None
    operating_point: Share | None = None
    version: Position | None = None
    network: str | None = None


@dataclass(frozen=True, kw_only=True)
class MaskFacts:
    """What was measured on a saved version.

    Attributes:
        area_px: Pixels of the mask.
        volume_ml: Its volume, None without spacing.
        slices: How many slices have a mask.
        touched: How many slices were edited since the base.
        dice_ai, dice_reference: Dice with the AI mask and the reference over the volume, in
            [0, 1]; None without the other mask or where both are empty.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    area_px: Annotated[int, Field(ge=0)]
    volume_ml: Annotated[float, Field(ge=0)] | None = None
    slices: Position
    touched: Position
    dice_ai: Share | None = None
    dice_reference: Share | None = None


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """A reader's measurement on a slice.

    Attributes:
        id: Unique within the reader's measurements of a study.
        kind: Tool; see `dashboard.api.measurements`.
        k: Slice, from 0.
        points: ``(x, y)`` in image coordinates, where pixel (0, 0) covers 0 to 1.
        text: What the reader wrote at an arrow; "" for other kinds.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    id: Annotated[str, Field(min_length=1, max_length=64)]
    kind: Annotated[str, Field(min_length=1, max_length=32)]
    k: Position
    points: Annotated[tuple[tuple[float, float], ...], Field(min_length=2, max_length=1000)]
    text: Annotated[str, Field(max_length=1000)] = ""


@dataclass(frozen=True)
class Measurements:
    """All measurements of a reader on a study."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    items: Annotated[tuple[Measurement, ...], Field(max_length=1000)] = ()


@dataclass(frozen=True, kw_only=True)
class SavedView:
    """A view of the worklist that a reader has saved.

    Attributes:
        name: Unique among the reader's views.
        view, origin, reason, search: What it shows; see `dashboard.store.worklist_pages`.
        sort, descending: Its order; "" for the order by need.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    name: Annotated[str, Field(min_length=1, max_length=LONGEST_VIEW_NAME)]
    view: Annotated[str, Field(max_length=32)] = "all"
    origin: Annotated[str, Field(max_length=32)] = ""
    reason: Annotated[str, Field(max_length=32)] = ""
    search: Annotated[str, Field(max_length=200)] = ""
    sort: Annotated[str, Field(max_length=32)] = ""
    descending: bool = False


@dataclass(frozen=True)
class ReaderSettings:
    """What a reader has set.

    Attributes:
        keys: Changed keys by the binding's id; "" for a binding without a key.
        tour_done: Whether the tour no longer starts by itself.
        view_mode: Views in which studies open.
        second_view: Content of the second one: a sequence, "reference" or "bare"; "" for the
            default.
        worklist_views: Views of the worklist that they saved.
        worklist_first: Name of the one with which the worklist opens; "" for none.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    keys: Annotated[Mapping[str, str], Field(max_length=1000)] = field(default_factory=dict)
    tour_done: bool = False
    view_mode: ViewMode = "one"
    second_view: Annotated[str, Field(max_length=32)] = ""
    worklist_views: Annotated[tuple[SavedView, ...], Field(max_length=100)] = ()
    worklist_first: Annotated[str, Field(max_length=LONGEST_VIEW_NAME)] = ""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Who entered or removed something, and when.

    Attributes:
        reader_id, author: The reader, and their name at that time.
        at: UTC.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    reader_id: Annotated[str, Field(max_length=64)]
    author: Annotated[str, Field(min_length=1, max_length=200)]
    at: datetime


@dataclass(frozen=True, kw_only=True)
class AttachedFiles:
    """Where an attached reference comes from.

    Attributes:
        digest: SHA-256 of the stored mask.
        sources: The files that it was read from.
        warnings: What a reader must know of it.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    digest: Annotated[str, Field(pattern=rf"^{SHA256.pattern}$")]
    sources: Annotated[tuple[Sentence, ...], Field(min_length=1, max_length=100_000)]
    warnings: Warnings = ()


@dataclass(frozen=True, kw_only=True)
class Entries:
    """What readers entered for a study beside its files.

    Attributes:
        spacing_mm: ``(z, y, x)``, where the files state none; None where nobody entered one.
        reference: The attached reference; None where none is attached.
        label_by, spacing_by, reference_by: Who last changed the label, the spacing, the reference;
            None where nobody did.
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    spacing_mm: tuple[float, float, float] | None = None
    reference: AttachedFiles | None = None
    label_by: Entry | None = None
    spacing_by: Entry | None = None
    reference_by: Entry | None = None

    def __post_init__(self) -> None:
        """Refuse what nobody entered.

        Raises:
            ValueError: There is a spacing or a reference without a reader.
        """
        if (self.spacing_mm and not self.spacing_by) or (self.reference and not self.reference_by):
            raise ValueError("does not name who entered it")


@dataclass(frozen=True, kw_only=True)
class FoundRegistration:
    """How a prior study lies on another one; see `pipeline.Registration`.

    Attributes:
        matrix: 3 x 4 numbers, row by row.
        overlap, correlation: How well the two agree, in [0, 1] and [-1, 1].
        problem: Why it is not used, in one sentence, or "".
    """

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    matrix: Annotated[tuple[float, ...], Field(min_length=12, max_length=12)]
    overlap: Share
    correlation: Annotated[float, Field(ge=-1, le=1)]
    problem: Sentence = ""


@dataclass(frozen=True)
class Damaged:
    """Replaces a value that does not fit its column's type; see `dashboard.store.schema`.

    Attributes:
        reason: The first thing that does not fit.
    """

    reason: str


def load_json(kind: Any, text: str | bytes) -> Any:
    """The value of a JSON column; `Damaged` where it does not fit its type."""
    try:
        return _adapter(kind).validate_json(text, strict=True)
    except ValidationError as error:
        return _damage(error)


def check_value(kind: Any, value: Any) -> Any:
    """The value of another column; `Damaged` where it does not fit its type."""
    try:
        return _adapter(kind).validate_python(value)
    except ValidationError as error:
        return _damage(error)


def _damage(error: ValidationError) -> Damaged:
    problem = first_problem(error)
    return Damaged(f"{problem.subject or 'it'} {problem.rule}")


def dump_json(kind: Any, value: Any) -> Any:
    """A value as JSON holds it."""
    return _adapter(kind).dump_python(value, mode="json")


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
