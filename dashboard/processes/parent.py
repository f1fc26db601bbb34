"""Ends a child process when the supervisor that started it is gone, however it went."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

_OPTION = "--parent"
_POLL_S = 1.0


def parent_arguments() -> list[str]:
    """Arguments by which a child knows this process as its parent."""
    return [_OPTION, str(os.getpid())]


def end_with_parent() -> None:
    """Send this process and its group SIGTERM once the parent in its arguments is gone.

    The parent is named, not looked up: it may be gone before this process has come so far.
    """
    if len(sys.argv) == 3 and sys.argv[1] == _OPTION and sys.argv[2].isdigit():
        threading.Thread(target=_watch, args=(int(sys.argv[2]),), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_POLL_S)
    if os.getpgrp() == os.getpid():  # with what it has started itself
        os.killpg(os.getpgrp(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGTERM)
