"""The web process: ``python -m dashboard.web``. For other servers: ``dashboard.app:server``."""

from __future__ import annotations

import sys
import tempfile
from functools import partial

import pipeline
from dashboard.processes import connections
from dashboard.processes.parent import end_with_parent
from dashboard.workspace.settings import open_workspace


def main() -> int:
    """Serve until the process is asked to end."""
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
