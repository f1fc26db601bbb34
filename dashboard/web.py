"""The web process: ``python -m dashboard.web``. For other servers: ``dashboard.app:server``."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time

import waitress

from dashboard.settings import SettingsError, read_settings

_THREADS = 8
#: Room for the headers of an upload of just the allowed size.
_SLACK_BYTES = 1 << 20


def main() -> int:
    """Serve until the process is told to end, or the one that started it is gone."""
    try:
        settings = read_settings()
        settings.prepare_workspace()
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    # waitress keeps large bodies in a temporary file: beside the uploads, not in a small /tmp
    tempfile.tempdir = str(settings.temporary)
    from dashboard.app import server

    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    waitress.serve(
        server,
        host=settings.host,
        port=settings.port,
        threads=_THREADS,
        ident="overread",
        max_request_body_size=settings.max_upload_bytes + _SLACK_BYTES,
        clear_untrusted_proxy_headers=True,
        _quiet=True,
    )
    return 0


def _end_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
