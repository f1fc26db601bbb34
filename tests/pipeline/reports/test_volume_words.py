"""Words of volumes, their ranges and their changes, as pages have them."""

from __future__ import annotations

import pytest
from shared_cases import read_cases

from pipeline.reports.volume_words import (
    difference_words,
    ml_words,
    number_words,
    range_words,
    share_words,
)

TABLE = read_cases("amounts")


@pytest.mark.parametrize("case", TABLE["words"], ids=str)
def test_volumes_of_the_shared_table_in_words(case: dict[str, float | str]) -> None:
    assert ml_words(case["ml"]) == case["words"]


@pytest.mark.parametrize("case", TABLE["numbers"], ids=str)
def test_numbers_of_the_shared_table_in_words(case: dict[str, float | str]) -> None:
    assert number_words(case["value"], int(case["digits"])) == case["words"]


@pytest.mark.parametrize("case", TABLE["ranges"], ids=str)
def test_ranges_of_the_shared_table_in_words(case: dict[str, float | str]) -> None:
    assert range_words(case["low"], case["high"]) == case["words"]


@pytest.mark.parametrize("case", TABLE["changes"], ids=str)
def test_changes_of_the_shared_table_in_words(case: dict[str, float | str]) -> None:
    now, before = case["now"], case["before"]
    assert difference_words(now, before) == case["difference"]
    assert share_words(now, before) == case["share"]
