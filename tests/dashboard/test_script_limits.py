"""What the browser's modules have as a copy: each is compared with the server's own."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from dashboard.api.measurements import LONGEST_TEXT, MOST_POINTS
from dashboard.api.worklist import MOST_CHOSEN
from dashboard.pages.review.tool_bar import PRESETS, PROJECTIONS

SCRIPTS = Path(__file__).resolve().parents[2] / "assets" / "js"
COPIES = [
    ("measure/arrow_text.js", "LONGEST", LONGEST_TEXT),
    ("measure/measure_tools.js", "MOST_POINTS", MOST_POINTS),
    ("worklist/chosen.js", "MOST", MOST_CHOSEN),
    ("viewer/projection.js", "SIZES", [int(value) for value, _ in PROJECTIONS]),
    ("viewer/window_presets.js", "NAMES", [name for name, _ in PRESETS if name != "custom"]),
]


@pytest.mark.parametrize(("module", "name", "expected"), COPIES, ids=lambda value: str(value)[:30])
def test_a_copy_is_the_value_of_the_server(module: str, name: str, expected: object) -> None:
    text = (SCRIPTS / module).read_text("utf-8")
    (found,) = re.findall(rf"^(?:export )?const {name} = ([^;]+);", text, re.MULTILINE)
    assert json.loads(found) == expected
