"""What decoding in children costs: ``python -m tests.load.reading_cost --before CHECKOUT``.

Compares this checkout with another one, such as that of commit 1dbd639, which decoded files in the
process that asked: reading alone, ``predict``, uploads over HTTP until they are read, and the click
on a new study to its overlay. Both do the same in turn, in pairs; a ratio above 1 means that this
checkout is faster. Wall clock and processor time are those of all processes together (Linux: the
times of grandchildren are counted through ``PR_SET_CHILD_SUBREAPER``).
"""

from __future__ import annotations

import argparse
import base64
import ctypes
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil

from pipeline.benchmark.statistics import paired_ratio

from .measuring import write_measurement
from .study_folders import make_folders, make_large_volume, make_series

ROOT = Path(__file__).resolve().parents[2]
_SUBREAPER = 36
_SAMPLE_S = 0.1
_START_S = 120.0
_PARALLEL = 3
_LARGE_MB, _SMALL_FILES = 200, 200
_MINE = {"X-Overread": "1", "Sec-Fetch-Site": "same-origin"}
#: Reads each folder twice, the second time with the clock; sums up the time of all processes.
_READ = """
import json, sys, time
import psutil
import pipeline
from pathlib import Path
def spent():
    total, here = 0.0, psutil.Process()
    for one in [here, *here.children(recursive=True)]:
        try:
            t = one.cpu_times()
        except psutil.Error:
            continue
        total += t.user + t.system + t.children_user + t.children_system
    return total
found = {}
for folder in map(Path, sys.argv[1:]):
    pipeline.read_cases([folder])
    time.sleep(0.1)
    before, began = spent(), time.perf_counter()
    report = pipeline.read_cases([folder])
    wall = time.perf_counter() - began
    time.sleep(0.1)
    assert report.cases and not report.errors, report.errors
    found[folder.name] = [wall, spent() - before]
print(json.dumps(found))
"""


@dataclass(frozen=True)
class Cost:
    """What one thing took: seconds of wall clock and of processors, most memory in MB."""

    wall_s: float
    cpu_s: float
    memory_mb: float = 0.0


@dataclass
class Comparison:
    """Costs of both checkouts by what was done, pair by pair."""

    before: dict[str, list[Cost]] = field(default_factory=lambda: defaultdict(list))
    now: dict[str, list[Cost]] = field(default_factory=lambda: defaultdict(list))

    def table(self) -> str:
        """Ratios before / now of the medians, with intervals."""
        lines = [
            "| What | Pairs | Before (s) | Now (s) | Wall clock: before / now | Processors:"
            " before / now | Memory: now / before |",
            "|---|---|---|---|---|---|---|",
        ]
        for name, costs in self.before.items():
            pairs = list(zip(costs, self.now[name], strict=True))
            lines.append(
                f"| {name} | {len(pairs)} | {_median([c.wall_s for c, _ in pairs]):.2f}"
                f" | {_median([c.wall_s for _, c in pairs]):.2f}"
                f" | {_ratio([(b.wall_s, n.wall_s) for b, n in pairs])}"
                f" | {_ratio([(b.cpu_s, n.cpu_s) for b, n in pairs])}"
                f" | {_ratio([(n.memory_mb, b.memory_mb) for b, n in pairs])} |"
            )
        return "\n".join(lines)

    def as_dict(self) -> dict[str, Any]:
        """All costs, to be stored."""
        return {
            side: {name: [vars(one) for one in costs] for name, costs in found.items()}
            for side, found in (("before", self.before), ("now", self.now))
        }


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


def _ratio(pairs: Sequence[tuple[float, float]]) -> str:
    if not all(a and b for a, b in pairs):
        return "-"
    ratio = paired_ratio([a for a, _ in pairs], [b for _, b in pairs])
    return f"{ratio.value:.2f} ({ratio.low:.2f} to {ratio.high:.2f})"


def run_command(tree: Path, command: Sequence[str], folder: Path) -> tuple[Cost, str]:
    """Run Python in a checkout and wait for it and all that it started.

    Raises:
        RuntimeError: It failed.
    """
    log = folder / "command.log"
    began, most, others = time.perf_counter(), 0.0, 0.0
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=tree,
            env=_environment(tree),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    output: list[str] = []
    reader = threading.Thread(target=lambda: output.append(process.stdout.read()))  # type: ignore[union-attr]
    reader.start()
    while True:
        pid, status, used = os.wait4(-1, os.WNOHANG)
        if pid:
            others += used.ru_utime + used.ru_stime
        if pid == process.pid:
            break
        if not pid:
            most = max(most, _memory_mb(process.pid))
            time.sleep(_SAMPLE_S)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    reader.join()
    while True:  # grandchildren, which are ours now
        try:
            _, _, used = os.wait4(-1, 0)
        except ChildProcessError:
            break
        others += used.ru_utime + used.ru_stime
    if process.returncode:
        raise RuntimeError(log.read_text()[-2000:] or output[0][-2000:])
    return Cost(wall, others, most), output[0]


def _environment(tree: Path, **variables: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(tree), "TF_CPP_MIN_LOG_LEVEL": "3", **variables}


def _memory_mb(pid: int) -> float:
    """Memory of a process and its descendants, shared pages divided among those that share."""
    total = 0
    try:
        here = psutil.Process(pid)
        for one in [here, *here.children(recursive=True)]:
            total += one.memory_full_info().pss
    except psutil.Error:
        pass
    return total / 1e6


def read_folders(tree: Path, folders: Sequence[Path], work: Path) -> dict[str, Cost]:
    """Read folders in a process of a checkout."""
    _, output = run_command(tree, ["-c", _READ, *map(str, folders)], work)
    found = json.loads(output.splitlines()[-1])
    return {f"reading {name}": Cost(*costs) for name, costs in found.items()}


def predict(tree: Path, folder: Path, work: Path) -> dict[str, Cost]:
    """Analyse a folder of patients by the command line."""
    with tempfile.TemporaryDirectory(dir=work) as output:
        command = ["-m", "pipeline", "predict", str(folder), "--output", output]
        return {"predict": run_command(tree, command, work)[0]}


def click_to_overlay(tree: Path, home: Path, count: int, work: Path) -> dict[str, Cost]:
    """Open new studies in a browser by the checkout's own `tests.load.latency`."""
    answer = work / "latency.json"
    command = ["-m", "tests.load.latency", "--count", str(count), "--home", str(home)]
    run_command(tree, [*command, "--json", str(answer)], work)
    kinds = json.loads(answer.read_text())["kinds"]
    return {
        f"click to overlay, {name}": Cost(kind["uncached_ms"]["p50"] / 1000, 0.0)
        for name, kind in kinds.items()
    }


class WebProcess:
    """The web process of a checkout, without workers: uploads are read and not analysed.

    Args:
        tree: The checkout.
        home: Its workspace.
    """

    def __init__(self, tree: Path, home: Path) -> None:
        self._tree, self._home = tree, home
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = int(probe.getsockname()[1])
        transfer = tree / "assets/js/frame/file_transfer.js"  # not there before tus
        text = transfer.read_text("utf-8") if transfer.exists() else ""
        stated = re.search(r"PART_BYTES = (\d+) \* 2 \*\* 20", text)
        self._is_tus = stated is not None
        self._part = int(stated[1]) << 20 if stated else 0
        self._cookie = ""

    @contextmanager
    def running(self) -> Iterator[WebProcess]:
        """Start it, and end it after the block."""
        self._home.mkdir(parents=True)
        environment = _environment(
            self._tree,
            OVERREAD_HOME=str(self._home),
            OVERREAD_PORT=str(self._port),
            OVERREAD_DEMO="no",
        )
        with (self._home.parent / f"{self._home.name}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "dashboard.web"],
                cwd=self._tree,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            until = time.monotonic() + _START_S
            while not self._answers():
                if time.monotonic() > until or process.poll() is not None:
                    raise RuntimeError(Path(log.name).read_text()[-2000:])
                time.sleep(0.2)
            self._process = psutil.Process(process.pid)
            found = self._ask("GET", "/", b"", {})[1].get("Set-Cookie", "")
            self._cookie = found.partition(";")[0]  # a batch belongs to its reader
            yield self
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()

    def upload(self, files: Sequence[tuple[str, bytes]]) -> Cost:
        """Send files as the page does, three at a time, and have them read.

        Raises:
            RuntimeError: A file or the whole was refused.
        """
        batch = secrets.token_hex(16)
        send = self._send_tus if self._is_tus else self._send_whole
        used, began = self._spent(), time.perf_counter()
        with ThreadPoolExecutor(_PARALLEL) as pool:
            list(pool.map(lambda one: send(batch, *one), files))
        body = json.dumps({"files": len(files)}).encode() if self._is_tus else b""
        kind = {"Content-Type": "application/json"} if body else {}
        report = self._ask("POST", f"/api/uploads/{batch}/finish", body, kind)[2]
        wall = time.perf_counter() - began
        found = json.loads(report)
        if not found["studies"] or found["errors"]:
            raise RuntimeError(report.decode())
        time.sleep(0.2)
        return Cost(wall, self._spent() - used)

    def _send_whole(self, batch: str, name: str, content: bytes) -> None:
        self._ask("PUT", f"/api/uploads/{batch}/files?name={quote(name)}", content, {})

    def _send_tus(self, batch: str, name: str, content: bytes) -> None:
        stated = {
            "Tus-Resumable": "1.0.0",
            "Upload-Length": str(len(content)),
            "Upload-Metadata": f"filename {base64.b64encode(name.encode()).decode()}",
        }
        bytes_ = {"Content-Type": "application/offset+octet-stream"}
        address = f"/api/uploads/{batch}/files"
        if len(content) <= self._part:
            self._ask("POST", address, content, {**stated, **bytes_})
            return
        place = self._ask("POST", address, b"", stated)[1]["Location"]
        for offset in range(0, len(content), self._part):
            part = memoryview(content)[offset : offset + self._part]
            headers = {"Tus-Resumable": "1.0.0", "Upload-Offset": str(offset), **bytes_}
            self._ask("PATCH", place, part, headers)

    def _ask(
        self, method: str, address: str, body: bytes | memoryview, headers: dict[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=120)
        origin = {"Origin": f"http://127.0.0.1:{self._port}", "Cookie": self._cookie}
        try:
            connection.request(method, address, body, {**_MINE, **origin, **headers})
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        if response.status >= 300:
            raise RuntimeError(f"{method} {address}: {response.status} {content[:300]!r}")
        return response.status, dict(response.getheaders()), content

    def _answers(self) -> bool:
        try:
            self._ask("GET", "/api/health", b"", {})
        except (OSError, RuntimeError):
            return False
        return True

    def _spent(self) -> float:
        total = 0.0
        for one in [self._process, *self._process.children(recursive=True)]:
            try:
                times = one.cpu_times()
            except psutil.Error:
                continue
            total += times.user + times.system + times.children_user + times.children_system
        return total


def _upload_small(web: WebProcess, name: str) -> dict[str, Cost]:
    return {name: web.upload(make_series(_SMALL_FILES))}


def _upload_large(web: WebProcess, name: str) -> dict[str, Cost]:
    return {name: web.upload([make_large_volume(_LARGE_MB)])}


def compare(
    trees: tuple[Path, Path], work: Path, *, pairs: int, wanted: Sequence[str]
) -> Comparison:
    """Let both checkouts do everything in turn; which is first changes from pair to pair."""
    found = Comparison()
    sides = (found.before, found.now)

    def alternate(times: int, *does: Callable[[], dict[str, Cost]]) -> None:
        for pair in range(times):
            for side in (0, 1) if pair % 2 else (1, 0):
                for name, cost in does[side]().items():
                    sides[side][name].append(cost)
                    took = f"{cost.wall_s:.2f} s, {cost.cpu_s:.2f} s of processors"
                    sys.stderr.write(f"{('before', 'now')[side]}: {name}: {took}\n")

    folders = make_folders(work / "data") if {"reading", "predict"} & {*wanted} else []
    if "reading" in wanted:
        alternate(pairs, *(partial(read_folders, tree, folders, work) for tree in trees))
    if "predict" in wanted:
        for tree in trees:  # networks are exported at the first call
            predict(tree, next(path for path in folders[0].iterdir() if path.is_dir()), work)
        alternate(max(2, pairs // 2), *(partial(predict, t, folders[0], work) for t in trees))
    if "upload" in wanted:
        with ExitStack() as stack:
            webs = [
                stack.enter_context(WebProcess(tree, work / f"web-{k}").running())
                for k, tree in enumerate(trees)
            ]
            small = f"upload of {_SMALL_FILES} small files"
            large = f"upload of {_LARGE_MB} MB"
            for web in webs:
                web.upload(make_series(20))
            alternate(pairs, *(partial(_upload_small, web, small) for web in webs))
            alternate(pairs, *(partial(_upload_large, web, large) for web in webs))
    if "click" in wanted:
        homes = [work / f"click-{k}" for k in range(2)]
        does = [
            partial(click_to_overlay, tree, home, 6, work)
            for tree, home in zip(trees, homes, strict=True)
        ]
        alternate(2, *does)
    return found


def main() -> int:
    """Print the table of ratios, and store all times where asked."""
    parser = argparse.ArgumentParser(prog="python -m tests.load.reading_cost", description=__doc__)
    parser.add_argument("--before", type=Path, required=True, help="the other checkout")
    parser.add_argument("--pairs", type=int, default=5)
    kinds = ["reading", "predict", "upload", "click"]
    parser.add_argument("--only", nargs="+", choices=kinds, default=kinds)
    parser.add_argument("--json", type=Path, help="store all times in this file")
    given = parser.parse_args()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    work = Path(tempfile.mkdtemp(prefix="overread-reading-cost-"))
    try:
        trees = (given.before.resolve(), ROOT)
        found = compare(trees, work, pairs=given.pairs, wanted=given.only)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    sys.stdout.write(found.table() + "\n")
    if given.json:
        command = f"python -m tests.load.reading_cost --before CHECKOUT --pairs {given.pairs}"
        write_measurement(given.json, command, found.as_dict())
    return 0


if __name__ == "__main__":
    sys.exit(main())
