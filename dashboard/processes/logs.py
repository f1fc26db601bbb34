"""The processes' log on standard error: one line for each event, without patients' data.

The text of an exception may quote what it failed on: a file's name, a value of a row. The log holds
where an error was raised and of which type it is, and its text only where that cannot quote input.
"""

from __future__ import annotations

import logging
import sys
import traceback

from sqlalchemy.exc import SQLAlchemyError

_LONGEST_LINE = 1000


class LogFormatter(logging.Formatter):
    """Formats an event as one line, and an exception as its types and places."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s", "%Y-%m-%d %H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The line, without control characters: a name cannot forge another line."""
        line = super().formatMessage(record)
        line = line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]}…"
        return "".join(c if c.isprintable() else " " for c in line)

    def formatException(self, ei: object) -> str:
        """Types and places of an exception and of those that caused it."""
        error = ei[1] if isinstance(ei, tuple) else None
        parts: list[str] = []
        seen: set[int] = set()
        while isinstance(error, BaseException) and id(error) not in seen:
            seen.add(id(error))
            frames = "".join(traceback.format_tb(error.__traceback__))
            name = f"{type(error).__module__}.{type(error).__qualname__}"
            text = _safe_text(error)
            parts.append(f"{frames}{name}: {text}" if text else f"{frames}{name}")
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        return "\ncaused by:\n".join(parts)


def set_up_logging() -> None:
    """Send this process's log to standard error; of libraries, only warnings and errors."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LogFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in ("dashboard", "pipeline"):
        logging.getLogger(name).setLevel(logging.INFO)


def _safe_text(error: BaseException) -> str:
    """What an exception says, where that cannot quote a file, a request or a row; else ""."""
    if isinstance(error, SQLAlchemyError):  # without values: `dashboard.store.database`
        return " ".join(str(error).split())[:_LONGEST_LINE]
    if isinstance(error, OSError):  # without the path
        return error.strerror or ""
    return ""
