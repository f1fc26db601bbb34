"""The web process: ``python -m dashboard.web``. For other servers: ``dashboard.app:server``."""

from __future__ import annotations

import json
import sys
import tempfile

import waitress
from waitress.utilities import RequestEntityTooLarge

from dashboard.processes.parent import end_with_parent
from dashboard.workspace.settings import open_workspace

_THREADS = 8
#: A browser keeps six connections open: waitress's own limit of 100 is reached by 17 readers, and
#: the 18th waits for minutes. A connection that rests costs some kilobytes and no thread.
CONNECTIONS = 1000
#: Room for the headers of an upload of just the allowed size.
_SLACK_BYTES = 1 << 20
_TOO_LARGE = "This is more than the server takes at once; send the files in several uploads."


def main() -> int:
    """Serve until the process is told to end."""
    end_with_parent()
    settings = open_workspace()
    # waitress keeps large bodies in a temporary file: beside the uploads, not in a small /tmp
    tempfile.tempdir = str(settings.temporary)
    from dashboard.app import server

    # waitress refuses such a body before the app hears of it
    RequestEntityTooLarge.to_response = _tell_too_large
    waitress.serve(
        server,
        host=settings.host,
        port=settings.port,
        threads=_THREADS,
        connection_limit=CONNECTIONS,
        asyncore_use_poll=True,  # select() knows no descriptors above 1023
        ident="overread",
        max_request_body_size=settings.max_upload_bytes + _SLACK_BYTES,
        clear_untrusted_proxy_headers=True,
        _quiet=True,
    )
    return 0


def _tell_too_large(
    error: RequestEntityTooLarge, ident: str | None = None
) -> tuple[str, list[tuple[str, str]], bytes]:
    """What waitress answers to a body over its limit: our sentence instead of its text."""
    body = json.dumps({"error": _TOO_LARGE}).encode()
    return f"{error.code} {error.reason}", [("Content-Type", "application/json")], body


if __name__ == "__main__":
    sys.exit(main())
