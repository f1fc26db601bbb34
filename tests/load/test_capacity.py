from __future__ import annotations

import json
from pathlib import Path

import pytest

from . import capacity, document
from .capacity import Measured, Site, plan

#: Numbers that can be worked through by hand.
ROUND = Measured(
    worker_cpu_s=3.6,
    worker_mb=500,
    web_cpu_s=0.36,
    web_mb=300,
    requests=72,
    reading_minutes=6,
    sent_bytes=4.5e6,
    study_bytes=9e6,
    result_bytes=1e6,
    database_bytes=2000,
    worklist_ms_per_1000=50,
    worklist_bytes_per_1000=600_000,
)


def test_a_site_can_be_worked_through_by_hand() -> None:
    needed = plan(Site("x", 1_000, 10, 2.0, 0.5, 100), ROUND)
    assert needed.peak_per_hour == 200
    assert needed.reviewers == 10  # 100 read in the hour, 6 minutes each
    assert needed.worker_cores == 1  # 720 s of work in 3,600 s: 0.2 of a core, 0.4 at half busy
    assert needed.web_processes == 1
    assert needed.requests_per_s == 2
    assert needed.sent_mbit_s == pytest.approx(1.0)
    assert needed.writes_per_s == pytest.approx(200 * 8 / 3600)
    assert needed.disk_gb == pytest.approx(1000)
    assert needed.database_gb == pytest.approx(0.2)
    assert needed.memory_gb == pytest.approx(0.8)


def test_ten_times_the_studies_need_ten_times_the_cores() -> None:
    one = plan(Site("x", 10_000, 10, 2.0, 1.0, 1), ROUND)
    ten = plan(Site("x", 100_000, 10, 2.0, 1.0, 1), ROUND)
    assert (one.worker_cores, ten.worker_cores) == (4, 40)
    assert ten.requests_per_s == pytest.approx(10 * one.requests_per_s)


def test_the_documents_show_what_was_measured() -> None:
    for path, made in document.tables().items():
        text = path.read_text("utf-8")
        assert document.fill(text, made) == text, path.name


def test_a_document_must_have_a_place_for_each_table() -> None:
    with pytest.raises(ValueError, match="sites"):
        document.fill("# Scaling\n", {"sites": "| |"})
    filled = document.fill("<!-- sites -->\nold\n<!-- /sites -->", {"sites": "| new |"})
    assert filled == "<!-- sites -->\n| new |\n<!-- /sites -->"


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("load", document.SCALING),
        ("constants", document.SCALING),
        ("latency", document.SCALING),
        ("startup", document.SCALING),
        ("kill_workers", document.DEPLOYMENT),
        ("worker_scaling", document.DEPLOYMENT),
    ],
)
def test_measured_files_name_their_command(name: str, path: Path) -> None:
    content = json.loads((capacity.MEASURED / f"{name}.json").read_text("utf-8"))
    assert content["command"].startswith("python -m tests.load")
    assert content["command"].split(" --")[0] in path.read_text("utf-8")


def test_outcomes_of_killed_workers_are_counted() -> None:
    outcome = {
        "kills": 3,
        "jobs": 6,
        "done": 5,
        "finished_twice": 1,
        "takeovers_s": [17.0, 15.0, 16.0],
    }
    rows = document.kills_table({"table": outcome}).splitlines()
    assert [cell.strip() for cell in rows[-1].split("|")][2:-1] == [
        "3", "6", "5", "1", "1", "16.0 s", "17.0 s",
    ]  # fmt: skip


def test_workers_are_compared_in_slices_a_second() -> None:
    measured = {"studies": 2, "slices": 30, "one_s": 6.0, "two_s": 4.0, "ratios": [1.4, 1.6]}
    line = document.scaling_line(measured)
    assert "10.0 slices/s" in line and "15.0" in line and "1.50 times (1.40 to 1.60" in line
