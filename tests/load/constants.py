"""Constants of worker and worklist in the capacity model: ``python -m tests.load.constants``.

The worker runs the models as it is set up (`OVERREAD_ENGINE`, `OVERREAD_PRECISION`), so that the
figures follow the engine. The web process's constants come from the load test itself.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import text as text_query

from dashboard.jobs import table
from dashboard.store import NewStudy, Origin
from dashboard.store.stored_json import Display
from dashboard.store.worklist_pages import Selection, read_page
from dashboard.studies.worklist_rows import describe_line
from dashboard.workspace.services import Services, build_services
from dashboard.workspace.settings import read_settings

from .measures import measure_storage
from .measuring import run_measurement
from .report import ProcessUse, cpu_seconds
from .running_server import RunningServer
from .study_copies import add_studies

SLICES = 36


@dataclass(frozen=True)
class Constants:
    """What one study of 36 slices of 256 x 256 costs.

    Attributes:
        slices: Of the studies that were analysed.
        engine: What answered, as results name it.
        worker_cpu_s: Processor time of the worker per study.
        worker_s: Wall-clock time per study, one worker, one after another.
        worker_mb: Memory of the worker (RSS, MB).
        study_bytes: Pixels on disk per study.
        result_bytes: Result on disk per study.
        database_bytes: Review database per study.
        worklist_ms_per_1000: Processor time to list 1,000 studies once, in ms.
        worklist_bytes_per_1000: What the browser is sent for them.
    """

    slices: int
    engine: str
    worker_cpu_s: float
    worker_s: float
    worker_mb: float
    study_bytes: int
    result_bytes: int
    database_bytes: int
    worklist_ms_per_1000: float
    worklist_bytes_per_1000: int


def measure(home: Path, *, worker: str, count: int) -> Constants:
    """Have ``count`` studies analysed by one worker and look at what that took."""
    server = RunningServer(home, worker=worker)
    try:
        server.start()
        server.prepare()
        parts = build_services(read_settings(server.environment))
        before = measure_storage(home)
        process = server.processes()["worker"]
        cpu, began, use = cpu_seconds(process), time.monotonic(), ProcessUse()
        ids = add_studies(parts, SLICES, count, home / f"constants-{os.getpid()}")
        server.await_analyses()
        took = time.monotonic() - began
        use.look(process, cpu)
        after = measure_storage(home)
    finally:
        server.stop()
    milliseconds, size, database = measure_worklist(home.parent / f"worklist-{os.getpid()}")
    return Constants(
        slices=SLICES,
        engine=_engine(parts, ids[0]),
        worker_cpu_s=round(use.cpu_s / count, 3),
        worker_s=round(took / count, 3),
        worker_mb=use.rss_mb,
        study_bytes=(after.study_bytes - before.study_bytes) // count,
        result_bytes=after.result_bytes // after.studies,
        database_bytes=database // 1000,
        worklist_ms_per_1000=milliseconds,
        worklist_bytes_per_1000=size,
    )


def measure_worklist(home: Path, studies: int = 1000, times: int = 5) -> tuple[float, int, int]:
    """List that many studies, each with its job.

    Returns:
        Processor time to list them once, in ms; bytes of their rows; bytes of the database.
    """
    store = build_services(read_settings({"OVERREAD_HOME": str(home)})).store
    for number in range(studies):
        table.submit(store, store.add_study(_listed(number)).study_id)
    began = time.process_time()
    for _ in range(times):
        _, lines = read_page(store, Selection(), offset=0, limit=studies)
        text = json.dumps([describe_line(line) for line in lines], sort_keys=True, default=str)
    took = round(1000 * (time.process_time() - began) / times, 1)
    with store.writing() as session:
        pages = session.scalar(text_query("PRAGMA page_count"))
        page_size = session.scalar(text_query("PRAGMA page_size"))
    return took, len(text), int(pages) * int(page_size)


def _listed(number: int) -> NewStudy:
    return NewStudy(
        study_id=f"{number:016x}",
        case_id=f"case{number}",
        identity=f"{number:064x}",
        content_digest=f"{number:064x}",
        data_digest=f"{number:032x}",
        patient=f"Patient {number}",
        study_date="2026-01-02",
        description="MRI of the brain",
        synthetic=False,
        origin=Origin.UPLOAD,
        source="",
        sequences=("flair", "t1", "t1c"),
        indices=tuple(range(1, SLICES + 1)),
        height=256,
        width=256,
        has_reference=False,
        warnings=(),
        display=Display("uint8", 1.0, 0.0, ((0.0, 255.0),) * 3, (None,) * 3, 0),
    )


def _engine(parts: Services, study_id: str) -> str:
    row = parts.store.study(study_id)
    answer = parts.results.answer(parts.result_key(row.content_digest) or "") if row else None
    return f"{answer.network.engine} {answer.network.precision}" if answer else ""


def main() -> int:
    """Print the constants, and store them where asked."""

    def measured(home: Path, *, worker: str, count: int) -> dict[str, Any]:
        return asdict(measure(home, worker=worker, count=count))

    return run_measurement(
        "constants",
        __doc__,
        measured,
        count=10,
        counted="studies to analyse",
        describe=lambda found: "\n".join(f"{name}: {value}" for name, value in found.items()),
    )


if __name__ == "__main__":
    sys.exit(main())
