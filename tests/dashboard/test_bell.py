from __future__ import annotations

import os
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path

from fake_server import add_case, fake_factory, make_case, wait_for

from dashboard.bell import Bell
from dashboard.jobs import table
from dashboard.services import Services
from dashboard.store import JobState
from dashboard.worker import Worker

ROOT = Path(__file__).resolve().parents[2]


def test_a_ring_is_heard_once(tmp_path: Path) -> None:
    bell = Bell(tmp_path / "bell")
    bell.ring()
    assert bell.wait(1.0)
    assert not bell.wait(0.0)
    assert (tmp_path / "bell").stat().st_mode & 0o777 == 0o600


def test_a_ring_of_another_process_is_heard(tmp_path: Path) -> None:
    bell = Bell(tmp_path / "bell")
    assert not bell.wait(0.0)
    code = "import sys; from pathlib import Path; from dashboard.bell import Bell; "
    code += "Bell(Path(sys.argv[1])).ring()"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "bell")], cwd=ROOT, check=True)
    assert bell.wait(1.0)


def test_a_hundred_thousand_rings_with_nobody_listening_block_nobody(tmp_path: Path) -> None:
    bell = Bell(tmp_path / "bell")
    for _ in range(100_000):
        bell.ring()
    assert bell.wait(0.0)
    assert not bell.wait(0.0)  # an idle worker is woken once, not a hundred thousand times


def test_a_file_in_its_place_makes_way_and_a_folder_is_lived_with(tmp_path: Path) -> None:
    (tmp_path / "bell").write_text("not a pipe")
    bell = Bell(tmp_path / "bell")
    bell.ring()
    assert bell.wait(1.0)
    (tmp_path / "folder").mkdir()
    Bell(tmp_path / "folder").ring()
    assert not Bell(tmp_path / "folder").wait(0.0)
    assert os.path.isdir(tmp_path / "folder")


def test_a_queued_job_wakes_the_worker_long_before_it_looks_itself(
    parts: Services, monkeypatch: object
) -> None:
    from dashboard import worker as module

    monkeypatch.setattr(module, "_POLL_S", 30.0)  # type: ignore[attr-defined]
    study_id = add_case(parts, make_case())
    worker = Worker(parts, make_analyser=fake_factory())
    job_id = table.submit(parts.store, study_id)
    table.cancel(parts.store, job_id)
    thread = threading.Thread(target=worker.run, daemon=True)
    thread.start()
    try:
        wait_for(lambda: worker._analyser is not None)  # it has nothing to do and waits
        time.sleep(0.2)
        began = time.monotonic()
        table.submit(parts.store, study_id)

        def done() -> bool:
            row = table.state(parts.store, job_id)
            return row is not None and row.state is JobState.DONE

        wait_for(done, seconds=20)
        assert time.monotonic() - began < 15
    finally:
        worker.stopping.set()
        parts.store.on_queued()
        thread.join(10)


def test_a_process_with_many_open_files_hears_it_too(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
    others = [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
    try:
        bell = Bell(tmp_path / "bell")
        bell.ring()
        assert bell.wait(1)
    finally:
        for one in others:
            os.close(one)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
