"""What the children of `pipeline.image_tasks.reading` do: single images to grey values."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pipeline.data.reading.collecting import Collection, collect_files, copies_notice
from pipeline.data.reading.format_kinds import HEAD_BYTES, InputFile, Unreadable
from pipeline.data.reading.formats import format_of, refusal_of
from pipeline.data.reading.limits import MAX_CALL_BYTES
from pipeline.data.reading.names import safe_name
from pipeline.data.reading.own_results import OwnResults
from pipeline.data.reading.pending_cases import take_name
from pipeline.data.reading.reading import read_pages
from pipeline.errors import InputError
from pipeline.image_tasks.preprocessing import to_grey
from pipeline.sandbox.messages import Message, Refusal
from pipeline.sandbox.watch import crash_error
from pipeline.storage.declared_models import DeclaredModel
from pipeline.storage.field_types import SentPath

_LOG = logging.getLogger(__name__)
_Count = Annotated[int, Field(ge=0, lt=2**31)]


class ImagesRequest(DeclaredModel):
    """Files and folders to look over."""

    paths: tuple[SentPath, ...]
    output: SentPath | None
    own: OwnResults | None


class ImagesOverview(DeclaredModel):
    """What was found.

    Attributes:
        n_images: Files to decode.
        n_files: Files that were found; what archives hold counts, archives do not.
        notices: Sentences on what is passed over.
        errors: Sentences on what cannot be read.
    """

    n_images: _Count
    n_files: _Count
    notices: tuple[str, ...]
    errors: tuple[Refusal, ...]


class ImageRequest(DeclaredModel):
    """Number of the image to decode."""

    number: _Count


class SentImage(DeclaredModel):
    """A decoded image, whose grey values come along."""

    case_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]*$", max_length=255)]
    source: str


class GreyRequest(DeclaredModel):
    """The name of an image whose bytes come along."""

    source: str


class ReadImages:
    """Looks over files at the first request, and decodes an image at each later one."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._files: list[InputFile] = []
        self._names: list[str] | None = None

    def answer(self, request: Message, progress: Callable[[int, int, str], None]) -> Message:
        """As `pipeline.sandbox.child.Job`."""
        if self._names is None:
            return self._look(ImagesRequest.model_validate_json(request.document))
        number = ImageRequest.model_validate_json(request.document).number
        file = self._files[number]
        sent = SentImage(case_id=self._names[number], source=file.source)
        return Message(sent.model_dump_json(), (read_grey(file),))

    def _look(self, asked: ImagesRequest) -> Message:
        folder = self._open.enter_context(tempfile.TemporaryDirectory(prefix="overread-"))
        collection = collect_files(
            asked.paths,
            Path(folder),
            output=asked.output,
        )
        if asked.own is not None:
            own = asked.own
            collection.files = [file for file in collection.files if not own.holds(file)]
        self._files, self._names = collection.files, name_files(collection)
        n_copies = sum(collection.copies.values())
        copies = (copies_notice(n_copies),) if n_copies else ()
        overview = ImagesOverview(
            n_images=len(collection.files),
            n_files=collection.n_files,
            notices=(*collection.notices, *copies),
            errors=tuple(map(Refusal.of, collection.errors)),
        )
        return Message(overview.model_dump_json())


class ReadGrey:
    """Decodes one image that is sent as bytes."""

    def answer(self, request: Message, progress: Callable[[int, int, str], None]) -> Message:
        """As `pipeline.sandbox.child.Job`."""
        source = GreyRequest.model_validate_json(request.document).source
        (content,) = request.arrays
        return Message("{}", (read_bytes(content.tobytes(), source),))


def read_bytes(content: bytes, source: str) -> NDArray[np.float32]:
    """Grey values ``(h, w)`` of one image given as bytes.

    Raises:
        InputError: It is no single image, or cannot be read.
    """
    found = format_of(content[:HEAD_BYTES])
    if isinstance(found, Unreadable):
        raise InputError(source, refusal_of(source.rsplit("/", 1)[-1], found))
    with tempfile.TemporaryDirectory(prefix="overread-") as folder:
        path = Path(folder) / "image"
        path.write_bytes(content)
        return read_grey(InputFile(path, source, "", "", found))


def read_grey(file: InputFile) -> NDArray[np.float32]:
    """Grey values ``(h, w)`` float32 of a file with one image.

    Raises:
        InputError: It cannot be read, or holds several images.
    """
    try:
        with file.watched(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pages = read_pages(file)
            if len(pages) != 1:
                raise InputError(
                    file.source,
                    f"{file.name} holds {len(pages):,} images; this task answers single images."
                    " Give each as a file of its own.",
                )
            grey = to_grey(pages[0])
            if grey.nbytes > MAX_CALL_BYTES:
                raise InputError(file.source, f"{file.name} is too large. Export it smaller.")
            return np.nan_to_num(grey, nan=0.0, posinf=0.0, neginf=0.0)
    except InputError:
        raise
    except Exception:  # whatever a damaged file does to a library
        _LOG.debug("unforeseen input", exc_info=True)
        raise crash_error(file.source) from None


def name_files(collection: Collection) -> list[str]:
    """A case name for each file: its own, with its folder's where two files share one."""
    stems = [safe_name(file.name.rsplit(".", 1)[0] or file.name) for file in collection.files]
    counts = Counter(stem.lower() for stem in stems)
    taken: dict[str, int] = {}
    names: list[str] = []
    for file, stem in zip(collection.files, stems, strict=True):
        shared = counts[stem.lower()] > 1
        name = safe_name(f"{file.folder_name}_{stem}") if shared and file.folder_name else stem
        names.append(take_name(name, taken))
    return names
