"""Which single images belong together: slices of a series, sequences of a study."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from pipeline.data.case import SequenceName
from pipeline.data.reading.format_kinds import DecodedImage, ImageFormat, InputFile
from pipeline.data.reading.images import is_grey
from pipeline.data.reading.names import NameParts
from pipeline.data.sequences import COMBINABLE


@dataclass(frozen=True, eq=False)
class ImageItem:
    """One decoded image file and what its name says."""

    file: InputFile[ImageFormat]
    parts: NameParts
    image: DecodedImage

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
    """

    items: tuple[ImageItem, ...]
    numbers: tuple[int, ...] | None
    sequence: SequenceName | None
    study: str


def group_series(items: Sequence[ImageItem]) -> list[ImageSeries]:
    """Group the images of one folder into series.

    Images are one series where their names share ``<prefix>_<number>`` and their sizes match;
    otherwise each image is its own. Nothing is refused.
    """
    buckets: dict[tuple[str, object], list[ImageItem]] = defaultdict(list)
    for item in items:
        parts = item.parts
        if parts.sequence is not None:
            buckets[(parts.study, parts.sequence)].append(item)
        elif parts.number is not None:
            buckets[(parts.prefix, None)].append(item)
        else:
            buckets[(parts.stem, item.file.source)].append(item)
    series: list[ImageSeries] = []
    for bucket in buckets.values():
        if _is_series(bucket):
            series.append(_sorted_series(bucket))
        else:
            series.extend(_sorted_series([item]) for item in bucket)
    return series


def _is_series(bucket: Sequence[ImageItem]) -> bool:
    if len(bucket) == 1:
        return True
    numbers = [item.parts.number for item in bucket]
    return (
        None not in numbers
        and len(set(numbers)) == len(numbers)
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
