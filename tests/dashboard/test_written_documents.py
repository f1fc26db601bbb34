"""Documents that repeat something of the code say what the code says."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pipeline
from dashboard.document import describe_settings, make_documents
from dashboard.workspace.settings import VARIABLES


def test_documents_are_as_the_code_is() -> None:
    for path, text in make_documents().items():
        assert path.read_text("utf-8") == text, f"{path.name}: run python -m dashboard.document"


def test_table_has_a_row_for_each_setting() -> None:
    heads, _, *rows = (line.split(" | ") for line in describe_settings().splitlines())
    assert {len(row) for row in (heads, *rows)} == {4}
    assert [row[0].strip("| `") for row in rows] == list(VARIABLES)
    by_name = {row[0].strip("| `"): row[1:3] for row in rows}
    assert by_name["OVERREAD_PORT"] == ["`8050`", "1 to 65,535"]
    assert by_name["OVERREAD_HOME"] == ["`./workspace`", "path"]
    assert by_name["OVERREAD_DEMO"] == ["`yes`", "yes, no"]
    assert by_name["OVERREAD_PRECISION"] == ["`auto`", "auto, f32, bf16, int8"]
    assert by_name["OVERREAD_SECRET"] == ["not set", "text"]


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))
    assert pipeline.__version__ == project["project"]["version"]
