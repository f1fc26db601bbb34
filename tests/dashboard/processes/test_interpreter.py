from __future__ import annotations

import logging
import sys
from collections import namedtuple

import pytest

from dashboard.processes.interpreter import known_faults, warn_about_faults

Version = namedtuple("Version", "major minor micro")


@pytest.mark.parametrize(
    ("version", "numbers"),
    [
        ((3, 11, 7), {"2024-0450", "2024-8088", "2025-8291"}),
        ((3, 11, 8), {"2024-8088", "2025-8291"}),
        ((3, 11, 14), set()),
        ((3, 12, 1), {"2024-0450", "2024-8088", "2025-8291"}),
        ((3, 12, 6), {"2025-8291"}),
        ((3, 12, 12), set()),
        ((3, 13, 0), {"2025-8291"}),
        ((3, 13, 10), set()),
        ((3, 14, 0), set()),
    ],
)
def test_faults_by_patch_level(version: tuple[int, int, int], numbers: set[str]) -> None:
    assert {fault.split()[0].removeprefix("CVE-") for fault in known_faults(version)} == numbers


@pytest.mark.parametrize(("version", "warned"), [((3, 12, 3), True), ((3, 12, 12), False)])
def test_a_start_warns_once_and_names_the_remedy(
    version: tuple[int, int, int],
    warned: bool,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(sys, "version_info", Version(*version))
    with caplog.at_level(logging.WARNING, "dashboard.processes.interpreter"):
        warn_about_faults()
    assert ["3.12.12" in record.getMessage() for record in caplog.records] == [True] * warned
