"""Adds studies to the workspace: uploads, the library folder, demo studies."""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import secrets
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.exc import SQLAlchemyError

import pipeline
from dashboard.jobs import table
from dashboard.store import NewStudy, Origin, StudyRow
from dashboard.store.entries import stated_digest
from dashboard.store.history import Author
from dashboard.store.patients import record_patient
from dashboard.store.stored_json import Display
from dashboard.studies.display import describe_display
from dashboard.studies.uploads import folder_entries
from dashboard.workspace.faults import NotStored, find_fault
from dashboard.workspace.services import Services
from dashboard.workspace.study_files import ALTERED, AlteredStudy
from dashboard.workspace.study_listings import Listing
from pipeline import Cancelled, Case, InputError, ProgressCallback

_LOG = logging.getLogger(__name__)
_NOT_DIVIDED = "The study was signed or deleted meanwhile; load the page again."
_UNEXPECTED = "could not be added because of an unexpected error; the server's log has the details."
#: Raised when `dashboard.studies.display` encodes the same pixels differently.
_DISPLAY_VERSION = 1


@dataclass(frozen=True, eq=False)
class IngestReport:
    """What was read from some files.

    Attributes:
        studies: Studies that were stored, or existed already.
        errors: Files that were left out, with one sentence each.
        added: Ids of the new studies.
        notices: Sentences on files that were passed over.
        n_files: Files that were found; what archives hold counts, archives do not.
    """

    studies: tuple[StudyRow, ...]
    errors: tuple[InputError, ...]
    added: frozenset[str] = frozenset()
    notices: tuple[str, ...] = ()
    n_files: int = 0


def add_files(
    services: Services,
    paths: Sequence[Path],
    *,
    origin: Origin,
    source: str = "",
    reader_id: str = "",
    progress: ProgressCallback | None = None,
) -> IngestReport:
    """Read files and folders, store their studies and queue the analyses.

    Args:
        services: The server's parts.
        paths: Files and folders of any kind that `pipeline.read_cases` reads.
        origin: Where they come from.
        source: Entry of the library or demo folder.
        reader_id: Who uploads them.
        progress: As in `pipeline.read_cases`; also called before each study is stored.

    Raises:
        Cancelled: ``progress`` raised it; no new study is stored then.
        NotStored: Disk, database or shared storage refuse; the files may be read again later, and
            what was stored of them before is found again then.
    """
    report = pipeline.read_cases(paths, progress=progress, limits=services.settings.reading_limits)
    studies, errors, added = [], list(report.errors), set()
    notices = list(report.notices)
    try:
        for k, case in enumerate(report.cases):
            if progress is not None:
                progress(k, len(report.cases), f"Storing {case.case_id}")
            try:
                row, new = add_case(services, case, origin, source, reader_id)
            except NotStored:
                raise
            except InputError as error:
                errors.append(error)
                continue
            except Exception as error:
                if fault := find_fault(error):
                    raise NotStored(case.case_id, fault) from error
                _LOG.exception("A study could not be added.")
                errors.append(InputError(case.case_id, f"{case.case_id} {_UNEXPECTED}"))
                continue
            studies.append(row)
            if new:
                added.add(row.study_id)
            else:  # the same pixels may come from other files, such as several time points
                notices += [
                    f"{case.case_id}: {warning}"
                    for warning in case.warnings
                    if warning not in row.warnings
                ]
    except Cancelled:
        for row in studies:
            if row.study_id in added:
                _remove(services, row)
        raise
    return IngestReport(
        tuple(studies), tuple(errors), frozenset(added), tuple(notices), report.n_files
    )


def add_upload(
    services: Services,
    folder: Path,
    *,
    reader_id: str = "",
    is_cancelled: Callable[[], bool] = lambda: False,
) -> IngestReport:
    """Add the studies in an upload's folder.

    Args:
        services: The server's parts.
        folder: The upload's files.
        reader_id: Who uploads them.
        is_cancelled: Asked before each file and each study.

    Raises:
        Cancelled: ``is_cancelled`` returned true; nothing was added.
        NotStored: As of `add_files`.
    """

    def check(done: int, total: int, message: str) -> None:
        if is_cancelled():
            raise Cancelled

    return add_files(
        services,
        folder_entries(folder),
        origin=Origin.UPLOAD,
        reader_id=reader_id,
        progress=check,
    )


def scan_library(services: Services) -> IngestReport:
    """Read new and changed entries of the library folder; a bad entry never stops the others.

    Returns:
        Studies of these entries, and all files of the library that cannot be read.

    Raises:
        NotStored: As of `add_files`; entries that were read before it are stored.
    """
    folder = services.settings.library
    if folder is None:
        return IngestReport((), ())
    with _one_at_a_time(services.settings.home / "library.lock"):
        added = _scan(services, folder, Origin.LIBRARY)
    errors = [InputError(*error) for error in services.store.source_errors(Origin.LIBRARY)]
    return IngestReport(added, tuple(errors))


def scan_demo(services: Services) -> IngestReport:
    """Add the demo studies that exist by now."""
    return IngestReport(_scan(services, services.settings.demo_files, Origin.DEMO), ())


def list_hidden(services: Services) -> None:
    """List the studies of library and demo that an upload which is deleted now stood for."""
    hidden = services.store.forget_hidden_sources()
    origins = (Origin.LIBRARY, Origin.DEMO)
    _scan_again(services, {one: {name for at, name in hidden if at is one} for one in origins})


def split_study(services: Services, row: StudyRow, *, by: Author) -> tuple[StudyRow, ...]:
    """Replace an upload whose pictures were joined by their numbers by a study for each picture.

    Args:
        services: The server's parts.
        row: The study.
        by: The reader.

    Returns:
        The studies, in the order of the pictures.

    Raises:
        InputError: It is not such a study, a picture cannot be stored, or it was signed or deleted
            meanwhile; it stays as it is then, and no study is added.
    """
    cases = pipeline.split_stack(services.load_stated(row))
    studies: list[StudyRow] = []
    added: list[StudyRow] = []
    try:
        for case in cases:
            study, is_new = add_case(services, case, row.origin, row.source, row.reader_id)
            studies.append(study)
            added += [study] * is_new
        if not services.store.delete_study(row.study_id, by=by, even_if_signed=False):
            raise InputError("", _NOT_DIVIDED)
    except BaseException:
        for study in added:
            _remove(services, study)
        raise
    return tuple(studies)


def record_digests(services: Services) -> int:
    """Store the digests of the files of studies that an earlier version added. Returns how many.

    Only where the pixels are those that were added: the content digest says so. A study with other
    pixels is set aside.
    """
    recorded = 0
    for row in services.store.list_studies():
        if row.files_digest or not services.files.exists(row.study_id):
            continue
        try:
            digest = services.files.digest(row.study_id)
            case = services.files.load(row.study_id, digest=digest)
        except InputError as error:
            _LOG.warning("%s", error.message)
            continue
        if case.content_digest() != stated_digest(services.store, row):
            services.files.set_aside(row.study_id, digest="")
            continue
        services.files.list_study(row.study_id, _listing(row, row.added_at)(digest))
        services.store.set_files_digest(row.study_id, digest)
        recorded += 1
    return recorded


def list_again(services: Services, study_id: str) -> StudyRow:
    """Put a study that is stored and not listed into the worklist, as its folder describes it.

    Returns:
        The study; another one where the same study is listed already.

    Raises:
        InputError: Its files are damaged or altered (these are set aside), or the shared storage
            does not answer.
    """
    digest = services.files.digest(study_id)
    listing = services.files.read_listing(study_id)
    if listing is not None and listing.files_digest != digest:
        services.files.set_aside(study_id, digest=listing.files_digest)
        raise AlteredStudy(study_id, ALTERED)
    case = services.files.load(study_id, digest=digest)
    origin, source, reader_id = Origin.UPLOAD, "", ""
    if listing is not None:
        origin, source, reader_id = listing.origin, listing.source, listing.reader_id
    study = replace(
        _describe(case, origin, source, reader_id), study_id=study_id, files_digest=digest
    )
    added_at = listing.added_at if listing else None
    return services.store.add_study(study, added_at=added_at, patient=case.patient)


def restore_files(services: Services) -> int:
    """Read studies of library and demo again whose files are missing. Returns how many entries."""
    lost: dict[Origin, set[str]] = {Origin.LIBRARY: set(), Origin.DEMO: set()}
    for row in services.store.list_studies():
        if row.origin in lost and not services.files.exists(row.study_id):
            services.store.forget_source(row.origin, row.source)
            lost[row.origin].add(row.source)
    _scan_again(services, lost)
    return sum(map(len, lost.values()))


def queue_missing(services: Services) -> int:
    """Queue every study without an analysis by the installed models. Returns how many."""
    if services.models is None:
        return 0
    waiting = [row for row in services.store.list_studies() if row.job_id is None]
    for row in reversed(waiting):
        table.submit(services.store, row.study_id)
    return len(waiting)


def add_case(
    services: Services, case: Case, origin: Origin, source: str, reader_id: str = ""
) -> tuple[StudyRow, bool]:
    """Store a case, unless it is stored already, and queue its analysis.

    A study that was deleted is restored with all that readers did on it.

    Args:
        services: Store, files and settings.
        case: The case, complete.
        origin: How it came.
        source: What it was read from, for the reader; "" without one.
        reader_id: Whose upload it is; "" without one.

    Returns:
        The study, and whether it is new.
    """
    study = _describe(case, origin, source, reader_id)
    row = services.store.study_with_identity(study.identity) or services.store.restore_again(study)
    if row is None:
        now = services.store.clock()
        digest = services.files.save(study.study_id, case, listing=_listing(study, now))
        row = services.store.add_study(
            replace(study, files_digest=digest), added_at=now, patient=case.patient
        )
        if row.study_id != study.study_id:  # another process stored it first
            services.files.delete(study.study_id)
    elif not _is_stored(services, row):
        services.files.save(
            row.study_id,
            case,
            listing=_listing(row, row.added_at),
            record=partial(services.store.set_files_digest, row.study_id),
        )
    record_patient(services.store, row.study_id, case.patient)
    if services.store.model is not None:
        table.submit(services.store, row.study_id)
    return services.store.study(row.study_id) or row, row.study_id == study.study_id


def _is_stored(services: Services, row: StudyRow) -> bool:
    """Whether a study's files are there and unaltered."""
    if not services.files.exists(row.study_id):
        return False
    try:
        services.load_stated(row)
    except InputError:
        return False
    return True


def _listing(study: NewStudy, added_at: datetime) -> Callable[[str], Listing]:
    """What makes a study's listing from the digest of its files."""
    return lambda digest: Listing(
        origin=study.origin,
        source=study.source,
        reader_id=study.reader_id,
        added_at=added_at,
        files_digest=digest,
    )


def _describe(case: Case, origin: Origin, source: str, reader_id: str) -> NewStudy:
    content = case.content_digest()
    display = describe_display(case)
    orientation = asdict(case.orientation) if case.orientation else None
    labels = asdict(case.labels)
    masks = _digest_masks(case.masks)
    return NewStudy(
        study_id=secrets.token_hex(8),
        case_id=case.case_id,
        identity=_digest(content, masks, case.case_id, labels, orientation, case.positions_mm),
        content_digest=content,
        data_digest=digest_data(content, case.masks, display),
        patient=case.labels.patient,
        study_date=case.labels.study_date,
        description=case.labels.description,
        synthetic=case.labels.synthetic,
        origin=origin,
        source=source,
        sequences=tuple(str(sequence) for sequence in case.sequences),
        indices=tuple(int(index) for index in case.indices),
        height=int(case.pixels.shape[1]),
        width=int(case.pixels.shape[2]),
        has_reference=case.masks is not None,
        warnings=case.warnings,
        display=display,
        reader_id=reader_id,
    )


def digest_data(content_digest: str, masks: NDArray[np.bool_] | None, display: Display) -> str:
    """Digest in the addresses of a study's pixels (`NewStudy.data_digest`).

    Args:
        content_digest: `Case.content_digest()`.
        masks: Reference masks ``(n, h, w)``, or None.
        display: How the pixels are sent.
    """
    masks_digest = _digest_masks(masks)
    return _digest(content_digest, masks_digest, asdict(display), _DISPLAY_VERSION)[:32]


def _digest_masks(masks: NDArray[np.bool_] | None) -> str:
    return "" if masks is None else hashlib.sha256(np.packbits(masks).tobytes()).hexdigest()


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _scan(
    services: Services, folder: Path, origin: Origin, *, only: Collection[str] | None = None
) -> tuple[StudyRow, ...]:
    """Read the entries of a folder that are new or changed since they were read last."""
    added: list[StudyRow] = []
    entries = dict(_entries(folder))
    for name, paths in entries.items():
        if only is not None and name not in only:
            continue
        state = _files_state(paths)
        if services.store.source_state(origin, name) == state:
            continue
        report, state = _read_entry(services, name, paths, origin, state)
        if report.errors:  # without their names, which may be patients'
            _LOG.warning("%d files of the %s folder cannot be read.", len(report.errors), origin)
        found = {row.study_id for row in report.studies}
        for study_id in services.store.studies_of_source(origin, name):
            if study_id not in found:  # no longer in the entry
                services.store.delete_study(study_id)
        errors = [(_within(name, error.source), error.message) for error in report.errors]
        shared = any(row.origin is not origin for row in report.studies)
        services.store.set_source(origin, name, state=state, errors=errors, shared=shared)
        added.extend(report.studies)
    if entries:  # an empty folder is more likely not mounted
        services.store.forget_sources(origin, keep=entries)
    return tuple(added)


def _read_entry(
    services: Services, name: str, paths: Sequence[Path], origin: Origin, state: str
) -> tuple[IngestReport, str]:
    """Read an entry, whatever its files do to the program.

    Returns:
        What was read, and the state to record: "" where a later scan reads the entry again.

    Raises:
        NotStored: As of `add_files`; the worklist shows why.
    """
    try:
        return add_files(services, paths, origin=origin, source=name), state
    except NotStored as error:
        with suppress(SQLAlchemyError):
            services.store.set_source(origin, name, state="", errors=[(name, error.message)])
        raise
    except Exception:
        _LOG.exception("An entry of the %s folder could not be read.", origin)
        shown = "A file" if name == "." else name
        found = [
            services.store.study(one) for one in services.store.studies_of_source(origin, name)
        ]
        kept = tuple(row for row in found if row is not None)  # of an earlier state
        return IngestReport(kept, (InputError("", f"{shown} {_UNEXPECTED}"),)), state


def _scan_again(services: Services, names: Mapping[Origin, Collection[str]]) -> None:
    """Read entries of library and demo that were forgotten."""
    folders = {Origin.LIBRARY: services.settings.library, Origin.DEMO: services.settings.demo_files}
    for origin, folder in folders.items():
        if folder is not None and names[origin]:
            _scan(services, folder, origin, only=names[origin])


def _entries(folder: Path) -> Iterator[tuple[str, list[Path]]]:
    """Each subfolder is an entry; all loose files together are another, named ``.``."""
    try:
        found = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        _LOG.warning("The folder %s cannot be read.", folder)
        return
    found = [entry for entry in found if not entry.name.startswith(".")]
    folders = [entry for entry in found if _is_folder(entry)]
    for entry in folders:
        # a name that is not UTF-8 cannot be stored as it is
        yield os.fsencode(entry.name).decode("utf-8", "backslashreplace"), [Path(entry.path)]
    # what is neither, such as a link that leads nowhere, is named when it is read
    loose = [Path(entry.path) for entry in found if entry not in folders]
    loose = [path for path in loose if path.suffix.lower() not in (".json", ".csv", ".txt", ".md")]
    if loose:
        yield ".", loose


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _files_state(paths: Sequence[Path]) -> str:
    """Digest of names, sizes and times of all files below some paths, without reading them."""
    digest = hashlib.sha256()
    for path in _files_below(paths):
        try:
            stat = path.stat()
        except OSError:
            continue
        digest.update(os.fsencode(f"{path}\0{stat.st_size}\0{stat.st_mtime_ns}\n"))
    return digest.hexdigest()[:48]


def _files_below(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            yield path
        for parent, folders, names in os.walk(path):
            folders.sort()
            yield from (Path(parent, name) for name in sorted(names))


def _within(entry: str, source: str) -> str:
    return source if entry == "." else f"{entry}/{source}"


def _remove(services: Services, row: StudyRow) -> None:
    """Files last: a worker that still reads them stops when its job is deleted."""
    services.store.purge_study(row.study_id)
    services.files.delete(row.study_id)


@contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    """Let one process at a time in; the lock ends with its process."""
    with path.open("wb") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
