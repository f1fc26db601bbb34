"""The one entry for input of every kind: paths in, cases and plain sentences out.

All of it is parsed and decoded in children with limits (`pipeline.sandbox`), never in the process
that calls. What a child answers is checked like anything from outside. A file that takes too long,
needs too much memory or ends its child gets a sentence like any other that cannot be read.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from pipeline.data.case import Case
from pipeline.data.case_files import describe_case
from pipeline.data.reading.jobs import (
    BatchRequest,
    CasesOverview,
    CasesRequest,
    ReferenceRequest,
    SentReference,
    receive_batch,
    receive_errors,
)
from pipeline.data.reading.loaded import (
    AttachedReference,
    Loaded,
    Place,
    ReadReport,
    Room,
    load_all,
)
from pipeline.data.reading.own_results import OwnResults
from pipeline.errors import InputError, ProgressCallback
from pipeline.sandbox.sessions import Session, open_session, server_of
from pipeline.sandbox.watch import ReadingLimits

#: What children have imported before they start.
READERS = (
    "pipeline.data.reading.attaching",
    "pipeline.data.reading.dicom_series",
    "pipeline.data.reading.jobs",
    "pipeline.data.reading.nifti",
    "pipeline.data.reading.reading",
    "pipeline.data.reading.tiff",
    "nibabel",
    "nibabel.nicom.csareader",
)
_ODD_ANSWER = "The files cannot be read: reading them failed. Give fewer files, or other ones."


@dataclass(frozen=True)
class IsolatedBatch:
    """Files that are read together.

    Attributes:
        number: Of the batch.
        n_slices: Slices, for a forecast.
    """

    number: int
    n_slices: int


class IsolatedReading:
    """Input that a child looked over, to be decoded batch by batch in it.

    Attributes:
        batches: What is to be loaded, in the order of the cases.
        errors: Sentences on what needs no decoding to be refused, with their places.
        notices: Sentences on what is passed over.
        n_files: Files that were found; what archives hold counts, archives do not.
    """

    def __init__(self, session: Session, overview: CasesOverview) -> None:
        self._session = session
        self.batches = tuple(IsolatedBatch(k, n) for k, n in enumerate(overview.batches))
        self.errors: list[tuple[Place, InputError]] = receive_errors(overview.errors)
        self.notices, self.n_files = overview.notices, overview.n_files

    def load(self, batch: IsolatedBatch, room: Room | None = None) -> Loaded:
        """Decode a batch; nothing is raised for bad input.

        Args:
            batch: One of `batches`.
            room: What is held already; a batch has the whole room for itself where None.

        Raises:
            Cancelled: The progress callback raised it.
        """
        room = room or Room()
        request = BatchRequest(number=batch.number, used=room.used)
        try:
            return receive_batch(self._session.ask(request.model_dump_json()), room)
        except InputError as error:
            return Loaded(errors=[((0, batch.number), error)])
        except ValueError:
            return Loaded(errors=[((0, batch.number), InputError("", _ODD_ANSWER))])


def start_early() -> None:
    """Let the process that forks children start now, so that the first file need not wait."""
    server_of(READERS).start()


@contextmanager
def open_reading(
    paths: Sequence[Path],
    *,
    own: OwnResults | None = None,
    output: Path | None = None,
    single_pictures: bool = False,
    progress: ProgressCallback | None = None,
    limits: ReadingLimits | None = None,
) -> Iterator[IsolatedReading]:
    """Look over files, folders and archives, which stay unpacked until the block ends.

    Args:
        paths: Files and folders; content decides the format.
        own: Which of its files Overread wrote itself.
        output: Folder that results are written to now; earlier ones in it count as nothing.
        single_pictures: Whether each picture is a case of its own; otherwise numbered pictures of
            one size are a stack.
        progress: Called with (done, total, what is being read); may raise `Cancelled`.
        limits: What reading may take.

    Raises:
        InputError: The files cannot be looked over at all.
    """
    given = [Path(path).absolute() for path in paths]
    request = CasesRequest(
        paths=tuple(given),
        output=None if output is None else output.absolute(),
        own=own,
        single_pictures=single_pictures,
    )
    with open_session(
        f"{CasesRequest.__module__}:ReadCases",
        modules=READERS,
        readable=readable_paths(given),
        limits=limits,
        progress=progress,
    ) as session:
        answer = session.ask(request.model_dump_json())
        try:
            overview = CasesOverview.model_validate_json(answer.document)
        except ValidationError:
            raise InputError("", _ODD_ANSWER) from None
        yield IsolatedReading(session, overview)


def read_cases(
    paths: Sequence[Path],
    *,
    single_pictures: bool = False,
    progress: ProgressCallback | None = None,
    limits: ReadingLimits | None = None,
) -> ReadReport:
    """Read files, folders and archives of every format in `pipeline.data.reading.formats`.

    Args:
        paths: Files and folders; content decides the format.
        single_pictures: As of `open_reading`.
        progress: Called with (done, total, what is being read); may raise `Cancelled`.
        limits: What reading may take.

    Returns:
        The cases, named uniquely within this call, and the errors. `Case.sources` and
        `InputError.source` are relative to the path that they came from: the name where that is a
        file, ``archive.zip/inner/name.png`` inside an archive.

    Raises:
        Cancelled: If ``progress`` raised it. Nothing else is raised for bad input.
    """
    try:
        with open_reading(
            paths, single_pictures=single_pictures, progress=progress, limits=limits
        ) as reading:
            return load_all(reading)
    except InputError as error:
        return ReadReport((), (error,))


def read_reference(
    case: Case, paths: Sequence[Path], *, limits: ReadingLimits | None = None
) -> AttachedReference:
    """Read a reference mask for a case; see `pipeline.data.reading.attaching.read_reference`.

    Args:
        case: The case.
        paths: Files, folders and archives.
        limits: What reading may take.

    Raises:
        InputError: They hold no mask that fits the case, with the reason.
    """
    given = [Path(path).absolute() for path in paths]
    request = ReferenceRequest(
        paths=tuple(given), description=describe_case(replace(case, masks=None))
    )
    with open_session(
        f"{ReferenceRequest.__module__}:ReadReference",
        modules=READERS,
        readable=readable_paths(given),
        limits=limits,
    ) as session:
        answer = session.ask(request.model_dump_json(), [case.pixels])
    try:
        sent = SentReference.model_validate_json(answer.document)
        (masks,) = answer.arrays
    except ValueError:
        raise InputError("", _ODD_ANSWER) from None
    if masks.dtype != bool or masks.shape != case.pixels.shape[:3]:
        raise InputError("", _ODD_ANSWER)
    return AttachedReference(masks.view(bool), sent.sources, sent.warnings)


def readable_paths(given: Sequence[Path]) -> Iterable[Path]:
    """What a child may read to read these paths: they, and the files that links in them lead to."""
    for path in given:
        yield path
        for parent, _, names in os.walk(path):
            for name in names:
                inner = os.path.join(parent, name)
                if os.path.islink(inner):
                    yield Path(os.path.realpath(inner))  # Path.resolve raises for a link to itself
