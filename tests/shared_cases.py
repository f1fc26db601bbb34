"""Tables of cases that the tests of both languages run: ``tests/cases/*.json``.

`tests/js/support.js` reads the same files for the page's scripts.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_FOLDER = Path(__file__).parent / "cases"


def read_cases(name: str) -> Any:
    """What a table holds; its field ``about`` says what its cases are."""
    return json.loads((_FOLDER / f"{name}.json").read_text("utf-8"))


def read_picture(rows: list[str]) -> NDArray[np.bool_]:
    """A mask ``(h, w)`` from its rows, ``#`` inside."""
    return np.array([[letter == "#" for letter in row] for row in rows])
