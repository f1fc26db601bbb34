"""The formats: which can be read, how a file's is recognised, and how lists name them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pipeline.data.reading.archives import ZIP
from pipeline.data.reading.dicom import DICOM
from pipeline.data.reading.format_kinds import (
    HEAD_BYTES,
    ArchiveFormat,
    Format,
    MaskFormat,
    Unreadable,
    starts_with,
)
from pipeline.data.reading.gzip_files import GZIP
from pipeline.data.reading.images import JPEG, PNG, TIFF, WEBP
from pipeline.data.reading.itk_volumes import METAIMAGE, NRRD
from pipeline.data.reading.mgh import MGH
from pipeline.data.reading.names import join_words
from pipeline.data.reading.nifti import NIFTI, NIFTI_PAIR
from pipeline.data.reading.run_length_files import RUN_LENGTHS

#: Every format that can be read, in the order of lists. DICOM is asked first, since its preamble
#: may hold the mark of another format.
FORMATS: tuple[Format, ...] = (
    DICOM,
    NIFTI,
    MGH,
    NRRD,
    METAIMAGE,
    PNG,
    JPEG,
    TIFF,
    WEBP,
    ZIP,
    GZIP,
)

#: Formats of masks alone, which are no study: read where a reference is attached.
MASK_FORMATS: tuple[MaskFormat, ...] = (RUN_LENGTHS,)

#: Characters that plain text may hold beside the printable ones.
_TEXT_CONTROLS = frozenset(b"\t\n\r\f\x1b")


def _is_bitmap(head: bytes) -> bool:
    """Two letters are a weak mark: the BMP header's reserved field must be zero too."""
    return head.startswith(b"BM") and len(head) >= 26 and head[6:10] == b"\0\0\0\0"


def _is_web_page(head: bytes) -> bool:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return text.startswith((b"<!doctype html", b"<html", b"<head", b"<body"))


def _is_text(head: bytes) -> bool:
    text = head.removeprefix(b"\xef\xbb\xbf")
    if any(byte < 32 and byte not in _TEXT_CONTROLS for byte in text):
        return False
    try:
        text[: len(text) - 3 if len(text) == HEAD_BYTES else len(text)].decode("utf-8")
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    return True


def _is_archive(head: bytes) -> bool:
    marks = (b"7z\xbc\xaf\x27\x1c", b"Rar!", b"BZh", b"\xfd7zXZ")
    return head.startswith(marks) or head[257:262] == b"ustar"


#: How files of voxels end whose header is another file: Analyze and NIfTI, Philips, AFNI.
_VOXELS_ALONE = (".img", ".rec", ".brik")
_AS_NIFTI = "Save the volume as one .nii file."
TEXT = Unreadable(phrase="a text file", matches=_is_text)
#: What else is recognised, so that a sentence can name it; the last one is everything.
UNREADABLE: tuple[Unreadable, ...] = (
    Unreadable(
        phrase="empty: it holds 0 bytes", matches=lambda head: not head, advice="Export it again."
    ),
    Unreadable(phrase="a PDF document", matches=starts_with(b"%PDF")),
    Unreadable(phrase="a GIF image", matches=starts_with(b"GIF8")),
    Unreadable(phrase="a BMP image", matches=_is_bitmap),
    Unreadable(
        phrase="a bare JPEG 2000 image",
        matches=starts_with(b"\x00\x00\x00\x0cjP  ", b"\xff\x4f\xff\x51"),
    ),
    Unreadable(
        phrase="an archive that is not a zip",
        matches=_is_archive,
        advice="Pack it as zip, or unpack it first.",
    ),
    Unreadable(
        phrase="a MINC volume or another NetCDF file",
        matches=starts_with(b"CDF\x01", b"CDF\x02"),
        advice=_AS_NIFTI,
    ),
    Unreadable(
        phrase="a MINC volume or another HDF5 file",
        matches=starts_with(b"\x89HDF\r\n\x1a\n"),
        advice=_AS_NIFTI,
    ),
    Unreadable(phrase="an ECAT volume", matches=starts_with(b"MATRIX7"), advice=_AS_NIFTI),
    Unreadable(
        phrase="the header of a Philips PAR/REC volume",
        matches=lambda head: b"DATA DESCRIPTION FILE" in head[:200],
        advice=_AS_NIFTI,
    ),
    Unreadable(
        phrase="the header of an AFNI volume",
        matches=lambda head: head.lstrip().startswith(b"type") and b"-attribute" in head[:64],
        advice=_AS_NIFTI,
    ),
    Unreadable(
        phrase="a set of fibre tracts, not an image",
        matches=starts_with(b"TRACK\0", b"mrtrix tracks"),
        advice="Give the images from which they were made.",
    ),
    Unreadable(
        phrase="a surface (GIFTI), not an image",
        matches=lambda head: b"<GIFTI" in head,
        advice="Give the volume from which it was made.",
    ),
    Unreadable(
        phrase="a colour profile, not an image", matches=lambda head: head[36:40] == b"acsp"
    ),
    Unreadable(phrase="an icon", matches=starts_with(b"\0\0\1\0")),
    NIFTI_PAIR,
    *(
        Unreadable(
            phrase=f"masks as {one.name}, not an image",
            matches=one.matches,
            advice="Attach it to its study as the reference.",
        )
        for one in MASK_FORMATS
    ),
    Unreadable(phrase="a web page", matches=_is_web_page),
    TEXT,
    Unreadable(phrase="not an image that is known here", matches=lambda _: True),
)


def read_format(path: Path, *, masks: bool = False) -> Format | Unreadable:
    """Recognise the format of a file by its first bytes.

    Args:
        path: The file.
        masks: Whether it is to be a reference, so that it may hold masks alone.

    Raises:
        OSError: If the file cannot be opened.
    """
    with path.open("rb") as file:
        return format_of(file.read(HEAD_BYTES), masks=masks)


def format_of(head: bytes, *, masks: bool = False) -> Format | Unreadable:
    """Recognise a format by the first `HEAD_BYTES` of a file (all of it where it is shorter)."""
    known: Iterable[Format | Unreadable] = (
        *FORMATS,
        *(MASK_FORMATS if masks else ()),
        *UNREADABLE,
    )
    return next(one for one in known if one.matches(head))


def list_formats(*, last: str = "and", archives: bool = True) -> str:
    """The names of all formats, in a sentence: ``PNG, JPEG and zip``.

    Args:
        last: The word before the last one.
        archives: Whether archives are among them.
    """
    names = [one.name for one in FORMATS if archives or not isinstance(one, ArchiveFormat)]
    return join_words(names, last=last)


def describe_formats() -> str:
    """What can be read, in a sentence: ``PNG, JPEG, or zip archives of them``."""
    names = [one.name for one in FORMATS if not isinstance(one, ArchiveFormat)]
    archives = [one.name for one in FORMATS if isinstance(one, ArchiveFormat)]
    return f"{', '.join(names)}, or {' or '.join(archives)} archives of them"


def refusal_of(name: str, found: Unreadable) -> str:
    """The sentence that refuses a file.

    Args:
        name: The file's own name.
        found: What it is.
    """
    if found is UNREADABLE[-1] and name.lower().endswith(_VOXELS_ALONE):
        return f"{name} holds the voxels of a volume whose header is another file. {_AS_NIFTI}"
    if found.advice:
        return f"{name} is {found.phrase}. {found.advice}"
    return f"{name} is {found.phrase}; {list_formats()} can be read."
