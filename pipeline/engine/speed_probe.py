"""How many requests at once are fastest on this machine: measured once, stored with the export.

One request on all cores makes them wait for each other at every layer; a request for each core does
not, and loses nothing where other processes take a core now and then. Which is faster depends on
the processor, its memory and what else it does, so that it is measured when a network is first
loaded, on a batch like those of a study.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, with_config

from pipeline.engine.base import StageModel
from pipeline.errors import InputError
from pipeline.storage.checked_json import STRICT, read_json, write_document
from pipeline.storage.field_types import Digest

_LOG = logging.getLogger(__name__)
PROBE_FILE = "speed.json"
#: Slices answered at once; requests beyond have nothing to do.
_BATCH = 4
#: Part of the side that a usual head takes.
_HEAD_SHARE = 0.75
_ROUNDS = 5
#: More requests must be faster by this part, or noise would choose.
_LEAST_GAIN = 0.03
_INSTRUCTIONS = (
    "avx2",
    "fma",
    "avx_vnni",
    "avx512f",
    "avx512_vnni",
    "avx512_bf16",
    "amx_int8",
    "amx_bf16",
)
_Streams = Annotated[int, Field(ge=1, le=1024)]


@with_config(STRICT)
@dataclass(frozen=True, kw_only=True)
class SpeedProbe:
    """speed.json: what was measured, and what follows.

    Attributes:
        machine: Digest of what decides it; see `machine_digest`.
        streams: Requests at once that were fastest.
        ms_per_slice: By the number of requests, the median of stage one alone.
    """

    schema: Literal[1] = 1
    machine: Digest
    streams: _Streams
    ms_per_slice: dict[str, Annotated[float, Field(gt=0)]]


def instruction_sets() -> list[str]:
    """Those of the processor that decide how fast a network runs, as Linux names them."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return []
    flags = next((line.partition(":")[2].split() for line in lines if line.startswith("flags")), [])
    return [name for name in _INSTRUCTIONS if name in flags]


def computes_bfloat16(instructions: Collection[str]) -> bool:
    """Whether a processor with these `instruction_sets` computes bfloat16 itself."""
    return bool({"avx512_bf16", "amx_bf16"} & set(instructions))


def machine_digest(*decides: object) -> str:
    """Digest of the processor that the system describes, of its cores, and of what is given."""
    try:
        described = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        described = []
    kept = {line for line in described if line.startswith(("model name", "flags"))}
    parts = [sorted(kept), os.cpu_count(), *map(str, decides)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def choose_streams(
    folder: Path,
    open_stage: Callable[[int], StageModel],
    *,
    threads: int | None,
    shape: Sequence[int],
    machine: str,
) -> int:
    """Requests at once that are fastest on this machine.

    Args:
        folder: Of what was compiled for this machine; the measurement is stored there.
        open_stage: Loads stage one for a number of requests at once.
        threads: CPU threads that may be used; None is all.
        shape: Height, width and channels of a slice.
        machine: From `machine_digest`.
    """
    candidates = [n for n in (1, 2, 4) if n <= min(threads or os.cpu_count() or 1, _BATCH)]
    if len(candidates) == 1:
        return candidates[0]
    path = folder / PROBE_FILE
    found = read_probe(path)
    if found is not None and found.machine == machine and found.streams in candidates:
        return found.streams
    times = _time(open_stage, candidates, shape)
    streams = fastest(times)
    probe = SpeedProbe(
        machine=machine,
        streams=streams,
        ms_per_slice={str(n): seconds / _BATCH * 1000 for n, seconds in times.items()},
    )
    _LOG.info("Requests at once: %d (ms per slice: %s).", streams, probe.ms_per_slice)
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        write_document(path, probe)
    except OSError as error:
        _LOG.warning("The speed of this machine could not be stored: %s", error.strerror)
    return streams


def read_probe(path: Path) -> SpeedProbe | None:
    """What was measured before; None where nothing was, or where the file is not valid."""
    try:
        return read_json(path, SpeedProbe, shown=path.name, remedy="it is measured again")
    except InputError as error:
        _LOG.warning("%s", error.message)
        return None


def fastest(seconds: dict[int, float]) -> int:
    """The fewest requests of those that no other number beats clearly."""
    best = min(seconds.values())
    return min(n for n, one in seconds.items() if one * (1 - _LEAST_GAIN) <= best)


def _time(
    open_stage: Callable[[int], StageModel], candidates: Sequence[int], shape: Sequence[int]
) -> dict[int, float]:
    """Median seconds for a batch by the number of requests; they take turns."""
    height, width, channels = shape
    part = max(int(width * _HEAD_SHARE) // 32 * 32, min(width, 32))
    batch = np.random.default_rng(0).normal(size=(_BATCH, height, part, channels))
    given = [batch.astype(np.float32)]
    stages = {n: open_stage(n) for n in candidates}
    times: dict[int, list[float]] = {n: [] for n in candidates}
    for k in range(-1, _ROUNDS):
        for n, stage in stages.items():
            began = time.perf_counter()
            stage.predict(given)
            if k >= 0:
                times[n].append(time.perf_counter() - began)
    return {n: float(np.median(values)) for n, values in times.items()}
