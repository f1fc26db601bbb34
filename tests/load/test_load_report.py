from __future__ import annotations

import random

import pytest

from .measures import Measures
from .reading_model import ReadingModel, passes
from .report import ProcessUse, Tally, percentile, table


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([], 95, 0.0),
        ([7.0], 50, 7.0),
        (list(range(1, 101)), 50, 50),
        (list(range(1, 101)), 95, 95),
        (list(range(1, 101)), 99, 99),
        ([3.0, 1.0, 2.0], 50, 2.0),
        ([1.0, 2.0], 95, 2.0),
    ],
)
def test_percentile_is_a_value_that_was_measured(
    values: list[float], share: float, expected: float
) -> None:
    assert percentile(values, share) == expected


def tally() -> Tally:
    made = Tally()
    for time in range(1, 11):
        made.hear("POST", "callback: page", time, 100)
    made.hear("POST", "callback: cancel", 50, 10, RuntimeError("500"))
    made.hear("GET", "slice image", 5, 1000)
    made.hear("SPAN", "opened: first slice in view", 70, 0)
    made.hear("SPAN", "analysis: opened to overlay", 700, 0)
    return made


def test_callbacks_are_summed_up_and_spans_are_no_requests() -> None:
    rows = {row.kind: row for row in tally().rows()}
    whole = rows["callback (all)"]
    assert (whole.count, whole.errors, whole.p50_ms, whole.p95_ms) == (11, 1, 6.0, 50.0)
    assert rows["callback: page"].errors == 0
    assert tally().requests() == 12
    assert "| callback (all) | 11 | 1 | 6 | 50 | 50 |" in table(tally().rows())


def test_measures_can_be_checked_by_hand() -> None:
    uses = {"web": ProcessUse(cpu_s=0.6), "worker": ProcessUse(cpu_s=3.0)}
    found = Measures.of(tally(), uses, seconds=30, reviewers=4, stored=None)  # 2 reviewer-minutes
    assert found.requests_per_reviewer_minute == 6.0
    assert found.callbacks_per_reviewer_minute == 5.5
    assert found.web_cpu_ms_per_request == 50.0
    assert found.web_cpu_s_per_reviewer_minute == 0.3
    assert found.bytes_sent_per_study == 2010
    assert found.worker_cpu_s_per_study == 3.0


def test_every_slice_is_seen_twice() -> None:
    for seed in range(20):
        order = passes(random.Random(seed), 36, 18)
        assert sorted(order) == sorted([*range(36), *range(36)])


def test_the_model_says_what_it_is() -> None:
    words = ReadingModel().in_words()
    assert "30 to 60 s" in words
    assert "10% of rounds upload 36 slices" in words
