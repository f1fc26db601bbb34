"""Mutants of sound files, read one by one: what crashes, hangs, or ends without a word."""

from __future__ import annotations

import random
import struct
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz.measured_reading import Measured, Outcome, start_measured

#: Processor time of one file from which it counts as hanging.
HANG_S = 5.0
_WALL_S = 60.0
_MEMORY_MB = 1024
#: Numbers that break arithmetic on sizes.
_EXTREMES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
#: What `pipeline.data.reading.batches` says where a reader raised what nobody foresaw.
UNFORESEEN = "damaged or of an unknown kind"

Mutation = Callable[[bytearray, random.Random, bytes], None]


def _flip(data: bytearray, chance: random.Random, other: bytes) -> None:
    for _ in range(chance.choice((1, 1, 1, 2, 4, 16))):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _set_number(data: bytearray, chance: random.Random, other: bytes) -> None:
    order, kind = chance.choice("<>"), chance.choice("BHHII")
    size, number = struct.calcsize(kind), chance.choice(_EXTREMES)
    place = chance.randrange(max(1, min(len(data), chance.choice((64, 512, 1 << 30))) - size + 1))
    data[place : place + size] = struct.pack(order + kind, number & ((1 << 8 * size) - 1))


def _cut(data: bytearray, chance: random.Random, other: bytes) -> None:
    del data[chance.randrange(1, len(data)) :]


def _drop(data: bytearray, chance: random.Random, other: bytes) -> None:
    place = chance.randrange(len(data))
    del data[place : place + chance.choice((1, 2, 4, 16, 256))]


def _repeat(data: bytearray, chance: random.Random, other: bytes) -> None:
    place = chance.randrange(len(data))
    part = bytes(data[place : place + chance.choice((1, 4, 16, 64, 256))])
    data[place:place] = part * chance.choice((1, 1, 3, 50))


def _blank(data: bytearray, chance: random.Random, other: bytes) -> None:
    place, size = chance.randrange(len(data)), chance.choice((4, 16, 64, 256))
    data[place : place + size] = bytes([chance.choice((0, 255))]) * len(data[place : place + size])


def _noise(data: bytearray, chance: random.Random, other: bytes) -> None:
    place, size = chance.randrange(len(data)), chance.choice((2, 8, 32))
    data[place : place + size] = chance.randbytes(len(data[place : place + size]))


def _swap(data: bytearray, chance: random.Random, other: bytes) -> None:
    """Put in a part of another file."""
    place, start = chance.randrange(len(data)), chance.randrange(len(other))
    size = chance.choice((8, 64, 512))
    data[place : place + size] = other[start : start + size]


MUTATIONS: tuple[Mutation, ...] = (
    _flip,
    _flip,
    _set_number,
    _set_number,
    _cut,
    _drop,
    _repeat,
    _blank,
    _noise,
    _swap,
)


@dataclass
class Findings:
    """What came of all mutants.

    Attributes:
        n: Mutants.
        read: Those that became cases.
        named: Those that were named in a sentence.
        crashed: Those whose process ended.
        hung: Those that took longer than `HANG_S`.
        unnamed: Those of which nothing came, or only that nobody foresaw them.
        worst_mb: Most memory of one.
        worst_s: Most processor time of one.
        faults: Number and file name of each that crashed, hung or was not named, and what came.
    """

    n: int = 0
    read: int = 0
    named: int = 0
    crashed: int = 0
    hung: int = 0
    unnamed: int = 0
    worst_mb: float = 0.0
    worst_s: float = 0.0
    faults: list[tuple[str, Outcome]] = field(default_factory=list)

    def note(self, name: str, outcome: Outcome) -> bool:
        """Count one; whether it is a fault."""
        self.n += 1
        self.worst_mb = max(self.worst_mb, outcome.peak_mb)
        self.worst_s = max(self.worst_s, outcome.seconds)
        hung = outcome.ended == "timeout" or outcome.seconds > HANG_S
        crashed = bool(outcome.ended) and not hung
        foreseen = not any(UNFORESEEN in words for words in outcome.messages)
        unnamed = not crashed and not hung and not (outcome.is_answered and foreseen)
        self.hung, self.crashed = self.hung + hung, self.crashed + crashed
        self.unnamed += unnamed
        self.read += bool(outcome.cases)
        self.named += bool(outcome.messages)
        if hung or crashed or unnamed:
            self.faults.append((name, outcome))
        return hung or crashed or unnamed


def make_mutants(sound: Mapping[str, bytes], n: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Mutants of sound files, the same ones for one seed; each by a name with its number."""
    names = sorted(sound)
    for number in range(n):
        chance = random.Random(f"{seed}-{number}")
        name = names[number % len(names)]
        data = bytearray(sound[name])
        for _ in range(chance.choice((1, 1, 1, 2, 3))):
            if len(data) > 1:
                chance.choice(MUTATIONS)(data, chance, sound[chance.choice(names)])
        yield f"m{number:05d}-{name}", bytes(data)


def read_mutants(
    sound: Mapping[str, bytes],
    n: int,
    seed: int,
    *,
    keep: Path | None = None,
    progress: Callable[[Findings], None] = lambda _: None,
) -> Findings:
    """Read mutants, each in a process of its own.

    Args:
        sound: What they are mutants of.
        n: How many.
        seed: Of their mutations.
        keep: Folder for those that are faults.
        progress: Called after each.
    """
    findings = Findings()
    with (
        start_measured() as running,
        tempfile.TemporaryDirectory(prefix="overread-fuzz-") as folder,
    ):
        for name, data in make_mutants(sound, n, seed):
            if _is_fault(running, Path(folder) / name, data, findings) and keep is not None:
                (keep / name).write_bytes(data)
            progress(findings)
    return findings


def _is_fault(running: Measured, path: Path, data: bytes, findings: Findings) -> bool:
    path.write_bytes(data)
    outcome = running.read(path, memory_mb=_MEMORY_MB, limit_s=_WALL_S)
    path.unlink()
    return findings.note(path.name, outcome)


def kinds_of(findings: Findings) -> Counter[str]:
    """How many of the faults ended in which way."""
    return Counter(one.ended or " | ".join(one.messages) or "silence" for _, one in findings.faults)
