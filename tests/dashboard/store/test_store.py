from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fake_server import Clock, add_row
from sqlalchemy import select, text

from dashboard.jobs import table
from dashboard.store import DatabaseError, JobState, ModelKey, Origin, ResultSummary, Store
from dashboard.store.schema import WorklistLine
from dashboard.store.worklist_pages import Selection, read_page


def test_studies_come_newest_first_with_all_they_had(store: Store, clock: Clock) -> None:
    first = add_row(store, 1, warnings=("Careful.",), sequences=("t1", "flair"))
    clock.advance(1)
    second = add_row(store, 2)
    rows = store.list_studies()
    assert [row.study_id for row in rows] == [second, first]
    row = rows[1]
    assert (row.patient, row.warnings, row.sequences) == ("P1", ("Careful.",), ("t1", "flair"))
    assert (row.slices, row.origin, row.job_state) == (3, Origin.UPLOAD, None)
    assert row.added_at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert row.thumbnail_url == f"/data/{first}/{row.data_digest}/thumbnail/0.png"


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("", 3),
        ("müller", 1),
        ("P2", 1),
        ("brain 2026-01", 3),
        ("brain nobody", 0),
        ("%", 0),
        ("_", 0),
        ("'; drop table studies; --", 0),
    ],
)
def test_search(store: Store, search: str, found: int) -> None:
    add_row(store, 1, patient="Frau müller")
    add_row(store, 2)
    add_row(store, 3, origin=Origin.DEMO)
    count, lines = read_page(store, Selection(search=search), offset=0, limit=9)
    assert (count, len(lines)) == (found, found)


def test_text_from_anywhere_is_kept_without_nul(store: Store) -> None:
    study = add_row(store, 1, patient="A\0B", description="ü 脑 \0", warnings=("w\0",))
    row = store.study(study)
    assert row is not None
    assert (row.patient, row.description, row.warnings) == ("AB", "ü 脑 ", ("w\0",))
    assert read_page(store, Selection(search="a\0b"), offset=0, limit=9)[0] == 1


def test_many_note_one_source_and_delete_one_study_at_once(store: Store) -> None:
    first, second = add_row(store, 1), add_row(store, 2, content_digest=f"{1:064x}")
    job_id = table.submit(store, first)
    outcomes: list[object] = []

    def work(study: str) -> None:
        store.set_source(Origin.LIBRARY, "a", state="1")
        outcomes.append(store.delete_study(study))

    threads = [threading.Thread(target=work, args=(s,)) for s in (first, second) * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(bool, outcomes)) == [False] * 4 + [True] * 2
    assert table.state(store, job_id) is None


def test_counts_and_origins(store: Store) -> None:
    add_row(store, 1)
    add_row(store, 2, origin=Origin.DEMO)
    study = add_row(store, 3, origin=Origin.DEMO)
    table.submit(store, study)
    counts = store.count_studies()
    assert counts.total == 3
    assert counts.origins == {Origin.UPLOAD: 1, Origin.DEMO: 2}
    assert counts.states == {"": 2, JobState.QUEUED: 1}


def test_the_same_study_is_listed_once(store: Store) -> None:
    first = add_row(store, 1)
    add_row(store, 2, identity=store.list_studies()[0].identity)
    assert [row.study_id for row in store.list_studies()] == [first]


def test_another_model_sees_no_old_result(store: Store, database_url: str, clock: Clock) -> None:
    study = add_row(store, 1)
    table.claim(store, "w", job_id=table.submit(store, study))
    job_id = store.list_studies()[0].job_id
    assert job_id is not None
    table.end(store, job_id, "w", JobState.DONE, summary=ResultSummary(0.9, 12.5, 2, 1))
    row = store.study(study)
    assert row is not None
    assert (row.volume_ml, row.positive_slices, row.mask_slices) == (12.5, 2, 1)
    newer = Store(database_url, model=ModelKey("brain-tumor", "b" * 64))
    row = newer.study(study)
    assert row is not None
    assert (row.job_state, row.volume_ml) == (None, None)


def test_deleting_keeps_the_analysis_that_another_study_shares(store: Store) -> None:
    first = add_row(store, 1)
    second = add_row(store, 2, content_digest=f"{1:064x}")
    job_id = table.submit(store, first)
    assert store.delete_study(first)
    assert table.state(store, job_id) is not None
    assert store.delete_study(second)
    assert table.state(store, job_id) is None
    assert not store.delete_study(second)


def test_studies_of_cases(store: Store, clock: Clock) -> None:
    oldest = add_row(store, 1, case_id="same")
    clock.advance(1)
    newest = add_row(store, 2, case_id="same")
    add_row(store, 3)
    found = store.studies_of_cases(["same", "absent"])
    assert list(found) == ["same"]
    assert [row.study_id for row in found["same"]] == [newest, oldest]


def test_sources_remember_their_state_and_errors(store: Store) -> None:
    store.set_source(Origin.LIBRARY, "a", state="1", errors=[("a/x.dcm", "x.dcm is empty.")])
    store.set_source(Origin.LIBRARY, "b", state="1")
    store.set_source(Origin.LIBRARY, "b", state="2")
    assert store.source_state(Origin.LIBRARY, "b") == "2"
    assert store.source_errors(Origin.LIBRARY) == [("a/x.dcm", "x.dcm is empty.")]
    store.forget_sources(Origin.LIBRARY, keep=["b"])
    assert store.source_errors(Origin.LIBRARY) == []
    assert store.source_state(Origin.DEMO, "b") is None


def test_sqlite_is_set_up_for_several_processes(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'review.db'}")
    with store.reading() as session:
        assert session.scalar(text("PRAGMA journal_mode")) == "wal"
        assert session.scalar(text("PRAGMA foreign_keys")) == 1
        assert session.scalar(text("PRAGMA busy_timeout")) == 15_000
    assert (tmp_path / "review.db").stat().st_mode & 0o777 == 0o600


def test_many_open_the_new_database_at_once(database_url: str) -> None:
    failures: list[Exception] = []

    def open_it() -> None:
        try:
            Store(database_url).close()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:////no/such/folder/x.db",
        "nonsense://x",
        "sqlite://%",
        "postgresql://nobody@/none?host=/no/such/folder",
    ],
)
def test_a_database_that_cannot_be_opened_is_an_error(url: str) -> None:
    with pytest.raises(DatabaseError):
        Store(url)


@pytest.mark.parametrize(
    ("name", "only_earlier", "is_stale"),
    [
        ("v0003 other", False, True),
        ("v0003 other", True, False),  # of another worker's models
        (f"{'b' * 64} f32 2", True, True),  # of the older release
        ("", True, True),
        ("v0004 other", False, False),  # of a newer release
    ],
)
def test_lines_of_older_releases_are_written_again_and_of_newer_ones_left_alone(
    store: Store, name: str, only_earlier: bool, is_stale: bool
) -> None:
    add_row(store, 1)
    with store.writing() as session:
        session.execute(text("UPDATE worklist_lines SET model = :name"), {"name": name})
    assert store.write_stale_lines(only_earlier=only_earlier) == int(is_stale)
    with store.reading() as session:
        assert (session.scalar(select(WorklistLine.model)) == name) != is_stale
