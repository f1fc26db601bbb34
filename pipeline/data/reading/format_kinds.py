"""What a format of input files declares: a picture, a volume, a series or an archive.

A new format is one module that declares itself with one of the classes below, as `images`, `nifti`,
`dicom` and `archives` do, and one line in `pipeline.data.reading.formats`. Recognising files,
reading them and every list of formats (dialog, help, sentences) go by these declarations; what
happens to a kind of format is written once, in `pipeline.data.reading.batches`.

Developer notes: the web process imports all declarations for its words. pydicom and nibabel, which
it does without until the first upload, are imported inside the functions that read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from pipeline.data.case import Case, NiftiPlacement
from pipeline.data.cautions import Caution
from pipeline.data.reading.limits import (
    ARCHIVE_RATIO_FLOOR_BYTES,
    MAX_ARCHIVE_BYTES,
    MAX_ARCHIVE_FILES,
    MAX_ARCHIVE_RATIO,
    gigabytes,
)
from pipeline.data.reading.names import strip_suffix
from pipeline.data.reading.pending_cases import PendingCase
from pipeline.errors import InputError
from pipeline.sandbox.watch import watching

#: Bytes at the start of a file that are enough to recognise its format.
HEAD_BYTES = 1024
#: Called with the name of each file that was read or refused.
FileTick = Callable[[str], None]


@dataclass(frozen=True, eq=False, kw_only=True)
class Format:
    """A format that can be read.

    Attributes:
        name: As a list shows it to readers, such as ``NIfTI``.
        suffixes: How its files' names usually end, in lower case; names of cases leave that out.
            Content decides what a file is, never its suffix.
        matches: Whether the first `HEAD_BYTES` of a file (all of it where it is shorter) are of
            this format.
    """

    name: str
    suffixes: tuple[str, ...]
    matches: Callable[[bytes], bool]


@dataclass(frozen=True, eq=False, kw_only=True)
class ImageFormat(Format):
    """Files of one picture, or of several pages, which names put together to series and studies.

    Attributes:
        decode: Reads a file, given its path and its source. Checks its dimensions
            (`pipeline.data.reading.limits.check_shape`) before it decodes a pixel, and raises
            `InputError` where it cannot be read, is cut short or absurdly large.
    """

    decode: Callable[[Path, str], DecodedImage]


@dataclass(frozen=True, eq=False, kw_only=True)
class VolumeFormat(Format):
    """Files of one volume each, which names put together to studies.

    Attributes:
        read: Reads a file. Checks its dimensions (`pipeline.data.reading.limits.check_volume`)
            before it decodes a voxel, and raises `InputError` where it cannot be read.
        count_slices: Slices as the header states them, for a forecast; 1 where it cannot be read.
    """

    read: Callable[[InputFile], Volume]
    count_slices: Callable[[InputFile], int]


@dataclass(frozen=True, eq=False, kw_only=True)
class SeriesFormat(Format):
    """Files of one or more slices whose headers put them together to series and studies.

    Attributes:
        read_headers: Reads what `group` needs of one file, without pixels; raises `InputError`
            where the file holds no image or cannot be read.
        group: Series of all files whose headers were read, in the order of their first files.
    """

    read_headers: Callable[[InputFile], Any]
    group: Callable[[Sequence[Any]], Sequence[Series]]


@dataclass(frozen=True, eq=False, kw_only=True)
class MaskFormat(Format):
    """Files that hold masks alone, which are read when they are attached to a study.

    Attributes:
        read: Reads a file for a case: its mask ``(n, h, w)``, bool, and sentences on it. Raises
            `InputError` where it cannot be read or does not fit the case.
    """

    read: Callable[[InputFile, Case], tuple[NDArray[np.bool_], tuple[str, ...]]]


@dataclass(frozen=True, eq=False, kw_only=True)
class ArchiveFormat(Format):
    """Files that hold other files.

    Attributes:
        unpack: Unpacks the archive at a path with a source to a temporary folder, drawing on a
            budget. Returns the files, and one error per file that cannot be had; raises
            `InputError` where the archive as a whole cannot be unpacked.
    """

    unpack: Callable[
        [Path, str, Path, UnpackBudget], tuple[Sequence[ArchiveMember], Sequence[InputError]]
    ]


@dataclass(frozen=True, eq=False, kw_only=True)
class Unreadable:
    """A format that is recognised so that a sentence can name it.

    Attributes:
        phrase: The file as a sentence names it, such as ``a PDF document``.
        matches: As of a `Format`.
        advice: What to do, one sentence; where it is empty, the sentence lists what can be read.
    """

    phrase: str
    matches: Callable[[bytes], bool]
    advice: str = ""


def starts_with(*marks: bytes) -> Callable[[bytes], bool]:
    """Recognise files that start with one of some marks."""
    return lambda head: head.startswith(marks)


class Stage(StrEnum):
    """How far reading is with a file.

    What ends a child at one stage is refused there by the next child, and not earlier: what came of
    the stages before it, such as the batches, must stay as it was.
    """

    LISTING = "listing"
    HEADERS = "headers"
    PIXELS = "pixels"


def watching_file(
    path: Path, source: str, folder: str, stage: Stage
) -> AbstractContextManager[None]:
    """As `InputFile.watched`, for a file whose format is not known yet."""
    try:
        size = path.stat().st_size
    except OSError:
        size = 0
    return watching(source, key=f"{stage} {folder}|{source}", size=size)


FormatT_co = TypeVar("FormatT_co", bound=Format, covariant=True)


@dataclass(frozen=True)
class InputFile(Generic[FormatT_co]):
    """One file to read.

    Attributes:
        path: Where its bytes are.
        source: Its name relative to the path the user gave; ``archive.zip/inner/name.png`` inside
            an archive.
        folder: Key of the folder it lies in, unique within one call.
        folder_name: That folder's name for a reader, "" for a file or an archive that was given.
        format: Its format, recognised by content.
    """

    path: Path
    source: str
    folder: str
    folder_name: str
    format: FormatT_co

    @property
    def name(self) -> str:
        """The file's own name."""
        return self.source.rsplit("/", 1)[-1]

    def watched(self, stage: Stage = Stage.PIXELS) -> AbstractContextManager[None]:
        """The limits of this file, to be held while it is parsed or decoded."""
        return watching_file(self.path, self.source, self.folder, stage)

    @property
    def stem(self) -> str:
        """The file's own name without the suffix of its format."""
        return strip_suffix(self.name, self.format.suffixes)


FormatT = TypeVar("FormatT", bound=Format)


def files_of(files: Iterable[InputFile[Any]], kind: type[FormatT]) -> list[InputFile[FormatT]]:
    """The files whose format is of a kind, in their order."""
    return [file for file in files if isinstance(file.format, kind)]


@dataclass(frozen=True, eq=False)
class DecodedImage:
    """Pixels of one file of an `ImageFormat`.

    Attributes:
        pages: One ``(h, w, c)`` array per page, c 1 or 3; uint8, uint16, int16 or float32.
        lossy: Whether the format blurs edges, so that a mask in it needs a threshold at its middle.
        labels: One ``(h, w)`` array per page where a mask's values are not its colours: the indices
            of a palette. None elsewhere.
        warnings: What a reader must know of how the file was read.
    """

    pages: tuple[NDArray[np.generic], ...]
    lossy: bool
    labels: tuple[NDArray[np.generic], ...] | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Volume:
    """What one file of a `VolumeFormat` holds.

    Attributes:
        voxels: ``(x, y, z, c)`` of any real type; c counts the volumes that were read.
        affine: 4x4, voxel index ``(x, y, z)`` to RAS+ millimetres; None where the file does not say
            how it lies in the patient.
        voxel_mm: Sizes ``(x, y, z)`` as the file states them, whether they can be right or not;
            they count where there is no affine.
        window: Display window ``(low, high)`` in voxel values, or None.
        placement: What a NIfTI header says about its place, as stored.
        contradicts_itself: Whether the file says two things about left and right.
        cautions: What a reader must know of how it was read.
        n_volumes: Volumes of the file; 0 where all were read.
    """

    voxels: NDArray[np.generic]
    affine: NDArray[np.float64] | None
    voxel_mm: tuple[float, float, float]
    window: tuple[float, float] | None = None
    placement: NiftiPlacement | None = None
    contradicts_itself: bool = False
    cautions: tuple[Caution, ...] = ()
    n_volumes: int = 0


class Series(Protocol):
    """Files of a `SeriesFormat` that are one acquisition."""

    @property
    def source(self) -> str:
        """The file that a sentence on the whole series names."""

    @property
    def study(self) -> str:
        """Key of the study on whose grid it may lie: only series of one key are combined."""

    @property
    def n_slices(self) -> int:
        """Slices as the headers state them."""

    def read(self, tick: FileTick) -> tuple[list[PendingCase], list[InputError]]:
        """Decode it.

        Args:
            tick: Called after each file that was decoded or refused.

        Returns:
            A case per volume in it (one per echo or time point), and one error per file, or for
            the whole series, that cannot be used.
        """


@dataclass
class UnpackBudget:
    """What one call may still unpack, shared by all of its archives.

    Attributes:
        bytes_left: Bytes.
        files_left: Files.
        unpacked: Files that were unpacked so far.
        ratio_left: Bytes that the archive which was given may still unpack to, those of archives
            inside it included, by its own size.
    """

    bytes_left: int = MAX_ARCHIVE_BYTES
    files_left: int = MAX_ARCHIVE_FILES
    unpacked: int = 0
    ratio_left: int = MAX_ARCHIVE_BYTES

    def open(self, packed: int) -> None:
        """Begin with an archive of a size in bytes that is in no other one."""
        self.ratio_left = max(ARCHIVE_RATIO_FLOOR_BYTES, MAX_ARCHIVE_RATIO * packed)

    def check(self, n_files: int, n_bytes: int, source: str) -> None:
        """Refuse an archive by what it states, before anything is unpacked.

        Args:
            n_files: Its files.
            n_bytes: What they unpack to.
            source: The archive.

        Raises:
            InputError: They are too many, or pack better than any real study.
        """
        name = source.rsplit("/", 1)[-1]
        if n_files > self.files_left:
            raise InputError(
                source,
                f"{name} holds more than {self.files_left:,} files; at most {MAX_ARCHIVE_FILES:,}"
                " can be unpacked. Split it.",
            )
        if n_bytes > self.bytes_left:
            raise InputError(
                source,
                f"{name} would unpack to {gigabytes(n_bytes, digits=1)}, more than any real study;"
                f" at most {gigabytes(MAX_ARCHIVE_BYTES)} are unpacked. Split it, or check where it"
                " came from.",
            )
        if n_bytes > self.ratio_left:
            raise InputError(
                source,
                f"{name} would unpack to more than {MAX_ARCHIVE_RATIO} times its size, more than"
                " any real study. Check where it came from.",
            )

    def take_file(self, source: str) -> int:
        """Count a file of an archive; returns a number for it.

        Raises:
            InputError: It is one too many.
        """
        self.check(1, 0, source)
        self.files_left -= 1
        self.unpacked += 1
        return self.unpacked - 1

    def take_bytes(self, size: int, source: str) -> None:
        """Count bytes that an archive unpacked to.

        Raises:
            InputError: They are too many.
        """
        self.check(0, size, source)
        self.bytes_left -= size
        self.ratio_left -= size


@dataclass(frozen=True)
class ArchiveMember:
    """One unpacked file: its name in the archive, and where its bytes are."""

    name: str
    path: Path


def cut_short(source: str, what: str) -> InputError:
    """Why a file is not read that ends before its last ``pixels`` or ``voxels``."""
    name = source.rsplit("/", 1)[-1]
    return InputError(
        source, f"{name} is cut short: not all of its {what} are there. Export it again."
    )


def fault_warning(name: str) -> str:
    """The sentence on a picture of which a decoder reported a fault."""
    return (
        f"{name} is damaged in part; its pixels could be read. Compare it with the original before"
        " relying on it."
    )
