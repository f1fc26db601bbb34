from __future__ import annotations

import pickle
import sqlite3
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pytest
from dash import html

from dashboard.background import ForeignEntry, build_background_manager


@pytest.mark.parametrize(
    "value", [[1, "two", None, {"three": 3.5}], {"a": [True]}, "text", 7, "x" * 100_000, "ü\ud83e"]
)
def test_values_round_trip(tmp_path: Path, value: Any) -> None:
    cache = build_background_manager(tmp_path / "background").handle
    cache.set("key", value)
    assert cache.get("key") == value


def test_components_and_figures_become_what_the_browser_gets(tmp_path: Path) -> None:
    cache = build_background_manager(tmp_path / "background").handle
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
    cache = build_background_manager(folder).handle
    plant(folder, mode=4, value=pickle.dumps(Trap(tmp_path / "sprung")))
    with pytest.raises(ForeignEntry, match="no JSON"):
        cache.get("key")
    assert not (tmp_path / "sprung").exists()


def test_a_planted_pickled_key_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "background"
    cache = build_background_manager(folder).handle
    connection = sqlite3.connect(folder / "cache.db")
    connection.execute(
        "INSERT INTO Cache(key, raw, store_time, access_time, mode, value)"
        " VALUES (?, 0, 0, 0, 1, '1')",
        (pickle.dumps(Trap(tmp_path / "sprung")),),
    )
    connection.commit()
    connection.close()
    with pytest.raises(ForeignEntry, match="no text"):
        list(cache)
    assert not (tmp_path / "sprung").exists()


def test_files_elsewhere_are_neither_read_nor_deleted(tmp_path: Path) -> None:
    folder = tmp_path / "background"
    cache = build_background_manager(folder).handle
    (tmp_path / "foreign").write_text('"secret"')
    plant(folder, mode=3, value=None, filename="../foreign")
    with pytest.raises(ForeignEntry, match="not its own"):
        cache.get("key")
    cache.delete("key")
    assert (tmp_path / "foreign").exists()


def test_only_json_goes_in(tmp_path: Path) -> None:
    cache = build_background_manager(tmp_path / "background").handle
    with pytest.raises(TypeError):
        cache.set("key", object())
    with pytest.raises(TypeError, match="keys must be text"):
        cache.set(("a", 1), "value")


def test_folder_is_its_owners_only(tmp_path: Path) -> None:
    build_background_manager(tmp_path / "background")
    assert (tmp_path / "background").stat().st_mode & 0o777 == 0o700
