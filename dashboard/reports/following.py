"""A file while it is made: lines of progress, then its bytes.

The file is made in a thread, so that its progress can be sent meanwhile. If the client
closes the connection, the thread stops at its next step, and a child that works for it ends.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from queue import Empty, Queue
from typing import Any

from dashboard.reports.exports import Exported, ExportKind
from dashboard.workspace.faults import find_fault
from dashboard.workspace.received import NotThere
from pipeline import Cancelled, InputError

_LOG = logging.getLogger(__name__)
#: A line is sent at least so often, which shows whether anybody still reads.
_BEAT_S = 0.5
#: Bytes that are sent at once.
_PART_BYTES = 1 << 18
_FAILED = "The file cannot be made; the log of the server has the details."


def follow_export(
    kind: ExportKind, exported: Exported, note: Callable[[], None]
) -> Iterator[bytes]:
    """Make a file; see `dashboard.api.exports.follow` for what is sent.

    Args:
        kind: What is made; not by the browser.
        exported: Of what.
        note: Called when the file was made.
    """
    news: Queue[dict[str, Any] | bytes] = Queue()
    stopped = threading.Event()

    def report(done: int, total: int, what: str) -> None:
        if stopped.is_set():
            raise Cancelled
        news.put({"done": done, "total": total, "what": what})

    work = threading.Thread(
        target=_make, args=(kind, replace(exported, progress=report), note, news), daemon=True
    )
    work.start()
    last: dict[str, Any] = {"done": 0, "total": 1, "what": "Making the file"}
    try:
        while True:
            try:
                found = news.get(timeout=_BEAT_S)
                while isinstance(found, dict) and "done" in found and not news.empty():
                    found = news.get()
            except Empty:
                found = last
            if isinstance(found, bytes):
                break
            yield json.dumps(found).encode() + b"\n"
            if "done" not in found:
                return
            last = found
    finally:
        stopped.set()
    name = f"{exported.stem}{kind.suffix}"
    yield json.dumps({"name": name, "size": len(found)}).encode() + b"\n"
    for start in range(0, len(found), _PART_BYTES):
        yield found[start : start + _PART_BYTES]


def _make(
    kind: ExportKind,
    exported: Exported,
    note: Callable[[], None],
    news: Queue[dict[str, Any] | bytes],
) -> None:
    """Make a file, and put it or the sentence on its failure into a queue."""
    assert kind.make is not None  # checked by the caller
    try:
        exported.progress(0, 1, "Making the file")
        content = kind.make(exported)
        exported.progress(1, 1, "Sending the file")
        note()
        news.put(content)
    except Cancelled:
        news.put({"error": "Cancelled."})
    except (InputError, NotThere) as error:
        news.put({"error": str(error)})
    except Exception as error:  # no traceback reaches a browser
        fault = find_fault(error)
        _LOG.error("An export failed", exc_info=None if fault else error)
        news.put({"error": fault.sentence if fault else _FAILED})
