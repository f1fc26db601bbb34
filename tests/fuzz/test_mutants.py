"""Some mutants of each sound file; `make soak` reads 10,000."""

import pytest

from .mutants import read_mutants
from .sound_files import make_sound_files

pytestmark = [pytest.mark.slow, pytest.mark.soak]


def test_every_mutant_is_read_or_named_in_time(soak: bool):
    sound = make_sound_files()
    findings = read_mutants(sound, 10_000 if soak else 2 * len(sound), seed=2)
    assert findings.faults == []
    assert findings.read > 0
    assert findings.named > 0


def test_every_sound_file_is_read(tmp_path):
    """What mutants are made of is read itself; else they would show nothing."""
    from pipeline.data.reading.reading import read_cases

    for name, data in make_sound_files().items():
        path = tmp_path / name
        path.write_bytes(data)
        report = read_cases([path])
        assert (report.errors, len(report.cases) > 0) == ((), True), name
