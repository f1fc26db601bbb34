"""Ranges of what is measured in the images of the training patients.

``python -m pipeline measure-inputs`` writes them next to this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, with_config

from pipeline.errors import InputError
from pipeline.input_gate.measures import InputMeasures
from pipeline.storage.checked_json import STRICT, read_json
from pipeline.storage.field_types import Name, Number, Text

RANGES_FILE = Path(__file__).with_name("ranges.json")
#: A case may lie outside the training patients' range by this part of it, and at least by so much:
#: a range of some sixty patients ends where the next one begins.
_MARGIN = 0.25
#: A case further outside than so many margins, a whole width of the range, is unlike the training
#: patients. Chosen beforehand: no held-out patient of the LGG set is outside by even one margin.
FAR_MARGINS = 4
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
        margin = self._margin(name)
        return int(value > high + margin) - int(value < low - margin)

    def is_far(self, name: str, value: float) -> bool:
        """Whether a value lies so far outside the range that nothing is claimed of the result."""
        low, high = self.ranges[name]
        return max(value - high, low - value) > FAR_MARGINS * self._margin(name)

    def _margin(self, name: str) -> float:
        low, high = self.ranges[name]
        return max(_MARGIN * (high - low), LEAST_MARGIN.get(name, 0.0))

    def words(self, name: str) -> str:
        """The range as a reader sees it."""
        low, high = (round(value) for value in self.ranges[name])
        return f"{low} to {high}"


@with_config(STRICT)
@dataclass(frozen=True, kw_only=True)
class RangesFile:
    """ranges.json.

    Attributes:
        data: The data set.
        split, part: Whose ranges they are, such as ``fold 1`` and ``train``.
        patients: How many.
        ranges: Lowest and highest value of each of `InputMeasures`.
    """

    schema: Literal[1] = 1
    data: Text
    split: Annotated[str, Field(pattern=r"^[a-z0-9 -]{1,40}\z")]
    part: Name
    patients: Annotated[int, Field(ge=1, le=10**6)]
    ranges: Mapping[str, tuple[Number, Number]]

    def __post_init__(self) -> None:
        if set(self.ranges) != set(InputMeasures.__dataclass_fields__):
            raise ValueError("must have a range of every measure")
        if any(low > high for low, high in self.ranges.values()):
            raise ValueError("must have ranges from a lowest to a highest value")


@lru_cache(maxsize=1)
def shipped_ranges() -> InputRanges:
    """The ranges that are committed with the program.

    Raises:
        InputError: They are not valid.
    """
    return read_ranges(RANGES_FILE)


def read_ranges(path: Path) -> InputRanges:
    """Read ranges that ``measure-inputs`` wrote.

    Raises:
        InputError: They are missing or not valid.
    """
    remedy = "run python -m pipeline measure-inputs"
    file = read_json(path, RangesFile, shown=path.name, remedy=remedy)
    if file is None:
        raise InputError(path.name, f"{path.name} is missing; {remedy}.")
    return InputRanges(file.split, file.patients, dict(file.ranges))
