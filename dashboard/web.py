"""The web process: ``python -m dashboard.web``. For other servers: ``dashboard.app:server``."""

from __future__ import annotations

import sys
import tempfile

import waitress
from waitress.utilities import RequestEntityTooLarge

import pipeline
from dashboard.processes.parent import end_with_parent
from dashboard.workspace.settings import open_workspace

#: Eight that answer at once, and those that wait for files to be read in other processes.
_THREADS = 32
#: A browser opens six connections: 17 readers reach waitress's own limit of 100, and the 18th waits
#: for minutes. An idle connection costs some kilobytes and no thread.
CONNECTIONS = 1000
#: Room for the headers of an upload of the largest size.
_SLACK_BYTES = 1 << 20
TOO_LARGE = "This is larger than one upload may be; send the files in several uploads."


def main() -> int:
    """Serve until the process is asked to end."""
    end_with_parent()
    settings = open_workspace()
    # waitress writes large bodies to a temporary file: next to the uploads, not in a small /tmp
    tempfile.tempdir = str(settings.temporary)
    pipeline.start_early()
    from dashboard.app import server

    # waitress refuses such a body before the app receives it
    RequestEntityTooLarge.to_response = _answer_too_large
    waitress.serve(
        server,
        host=settings.host,
        port=settings.port,
        threads=_THREADS,
        connection_limit=CONNECTIONS,
        asyncore_use_poll=True,  # select() knows no descriptors above 1023
        ident="overread",
        max_request_body_size=settings.max_upload_bytes + _SLACK_BYTES,
        clear_untrusted_proxy_headers=False,  # `dashboard.api.security` removes them
        _quiet=True,
    )
    return 0


def _answer_too_large(
    error: RequestEntityTooLarge, ident: str | None = None
) -> tuple[str, list[tuple[str, str]], bytes]:
    """Waitress's answer to a body over its limit: our sentence instead of its text."""
    from dashboard.api.endpoint import ErrorAnswer  # loaded with the app by now

    body = ErrorAnswer(error=TOO_LARGE).model_dump_json().encode()
    return f"{error.code} {error.reason}", [("Content-Type", "application/json")], body


if __name__ == "__main__":
    sys.exit(main())
