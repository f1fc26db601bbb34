"""Between which values the measures of the training patients' pictures lie.

``python -m pipeline measure-inputs`` writes them beside this module.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pipeline.input_gate.measures import InputMeasures
from pipeline.storage.checked_json import Fields, read_json_object

RANGES_FILE = Path(__file__).with_name("ranges.json")
SCHEMA = 1
#: A case may lie outside the training patients' range by this part of it, and at least by so much:
#: a range of some sixty patients ends where the next one begins.
_MARGIN = 0.25
LEAST_MARGIN = {"saturated": 0.02, "corner": 0.1}


@dataclass(frozen=True)
class InputRanges:
    """Ranges of the training patients.

    Attributes:
        split: Such as ``fold 1``; the patients are those that its network learned from.
        patients: How many.
        ranges: Lowest and highest value of each of `InputMeasures`.
    """

    split: str
    patients: int
    ranges: dict[str, tuple[float, float]]

    def outside(self, name: str, value: float) -> int:
        """-1 where a value lies below the range and its margin, 1 above, else 0."""
        low, high = self.ranges[name]
        if name == "slices":  # a number that spans more than its lowest value: by its parts
            return int(value > high * (1 + _MARGIN)) - int(value < low * (1 - _MARGIN))
        margin = max(_MARGIN * (high - low), LEAST_MARGIN.get(name, 0.0))
        return int(value > high + margin) - int(value < low - margin)

    def words(self, name: str) -> str:
        """The range as a reader sees it."""
        low, high = (round(value) for value in self.ranges[name])
        return f"{low} to {high}"


@lru_cache(maxsize=1)
def shipped_ranges() -> InputRanges:
    """The ranges that are committed with the program.

    Raises:
        InputError: They do not fit.
    """
    return read_ranges(RANGES_FILE)


def read_ranges(path: Path) -> InputRanges:
    """Read ranges that ``measure-inputs`` wrote.

    Raises:
        InputError: They are missing or do not fit.
    """
    fields = Fields(read_json_object(path, path.name) or {}, path.name)
    fields.require(fields.get("schema") == SCHEMA, f"schema must be {SCHEMA}")
    stated = fields.mapping("ranges")
    names = list(InputMeasures.__dataclass_fields__)
    fields.require(stated.keys() == set(names), f"ranges must be of {', '.join(names)}")
    ranges: dict[str, tuple[float, float]] = {}
    for name in names:
        pair: Any = stated.get(name)
        fits = isinstance(pair, list) and len(pair) == 2
        fits = fits and all(type(v) in (int, float) and abs(v) < 1e9 for v in pair)
        fields.require(fits and pair[0] <= pair[1], f"{name} must be a range")
        ranges[name] = (float(pair[0]), float(pair[1]))
    split = fields.text("split", re.compile(r"[a-z0-9 -]{1,40}"))
    return InputRanges(split, fields.whole("patients", 1, 10**6), ranges)
