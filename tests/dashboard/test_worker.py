"""What a worker does beside its jobs."""

from __future__ import annotations

import pytest
from fake_server import add_row, wait_for
from sqlalchemy.exc import OperationalError

from dashboard import worker
from dashboard.store.claims import CLAIM
from dashboard.store.history import Author
from dashboard.store.readings import find_reading, open_study
from dashboard.store.states import StudyState
from dashboard.workspace.services import Services

EVERY_S = 0.01


def test_a_study_whose_claim_expired_is_in_the_worklist_again(
    parts: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = add_row(parts.store, 1)
    open_study(parts.store, study, Author("browser-1", "Ada"))
    assert find_reading(parts.store, study).state is StudyState.IN_REVIEW
    now = parts.store.clock() + CLAIM * 2
    monkeypatch.setattr(parts.store, "clock", lambda: now)
    worker.keep_worklist_current(parts, every_s=EVERY_S)
    wait_for(lambda: find_reading(parts.store, study).state is StudyState.ANALYSED)


def test_claims_are_released_again_after_an_outage_of_the_database(
    parts: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds: list[int] = []

    def fail(_: object) -> int:
        rounds.append(len(rounds))
        raise OperationalError("SELECT 1", {}, Exception("it does not answer"))

    monkeypatch.setattr(worker, "release_silent", fail)
    thread = worker.keep_worklist_current(parts, every_s=EVERY_S)
    wait_for(lambda: len(rounds) > 2)
    assert thread.is_alive()
