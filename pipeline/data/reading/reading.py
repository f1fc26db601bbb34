"""Input of every kind: paths in, cases and plain sentences out, all in this process.

Everything outside of this package calls `pipeline.data.reading.isolated`, which does the same in a
child with limits.

Developer notes: headers and names are looked over first (`open_reading`), pixels are decoded batch
by batch (`Reading.load`). A case's place among all others is known without them, so that cases
that were read in any order, or one at a time, are listed as if they had been read at once.
"""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.data.cautions import ReadingAspect
from pipeline.data.reading.batches import Batch, make_batches
from pipeline.data.reading.collecting import Collection, collect_files, copies_warning
from pipeline.data.reading.format_kinds import (
    ImageFormat,
    InputFile,
    SeriesFormat,
    Stage,
    VolumeFormat,
    files_of,
)
from pipeline.data.reading.loaded import Loaded, Rank, ReadReport, Room, load_all
from pipeline.data.reading.pending_cases import PendingCase, with_cautions
from pipeline.data.reading.volumes import read_volume
from pipeline.errors import InputError, ProgressCallback

_LIBRARY_LOGGERS = ("pydicom", "nibabel", "nibabel.global", "PIL", "tifffile")


class Reading:
    """Input that was looked over, to be decoded batch by batch.

    Attributes:
        batches: What is to be loaded, in the order of the cases.
        errors: Sentences on what needs no decoding to be refused, with their places.
        notices: Sentences on what is passed over.
        n_files: Files that were found; what archives hold counts, archives do not.
    """

    def __init__(
        self, collection: Collection, progress: ProgressCallback | None, *, single_pictures: bool
    ) -> None:
        files, refused = collection.files, collection.errors
        self.notices, self.n_files = tuple(collection.notices), collection.n_files
        self._copies = dict(collection.copies)
        self._progress = progress
        self._done = 0
        of_series = files_of(files, SeriesFormat)
        self._total = len(files) + len(of_series)
        looked = Loaded(errors=[((Rank.COLLECTED, k), error) for k, error in enumerate(refused)])
        headers: dict[SeriesFormat, list[Any]] = defaultdict(list)
        for k, file in enumerate(of_series):
            with looked.guard((Rank.SERIES, 0, k), file.source), file.watched(Stage.HEADERS):
                headers[file.format].append(file.format.read_headers(file))
            self._tick(file.name)
        series = [one for form, known in headers.items() for one in form.group(known)]
        self.errors = looked.errors
        self.batches = tuple(make_batches(files, series, single_pictures=single_pictures))

    def load(self, batch: Batch, room: Room | None = None) -> Loaded:
        """Decode a batch; nothing is raised for bad input.

        Args:
            batch: One of `batches`.
            room: What is held already; a batch has the whole room for itself where None.

        Raises:
            Cancelled: The progress callback raised it.
        """
        loaded = batch.load(room or Room(), self._tick)
        if self._copies:
            loaded.cases = [(place, self._count_copies(one)) for place, one in loaded.cases]
        return loaded

    def _count_copies(self, one: PendingCase) -> PendingCase:
        """Say how many exact copies of a case's files were passed over."""
        copies = sum(self._copies.get(source, 0) for source in set(one.case.sources))
        if not copies:
            return one
        return with_cautions(one, ReadingAspect.SELECTION, copies_warning(copies))

    def _tick(self, name: str) -> None:
        self._done += 1
        if self._progress is not None:
            self._progress(min(self._done, self._total), self._total, f"Reading {name}")


@contextmanager
def open_reading(
    paths: Sequence[Path],
    *,
    passed_over: Callable[[InputFile], bool] = lambda _: False,
    output: Path | None = None,
    single_pictures: bool = False,
    progress: ProgressCallback | None = None,
) -> Iterator[Reading]:
    """Look over files, folders and archives, which stay unpacked until the block ends.

    Args:
        paths: Files and folders; content decides the format.
        passed_over: Whether Overread wrote a file itself.
        output: Folder that results are written to now; earlier ones in it count as nothing.
        single_pictures: Whether each picture is a case of its own; otherwise numbered pictures of
            one size are a stack.
        progress: Called with (done, total, what is being read); may raise `Cancelled`.
    """
    with quiet_libraries(), tempfile.TemporaryDirectory(prefix="overread-") as folder:
        collection = collect_files([Path(path) for path in paths], Path(folder), output=output)
        collection.files = [file for file in collection.files if not passed_over(file)]
        yield Reading(collection, progress, single_pictures=single_pictures)


def read_cases(
    paths: Sequence[Path],
    *,
    single_pictures: bool = False,
    progress: ProgressCallback | None = None,
) -> ReadReport:
    """Read files, folders and archives of every format in `pipeline.data.reading.formats`.

    Args:
        paths: Files and folders; content decides the format.
        single_pictures: As of `open_reading`.
        progress: Called with (done, total, what is being read); may raise `Cancelled`.

    Returns:
        The cases, named uniquely within this call, and the errors. `Case.sources` and
        `InputError.source` are relative to the path that they came from: the name where that is a
        file, ``archive.zip/inner/name.png`` inside an archive.

    Raises:
        Cancelled: If ``progress`` raised it. Nothing else is raised for bad input.
    """
    with open_reading(paths, single_pictures=single_pictures, progress=progress) as reading:
        return load_all(reading)


def read_pages(file: InputFile) -> Sequence[NDArray[np.generic]]:
    """Pixels of one file on its own: each image, slice or frame ``(h, w, c)``.

    Raises:
        InputError: If it cannot be read, or is an archive.
    """
    if isinstance(file.format, ImageFormat):
        return file.format.decode(file.path, file.source).pages
    if isinstance(file.format, VolumeFormat):
        return list(read_volume(file).case.pixels)
    if isinstance(file.format, SeriesFormat):
        (series,) = file.format.group([file.format.read_headers(file)])
        pending, errors = series.read(lambda _: None)
        if errors:
            raise errors[0]
        pages = [page for one in pending if one.contours is None for page in one.case.pixels]
        if not pages:
            raise InputError(file.source, f"{file.name} holds contours, not an image.")
        return pages
    raise InputError(file.source, f"{file.name} is an archive. Unpack it first.")


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Keep the libraries' own warnings from a reader: what matters is in our sentences."""
    loggers = [logging.getLogger(name) for name in _LIBRARY_LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
