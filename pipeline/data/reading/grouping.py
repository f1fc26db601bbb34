"""Which single images belong together: slices of a series, sequences of a study."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from pipeline.data.case import SequenceName
from pipeline.data.reading.format_kinds import DecodedImage, ImageFormat, InputFile
from pipeline.data.reading.images import is_grey
from pipeline.data.reading.mask_values import looks_like_mask
from pipeline.data.reading.mask_words import Role
from pipeline.data.reading.names import NameParts
from pipeline.data.sequences import COMBINABLE

_LAST_NUMBER = re.compile(r"(.*?)(\d{1,15})(\D*)")
#: Fewer pictures than this that differ in a number are not taken for a stack.
_LEAST_STACK = 3
#: More are a collection of pictures; no head has so many slices.
_MOST_STACK = 1024


@dataclass(frozen=True, eq=False)
class ImageItem:
    """One decoded image file and what its name says."""

    file: InputFile[ImageFormat]
    parts: NameParts
    image: DecodedImage
    role: Role = Role.IMAGE

    @property
    def shape(self) -> tuple[int, ...]:
        """(height, width) of the first page."""
        return self.image.pages[0].shape[:2]

    @property
    def grey(self) -> bool:
        """Whether every page is grey, equal colour channels included."""
        lossy = self.image.lossy and not self.parts.is_lgg
        return all(page.shape[2] == 1 or is_grey(page, lossy=lossy) for page in self.image.pages)


@dataclass(frozen=True, eq=False)
class ImageSeries:
    """Slices that are one channel set, in order.

    Attributes:
        items: The slices.
        numbers: Their numbers as named, or None for a lone image.
        sequence: What the names say.
        study: Key of the study among the images of one folder.
        assumed: Whether the names say only by a number that the slices belong together.
    """

    items: tuple[ImageItem, ...]
    numbers: tuple[int, ...] | None
    sequence: SequenceName | None
    study: str
    assumed: bool = False


def stack_of(parts: NameParts) -> tuple[str, int] | None:
    """A name around its last number, and the number; None where it says more, or has no number.

    >>> stack_of(parse_name("IM-0001-0020"))
    ('IM-0001-#', 20)
    """
    if parts.sequence is not None or parts.number is not None:
        return None
    match = _LAST_NUMBER.fullmatch(parts.stem)
    return (f"{match[1]}#{match[3]}", int(match[2])) if match else None


def stacks_among(names: Iterable[NameParts]) -> set[str]:
    """Names around a number, as of `stack_of`, that so few pictures share that they are slices."""
    found = (stack_of(parts) for parts in names)
    counts = Counter(stack[0] for stack in found if stack is not None)
    return {name for name, count in counts.items() if _LEAST_STACK <= count <= _MOST_STACK}


def settle_roles(items: Sequence[ImageItem]) -> list[ImageItem]:
    """Decide by their pixels what pictures are whose names speak of a lesion: images or masks."""
    series: dict[str, list[ImageItem]] = defaultdict(list)
    for item in items:
        if item.role is Role.UNSURE:
            stack = stack_of(item.parts)
            series[stack[0] if stack else item.parts.prefix].append(item)
    masks = {
        prefix
        for prefix, members in series.items()
        if looks_like_mask([page for item in members for page in item.image.pages])
    }
    settled = []
    for item in items:
        if item.role is Role.UNSURE:
            stack = stack_of(item.parts)
            is_mask = (stack[0] if stack else item.parts.prefix) in masks
            item = replace(item, role=Role.REFERENCE if is_mask else Role.IMAGE)
        settled.append(item)
    return settled


def group_series(items: Sequence[ImageItem], *, single: bool = False) -> list[ImageSeries]:
    """Group the images of one folder into series.

    Images are one series where their names share ``<prefix>_<number>`` and their sizes match, or
    where the names of three and more differ in their last number only, most of the numbers between
    the first and the last are there, and all are of one size. Otherwise each image is its own.
    Nothing is refused.

    Args:
        items: The images.
        single: Whether each is its own in any case.
    """
    if single:
        return [_sorted_series([item]) for item in items]
    buckets: dict[tuple[str, object], list[ImageItem]] = defaultdict(list)
    for item in items:
        parts = item.parts
        if parts.sequence is not None:
            buckets[(parts.study, parts.sequence)].append(item)
        elif parts.number is not None:
            buckets[(parts.prefix, None)].append(item)
        elif (stack := stack_of(parts)) is not None:
            buckets[(stack[0], "stack")].append(item)
        else:
            buckets[(parts.stem, item.file.source)].append(item)
    series: list[ImageSeries] = []
    for (_, kind), bucket in buckets.items():
        if kind == "stack":
            series.extend(_series_of_stack(bucket))
        elif _is_series(bucket):
            series.append(_sorted_series(bucket))
        else:
            series.extend(_sorted_series([item]) for item in bucket)
    return series


def _series_of_stack(bucket: Sequence[ImageItem]) -> list[ImageSeries]:
    """Pictures whose names differ in their last number: one series if they can be slices of it."""
    found = [stack_of(item.parts) for item in bucket]
    numbers = [stack[1] for stack in found if stack is not None]
    is_dense = max(numbers) - min(numbers) < 2 * len(numbers)
    if (
        not _LEAST_STACK <= len(bucket) <= _MOST_STACK
        or not is_dense
        or not _are_slices(bucket, numbers)
    ):
        return [_sorted_series([item]) for item in bucket]
    order = sorted(range(len(bucket)), key=numbers.__getitem__)
    return [
        ImageSeries(
            items=tuple(bucket[k] for k in order),
            numbers=tuple(numbers[k] for k in order),
            sequence=None,
            study=bucket[0].parts.study,
            assumed=True,
        )
    ]


def _is_series(bucket: Sequence[ImageItem]) -> bool:
    if len(bucket) == 1:
        return True
    numbers = [item.parts.number for item in bucket if item.parts.number is not None]
    return len(numbers) == len(bucket) and _are_slices(bucket, numbers)


def _are_slices(bucket: Sequence[ImageItem], numbers: Sequence[int]) -> bool:
    """Whether images of different numbers are of one size and type, one page each."""
    return (
        len(set(numbers)) == len(numbers)
        and all(len(item.image.pages) == 1 for item in bucket)
        and len({(item.shape, item.image.pages[0].dtype) for item in bucket}) == 1
    )


def _sorted_series(bucket: Sequence[ImageItem]) -> ImageSeries:
    items = sorted(bucket, key=lambda item: item.parts.number or 0)
    parts = items[0].parts
    numbers = [item.parts.number for item in items if item.parts.number is not None]
    return ImageSeries(
        items=tuple(items),
        numbers=tuple(numbers) if len(numbers) == len(items) else None,
        sequence=parts.sequence,
        study=parts.study,
    )


def group_studies(series: Sequence[ImageSeries]) -> list[tuple[ImageSeries, ...]]:
    """Put the pre-contrast, FLAIR, post-contrast and T2 series of one study together.

    They are combined where the names differ in the sequence only, and slices, numbers and sizes
    match; all others stay alone.
    """
    studies: list[tuple[ImageSeries, ...]] = []
    ordered = sorted(enumerate(series), key=lambda pair: (pair[1].study, pair[0]))
    for _, group in groupby(ordered, key=lambda pair: pair[1].study):
        members = [one for _, one in group]
        chosen: dict[SequenceName, ImageSeries] = {}
        for one in members:
            if one.sequence in COMBINABLE and all(item.grey for item in one.items):
                chosen.setdefault(SequenceName(one.sequence), one)
        anchor = chosen.get(SequenceName.FLAIR) or next(iter(chosen.values()), None)
        together = tuple(
            chosen[name]
            for name in COMBINABLE
            if name in chosen and anchor is not None and _matches(chosen[name], anchor)
        )
        if len(together) > 1:
            studies.append(together)
        else:
            together = ()
        studies.extend((one,) for one in members if one not in together)
    return studies


def _matches(one: ImageSeries, other: ImageSeries) -> bool:
    return (
        one.numbers == other.numbers
        and [item.shape for item in one.items] == [item.shape for item in other.items]
        and [len(item.image.pages) for item in one.items]
        == [len(item.image.pages) for item in other.items]
    )
