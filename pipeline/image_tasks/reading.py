"""Single images of every readable kind, each file on its own: grey values or a plain sentence."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.data.reading.collecting import Collection, collect_files
from pipeline.data.reading.format_kinds import HEAD_BYTES, InputFile, Unreadable
from pipeline.data.reading.formats import format_of, refusal_of
from pipeline.data.reading.limits import MAX_CALL_BYTES
from pipeline.data.reading.names import safe_name
from pipeline.data.reading.reading import read_pages
from pipeline.errors import InputError
from pipeline.image_tasks.preprocessing import to_grey

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class SingleImage:
    """One image.

    Attributes:
        case_id: Its name, safe for a file system and unique within the call.
        source: Its file, relative to what the user gave.
        grey: ``(h, w)`` float32 of any range.
    """

    case_id: str
    source: str
    grey: NDArray[np.float32]


def read_single_images(
    paths: Sequence[Path],
    *,
    passed_over: Path | None = None,
    found: Callable[[Collection], None] = lambda _: None,
) -> Iterator[SingleImage | InputError]:
    """Read files, folders and zip archives, one image at a time; every file is its own case.

    Args:
        paths: Files and folders as the user gave them.
        passed_over: Folder whose files are none of the user's: an earlier call's pictures.
        found: Called with what was found before the first image is decoded.

    Yields:
        An image, or the sentence that says why a file is none.
    """
    with tempfile.TemporaryDirectory(prefix="overread-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        collection = collect_files(
            [Path(path) for path in paths],
            Path(folder),
            output=None if passed_over is None else passed_over.parent,
        )
        own = None if passed_over is None else passed_over.resolve()
        collection.files[:] = [
            file
            for file in collection.files
            if own is None or not file.path.resolve().is_relative_to(own)
        ]
        found(collection)
        names = _name_files(collection)
        for file, name in zip(collection.files, names, strict=True):
            try:
                yield SingleImage(name, file.source, read_grey(file))
            except InputError as error:
                yield error
        yield from collection.errors


def read_grey_bytes(content: bytes, source: str) -> NDArray[np.float32]:
    """Grey values ``(h, w)`` of one image given as bytes.

    Raises:
        InputError: It is no single image, or cannot be read.
    """
    found = format_of(content[:HEAD_BYTES])
    if isinstance(found, Unreadable):
        raise InputError(source, refusal_of(source.rsplit("/", 1)[-1], found))
    with tempfile.TemporaryDirectory(prefix="overread-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder) / "image"
        path.write_bytes(content)
        return read_grey(InputFile(path, source, "", "", found))


def read_grey(file: InputFile) -> NDArray[np.float32]:
    """Grey values ``(h, w)`` float32 of a file with one image.

    Raises:
        InputError: It cannot be read, or holds several images.
    """
    try:
        pages = read_pages(file)
    except InputError:
        raise
    except Exception:  # whatever a damaged file does to a library
        _LOG.debug("unforeseen input", exc_info=True)
        message = f"{file.name} cannot be read: it is damaged or of an unknown kind."
        raise InputError(file.source, message) from None
    if len(pages) != 1:
        raise InputError(
            file.source,
            f"{file.name} holds {len(pages):,} images; this task answers single images. Give each"
            " as a file of its own.",
        )
    grey = to_grey(pages[0])
    if grey.nbytes > MAX_CALL_BYTES:
        raise InputError(file.source, f"{file.name} is too large. Export it smaller.")
    return np.nan_to_num(grey, nan=0.0, posinf=0.0, neginf=0.0)


def _name_files(collection: Collection) -> list[str]:
    """A case name for each file: its own, with its folder's where two files share one."""
    stems = [safe_name(file.name.rsplit(".", 1)[0] or file.name) for file in collection.files]
    lowered = [stem.lower() for stem in stems]
    names: list[str] = []
    taken: set[str] = set()
    for file, stem in zip(collection.files, stems, strict=True):
        shared = lowered.count(stem.lower()) > 1
        name = safe_name(f"{file.folder_name}_{stem}") if shared and file.folder_name else stem
        unique, number = name, 2
        while unique.lower() in taken:
            unique, number = f"{name[:100]}-{number}", number + 1
        taken.add(unique.lower())
        names.append(unique)
    return names
