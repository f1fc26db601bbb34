"""Ends a child process when the supervisor that started it has ended for any reason."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

_OPTION = "--parent"
_POLL_S = 1.0


def parent_arguments() -> list[str]:
    """Return arguments that name this process as a child's parent."""
    return [_OPTION, str(os.getpid())]


def end_with_parent() -> None:
    """Send this process and its group SIGTERM once the parent in its arguments has ended.

    The parent is named, not looked up: it may have ended before this process gets here.
    """
    if len(sys.argv) == 3 and sys.argv[1] == _OPTION and sys.argv[2].isdigit():
        threading.Thread(target=_watch, args=(int(sys.argv[2]),), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_POLL_S)
    if os.getpgrp() == os.getpid():  # with its own children
        os.killpg(os.getpgrp(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGTERM)
