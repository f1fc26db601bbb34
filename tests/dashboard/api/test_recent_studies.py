from __future__ import annotations

import numpy as np
from fake_server import add_case, add_row, make_case
from flask.testing import FlaskClient

from dashboard.api.access import KEPT_S, MOST_STUDIES, RecentStudies
from dashboard.workspace.services import Services


class Seconds:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_asks_the_database_once(parts: Services) -> None:
    study_id, asked, clock = add_row(parts.store, 1), [], Seconds()

    def read(wanted: str) -> object:
        asked.append(wanted)
        return parts.store.study(wanted)

    recent = RecentStudies(read, clock=clock)  # type: ignore[arg-type]
    rows = [recent.get(study_id) for _ in range(100)]
    assert asked == [study_id]
    assert {row.study_id for row in rows if row} == {study_id}
    clock.now += KEPT_S
    recent.get(study_id)
    assert asked == [study_id] * 2


def test_a_deleted_study_is_gone_soon(parts: Services) -> None:
    study_id, clock = add_row(parts.store, 1), Seconds()
    recent = RecentStudies(parts.store.study, clock=clock)
    assert recent.get(study_id)
    parts.store.delete_study(study_id)
    clock.now += KEPT_S
    assert recent.get(study_id) is None


def test_a_study_that_is_not_there_yet_is_found_when_it_is(parts: Services) -> None:
    recent = RecentStudies(parts.store.study, clock=Seconds())
    study_id = f"{7:016x}"
    assert recent.get(study_id) is None
    assert add_row(parts.store, 7) == study_id
    assert recent.get(study_id)


def test_no_more_than_some_studies_are_kept(parts: Services) -> None:
    row = parts.store.study(add_row(parts.store, 1))
    asked: list[str] = []

    def read(wanted: str) -> object:
        asked.append(wanted)
        return row

    recent = RecentStudies(read, clock=Seconds())  # type: ignore[arg-type]
    for number in (*range(MOST_STUDIES), MOST_STUDIES, MOST_STUDIES, 0):
        recent.get(str(number))
    assert asked == [*map(str, range(MOST_STUDIES + 1)), "0"], "the oldest was dropped"


def test_slices_are_the_same_after_their_memory_was_given_back(
    client: FlaskClient, parts: Services
) -> None:
    case = make_case(n=3)
    row = parts.store.study(add_case(parts, case))
    assert row
    for _ in range(2):
        for k in range(3):
            answer = client.get(f"/data/{row.study_id}/{row.data_digest}/pixels/1/{k}")
            sent = np.frombuffer(answer.data, np.uint8).reshape(6, 5)
            assert np.array_equal(sent, case.pixels[k, :, :, 1])
            assert answer.headers["Server-Timing"].startswith("app;dur=")
