"""The web process: ``python -m dashboard.web``. For other servers: ``dashboard.app:server``."""

from __future__ import annotations

import ctypes
import sys
import tempfile
from functools import partial

import pipeline
from dashboard.processes import connections
from dashboard.processes.parent import end_with_parent
from dashboard.workspace.settings import open_workspace

#: glibc's name for the number of heaps, and how many: each thread of a pool of 32 would otherwise
#: get one of its own and keep what large answers took there.
_M_ARENA_MAX, _HEAPS = -8, 2


def _share_heaps() -> None:
    """Let all threads share a few heaps, where the C library can be asked to (glibc)."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _HEAPS)


def main() -> int:
    """Serve until the process is asked to end."""
    _share_heaps()
    end_with_parent()
    settings = open_workspace()
    # waitress writes large bodies to a temporary file: next to the uploads, not in a small /tmp
    tempfile.tempdir = str(settings.temporary)
    pipeline.start_early()
    from dashboard.api import bodies
    from dashboard.app import server

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
