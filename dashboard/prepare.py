"""Fills the worklist while the web process already answers: ``python -m dashboard.prepare``.

Queues studies that the present models have not analysed, makes the demo studies if the workspace is
empty, and scans the library folder. A separate process, because all of this is slow and the first
page does not need it.
"""

from __future__ import annotations

import logging
import os
import sys

import pipeline
from dashboard.processes.logs import set_up_logging
from dashboard.processes.parent import end_with_parent
from dashboard.studies import intake
from dashboard.workspace.services import Services, start_services
from pipeline import StorageError

_LOG = logging.getLogger("dashboard.prepare")  # also as __main__
_NICENESS = 10


def prepare(services: Services) -> None:
    """List and queue all studies of this server."""
    if shared := services.files.share_all():
        _LOG.info("%d studies were put on the shared storage.", shared)
    intake.queue_missing(services)
    intake.scan_library(services)
    if services.settings.demo:
        _add_demo(services)


def _add_demo(services: Services) -> None:
    """Make the demo studies of an empty workspace, or those still missing after an interruption."""
    folder = services.settings.demo_files
    complete = folder / ".complete"
    if complete.exists() or (not folder.exists() and services.store.count_studies().total):
        return
    folder.mkdir(mode=0o700, exist_ok=True)

    def show_made(done: int, total: int, message: str) -> None:
        _LOG.info("%s (%d of %d)", message, done, total)
        intake.scan_demo(services)

    pipeline.make_demo_studies(folder, progress=show_made)
    complete.touch()


def main() -> int:
    """Fill the worklist; returns the exit status."""
    set_up_logging()
    end_with_parent()
    os.nice(_NICENESS)
    try:
        prepare(start_services())
    except StorageError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
