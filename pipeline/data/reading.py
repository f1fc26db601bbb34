"""The one entry for input of every kind: paths in, cases and plain sentences out.

Developer notes: headers and names are looked over first (`open_reading`), pixels are decoded parcel
by parcel (`Reading.load`). A case's place among all others is known without them, so that cases
that were read in any order, or one at a time, are listed as if they had been read at once.
"""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path

from pipeline.data.case import Case
from pipeline.data.collecting import InputFile, collect_files
from pipeline.data.combining import combine_volumes
from pipeline.data.dicom_files import DicomFile, read_dicom_headers
from pipeline.data.dicom_series import read_series
from pipeline.data.drafts import Draft, name_cases
from pipeline.data.formats import FileFormat
from pipeline.data.grouping import ImageItem
from pipeline.data.image_cases import build_image_drafts
from pipeline.data.images import read_image
from pipeline.data.limits import MAX_CALL_BYTES
from pipeline.data.nifti import read_nifti
from pipeline.data.parcels import DicomParcel, ImageParcel, NiftiParcel, Parcel, make_parcels
from pipeline.errors import Cancelled, InputError
from pipeline.results import ProgressCallback

_LOGGER = logging.getLogger(__name__)
_LIBRARY_LOGGERS = ("pydicom", "nibabel", "nibabel.global", "PIL", "tifffile")
#: Where a case or a sentence stands among all others: compared part by part.
Place = tuple[int | str, ...]
# First parts of places. Of cases: images, DICOM, NIfTI. Of sentences: what could not be collected,
# then these three, then reference masks of DICOM and of NIfTI that fit no image.
_COLLECTED, _IMAGES, _DICOM, _NIFTI, _MASKS = range(5)


@dataclass(frozen=True)
class ReadReport:
    """What came of an upload or a list of paths.

    Attributes:
        cases: Every study that could be read.
        errors: One sentence per file that could not.
    """

    cases: tuple[Case, ...]
    errors: tuple[InputError, ...]


@dataclass
class Loaded:
    """What came of one parcel: drafts and sentences, each with its place among all."""

    drafts: list[tuple[Place, Draft]] = field(default_factory=list)
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
            limit = f"{MAX_CALL_BYTES / 2**30:.0f} GB"
            message = f"{name} is left out: more than {limit} of pixels at once. Give fewer files."
            raise InputError(source, message)
        self.used += size


class Reading:
    """Input that was looked over, to be decoded parcel by parcel.

    Attributes:
        parcels: What is to be loaded, in the order of the cases.
        errors: Sentences on what needs no decoding to be refused, with their places.
    """

    def __init__(
        self,
        files: Sequence[InputFile],
        refused: Sequence[InputError],
        progress: ProgressCallback | None,
    ) -> None:
        self._progress = progress
        self._done = 0
        self._total = sum(2 if f.format is FileFormat.DICOM else 1 for f in files)
        looked = Loaded(errors=[((_COLLECTED, k), error) for k, error in enumerate(refused)])
        headers: list[DicomFile] = []
        for k, file in enumerate(file for file in files if file.format is FileFormat.DICOM):
            with looked.guard((_DICOM, 0, k), file.source):
                headers.append(read_dicom_headers(file))
            self._tick(file.name)
        self.errors = looked.errors
        self.parcels = tuple(make_parcels(files, headers))

    def load(self, parcel: Parcel, room: Room | None = None) -> Loaded:
        """Decode a parcel; nothing is raised for bad input.

        Args:
            parcel: One of `parcels`.
            room: What is held already; a parcel has the whole room for itself where None.

        Raises:
            Cancelled: The progress callback raised it.
        """
        room = room or Room()
        if isinstance(parcel, ImageParcel):
            return self._load_images(parcel, room)
        if isinstance(parcel, DicomParcel):
            return self._load_dicom(parcel, room)
        return self._load_nifti(parcel, room)

    def _tick(self, name: str) -> None:
        self._done += 1
        if self._progress is not None:
            self._progress(min(self._done, self._total), self._total, f"Reading {name}")

    def _load_images(self, parcel: ImageParcel, room: Room) -> Loaded:
        loaded = Loaded()
        items: list[ImageItem] = []
        failed = []
        for k, file, parts in parcel.files:
            failed.append(parts)
            with loaded.guard((_IMAGES, parcel.folder, 0, k), file.source):
                image = read_image(file.path, file.source)
                room.take(sum(page.nbytes for page in image.pages), file.source)
                items.append(ImageItem(file, parts, image))
                failed.pop()
            self._tick(file.name)
        first, file, _ = parcel.files[0]
        with loaded.guard((_IMAGES, parcel.folder, 1, first), file.source):
            images = [item for item in items if not item.parts.is_mask]
            masks = [item for item in items if item.parts.is_mask]
            drafts, errors = build_image_drafts(images, masks, failed)
            numbers = {file.source: k for k, file, _ in parcel.files}
            loaded.errors += [
                ((_IMAGES, parcel.folder, 1, numbers.get(error.source, first)), error)
                for error in errors
            ]
            loaded.drafts += [
                ((_IMAGES, parcel.folder, draft.study, k), draft) for k, draft in enumerate(drafts)
            ]
        return loaded

    def _load_dicom(self, parcel: DicomParcel, room: Room) -> Loaded:
        loaded = Loaded()
        volumes: list[tuple[int, Draft]] = []
        for number, series in parcel.series:
            with loaded.guard((_DICOM, 1, number), series.files[0].file.source):
                drafts, errors = read_series(series, self._tick)
                loaded.errors += [((_DICOM, 1, number), error) for error in errors]
                for draft in drafts:
                    room.take(draft.case.pixels.nbytes, draft.case.sources[0])
                    volumes.append((number, draft))
        return _combine(loaded, _DICOM, volumes)

    def _load_nifti(self, parcel: NiftiParcel, room: Room) -> Loaded:
        loaded = Loaded()
        volumes: list[tuple[int, Draft]] = []
        for number, file in parcel.files:
            with loaded.guard((_NIFTI, number), file.source):
                draft = read_nifti(file)
                room.take(draft.case.pixels.nbytes, file.source)
                volumes.append((number, draft))
            self._tick(file.name)
        return _combine(loaded, _NIFTI, volumes)


def _combine(loaded: Loaded, kind: int, volumes: list[tuple[int, Draft]]) -> Loaded:
    """Combine the volumes of one study; they stand where its first one stands."""
    if volumes:
        first, draft = volumes[0]
        with loaded.guard((_MASKS, kind, first), draft.case.sources[0]):
            drafts, errors = combine_volumes([draft for _, draft in volumes])
            loaded.drafts += [((kind, first, k), draft) for k, draft in enumerate(drafts)]
            loaded.errors += [((_MASKS, kind, first), error) for error in errors]
    return loaded


@contextmanager
def open_reading(
    paths: Sequence[Path],
    *,
    passed_over: Callable[[InputFile], bool] = lambda _: False,
    progress: ProgressCallback | None = None,
) -> Iterator[Reading]:
    """Look over files, folders and archives, which stay unpacked until the block ends.

    Args:
        paths: Files and folders; the format is told by content.
        passed_over: Tells files that are none of the user's.
        progress: Called with (done, total, what is being read); may raise `Cancelled`.
    """
    with _quiet_libraries(), tempfile.TemporaryDirectory(prefix="overread-") as folder:
        collection = collect_files([Path(path) for path in paths], Path(folder))
        files = [file for file in collection.files if not passed_over(file)]
        yield Reading(files, collection.errors, progress)


def read_cases(paths: Sequence[Path], *, progress: ProgressCallback | None = None) -> ReadReport:
    """Read files, folders and zip archives of PNG, JPEG, TIFF, WebP, DICOM and NIfTI.

    Args:
        paths: Files and folders; the format is told by content.
        progress: Called with (done, total, what is being read); may raise `Cancelled`.

    Returns:
        The cases, named uniquely within this call, and the errors. `Case.sources` and
        `InputError.source` are relative to the path that they came from: the name where that is a
        file, ``archive.zip/inner/name.png`` inside an archive.

    Raises:
        Cancelled: If ``progress`` raised it. Nothing else is raised for bad input.
    """
    with open_reading(paths, progress=progress) as reading:
        whole = Loaded(errors=list(reading.errors))
        room = Room()
        for parcel in reading.parcels:
            loaded = reading.load(parcel, room)
            whole.drafts += loaded.drafts
            whole.errors += loaded.errors
    drafts = (draft for _, draft in sorted(whole.drafts, key=itemgetter(0)))
    errors = (error for _, error in sorted(whole.errors, key=itemgetter(0)))
    return ReadReport(cases=name_cases(drafts), errors=tuple(errors))


@contextmanager
def _quiet_libraries() -> Iterator[None]:
    """Keep the libraries' own warnings from a reader: what matters is told in our sentences."""
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
