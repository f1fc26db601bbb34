"""What only a database server does: restarts, clocks of its own, connections across a fork."""

from __future__ import annotations

import os
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fake_server import add_case, add_row, fake_factory, make_case, make_services, wait_for
from service_processes import PostgresServer
from sqlalchemy.exc import OperationalError

from dashboard.jobs import table
from dashboard.jobs.execution import Worker
from dashboard.store import JobState, ModelKey, Store
from dashboard.store.postgres import ServerClock, driver_url, open_postgres
from dashboard.store.schema import JobRecord

MODEL = ModelKey("brain-tumor", "a" * 64)


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("postgres://u:p@h/d", "postgresql+psycopg"),
        ("postgresql://u:p@h/d", "postgresql+psycopg"),
        ("postgresql+psycopg://u:p@h/d", "postgresql+psycopg"),
    ],
)
def test_urls_of_all_spellings_use_the_driver_that_is_installed(url: str, driver: str) -> None:
    parsed = driver_url(url)
    assert (parsed.drivername, parsed.host, parsed.password) == (driver, "h", "p")


def test_time_is_the_servers_however_wrong_this_machine_is(postgres: PostgresServer) -> None:
    def wrong() -> datetime:
        return datetime.now(UTC) + timedelta(hours=3)

    clock = ServerClock(wrong)
    engine = open_postgres(driver_url(postgres.new_database()), clock)
    engine.connect().close()
    engine.dispose()
    assert abs(clock() - datetime.now(UTC)) < timedelta(seconds=2)


def test_claims_skip_what_another_holds(postgres: PostgresServer) -> None:
    store = Store(postgres.new_database(), model=MODEL)
    first, second = (table.submit(store, add_row(store, number)) for number in (1, 2))
    with store.writing() as session:
        session.get(JobRecord, first, with_for_update=True)
        began = time.monotonic()
        claimed = table.claim(store, "w")
        assert claimed is not None and claimed.job_id == second
        assert time.monotonic() - began < 5
    store.close()


def test_a_restarted_server_costs_nobody_more_than_one_answer(postgres: PostgresServer) -> None:
    store = Store(postgres.new_database(), model=MODEL)
    study = add_row(store, 1)
    postgres.stop()
    with pytest.raises(OperationalError):
        store.study(study)
    postgres.start()
    assert store.study(study) is not None
    store.close()


def test_a_worker_outlives_a_restart_in_the_middle_of_a_job(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    parts = make_services(tmp_path / "home", OVERREAD_DATABASE_URL=postgres.new_database())
    parts.store.lease = timedelta(seconds=2)
    add_case(parts, make_case())
    reached, go_on = threading.Event(), threading.Event()

    def on_slice(k: int) -> None:
        reached.set()
        assert go_on.wait(60)

    worker = Worker(parts, make_analyser=fake_factory(on_slice), heartbeat_s=0.2)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        assert reached.wait(30)
        postgres.stop()
        go_on.set()  # the job ends while the database is away
        time.sleep(0.5)
        postgres.start()
        wait_for(lambda: parts.store.count_studies().states == {JobState.DONE: 1}, seconds=30)
    finally:
        go_on.set()
        worker.stopping.set()
        thread.join()
        parts.store.close()


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_opens_connections_of_its_own(postgres: PostgresServer) -> None:
    store = Store(postgres.new_database(), model=MODEL)
    study = add_row(store, 1)
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if store.study(study) is not None else 1)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    assert store.study(study) is not None
    store.close()
