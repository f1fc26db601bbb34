"""Hostile files: one sentence each, within the limits of memory and time that they attack."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile_files import HOSTILE

from tests.fuzz.measured_reading import Measured, start_measured

pytestmark = pytest.mark.slow

#: Memory that one file may take in these tests; the product allows more by default.
MEMORY_MB = 128
#: What reading takes beside a file: buffers of decoders, small copies.
SLACK_MB = 32
#: Files whose images are sound: what attacks is passed over.
READ = {"deep_lengths.dcm", "value.dcm", "goes_on.nrrd", "goes_on.png"}
#: Processor time of one file.
LIMIT_S = 4.0


@pytest.fixture(scope="module")
def measured() -> Iterator[Measured]:
    with start_measured() as running:
        yield running


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_named_within_its_limits(name: str, tmp_path: Path, measured: Measured):
    path = tmp_path / name
    path.write_bytes(HOSTILE[name]())
    assert path.stat().st_size < 20 << 20
    outcome = measured.read(path, memory_mb=MEMORY_MB)
    assert outcome.ended == ""
    assert bool(outcome.cases) == (name in READ)
    assert bool(outcome.messages) == (name not in READ)
    assert not any("unknown kind" in message for message in outcome.messages)  # not foreseen
    assert outcome.peak_mb < MEMORY_MB + SLACK_MB
    assert outcome.seconds < LIMIT_S
