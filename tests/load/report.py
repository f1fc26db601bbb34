"""Collects what happened and prints it: percentiles per kind of request, memory, CPU."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import psutil

#: Kinds that are summed up in one row: every POST of Dash's callbacks.
CALLBACKS = "callback"
_SPAN = "SPAN"


@dataclass(frozen=True)
class Row:
    """One kind of request, or of span (``opened``, ``analysis``, ``page``) that takes several.

    Attributes:
        kind: Its name.
        count: How many ended.
        errors: How many of these failed.
        p50_ms, p95_ms, p99_ms: Milliseconds from sending to the last byte, as the client sees it.
        bytes: Sum of the answers' bodies as they travelled.
    """

    kind: str
    count: int
    errors: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    bytes: int


@dataclass
class Tally:
    """Times of all requests; a listener of Locust's ``request`` event."""

    times_ms: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    bytes: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    spans: set[str] = field(default_factory=set)

    def hear(
        self,
        request_type: str,
        name: str,
        response_time: float,
        response_length: int,
        exception: BaseException | None = None,
        **_: Any,
    ) -> None:
        """Note one request."""
        self.times_ms[name].append(float(response_time))
        self.bytes[name] += int(response_length or 0)
        if request_type == _SPAN:
            self.spans.add(name)
        if exception is not None:
            self.errors[name].append(str(exception)[:200])

    def rows(self) -> list[Row]:
        """One row per kind, and one for all callbacks together."""
        kinds = sorted(self.times_ms)
        rows = [self._row(kind, [kind]) for kind in kinds]
        calls = [kind for kind in kinds if kind.startswith(f"{CALLBACKS}: ")]
        return [*rows, *([self._row(f"{CALLBACKS} (all)", calls)] if calls else [])]

    def requests(self) -> int:
        """Requests of all kinds, without spans."""
        return sum(len(times) for kind, times in self.times_ms.items() if kind not in self.spans)

    def bytes_sent(self) -> int:
        """Bytes of all answers."""
        return sum(self.bytes.values())

    def _row(self, name: str, kinds: Sequence[str]) -> Row:
        times = [time for kind in kinds for time in self.times_ms[kind]]
        return Row(
            kind=name,
            count=len(times),
            errors=sum(len(self.errors.get(kind, [])) for kind in kinds),
            p50_ms=round(percentile(times, 50), 1),
            p95_ms=round(percentile(times, 95), 1),
            p99_ms=round(percentile(times, 99), 1),
            bytes=sum(self.bytes.get(kind, 0) for kind in kinds),
        )


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` percent of the values do not exceed; 0 for none.

    The nearest rank: always a value that was measured.
    """
    ordered = sorted(values)
    if not ordered:
        return 0.0
    rank = -(-len(ordered) * share // 100)
    return ordered[max(0, int(rank) - 1)]


@dataclass
class ProcessUse:
    """What one process (with its children) used while it was watched.

    Attributes:
        rss_mb, pss_mb: The most that it held, in MB (1e6 bytes); PSS shares out shared pages.
        own_mb: The most that is its own alone: what another such process would add.
        cpu_s: Processor time in seconds.
        threads: The most threads.
    """

    rss_mb: float = 0.0
    pss_mb: float = 0.0
    own_mb: float = 0.0
    cpu_s: float = 0.0
    threads: int = 0

    def look(self, process: psutil.Process, cpu_before_s: float) -> None:
        """Take one more sample."""
        try:
            memory = process.memory_full_info()
            self.rss_mb = max(self.rss_mb, round(memory.rss / 1e6, 1))
            self.pss_mb = max(self.pss_mb, round(memory.pss / 1e6, 1))
            self.own_mb = max(self.own_mb, round(memory.uss / 1e6, 1))
            self.cpu_s = round(cpu_seconds(process) - cpu_before_s, 2)
            self.threads = max(self.threads, process.num_threads())
        except psutil.Error:
            return


def cpu_seconds(process: psutil.Process) -> float:
    """Processor time of a process so far, in seconds."""
    times = process.cpu_times()
    return float(times.user + times.system)


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    lines = [
        "| kind | count | errors | p50 ms | p95 ms | p99 ms |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        times = f"{row.p50_ms:.0f} | {row.p95_ms:.0f} | {row.p99_ms:.0f}"
        lines.append(f"| {row.kind} | {row.count} | {row.errors} | {times} |")
    return "\n".join(lines)


def as_json(rows: Sequence[Row], uses: dict[str, ProcessUse]) -> dict[str, Any]:
    """Rows and processes for the JSON file."""
    return {
        "kinds": [asdict(row) for row in rows],
        "processes": {name: asdict(use) for name, use in uses.items()},
    }
