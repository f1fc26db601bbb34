"""Which files must be read together, decided by names and headers before any pixel is decoded.

A batch holds files whose cases depend on no file outside of it, so that batches can be decoded one
after the other, and let go, with the same cases as if all had been decoded at once. Where it is not
sure that two files have nothing to do with each other, they are in one batch.

Each kind of format (`pipeline.data.reading.format_kinds`) has its batches: pictures of one folder,
series of one study, volumes of one study.
"""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol

from pipeline.data.reading.combining import combine_volumes
from pipeline.data.reading.format_kinds import (
    FileTick,
    ImageFormat,
    InputFile,
    Series,
    VolumeFormat,
    files_of,
)
from pipeline.data.reading.grouping import ImageItem
from pipeline.data.reading.image_cases import build_image_cases
from pipeline.data.reading.limits import MAX_CALL_BYTES, gigabytes
from pipeline.data.reading.names import NameParts, parse_name
from pipeline.data.reading.pending_cases import PendingCase
from pipeline.data.reading.volumes import read_volume
from pipeline.errors import Cancelled, InputError

_LOGGER = logging.getLogger(__name__)
#: Pages of one file that differ in size become images named after it.
_PAGE = re.compile(r"-page\d+$")
#: Where a case or a sentence stands among all others: compared part by part.
Place = tuple[int | str, ...]


class Rank(IntEnum):
    """First part of a place. Cases stand under their kind; sentences there too, or first or last.

    Last are those on reference masks of series and volumes that fit no image.
    """

    COLLECTED = 0
    IMAGES = 1
    SERIES = 2
    VOLUMES = 3
    MASKS = 4


@dataclass
class Loaded:
    """What came of one batch: cases and sentences, each with its place among all."""

    cases: list[tuple[Place, PendingCase]] = field(default_factory=list)
    errors: list[tuple[Place, InputError]] = field(default_factory=list)

    @contextmanager
    def guard(self, place: Place, source: str) -> Iterator[None]:
        """Turn what a reader refuses into a sentence, and what it did not foresee as well."""
        try:
            yield
        except InputError as error:
            self.errors.append((place, error))
        except Cancelled:
            raise
        except Exception:
            _LOGGER.exception("unforeseen input %r", source)
            name = source.rsplit("/", 1)[-1]
            message = f"{name} cannot be read: it is damaged or of an unknown kind."
            self.errors.append((place, InputError(source, message)))


@dataclass
class Room:
    """Decoded pixels that are held at once, in bytes."""

    used: int = 0

    def take(self, size: int, source: str) -> None:
        """Count pixels.

        Raises:
            InputError: They are too many.
        """
        if self.used + size > MAX_CALL_BYTES:
            name = source.rsplit("/", 1)[-1]
            raise InputError(
                source,
                f"{name} is left out: more than {gigabytes(MAX_CALL_BYTES)} of pixels at once. Give"
                " fewer files.",
            )
        self.used += size


class Batch(Protocol):
    """Files that are read together."""

    @property
    def n_slices(self) -> int:
        """Slices, for a forecast: as far as names and headers say."""

    def load(self, room: Room, tick: FileTick) -> Loaded:
        """Decode them; nothing is raised for bad input.

        Args:
            room: What is held already; grows.
            tick: Called with the name of each file that was decoded or refused.
        """


@dataclass(frozen=True)
class ImageBatch:
    """Images and masks of one folder whose names may belong together.

    Attributes:
        folder: Number of the folder among those that hold images.
        files: Number in the folder, file, and what its name says.
    """

    folder: int
    files: tuple[tuple[int, InputFile[ImageFormat], NameParts], ...]

    @property
    def n_slices(self) -> int:
        """Slices as far as the names say: sequences of one slice count once."""
        return len({parts.base for _, _, parts in self.files if not parts.is_mask})

    def load(self, room: Room, tick: FileTick) -> Loaded:
        """As `Batch.load`."""
        loaded = Loaded()
        items: list[ImageItem] = []
        failed = []
        for k, file, parts in self.files:
            failed.append(parts)
            with loaded.guard((Rank.IMAGES, self.folder, 0, k), file.source):
                image = file.format.decode(file.path, file.source)
                room.take(sum(page.nbytes for page in image.pages), file.source)
                items.append(ImageItem(file, parts, image))
                failed.pop()
            tick(file.name)
        first, file, _ = self.files[0]
        with loaded.guard((Rank.IMAGES, self.folder, 1, first), file.source):
            images = [item for item in items if not item.parts.is_mask]
            masks = [item for item in items if item.parts.is_mask]
            pending, errors = build_image_cases(images, masks, failed)
            numbers = {file.source: k for k, file, _ in self.files}
            loaded.errors += [
                ((Rank.IMAGES, self.folder, 1, numbers.get(error.source, first)), error)
                for error in errors
            ]
            loaded.cases += [
                ((Rank.IMAGES, self.folder, one.study, k), one) for k, one in enumerate(pending)
            ]
        return loaded


@dataclass(frozen=True, eq=False)
class SeriesBatch:
    """Series of one study, each with its number among all series."""

    series: tuple[tuple[int, Series], ...]

    @property
    def n_slices(self) -> int:
        """Slices as far as the headers say: sequences of one study count once each."""
        return sum(series.n_slices for _, series in self.series)

    def load(self, room: Room, tick: FileTick) -> Loaded:
        """As `Batch.load`."""
        loaded = Loaded()
        volumes: list[tuple[int, PendingCase]] = []
        for number, series in self.series:
            place = (Rank.SERIES, 1, number)
            with loaded.guard(place, series.source):
                pending, errors = series.read(tick)
                loaded.errors += [(place, error) for error in errors]
                for one in pending:
                    room.take(one.case.pixels.nbytes, one.case.sources[0])
                    volumes.append((number, one))
        return _combine(loaded, Rank.SERIES, volumes)


@dataclass(frozen=True)
class VolumeBatch:
    """Volumes whose names may be sequences and mask of one study, each with its number."""

    files: tuple[tuple[int, InputFile[VolumeFormat]], ...]

    @property
    def n_slices(self) -> int:
        """Slices as far as the first header says."""
        _, file = self.files[0]
        return file.format.count_slices(file)

    def load(self, room: Room, tick: FileTick) -> Loaded:
        """As `Batch.load`."""
        loaded = Loaded()
        volumes: list[tuple[int, PendingCase]] = []
        for number, file in self.files:
            with loaded.guard((Rank.VOLUMES, number), file.source):
                one = read_volume(file)
                room.take(one.case.pixels.nbytes, file.source)
                volumes.append((number, one))
            tick(file.name)
        return _combine(loaded, Rank.VOLUMES, volumes)


def _combine(loaded: Loaded, kind: Rank, volumes: list[tuple[int, PendingCase]]) -> Loaded:
    """Combine the volumes of one study; they stand where its first one stands."""
    if volumes:
        first, one = volumes[0]
        place = (Rank.MASKS, kind, first)
        with loaded.guard(place, one.case.sources[0]):
            pending, errors = combine_volumes([one for _, one in volumes])
            loaded.cases += [((kind, first, k), one) for k, one in enumerate(pending)]
            loaded.errors += [(place, error) for error in errors]
    return loaded


def make_batches(files: Sequence[InputFile], series: Sequence[Series]) -> list[Batch]:
    """Divide what was collected: images folder by folder, then series, then volumes.

    Args:
        files: All files, in the order in which they were given.
        series: All series among them.
    """
    images, volumes = files_of(files, ImageFormat), files_of(files, VolumeFormat)
    return [*_image_batches(images), *_series_batches(series), *_volume_batches(volumes)]


def _image_batches(files: Iterable[InputFile[ImageFormat]]) -> list[ImageBatch]:
    folders: dict[str, list[InputFile[ImageFormat]]] = defaultdict(list)
    for file in files:
        folders[file.folder].append(file)
    batches = []
    for folder, members in enumerate(folders.values()):
        named = [(k, file, parse_name(file.stem)) for k, file in enumerate(members)]
        joined = _join([_links(parts) for _, _, parts in named])
        batches += [ImageBatch(folder, tuple(named[k] for k in group)) for group in joined]
    return batches


def _links(parts: NameParts) -> set[str]:
    """Names that this file may share with another one of its series, its study, or its mask."""
    names = {parts.stem, parts.study}
    if parts.sequence is None and parts.number is not None:
        names.add(parts.prefix)
    return names | {_PAGE.sub("", name) for name in names}


def _join(links: Sequence[set[str]]) -> list[list[int]]:
    """Groups of positions that share a name, directly or through others, in their first's order."""
    group_of: dict[str, list[int]] = {}
    for k, names in enumerate(links):
        found = {id(group_of[name]): group_of[name] for name in names if name in group_of}
        groups = sorted(found.values(), key=len, reverse=True) or [[]]
        whole = groups[0]
        whole.append(k)
        for smaller in groups[1:]:
            whole += smaller
        moved = {name for member in (m for g in groups[1:] for m in g) for name in links[member]}
        for name in names | moved:
            group_of[name] = whole
    unique = {id(group): sorted(group) for group in group_of.values()}
    return sorted(unique.values())


def _series_batches(series: Sequence[Series]) -> list[SeriesBatch]:
    studies: dict[str, list[tuple[int, Series]]] = defaultdict(list)
    for number, one in enumerate(series):
        studies[one.study].append((number, one))
    return [SeriesBatch(tuple(study)) for study in studies.values()]


def _volume_batches(files: Iterable[InputFile[VolumeFormat]]) -> list[VolumeBatch]:
    studies: dict[tuple[str, str], list[tuple[int, InputFile[VolumeFormat]]]] = defaultdict(list)
    for number, file in enumerate(files):
        studies[(file.folder, parse_name(file.stem).base)].append((number, file))
    return [VolumeBatch(tuple(study)) for study in studies.values()]
