"""The table of security requirements names tests that there are, and leaves nothing open."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TABLE = (ROOT / "docs" / "asvs.md").read_text("utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TABLE.splitlines()
    if re.match(r"\| \d", line)
]
STATES = {"met", "partly", "not met", "operator", "no such part"}


def test_every_test_that_is_named_exists() -> None:
    named = re.findall(r"`(tests/[^`:]+)::(\w+)`", TABLE)
    assert len(named) > 80
    for path, name in named:
        assert re.search(rf"^def {name}\(", (ROOT / path).read_text("utf-8"), re.MULTILINE), name


def test_every_requirement_has_a_state_and_a_test_or_a_reason() -> None:
    for requirement, level, state, text in ROWS:
        assert level in ("1", "2") and state in STATES, requirement
        assert text, requirement


def test_what_is_met_is_shown_by_a_test_or_a_file() -> None:
    for requirement, _, state, text in ROWS:
        linked = re.findall(r"\]\(([^)#]+)\)", text)
        assert all((ROOT / "docs" / path).exists() for path in linked), requirement
        if state in ("met", "partly"):
            assert linked or re.search(r"`tests/[^`]+::\w+`", text), requirement


def test_every_chapter_is_there_and_no_requirement_twice() -> None:
    numbers = [number for row in ROWS for number in re.findall(r"\d+\.\d+\.\d+", row[0])]
    assert len(numbers) == len(set(numbers))
    assert {number.split(".")[0] for number in numbers} == {str(k) for k in range(1, 18)}
