"""Whose turn it is, through the whole server: opened studies first; Cancel stops the work."""

from __future__ import annotations

from collections.abc import Callable

import pytest

pytestmark = pytest.mark.services

_PROGRAM = """
from locust.env import Environment
import json, random, sys, time
from pathlib import Path
from locust.contrib.fasthttp import FastHttpSession
from tests.load.browser import Browser
from tests.load.dash_page import DashPage, now_ms
from tests.load.running_server import RunningServer
from tests.load.study_maker import StudyMaker
from tests.load.uploads import send_study

server = RunningServer(
    Path(sys.argv[1]), worker="rule", demo=False, OVERREAD_LOAD_SLICE_S="0.1"
)
server.start()
outcome = {}
try:
    environment = Environment()
    session = FastHttpSession(
        base_url=server.url, request_event=environment.events.request, user=None, concurrency=6,
        network_timeout=180, connection_timeout=180,
    )
    browser = Browser(session, server.url)
    page = DashPage(browser)
    page.load("/")
    chance, maker = random.Random(1), StudyMaker(slices=20, size=16)

    def state(study_id):
        return json.loads(browser.get(f"/api/studies/{study_id}", "study"))["job"]["state"]

    def follow(study_id, seconds):
        page.props["analysis-request"] = {
            "data": {"study_id": study_id, "asked": now_ms(), "again": False}
        }
        until = time.monotonic() + seconds
        (output, pause), = page.outputs_of("analysis-request.data")
        heard = []
        page.follow(output, changed="analysis-request.data", interval_s=pause,
                    wanted=lambda: time.monotonic() < until, heard=heard.append)
        return heard

    ids = [send_study(browser, maker.make(), chance) for _ in range(4)]
    page.go("/review", f"?study={ids[3]}")
    heard = follow(ids[3], 60)
    outcome["opened"] = heard[-1]["state"]
    outcome["others"] = [state(study_id) for study_id in ids[:3]]
    follow(ids[2], 1)
    page.props["analysis-cancel"] = {"n_clicks": 1}
    began = time.monotonic()
    for output, _ in page.outputs_of("analysis-cancel.n_clicks"):
        page.call(output, "cancel", changed=["analysis-cancel.n_clicks"])
    while state(ids[2]) in ("queued", "running"):
        time.sleep(0.05)
    outcome["cancelled"] = [state(ids[2]), time.monotonic() - began]
    until = time.monotonic() + 60
    while state(ids[1]) != "done" and time.monotonic() < until:
        time.sleep(0.1)
    outcome["next"] = state(ids[1])
    outcome["still"] = state(ids[2])
finally:
    server.stop()
print(json.dumps(outcome))
"""


@pytest.fixture(scope="module")
def outcome(run_program: Callable[[str], dict]) -> dict:
    return run_program(_PROGRAM)


def test_a_study_that_is_opened_overtakes_those_that_only_arrived(outcome: dict) -> None:
    assert outcome["opened"] == "done"
    assert outcome["others"][2] == "queued"  # it arrived before the one that was opened


def test_cancel_stops_the_work_and_the_worker_goes_on_with_the_next(outcome: dict) -> None:
    state, seconds = outcome["cancelled"]
    assert state == "cancelled"
    assert (
        seconds < 30
    )  # the study alone takes two seconds; a busy machine takes its time to answer
    assert outcome["next"] == "done"
    assert outcome["still"] == "cancelled"
