"""Lists stored studies again whose database was lost: ``python -m dashboard rebuild``.

What is stored with a study's files comes back: images, reference masks, name, origin, uploader and
time. What only the database had does not: readers and their names, entered names and spacings,
attached references, corrections, versions, measurements, signed records, and which studies were
deleted. Analyses are found in the result cache or computed again.

A damaged SQLite file is moved to the workspace's folder ``set-aside``, where SQLite's own
``.recover`` may still find readers' work in it. Studies that are listed stay as they are, so that
the command may run again at any time while Overread is stopped.
"""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.engine import make_url

from dashboard.processes.logs import set_up_logging
from dashboard.processes.supervisor import port_is_free
from dashboard.store import DatabaseError, LostDatabase
from dashboard.studies import intake
from dashboard.workspace.services import Services, build_services
from dashboard.workspace.settings import Settings, SettingsError, open_workspace
from pipeline import InputError, StorageError

_LOG = logging.getLogger("dashboard.rebuild")  # also as __main__
_RUNNING = (
    "Overread is running at port {port}; stop it, then run python -m dashboard rebuild again."
)
LOST = (
    "Only a backup of the database has what readers did: names, entered spacings, attached"
    " references, corrections, versions, measurements, signed records and deletions."
)


@dataclass
class Rebuilt:
    """What was listed again.

    Attributes:
        listed: Ids of studies that are listed now and were not before.
        known: How many were listed already.
        errors: A sentence for each study that is not listed.
        set_aside: Where the damaged database is, or None.
    """

    listed: list[str] = field(default_factory=list)
    known: int = 0
    errors: list[str] = field(default_factory=list)
    set_aside: Path | None = None

    def describe(self) -> str:
        """What happened, as lines of text."""
        lines = [
            *([f"The damaged database is now {self.set_aside}."] if self.set_aside else []),
            *self.errors,
            f"Listed again: {len(self.listed):,}. Listed already: {self.known:,}."
            f" Not listed: {len(self.errors):,}.",
            LOST,
        ]
        return "\n".join(lines)


def rebuild(settings: Settings) -> Rebuilt:
    """List all studies that are stored and not listed.

    Args:
        settings: How the server runs.

    Raises:
        SettingsError: The workspace cannot be written, or the shared storage is unknown.
        DatabaseError: The database cannot be opened, for another reason than damage of a file.
        StorageError: The shared storage does not respond.
    """
    services, set_aside = _open(settings)
    known = services.store.known_studies()
    found = Rebuilt(known=len(known), set_aside=set_aside)
    for study_id in sorted(services.files.list_stored() - known):
        try:
            row = intake.list_again(services, study_id)
        except InputError as error:
            found.errors.append(f"Study {study_id}: {error.message}")
            continue
        if row.study_id == study_id:
            found.listed.append(study_id)
        else:
            found.errors.append(f"Study {study_id}: it is the same study as {row.study_id}.")
    intake.queue_missing(services)
    return found


def _open(settings: Settings) -> tuple[Services, Path | None]:
    """The server's parts, with a new database in place of a damaged file."""
    try:
        return build_services(settings, check=True, may_be_lost=True), None
    except LostDatabase:
        path = _sqlite_file(settings)
        if path is None:
            raise
    folder = settings.home / "set-aside"
    folder.mkdir(mode=0o700, exist_ok=True)
    place = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{path.name}"
    for ending in ("-wal", "-shm", ""):  # SQLite finds these by the file's name
        part = path.with_name(f"{path.name}{ending}")
        if part.exists():
            part.rename(place.with_name(f"{place.name}{ending}"))
    return build_services(settings, may_be_lost=True), place


def _sqlite_file(settings: Settings) -> Path | None:
    url = make_url(settings.database)
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None


def main() -> int:
    """Rebuild the worklist; returns the exit status."""
    set_up_logging()
    settings = open_workspace()
    if not port_is_free(settings.host, settings.port):
        sys.stderr.write(f"{_RUNNING.format(port=settings.port)}\n")
        return 2
    try:
        found = rebuild(settings)
    except (SettingsError, DatabaseError, StorageError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except OSError as error:
        sys.stderr.write(f"The workspace {settings.home} cannot be written ({error.strerror}).\n")
        return 2
    sys.stdout.write(f"{found.describe()}\n")
    return 1 if found.errors else 0


if __name__ == "__main__":
    sys.exit(main())
