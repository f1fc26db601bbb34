"""What a reader was shown as stored survives a power cut."""

from __future__ import annotations

from pathlib import Path

from fake_server import add_row
from service_processes import PostgresServer
from sqlalchemy import event, text
from sqlalchemy.engine import Engine

from dashboard.jobs import table
from dashboard.store import JobState, ModelKey, Store
from dashboard.store.readers import change_reader

_FULL, _NORMAL = 2, 1


def test_what_is_committed_is_on_the_disk_but_for_a_jobs_progress(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'review.db'}", model=ModelKey("brain-tumor", "a" * 64))
    seen: list[int] = []

    def note(connection: object) -> None:
        seen.append(connection.exec_driver_sql("PRAGMA synchronous").scalar())  # type: ignore[attr-defined]

    event.listen(Engine, "commit", note)
    try:
        change_reader(store, "r" * 16, name="Ada")
        study = add_row(store, 1)
        table.submit(store, study)
        job = table.claim(store, "worker")
        assert job is not None
        assert set(seen) == {_FULL}
        seen.clear()
        table.renew(store, job.job_id, "worker", progress=(1, 3, "Slice 1 of 3"))
        assert seen == [_NORMAL]
        seen.clear()
        table.end(store, job.job_id, "worker", JobState.FAILED, error="No.")
        assert seen == [_FULL]
    finally:
        event.remove(Engine, "commit", note)
        store.close()


def test_postgres_waits_for_its_disk(postgres: PostgresServer) -> None:
    store = Store(postgres.new_database(), model=None)
    with store.writing() as session:
        assert session.execute(text("SHOW synchronous_commit")).scalar() == "on"
    store.close()
