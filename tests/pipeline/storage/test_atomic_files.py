import json
from pathlib import Path

import pytest

from pipeline.storage.atomic_files import replacing, write_json


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
