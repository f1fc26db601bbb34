"""The load test's client against a real server: it asks what the browser asks, and gets answers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

pytestmark = pytest.mark.services

_ONE_REVIEWER = """
from locust.env import Environment
import json, sys
from pathlib import Path
from tests.load.__main__ import run_reviewers
from tests.load.measures import measure_storage
from tests.load.reading_model import ReadingModel
from tests.load.reviewer import Reviewer
from tests.load.running_server import RunningServer
from tests.load.study_maker import StudyMaker

Reviewer.model = ReadingModel(
    worklist_s=(1.2, 1.2), reading_s=(2, 2), other_page_s=(0, 0), channel_share=1,
    other_page_share=1, reload_share=0.3, upload_share=1, cancel_share=0.5,
)
home = Path(sys.argv[1])
server = RunningServer(home, worker="rule", demo=False, OVERREAD_LOAD_SLICE_S="0.02")
server.start()
try:
    run = run_reviewers(
        server.url, 2, 15, server=server, ramp_s=1, maker=StudyMaker(slices=5, size=64)
    )
    stored = measure_storage(home)
finally:
    server.stop()
print(json.dumps({
    "kinds": {row.kind: row.count for row in run.tally.rows()},
    "errors": run.tally.errors,
    "web": run.uses["web"].rss_mb,
    "studies": stored.studies,
    "bytes": [stored.study_bytes, stored.result_bytes, stored.database_bytes],
}))
"""


@pytest.fixture(scope="module")
def outcome(run_program: Callable[[str], dict]) -> dict:
    return run_program(_ONE_REVIEWER)


def test_reviewers_meet_no_error(outcome: dict) -> None:
    assert outcome["errors"] == {}


@pytest.mark.parametrize(
    "kind",
    [
        "page: change",
        "callback: page",
        "callback: worklist changes",
        "worklist rows",
        "callback: analysis start",
        "callback: analysis poll",
        "callback (all)",
        "study",
        "slice image",
        "thumbnail",
        "script or style",
        "upload: read",
        "opened: first slice in view",
        "scrolled: slice in view",
        "analysis: opened to overlay",
    ],
)
def test_reviewers_do_what_reviewers_do(outcome: dict, kind: str) -> None:
    assert outcome["kinds"].get(kind, 0) > 0


def test_processes_and_storage_are_measured(outcome: dict) -> None:
    assert outcome["web"] > 50
    assert outcome["studies"] > 0
    assert all(size > 0 for size in outcome["bytes"])
