"""benchmark.json: what was timed, as types, and where it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Discriminator, Field, with_config

from pipeline.benchmark.statistics import Ratio
from pipeline.storage.checked_json import STRICT, read_json
from pipeline.storage.field_types import Count, Digest, Name, Text

FILE = "benchmark.json"
COMMAND = "python -m pipeline benchmark"
#: A time, a rate or an amount of memory.
Positive = Annotated[float, Field(gt=0)]


@dataclass(frozen=True)
class TimedNetwork:
    """The network that answered."""

    name: Name
    version: Name
    digest: Digest


@dataclass(frozen=True, kw_only=True)
class MeasuredRoute:
    """One way to answer, timed.

    Attributes:
        route, label: Name in `pipeline.benchmark.routes`, and as a table shows it.
        precision: Of its arithmetic.
        rounds: How often it answered.
        p50_ms, p95_ms: Percentiles of a whole answer.
        engine_p50_ms: Median of the time inside the runtime; None where a whole command is timed.
        slices_per_s: At the median.
        first_answer_s: From the start of its process; None likewise.
        memory_mb: Most that its process held.
        times_faster_than: How many times faster it is than another route, by that route's name.
        over_engine: How many times the runtime's own time a whole answer takes; None likewise.
    """

    route: Name
    label: Text
    precision: Name
    status: Literal["measured"] = "measured"
    rounds: Count
    p50_ms: Positive
    p95_ms: Positive
    engine_p50_ms: Positive | None
    slices_per_s: Positive
    first_answer_s: Positive | None
    memory_mb: Positive
    times_faster_than: Mapping[Name, Ratio]
    over_engine: Ratio | None


#: Why a route was not measured.
MissingReason = Literal["not installed", "not computed by this processor", "without ranges"]


@dataclass(frozen=True, kw_only=True)
class MissingRoute:
    """A way to answer that was not measured, and why."""

    route: Name
    label: Text
    status: MissingReason = "not installed"


@dataclass(frozen=True)
class TimedTask:
    """What was answered, and how fast by each route."""

    name: Name
    label: Text
    slices: Count
    routes: tuple[Annotated[MeasuredRoute | MissingRoute, Discriminator("status")], ...]


@dataclass(frozen=True)
class TimedLoop:
    """One training loop."""

    loop: Name
    label: Text
    images_per_s: Positive


@dataclass(frozen=True, kw_only=True)
class TimedTraining:
    """The training loops, and how many times faster ours is."""

    status: Literal["measured"] = "measured"
    rounds: Count
    loops: tuple[TimedLoop, ...]
    times_faster: Ratio


@dataclass(frozen=True, kw_only=True)
class TrainingNotRun:
    """Training loops that were left out."""

    status: Literal["not run"] = "not run"
    command: Text = COMMAND


@with_config(STRICT)
@dataclass(frozen=True, kw_only=True)
class BenchmarkResults:
    """The whole file.

    Attributes:
        network: The network that answered.
        environment: Where, when, how and on what.
        tasks: What was answered.
        training: The training loops.
    """

    schema: Literal[1] = 1
    network: TimedNetwork
    environment: Mapping[Name, Text]
    tasks: tuple[TimedTask, ...]
    training: Annotated[TimedTraining | TrainingNotRun, Discriminator("status")]


def read_benchmark(models_dir: Path) -> BenchmarkResults | None:
    """Read the benchmark in a models folder; None where it is missing.

    Raises:
        InputError: It is not valid.
    """
    return read_json(
        Path(models_dir) / FILE, BenchmarkResults, shown=FILE, remedy="run the benchmark again"
    )
