"""The web process: ``python -m dashboard.web``. For other servers: ``dashboard.app:server``."""

from __future__ import annotations

import ctypes
import gc
import sys
import tempfile
from functools import partial
from typing import TYPE_CHECKING

import pipeline
from dashboard.processes import connections
from dashboard.processes.parent import end_with_parent
from dashboard.workspace.settings import open_workspace

if TYPE_CHECKING:
    from flask import Flask

#: glibc's names of what can be chosen, and what. Each thread of a pool of 32 would get a heap of
#: its own and keep what large answers took there. After the first large one is freed, larger and
#: larger ones would come from the heaps, where small objects between them keep their memory.
_MALLOC = {
    -8: 2,  # M_ARENA_MAX: heaps
    -3: 128 << 10,  # M_MMAP_THRESHOLD: what is larger goes back to the system when it is freed
    -1: 256 << 10,  # M_TRIM_THRESHOLD: as does what is free at the end of the first heap
}


def _hold_little_memory() -> None:
    """Let freed memory go back to the system, where the C library can be asked to (glibc)."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for name, value in _MALLOC.items():
            mallopt(name, value)


def load_app() -> Flask:
    """Import the app without collecting garbage, of which there is next to none.

    Nor do later collections look at what was imported: they would pause every request.
    """
    gc.disable()
    try:
        from dashboard.app import server
    finally:
        gc.freeze()
        gc.enable()
    return server


def main() -> int:
    """Serve until the process is asked to end."""
    _hold_little_memory()
    end_with_parent()
    settings = open_workspace()
    # waitress writes large bodies to a temporary file: next to the uploads, not in a small /tmp
    tempfile.tempdir = str(settings.temporary)
    pipeline.start_early()
    server = load_app()
    from dashboard.api import bodies

    connections.serve(
        server,
        host=settings.host,
        port=settings.port,
        body_limit=partial(bodies.limit_of, server, settings),
        is_proxy=settings.is_trusted_proxy,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
