"""How fast the worklist answers with 100,000 studies: ``python -m tests.load.many_studies``.

It lists studies without images in an SQLite database and in a PostgreSQL that it starts, asks for
pages as the worklist does, and writes ``docs/measured/worklist.json``.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import create_engine, insert, text

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "dashboard"))

from service_processes import open_postgres  # noqa: E402

from dashboard.store import JobState, ModelKey, Origin, Store  # noqa: E402
from dashboard.store.postgres import driver_url  # noqa: E402
from dashboard.store.reading_content import Reading  # noqa: E402
from dashboard.store.schema import (  # noqa: E402
    JobRecord,
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
    find_place,
    read_page,
)

MODEL = ModelKey(task="brain-tumor", digest="d" * 64)
STUDIES, REPEATS, PAGE = 100_000, 15, 100
_BATCH = 2000
_START = datetime(2026, 1, 1, tzinfo=UTC)
_MEASURED = ROOT / "docs" / "measured" / "worklist.json"


def fill(store: Store, count: int, *, seed: int = 1) -> None:
    """List studies with analyses and readings, the same ones for the same seed."""
    draw = random.Random(seed)
    display = Display("uint8", 1.0, 0.0, ((0.0, 1.0),), (None,), 0)
    for start in range(0, count, _BATCH):
        numbers = range(start, min(start + _BATCH, count))
        with store.writing() as session:
            session.execute(insert(StudyRecord), [_study(n, draw, display) for n in numbers])
            done = [n for n in numbers if n % 50]
            session.execute(insert(JobRecord), [_job(n) for n in done])
            session.execute(insert(ResultRecord), [_result(n, draw) for n in done])
            session.execute(insert(ReadingRecord), [_reading(n, draw) for n in done if n % 3])
            write_lines(session, store.model, [f"{n:016x}" for n in numbers])


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


def measure(store: Store, count: int) -> dict[str, dict[str, float]]:
    """Milliseconds of each request: median, 95th percentile, and longest."""
    found = {}
    for name, selection, offset in requests(count):
        found[name] = _time(lambda s=selection, o=offset: read_page(store, s, offset=o, limit=PAGE))
    middle = f"{count // 2:016x}"
    for name, selection in (
        ("", Selection()),
        (" by volume", Selection(sort=Column.VOLUME)),
        (" in a search", Selection(sort=Column.VOLUME, search=f"case{count // 200}")),
    ):
        found[f"place of a study{name}"] = _time(lambda s=selection: find_place(store, s, middle))
    found["counts"] = _time(lambda: count_views(store, reader_id="reader-3", since=_START))
    found["whether something has changed"] = _time(lambda: worklist_stamp(store))
    return found


def _time(ask: Callable[[], object]) -> dict[str, float]:
    ask()
    times = []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        ask()
        times.append(1000 * (time.perf_counter() - begun))
    return {
        "p50_ms": round(statistics.median(times), 1),
        "p95_ms": round(statistics.quantiles(times, n=20)[-1], 1),
        "max_ms": round(max(times), 1),
    }


def run(url: str, count: int) -> dict[str, object]:
    """Fill a database and measure it."""
    store = Store(url, model=MODEL)
    begun = time.perf_counter()
    fill(store, count)
    filled = time.perf_counter() - begun
    if url.startswith("postgres"):
        engine = create_engine(driver_url(url), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text("VACUUM ANALYZE"))  # as the server does by itself
        engine.dispose()
    answers = measure(store, count)
    store.close()
    slowest = max(answers, key=lambda name: answers[name]["p95_ms"])
    return {
        "studies": count,
        "fill_s": round(filled, 1),
        "slowest": slowest,
        "slowest_p95_ms": answers[slowest]["p95_ms"],
        "answers": answers,
    }


def main() -> None:
    """Measure and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=STUDIES)
    parser.add_argument(
        "--postgres", help="URL of an empty database, instead of a server of its own"
    )
    parser.add_argument("--only", choices=("sqlite", "postgresql"), help="measure this one alone")
    parser.add_argument("--json", type=Path, default=_MEASURED)
    chosen = parser.parse_args()
    found = {}
    if chosen.only != "postgresql":
        with tempfile.TemporaryDirectory() as folder:
            found["sqlite"] = run(f"sqlite:///{folder}/many.db", chosen.studies)
    if chosen.only != "sqlite":
        server = None if chosen.postgres else open_postgres()
        try:
            url = server.new_database() if server else chosen.postgres
            found["postgresql"] = run(url, chosen.studies)
        finally:
            if server:
                server.remove()
    chosen.json.write_text(json.dumps(found, indent=1) + "\n")
    for name, figures in found.items():
        slowest, ms = figures["slowest"], figures["slowest_p95_ms"]
        sys.stdout.write(f"{name}: slowest p95 {ms} ms ({slowest})\n")


if __name__ == "__main__":
    main()
