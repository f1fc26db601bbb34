"""Background callbacks as threads: what they pass on, how they end, how they follow a job."""

from __future__ import annotations

import itertools
import pickle
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pytest
from dash import html
from dash.exceptions import PreventUpdate
from fake_server import add_row, wait_for
from sqlalchemy.exc import OperationalError

from dashboard.jobs import callbacks, table
from dashboard.jobs.callbacks import JobNews, JobRequest, ThreadManager, follow, read_request
from dashboard.store import JobState, Store


@pytest.mark.parametrize(
    "value", [[1, "two", None, {"three": 3.5}], {"a": [True]}, "text", 7, "x" * 100_000, "ü\ud83e"]
)
def test_values_round_trip(tmp_path: Path, value: Any) -> None:
    cache = ThreadManager(tmp_path / "background").handle
    cache.set("key", value)
    assert cache.get("key") == value


def test_components_and_figures_become_what_the_browser_gets(tmp_path: Path) -> None:
    cache = ThreadManager(tmp_path / "background").handle
    cache.set("key", [html.P("Hello"), go.Figure()])
    paragraph, figure = cache.get("key")
    assert paragraph["type"] == "P"
    assert paragraph["props"]["children"] == "Hello"
    assert "layout" in figure


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def plant(folder: Path, *, mode: int, value: Any, filename: str | None = None) -> None:
    connection = sqlite3.connect(folder / "cache.db")
    connection.execute(
        "INSERT INTO Cache(key, raw, store_time, access_time, mode, filename, value)"
        " VALUES ('key', 1, 0, 0, ?, ?, ?)",
        (mode, filename, value),
    )
    connection.commit()
    connection.close()


def test_a_planted_pickle_is_refused_and_never_run(tmp_path: Path) -> None:
    folder = tmp_path / "background"
    cache = ThreadManager(folder).handle
    plant(folder, mode=4, value=pickle.dumps(Trap(tmp_path / "sprung")))
    with pytest.raises(ValueError, match="not bytes"):
        cache.get("key")
    assert not (tmp_path / "sprung").exists()


def test_a_planted_pickled_key_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "background"
    cache = ThreadManager(folder).handle
    connection = sqlite3.connect(folder / "cache.db")
    connection.execute(
        "INSERT INTO Cache(key, raw, store_time, access_time, mode, value)"
        " VALUES (?, 0, 0, 0, 1, '1')",
        (pickle.dumps(Trap(tmp_path / "sprung")),),
    )
    connection.commit()
    connection.close()
    with pytest.raises(ValueError, match="no text"):
        list(cache)
    assert not (tmp_path / "sprung").exists()


def test_files_elsewhere_are_neither_read_nor_deleted(tmp_path: Path) -> None:
    folder = tmp_path / "background"
    cache = ThreadManager(folder).handle
    (tmp_path / "foreign").write_text('"secret"')
    plant(folder, mode=2, value=None, filename="../foreign")
    with pytest.raises(ValueError, match="not its own"):
        cache.get("key")
    cache.delete("key")
    assert (tmp_path / "foreign").exists()


def test_only_json_goes_in(tmp_path: Path) -> None:
    cache = ThreadManager(tmp_path / "background").handle
    with pytest.raises(TypeError):
        cache.set("key", object())
    with pytest.raises(TypeError, match="keys must be text"):
        cache.set(("a", 1), "value")


def test_folder_is_its_owners_only(tmp_path: Path) -> None:
    ThreadManager(tmp_path / "background")
    assert (tmp_path / "background").stat().st_mode & 0o777 == 0o700


def start(manager: Any, fn: Any, *, progress: bool = True) -> tuple[str, str]:
    """Start a callback as Dash does; returns its handle and its cache key."""
    key = manager.build_cache_key(fn, [], [], None)
    job = manager.call_job_fn(key, manager.make_job_fn(fn, progress), [], {})
    return job, key


def test_a_callback_reports_progress_and_result(tmp_path: Path) -> None:
    manager = ThreadManager(tmp_path / "background")
    go_on = threading.Event()

    def callback(set_progress: Any) -> dict[str, Any]:
        set_progress({"done": 1})
        assert go_on.wait(5)
        return {"state": "done"}

    job, key = start(manager, callback)
    assert wait_for(lambda: manager.get_progress(key)) == [{"done": 1}]
    assert manager.job_running(str(job))
    go_on.set()
    wait_for(lambda: manager.result_ready(key))
    assert manager.get_result(key, str(job)) == {"state": "done"}
    assert not manager.job_running(str(job))
    assert manager.get_result(key, str(job)) is manager.UNDEFINED


def test_a_callback_that_is_ended_says_no_more(tmp_path: Path) -> None:
    manager = ThreadManager(tmp_path / "background")
    go_on, left = threading.Event(), threading.Event()

    def callback(set_progress: Any) -> str:
        try:
            assert go_on.wait(5)
            set_progress("late")
        finally:
            left.set()
        return "late"

    job, key = start(manager, callback)
    manager.terminate_job(str(job))
    assert not manager.job_running(str(job))
    go_on.set()
    assert left.wait(5)
    assert manager.get_progress(key) is None
    assert not manager.result_ready(key)


def test_a_callback_that_no_browser_asks_for_any_more_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callbacks, "WANTED_S", 2.0)
    manager = ThreadManager(tmp_path / "background")
    left, count = threading.Event(), itertools.count()

    def callback(set_progress: Any) -> None:
        try:
            while True:
                set_progress(next(count))
                time.sleep(0.02)
        finally:
            left.set()

    job, key = start(manager, callback)
    for _ in range(10):
        assert manager.job_running(job)
        time.sleep(0.3)
    assert manager.get_progress(key)
    assert left.wait(30)  # nobody asks any more
    assert not manager.job_running(job)
    assert not manager.result_ready(key)


def test_unknown_handles_are_no_jobs(tmp_path: Path) -> None:
    manager = ThreadManager(tmp_path / "background")
    for job in (None, "", "x", "12345"):
        assert not manager.job_running(job)
        manager.terminate_job(job)


def test_a_failing_callback_is_handed_to_dash(tmp_path: Path) -> None:
    manager = ThreadManager(tmp_path / "background")

    def callback() -> None:
        raise RuntimeError("why")

    job, key = start(manager, callback, progress=False)
    wait_for(lambda: manager.result_ready(key))
    assert manager.get_result(key, str(job))["background_callback_error"]["msg"] == "why"


@pytest.mark.parametrize(
    ("value", "is_valid"),
    [
        ({"asked": 7, "again": False}, True),
        ({"asked": 1_790_000_000_000, "again": True}, True),
        (None, False),
        ([], False),
        ("x", False),
        ({}, False),
        ({"asked": "7", "again": False}, False),
        ({"asked": -1, "again": False}, False),
        ({"asked": 7, "again": 1}, False),
        ({"asked": 7, "again": False, "more": 1}, False),
    ],
)
def test_requests_of_pages(value: Any, is_valid: bool) -> None:
    assert (read_request(JobRequest, value) is not None) == is_valid


def test_news_hold_the_values_of_the_request() -> None:
    news = JobNews(state=JobState.RUNNING, done=1, total=3)
    assert news.answer(JobRequest(asked=7, again=True)) == {
        **{"asked": 7, "again": True, "state": "running", "done": 1, "total": 3},
        **{"message": "", "cancelling": False},
    }


def test_a_job_is_followed_at_each_look_until_it_ends(store: Store) -> None:
    study = add_row(store, 1)
    steps: list[Callable[[int], object]] = [
        lambda job: table.claim(store, "w"),
        lambda job: table.renew(store, job, "w", progress=(1, 6, "Slice 2 of 3")),
        lambda job: table.cancel(store, job),
        lambda job: table.end(store, job, "w", JobState.CANCELLED),
    ]
    seen: list[Any] = []

    def look(news: JobNews) -> None:
        seen.append((news.state, news.done, news.message, news.cancelling))
        job = table.submit(store, study)
        steps.pop(0)(job)

    last = follow(store, lambda: table.submit(store, study), look, pause_s=0)
    assert seen == [
        ("queued", 0, "", False),
        ("running", 0, "", False),
        ("running", 1, "Slice 2 of 3", False),
        ("running", 1, "Slice 2 of 3", True),
    ]
    assert last == JobNews(state=JobState.CANCELLED, done=1, total=6)


def test_a_job_that_cannot_be_done_fails_with_its_sentence(store: Store) -> None:
    last = follow(store, lambda: table.submit(store, "0" * 16), pytest.fail)
    assert last.state == JobState.FAILED
    assert last.message.endswith(".")


def test_a_job_that_is_deleted_with_its_study_was_cancelled(store: Store) -> None:
    study = add_row(store, 1)
    last = follow(
        store, lambda: table.submit(store, study), lambda _: store.delete_study(study), pause_s=0
    )
    assert last.state == JobState.CANCELLED


def test_while_the_database_is_away_a_page_hears_nothing_and_asks_again(store: Store) -> None:
    def away() -> int:
        raise OperationalError("", {}, Exception())

    with pytest.raises(PreventUpdate):
        follow(store, away, pytest.fail)
