from __future__ import annotations

import pickle
import sqlite3
import threading
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pytest
from dash import html
from fake_server import wait_for

from dashboard.jobs.callbacks import ThreadManager


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


def start(manager: Any, fn: Any, *, progress: bool = True) -> tuple[int, str]:
    """Start a callback as Dash does; returns its handle and its cache key."""
    key = manager.build_cache_key(fn, [], [], None)
    job = manager.call_job_fn(key, manager.make_job_fn(fn, progress), [], {})
    return job, key


def test_a_callback_tells_progress_and_result(tmp_path: Path) -> None:
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


def test_unknown_handles_are_no_jobs(tmp_path: Path) -> None:
    manager = ThreadManager(tmp_path / "background")
    for job in (None, "", "x", "12345"):
        assert not manager.job_running(job)
        manager.terminate_job(job)
        assert manager.terminate_unhealthy_job(job) is False


def test_a_failing_callback_is_handed_to_dash(tmp_path: Path) -> None:
    manager = ThreadManager(tmp_path / "background")

    def callback() -> None:
        raise RuntimeError("why")

    job, key = start(manager, callback, progress=False)
    wait_for(lambda: manager.result_ready(key))
    assert manager.get_result(key, str(job))["background_callback_error"]["msg"] == "why"
