"""How fast the worklist answers with 100,000 studies: ``python -m tests.load.many_studies``.

It lists studies without images in an SQLite database and in a PostgreSQL that it starts, asks for
pages as the worklist does, and writes ``docs/measured/worklist.json``.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import statistics
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, insert, text

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "dashboard"))

from service_processes import open_postgres  # noqa: E402

from dashboard.api.worklist import MOST_CHOSEN  # noqa: E402
from dashboard.decisions.changes import add_changes, find_changes  # noqa: E402
from dashboard.store import JobState, ModelKey, Origin, Store  # noqa: E402
from dashboard.store.history import Author  # noqa: E402
from dashboard.store.postgres import driver_url  # noqa: E402
from dashboard.store.reading_content import Reading  # noqa: E402
from dashboard.store.readings import change_priorities, change_tags  # noqa: E402
from dashboard.store.schema import (  # noqa: E402
    JobRecord,
    PatientRecord,
    ReadingRecord,
    ResultRecord,
    StudyRecord,
)
from dashboard.store.stamp import worklist_stamp  # noqa: E402
from dashboard.store.states import StudyState  # noqa: E402
from dashboard.store.stored_json import Display  # noqa: E402
from dashboard.store.worklist_lines import Reason, write_lines  # noqa: E402
from dashboard.store.worklist_pages import (  # noqa: E402
    Column,
    Selection,
    View,
    count_views,
    export_lines,
    find_place,
    read_page,
)
from dashboard.studies.worklist_rows import write_csv  # noqa: E402

MODEL = ModelKey(task="brain-tumor", digest="d" * 64)
STUDIES, REPEATS, PAGE = 100_000, 11, 100
_BATCH = 2000
_START = datetime(2026, 1, 1, tzinfo=UTC)
_MEASURED = ROOT / "docs" / "measured" / "worklist.json"


def fill(store: Store, url: str, count: int, *, seed: int = 1) -> None:
    """List studies with analyses and readings, the same ones for the same seed."""
    draw = random.Random(seed)
    display = Display("uint8", 1.0, 0.0, ((0.0, 1.0),), (None,), 0)
    for start in range(0, count, _BATCH):
        if start == _BATCH:
            _analyse(url, "ANALYZE")
        numbers = range(start, min(start + _BATCH, count))
        with store.writing() as session:
            session.execute(insert(StudyRecord), [_study(n, draw, display) for n in numbers])
            done = [n for n in numbers if n % 50]
            session.execute(insert(PatientRecord), [_patient(n) for n in numbers])
            session.execute(insert(JobRecord), [_job(n) for n in done])
            session.execute(insert(ResultRecord), [_result(n, draw) for n in done])
            session.execute(insert(ReadingRecord), [_reading(n, draw) for n in done if n % 3])
            write_lines(session, store.model, [f"{n:016x}" for n in numbers])


def _analyse(url: str, statement: str) -> None:
    """Let PostgreSQL know its tables, as a server does by itself after a while."""
    if url.startswith("postgres"):
        engine = create_engine(driver_url(url), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()


def _study(number: int, draw: random.Random, display: Display) -> dict[str, object]:
    return {
        "study_id": f"{number:016x}",
        "case_id": f"case{number}",
        "identity": f"i{number}",
        "content_digest": f"c{number}",
        "data_digest": f"d{number}",
        "patient": f"PAT-{draw.randrange(10**6):06d}",
        "study_date": f"{_START - timedelta(days=draw.randrange(3000)):%Y-%m-%d}",
        "description": draw.choice(("Brain tumour follow-up", "Headache", "Post-operative", "")),
        "synthetic": False,
        "origin": draw.choice((Origin.UPLOAD, Origin.LIBRARY, Origin.LIBRARY)),
        "source": "",
        "sequences": ("flair",),
        "indices": tuple(range(1, draw.randrange(20, 40))),
        "height": 256,
        "width": 256,
        "has_reference": False,
        "warnings": ("The slices are 6 mm apart.",) if draw.random() < 0.1 else (),
        "display": display,
        "added_at": _START + timedelta(minutes=number),
        "reader_id": "",
        "deleted_by": "",
        "files_digest": "",
    }


def _patient(number: int) -> dict[str, object]:
    """Every patient has four studies."""
    return {
        "study_id": f"{number:016x}",
        "patient_id": f"MRN-{number // 4}",
        "issuer": "Hospital",
        "name": f"Name^{number // 4}",
        "sex": "F",
        "birth_date": "1980-01-01",
    }


def _job(number: int) -> dict[str, object]:
    return {
        "job_id": number + 1,
        "task": MODEL.task,
        "content_digest": f"c{number}",
        "model_digest": MODEL.digest,
        "precision": MODEL.precision,
        "state": JobState.FAILED if number % 101 == 0 else JobState.DONE,
        "created_at": _START,
        "queued_at": _START,
    }


def _result(number: int, draw: random.Random) -> dict[str, object]:
    volume = round(draw.uniform(0.1, 150), 2)
    spread = draw.uniform(1.2, 2.2)
    return {
        "job_id": number + 1,
        "highest_score": draw.random(),
        "volume_ml": volume,
        "positive_slices": draw.randrange(12),
        "mask_slices": draw.randrange(12),
        "engine": "openvino",
        "stored_at": _START,
        "conflicts": draw.choice((0, 0, 0, 0, 1, 2)),
        "expected_dice": round(draw.uniform(0.5, 0.97), 3),
        "cautions": draw.choice((0, 0, 0, 1)),
        "unfit": "",
        "low_ml": volume / spread,
        "high_ml": volume * spread,
    }


def _reading(number: int, draw: random.Random) -> dict[str, object]:
    return {
        "study_id": f"{number:016x}",
        "state": draw.choice((StudyState.ANALYSED, StudyState.READ, StudyState.SIGNED)),
        "priority": int(number % 40 == 0),
        "revision": 1,
        "content": Reading(),
        "claimed_by": "",
        "claimed_author": "",
        "changed_by": f"reader-{number % 20}",
        "changed_author": f"Reader {number % 20}",
        "changed_at": _START,
    }


def requests(count: int) -> Iterator[tuple[str, Selection, int]]:
    """What is asked for: name, selection, offset."""
    yield "first page", Selection(), 0
    for column in Column:
        for descending in (False, True):
            words = "descending" if descending else "ascending"
            yield f"sort {column} {words}", Selection(sort=column, descending=descending), 0
    for view in View:
        yield f"view {view}", Selection(view=view, reader_id="reader-3", since=_START), 0
    for reason in Reason:
        yield f"reason {reason}", Selection(reason=reason), 0
    for origin in Origin:
        yield f"origin {origin}", Selection(origin=origin), 0
    for search in ("pat-01", "follow-up", "pat-5 headache reader", "no such word", "2024-03"):
        yield f"search {search}", Selection(search=search), 0
    for share in (0.5, 0.999):
        yield f"page at {share:.1%}", Selection(), int(share * count)
        sort = Selection(sort=Column.VOLUME, descending=True, search="follow-up")
        yield f"searched and sorted page at {share:.1%}", sort, int(share * count / 4)


def measure(store: Store, count: int, repeats: int = REPEATS) -> dict[str, dict[str, float]]:
    """Milliseconds of each request: median, 95th percentile, and longest."""
    found = {}
    for name, selection, offset in requests(count):
        found[name] = _time(lambda s=selection, o=offset: _ask(store, s, o), repeats)
    middle = f"{count // 2:016x}"
    for name, selection in (
        ("", Selection()),
        (" by volume", Selection(sort=Column.VOLUME)),
        (" in a search", Selection(sort=Column.VOLUME, search=f"case{count // 200}")),
    ):
        found[f"place of a study{name}"] = _time(
            lambda s=selection: find_place(store, s, middle), repeats
        )
    found["counts"] = _time(lambda: count_views(store, reader_id="reader-3", since=_START), repeats)
    found["whether something has changed"] = _time(lambda: worklist_stamp(store), repeats)
    return found


def _ask(store: Store, selection: Selection, offset: int) -> None:
    _, lines = read_page(store, selection, offset=offset, limit=PAGE)
    find_changes(store, [line.study_id for line in lines])


def _time(ask: Callable[[], object], repeats: int) -> dict[str, float]:
    ask()
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        ask()
        times.append(1000 * (time.perf_counter() - begun))
    return {
        "p50_ms": round(statistics.median(times), 1),
        "p95_ms": round(statistics.quantiles(times, n=20, method="inclusive")[-1], 1),
        "max_ms": round(max(times), 1),
    }


def run(url: str, count: int, repeats: int) -> dict[str, Any]:
    """Fill a database and measure it."""
    store = Store(url, model=MODEL)
    begun = time.perf_counter()
    fill(store, url, count)
    filled = time.perf_counter() - begun
    _analyse(url, "VACUUM ANALYZE")
    answers = measure(store, count, repeats)
    bulk = measure_bulk(store, count)
    store.close()
    slowest = max(answers, key=lambda name: answers[name]["p95_ms"])
    return {
        "studies": count,
        "fill_s": round(filled, 1),
        "slowest": slowest,
        "slowest_p95_ms": answers[slowest]["p95_ms"],
        "answers": answers,
        "bulk": bulk,
    }


def measure_bulk(store: Store, count: int) -> dict[str, float]:
    """Seconds of what is done to many studies at once."""
    ids = [f"{number:016x}" for number in range(0, count, max(count // MOST_CHOSEN, 1))]
    ids = ids[:MOST_CHOSEN]
    by = Author("reader-1", "Reader 1")
    everything, found = Selection(), Selection(search="follow-up")
    return {
        f"tag {len(ids)} studies": _seconds(lambda: change_tags(store, ids, by, add=["teaching"])),
        f"mark {len(ids)} studies": _seconds(lambda: change_priorities(store, ids, by, stat=True)),
        "export a search": _seconds(lambda: _export(store, found)),
        "export all": _seconds(lambda: _export(store, everything)),
    }


def _export(store: Store, selection: Selection) -> None:
    lines = add_changes(store, export_lines(store, selection))
    deque(write_csv((line, change.percent if change else None) for line, change in lines), 0)


def _seconds(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return round(time.perf_counter() - begun, 2)


def write_table(found: dict[str, dict[str, Any]]) -> str:
    """The measured times as a table, the slowest first."""
    lines = []
    for database, figures in found.items():
        lines.append(f"{database}: {figures['studies']:,} studies, listed in {figures['fill_s']} s")
        lines.append(f"  {'request':<42}{'p50 ms':>9}{'p95 ms':>9}")
        answers = sorted(figures["answers"].items(), key=lambda one: -one[1]["p95_ms"])
        for name, times in answers:
            lines.append(f"  {name:<42}{times['p50_ms']:>9}{times['p95_ms']:>9}")
        lines += [f"  {name:<42}{seconds:>9} s" for name, seconds in figures["bulk"].items()]
    return "\n".join(lines) + "\n"


def _stop(*_: object) -> None:
    raise SystemExit(1)  # so that the database server is removed


def main() -> None:
    """Measure and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=STUDIES)
    parser.add_argument("--repeats", type=int, default=REPEATS, help="times that each is asked for")
    parser.add_argument(
        "--postgres", help="URL of an empty database, instead of a server of its own"
    )
    parser.add_argument("--only", choices=("sqlite", "postgresql"), help="measure this one alone")
    parser.add_argument("--json", type=Path, default=_MEASURED)
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, _stop)
    found: dict[str, dict[str, Any]] = {}
    if chosen.only != "postgresql":
        with tempfile.TemporaryDirectory() as folder:
            found["sqlite"] = run(f"sqlite:///{folder}/many.db", chosen.studies, chosen.repeats)
    if chosen.only != "sqlite":
        server = None if chosen.postgres else open_postgres()
        try:
            url = server.new_database() if server else chosen.postgres
            found["postgresql"] = run(url, chosen.studies, chosen.repeats)
        finally:
            if server:
                server.remove()
    chosen.json.write_text(json.dumps(found, indent=1) + "\n")
    sys.stdout.write(write_table(found))


if __name__ == "__main__":
    main()
