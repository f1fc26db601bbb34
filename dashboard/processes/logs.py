"""The processes' log on standard error: one line for each event, without patients' names."""

from __future__ import annotations

import logging
import sys


def set_up_logging() -> None:
    """Send this process's log to standard error; of libraries, only warnings and errors."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s", "%Y-%m-%d %H:%M:%S")
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in ("dashboard", "pipeline"):
        logging.getLogger(name).setLevel(logging.INFO)
