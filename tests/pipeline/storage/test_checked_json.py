"""Fields of an untrusted JSON object."""

import math

import pytest

from pipeline import Fields, InputError


@pytest.mark.parametrize("value", [2, 5, 5.0])
def test_whole_numbers_are_read(value: float) -> None:
    read = Fields({"size": value}, "a.json").whole("size", 2, 5)
    assert read == value
    assert type(read) is int


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        (1, "size must be from 2 to 5"),
        (6, "size must be from 2 to 5"),
        (2.5, "size must be a whole number"),
        (math.nan, "size must be from 2 to 5"),
        (math.inf, "size must be from 2 to 5"),
        (True, "size must be from 2 to 5"),
        ("3", "size must be from 2 to 5"),
        (None, "size must be from 2 to 5"),
    ],
)
def test_other_values_are_refused(value: object, rule: str) -> None:
    with pytest.raises(InputError) as refused:
        Fields({"size": value}, "a.json").whole("size", 2, 5)
    assert refused.value.message == f"a.json does not fit: {rule}."
