"""The one entry for input of every kind: paths in, cases and plain sentences out."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.data.case import Case
from pipeline.data.collecting import InputFile, collect_files
from pipeline.data.combining import combine_volumes
from pipeline.data.dicom import group_dicom, read_series
from pipeline.data.dicom_files import DicomFile, read_dicom_headers
from pipeline.data.drafts import Draft, name_cases
from pipeline.data.formats import IMAGE_FORMATS, NIFTI_FORMATS, FileFormat
from pipeline.data.grouping import ImageItem
from pipeline.data.image_cases import build_image_drafts
from pipeline.data.images import read_image
from pipeline.data.limits import MAX_CALL_BYTES
from pipeline.data.names import NameParts, parse_name
from pipeline.data.nifti import read_nifti
from pipeline.errors import Cancelled, InputError
from pipeline.results import ProgressCallback

_LOGGER = logging.getLogger(__name__)
_LIBRARY_LOGGERS = ("pydicom", "nibabel", "nibabel.global", "PIL", "tifffile")


@dataclass(frozen=True)
class ReadReport:
    """What came of an upload or a list of paths.

    Attributes:
        cases: Every study that could be read.
        errors: One sentence per file that could not.
    """

    cases: tuple[Case, ...]
    errors: tuple[InputError, ...]


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
    with _quiet_libraries(), tempfile.TemporaryDirectory(prefix="overread-") as folder:
        collection = collect_files([Path(path) for path in paths], Path(folder))
        reader = _Reader(collection.files, progress)
        reader.errors.extend(collection.errors)
        reader.read_images()
        reader.read_dicom()
        reader.read_nifti()
        return reader.report()


class _Reader:
    """Reads the files of one call, kind by kind."""

    def __init__(self, files: Sequence[InputFile], progress: ProgressCallback | None) -> None:
        self.errors: list[InputError] = []
        self._files = files
        self._images: list[Draft] = []
        self._volumes: list[Draft] = []
        self._progress = progress
        self._done = 0
        self._bytes = 0
        self._total = sum(2 if f.format is FileFormat.DICOM else 1 for f in files)

    def _tick(self, name: str) -> None:
        self._done += 1
        if self._progress is not None:
            self._progress(min(self._done, self._total), self._total, f"Reading {name}")

    @contextmanager
    def _guard(self, source: str) -> Iterator[None]:
        """Turn what a reader refuses into a sentence, and what it did not foresee as well."""
        try:
            yield
        except InputError as error:
            self.errors.append(error)
        except Cancelled:
            raise
        except Exception:
            _LOGGER.exception("unforeseen input %r", source)
            name = source.rsplit("/", 1)[-1]
            message = f"{name} cannot be read: it is damaged or of an unknown kind."
            self.errors.append(InputError(source, message))

    def _check_room(self, size: int, source: str) -> None:
        self._bytes += size
        if self._bytes > MAX_CALL_BYTES:
            self._bytes -= size
            name = source.rsplit("/", 1)[-1]
            limit = f"{MAX_CALL_BYTES / 2**30:.0f} GB"
            message = f"{name} is left out: more than {limit} of pixels at once. Give fewer files."
            raise InputError(source, message)

    def read_images(self) -> None:
        """Read PNG, JPEG, TIFF and WebP, folder by folder."""
        folders: dict[str, list[InputFile]] = defaultdict(list)
        for file in self._files:
            if file.format in IMAGE_FORMATS:
                folders[file.folder].append(file)
        for files in folders.values():
            items: list[ImageItem] = []
            failed: list[NameParts] = []
            for file in files:
                parts = parse_name(file.name)
                failed.append(parts)
                with self._guard(file.source):
                    image = read_image(file.path, file.source)
                    self._check_room(sum(page.nbytes for page in image.pages), file.source)
                    items.append(ImageItem(file, parts, image))
                    failed.pop()
                self._tick(file.name)
            with self._guard(files[0].source):
                images = [item for item in items if not item.parts.is_mask]
                masks = [item for item in items if item.parts.is_mask]
                drafts, errors = build_image_drafts(images, masks, failed)
                self._images.extend(drafts)
                self.errors.extend(errors)

    def read_dicom(self) -> None:
        """Read the headers of all DICOM files, then the pixels, series by series."""
        headers: list[DicomFile] = []
        for file in self._files:
            if file.format is FileFormat.DICOM:
                with self._guard(file.source):
                    headers.append(read_dicom_headers(file))
                self._tick(file.name)
        for series in group_dicom(headers):
            with self._guard(series.files[0].file.source):
                drafts, errors = read_series(series, self._tick)
                self.errors.extend(errors)
                for draft in drafts:
                    self._check_room(draft.case.pixels.nbytes, draft.case.sources[0])
                    self._volumes.append(draft)

    def read_nifti(self) -> None:
        """Read NIfTI volumes."""
        for file in self._files:
            if file.format in NIFTI_FORMATS:
                with self._guard(file.source):
                    draft = read_nifti(file)
                    self._check_room(draft.case.pixels.nbytes, file.source)
                    self._volumes.append(draft)
                self._tick(file.name)

    def report(self) -> ReadReport:
        """Combine what belongs together, and name it."""
        volumes, errors = combine_volumes(self._volumes)
        self.errors.extend(errors)
        cases = name_cases([*self._images, *volumes])
        return ReadReport(cases=cases, errors=tuple(self.errors))


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
