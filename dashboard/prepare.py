"""Fills the worklist while the web process already answers: ``python -m dashboard.prepare``.

Purges studies that were deleted long ago, queues those that the present models have not analysed,
makes the demo studies if the workspace is empty, and scans the library folder. A separate process,
because all of this is slow and the first page does not need it. While disk, database or shared
storage refuse, it waits and tries again.
"""

from __future__ import annotations

import logging
import os
import sys
import time

import pipeline
from dashboard.processes.logs import set_up_logging
from dashboard.processes.parent import end_with_parent
from dashboard.studies import deletion, intake
from dashboard.workspace.faults import find_fault
from dashboard.workspace.services import Services, start_services
from pipeline import StorageError, remove_leftovers, write_once

_LOG = logging.getLogger("dashboard.prepare")  # also as __main__
_NICENESS = 10
_PAUSE_S = 30.0
#: No study takes longer to write.
_LEFTOVER_S = 3600.0


def prepare(services: Services) -> None:
    """List and queue all studies of this server."""
    for folder in (services.settings.home, services.settings.studies):
        remove_leftovers(folder, older_than_s=_LEFTOVER_S)
    if shared := services.files.share_all():
        _LOG.info("%d studies were put on the shared storage.", shared)
    if purged := deletion.purge_deleted(services):
        _LOG.info("%d deleted studies can no longer be restored.", purged)
    if written := services.store.write_stale_lines():
        _LOG.info("%d lines of the worklist were written again.", written)
    intake.record_digests(services)
    if restored := intake.restore_files(services):
        _LOG.info("%d entries of library or demo were read again: files were missing.", restored)
    intake.queue_missing(services)
    intake.scan_library(services)
    if services.settings.demo:
        _add_demo(services)


def prepare_until_done(services: Services, *, pause_s: float = _PAUSE_S) -> None:
    """As `prepare`; waits and tries again where something refuses that may pass."""
    while True:
        try:
            return prepare(services)
        except StorageError as error:
            sentence = f"The shared storage does not respond: {error}"
        except Exception as error:
            fault = find_fault(error)
            if fault is None:
                raise
            sentence = fault.sentence
        _LOG.warning("%s Preparing goes on in %.0f s.", sentence, pause_s)
        time.sleep(pause_s)


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
    write_once(complete, "")


def main() -> int:
    """Fill the worklist; returns the exit status."""
    set_up_logging()
    end_with_parent()
    os.nice(_NICENESS)
    prepare_until_done(start_services())
    return 0


if __name__ == "__main__":
    sys.exit(main())
