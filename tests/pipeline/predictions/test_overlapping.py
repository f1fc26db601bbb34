"""Three stages at once: order, bounds, and every way to end."""

import threading
from collections.abc import Generator

import pytest

from pipeline.predictions import overlapping
from pipeline.predictions.overlapping import overlap


def count_to(n: int, made: list[int]) -> Generator[int, None, None]:
    for k in range(n):
        made.append(k)
        yield k


def test_every_item_passes_all_stages_in_order() -> None:
    kept: list[int] = []
    overlap(count_to(50, []), lambda k: k * k if k % 2 else None, kept.append)
    assert kept == [k * k for k in range(50) if k % 2]


def test_stages_run_side_by_side() -> None:
    met = threading.Barrier(3, timeout=20)

    def items() -> Generator[int, None, None]:
        for k in range(3):
            if k == 2:
                met.wait()
            yield k

    def work(k: int) -> int:
        if k == 1:
            met.wait()
        return k

    def keep(k: int) -> None:
        if k == 0:
            met.wait()

    overlap(items(), work, keep)
    assert not met.broken


@pytest.mark.parametrize(
    ("size", "ahead"), [(0, overlapping.WAITING_ITEMS), (overlapping.WAITING_BYTES, 1)]
)
def test_what_waits_is_bounded(size: int, ahead: int) -> None:
    made: list[int] = []
    furthest = []

    def work(k: int) -> None:
        threading.Event().wait(0.02)
        furthest.append(len(made) - k)

    overlap(count_to(20, made), work, print, size_of=lambda _: size)
    # The item at work, those that wait, and one that is made already and finds no room.
    assert max(furthest) <= ahead + 2


@pytest.mark.parametrize("stage", ["make", "work", "keep"])
def test_an_error_of_any_stage_ends_all_and_is_raised(stage: str) -> None:
    made: list[int] = []
    kept: list[int] = []

    def fail(k: int, here: str) -> int:
        if here == stage and k == 3:
            raise OSError(stage)
        return k

    def items() -> Generator[int, None, None]:
        for k in count_to(10_000, made):
            yield fail(k, "make")

    with pytest.raises(OSError, match=stage):
        overlap(items(), lambda k: fail(k, "work"), lambda k: kept.append(fail(k, "keep")))
    assert kept == [0, 1, 2]
    assert len(made) < 100


def test_what_was_worked_on_is_kept_when_the_caller_is_interrupted() -> None:
    kept: list[int] = []
    closed = threading.Event()
    stopped: list[bool] = []

    def items() -> Generator[int, None, None]:
        try:
            yield from range(10_000)
        finally:
            closed.set()

    def work(k: int) -> int:
        if k == 5:
            raise KeyboardInterrupt
        return k

    def keep(k: int) -> None:
        threading.Event().wait(0.01)
        kept.append(k)

    with pytest.raises(KeyboardInterrupt):
        overlap(items(), work, keep, stop=lambda: stopped.append(True))
    assert kept == [0, 1, 2, 3, 4]
    assert closed.is_set()
    assert stopped == [True]
