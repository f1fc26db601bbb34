"""What `python -m pipeline benchmark` wrote into ``models/benchmark.json``, checked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dashboard.evaluation.estimates import (
    mappings,
    parse_estimate,
    parse_strings,
    parse_text,
)
from pipeline import InputError
from pipeline.evaluation.facade import Estimate

FILE, SCHEMA = "benchmark.json", 1


@dataclass(frozen=True)
class RouteTimes:
    """One way to answer, for one task; without times where its runtime was not installed.

    Attributes:
        label: The way.
        p50_ms, p95_ms: Times of a whole answer.
        slices_per_s: At the median.
        first_answer_s: From the start of its process.
        memory_mb: Most that its process held.
        over_published, over_tensorflow: How many times faster; None for these ways themselves.
        over_engine: How many times the runtime's own time a whole answer takes.
    """

    label: str
    p50_ms: float = math.nan
    p95_ms: float = math.nan
    slices_per_s: float = math.nan
    first_answer_s: float = math.nan
    memory_mb: float = math.nan
    over_published: Estimate | None = None
    over_tensorflow: Estimate | None = None
    over_engine: Estimate | None = None

    @property
    def measured(self) -> bool:
        """Whether it was timed."""
        return math.isfinite(self.slices_per_s)


@dataclass(frozen=True)
class TimedTask:
    """What was answered, and how fast by each way."""

    label: str
    routes: tuple[RouteTimes, ...]


@dataclass(frozen=True)
class TrainingTimes:
    """Images per second of each training loop by its label, and their ratio."""

    images_per_s: Mapping[str, float]
    times_faster: Estimate


@dataclass(frozen=True)
class Benchmark:
    """The whole file; ``digest`` names the weights that answered."""

    digest: str
    environment: Mapping[str, str]
    tasks: tuple[TimedTask, ...]
    training: TrainingTimes | None


def parse_benchmark(document: Mapping[str, Any]) -> Benchmark:
    """Check a document.

    Raises:
        InputError: It does not fit; the message is a sentence for the reader.
    """
    if document.get("schema") != SCHEMA:
        raise InputError(FILE, f"{FILE} is of another version; run the benchmark again.")
    network = document.get("network")
    try:
        return Benchmark(
            digest=parse_text(network.get("digest")) if isinstance(network, Mapping) else "",
            environment=parse_strings(document.get("environment")),
            tasks=tuple(_task(task) for task in mappings(document.get("tasks"))),
            training=_training(document.get("training")),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        raise InputError(FILE, f"{FILE} does not fit; run the benchmark again.") from None


def _task(task: Mapping[str, Any]) -> TimedTask:
    return TimedTask(
        parse_text(task.get("label")),
        tuple(_route(route) for route in mappings(task.get("routes"))),
    )


def _route(route: Mapping[str, Any]) -> RouteTimes:
    label = parse_text(route.get("label"))
    if route.get("status") != "measured":
        return RouteTimes(label)
    over = route["times_faster_than"]
    return RouteTimes(
        label,
        p50_ms=_positive(route["p50_ms"]),
        p95_ms=_positive(route["p95_ms"]),
        slices_per_s=_positive(route["slices_per_s"]),
        first_answer_s=_positive(route["first_answer_s"]),
        memory_mb=_positive(route["memory_mb"]),
        over_published=_ratio(over.get("published")),
        over_tensorflow=_ratio(over.get("tensorflow")),
        over_engine=_ratio(route.get("over_engine")),
    )


def _training(part: object) -> TrainingTimes | None:
    if not isinstance(part, Mapping) or part.get("status") != "measured":
        return None
    loops = {
        parse_text(loop.get("label")): _positive(loop["images_per_s"])
        for loop in mappings(part.get("loops"))
    }
    return TrainingTimes(loops, parse_estimate(part["times_faster"]))


def _ratio(value: object) -> Estimate | None:
    return None if value is None else parse_estimate(value)


def _positive(value: object) -> float:
    number = float(value)  # type: ignore[arg-type]
    if not (math.isfinite(number) and number > 0):
        raise ValueError("times are positive")
    return number
