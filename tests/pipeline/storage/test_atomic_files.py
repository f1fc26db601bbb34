import json
import os
import time
from pathlib import Path

import pytest

from pipeline.storage.atomic_files import (
    remove_leftovers,
    replacing,
    replacing_folder,
    write_json,
    write_once,
)


def test_json_replaces_the_older_file(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    write_json(path, {"a": 1})
    write_json(path, {"b": "é"})
    assert json.loads(path.read_text(encoding="utf-8")) == {"b": "é"}
    assert [p.name for p in tmp_path.iterdir()] == ["results.json"]


@pytest.mark.parametrize("content", [{"a": float("nan")}, {"a": float("inf")}, {"a": object()}])
def test_what_is_no_json_leaves_the_older_file(tmp_path: Path, content: object) -> None:
    path = tmp_path / "results.json"
    write_json(path, {"a": 1})
    with pytest.raises((ValueError, TypeError)):
        write_json(path, content)
    assert json.loads(path.read_text()) == {"a": 1}
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"a": 1, "b": "x"}, '{"a": 1, "b": "x"}'),
        ([], "[]"),
        (
            {"rows": [{"a": 1, "b": None}, {"a": 2, "b": [0.5, 1]}], "n": 2},
            '{\n "rows": [\n  {"a": 1, "b": null},\n  {\n   "a": 2,\n   "b": [0.5, 1]\n  }\n ],'
            '\n "n": 2\n}',
        ),
        ({1: {"é": ()}}, '{\n "1": {\n  "é": []\n }\n}'),
    ],
)
def test_a_row_is_a_line(tmp_path: Path, content: object, text: str) -> None:
    path = tmp_path / "rows.json"
    write_json(path, content)
    assert path.read_text("utf-8") == text + "\n"
    assert json.loads(text) == json.loads(json.dumps(content))
    write_json(path, content, lines=False)
    assert path.read_text("utf-8").count("\n") == 1


def test_a_writer_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), replacing(tmp_path / "mask.nii.gz") as temporary:
        assert temporary.name.endswith(".nii.gz")
        temporary.write_bytes(b"half")
        raise RuntimeError
    assert not list(tmp_path.iterdir())


def test_what_a_killed_writer_left_is_deleted_when_it_is_old(tmp_path: Path) -> None:
    (tmp_path / ".part-1-00000000-case").mkdir()
    (tmp_path / ".part-1-00000000-case" / "pixels.npy").write_bytes(b"half")
    for name in (".part-2-00000000-a.json", ".part-3-00000000-b.json", "a.json"):
        (tmp_path / name).write_bytes(b"{}")
    for name in (".part-1-00000000-case", ".part-2-00000000-a.json", "a.json"):
        os.utime(tmp_path / name, (time.time() - 7200,) * 2)
    assert remove_leftovers(tmp_path, older_than_s=3600) == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == [".part-3-00000000-b.json", "a.json"]


def test_a_disk_that_fails_at_the_end_leaves_the_older_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_json(tmp_path / "a.json", {"a": 1})
    with replacing_folder(tmp_path / "case") as draft:
        (draft / "pixels").write_bytes(b"old")

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError):
        write_json(tmp_path / "a.json", {"a": 2})
    with pytest.raises(OSError), replacing_folder(tmp_path / "case") as draft:
        (draft / "pixels").write_bytes(b"new")
    with pytest.raises(OSError):
        write_once(tmp_path / "secret", "x")
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": 1}
    assert (tmp_path / "case" / "pixels").read_bytes() == b"old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.json", "case"]
