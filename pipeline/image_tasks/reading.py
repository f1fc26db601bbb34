"""Single images of every readable kind, each file on its own: grey values or a plain sentence.

They are decoded in children with limits (`pipeline.sandbox`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from pipeline.data.reading.isolated import READERS, readable_paths
from pipeline.data.reading.own_results import OwnResults
from pipeline.errors import InputError
from pipeline.image_tasks.image_jobs import (
    GreyRequest,
    ImageRequest,
    ImagesOverview,
    ImagesRequest,
    SentImage,
)
from pipeline.sandbox.messages import Message
from pipeline.sandbox.sessions import open_session
from pipeline.sandbox.watch import ReadingLimits, crash_error

_JOBS = ImagesRequest.__module__


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
    found: Callable[[ImagesOverview], None] = lambda _: None,
    limits: ReadingLimits | None = None,
) -> Iterator[SingleImage | InputError]:
    """Read files, folders and zip archives, one image at a time; every file is its own case.

    Args:
        paths: Files and folders as the user gave them.
        passed_over: Folder whose files are none of the user's: an earlier call's pictures.
        found: Called with what was found before the first image is decoded.
        limits: What reading may take.

    Yields:
        An image, or the sentence that says why a file is not an image.
    """
    given = [Path(path).absolute() for path in paths]
    own = None if passed_over is None else OwnResults(within=passed_over.resolve())
    output = None if passed_over is None else passed_over.parent.absolute()
    request = ImagesRequest(paths=tuple(given), output=output, own=own)
    with open_session(
        f"{_JOBS}:ReadImages", modules=READERS, readable=readable_paths(given), limits=limits
    ) as session:
        try:
            answer = session.ask(request.model_dump_json())
            overview = ImagesOverview.model_validate_json(answer.document)
        except ValidationError:
            yield crash_error("")
            return
        except InputError as error:
            yield error
            return
        found(overview)
        for number in range(overview.n_images):
            try:
                answer = session.ask(ImageRequest(number=number).model_dump_json())
                sent = SentImage.model_validate_json(answer.document)
                yield SingleImage(sent.case_id, sent.source, _grey_of(answer, sent.source))
            except ValidationError:
                yield crash_error("")
            except InputError as error:
                yield error
        for refusal in overview.errors:
            yield refusal.error()


def read_grey_bytes(
    content: bytes, source: str, *, limits: ReadingLimits | None = None
) -> NDArray[np.float32]:
    """Grey values ``(h, w)`` of one image given as bytes.

    Raises:
        InputError: It is no single image, or cannot be read.
    """
    with open_session(f"{_JOBS}:ReadGrey", modules=READERS, limits=limits) as session:
        document = GreyRequest(source=source).model_dump_json()
        return _grey_of(session.ask(document, [np.frombuffer(content, np.uint8)]), source)


def _grey_of(answer: Message, source: str) -> NDArray[np.float32]:
    """Grey values that a child sent, checked."""
    if len(answer.arrays) == 1:
        grey = answer.arrays[0]
        if grey.dtype == np.float32 and grey.ndim == 2 and grey.size and np.isfinite(grey).all():
            return grey.astype(np.float32, copy=False)
    raise crash_error(source)
