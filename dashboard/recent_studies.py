"""Studies that were asked for a moment ago: a study that is opened asks for each of its slices."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from dashboard.store import StudyRow

#: A study that was deleted, or deleted and added again, is gone from here after that many seconds.
KEPT_S = 2.0
_KEPT_STUDIES = 256


class RecentStudies:
    """Rows of the review database, kept for `KEPT_S`; for what does not change while it is there.

    Opening a study asks for some hundred slices within a second or two; to ask the database for the
    same row for each of them took 40% of the web process's time.

    Args:
        read: Reads a study's row; None where there is none.
        clock: Seconds that only grow; tests give their own.
    """

    def __init__(
        self, read: Callable[[str], StudyRow | None], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._read, self._clock = read, clock
        self._lock = threading.Lock()
        self._rows: OrderedDict[str, tuple[float, StudyRow]] = OrderedDict()

    def get(self, study_id: str) -> StudyRow | None:
        """A study's row, at most `KEPT_S` old; that there is none is never remembered."""
        now = self._clock()
        with self._lock:
            found = self._rows.get(study_id)
        if found is not None and now - found[0] < KEPT_S:
            return found[1]
        row = self._read(study_id)
        with self._lock:
            if row is None:
                self._rows.pop(study_id, None)
            else:
                self._rows[study_id] = (now, row)
                self._rows.move_to_end(study_id)
                while len(self._rows) > _KEPT_STUDIES:
                    self._rows.popitem(last=False)
        return row
