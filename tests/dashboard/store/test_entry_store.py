"""What readers enter for a study, on both kinds of database: revisions, analyses left behind."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from fake_server import Clock, add_row

from dashboard.jobs import table
from dashboard.store import Store
from dashboard.store.entries import EntriesConflict, StudyChange, read_reference, write_entries
from dashboard.store.rows import DamagedRow
from dashboard.store.schema import StudyEntriesRecord
from dashboard.store.stamp import worklist_stamp
from dashboard.store.stored_json import AttachedFiles, Damaged, Entries, Entry, load_json

STATED, SPACED = f"{1:064x}", "e" * 64


def entry(clock: Clock, author: str = "Ada") -> Entry:
    return Entry(reader_id="reader-1", author=author, at=clock())


def change(clock: Clock, **changes: object) -> StudyChange:
    by = entry(clock)
    found = StudyChange(
        label="Case 1",
        entries=Entries(
            label_by=by,
            reference=AttachedFiles(digest="f" * 64, sources=("a.nii",), warnings=("Mind it.",)),
            reference_by=by,
        ),
        reference=b"mask",
        content_digest=STATED,
        data_digest="d" * 32,
        has_reference=True,
        warnings=("Mind it.",),
    )
    return replace(found, **changes)  # type: ignore[arg-type]


def test_entries_are_read_as_they_were_written(store: Store, clock: Clock) -> None:
    study = add_row(store, 1)
    row = store.study(study)
    assert row and (row.name, row.entries, row.entries_revision) == ("P1", Entries(), 0)
    assert read_reference(store, study) is None
    sent = change(clock)
    write_entries(store, study, sent, revision=0, reader_id="reader-1")
    (row,) = store.list_studies()
    assert (row.name, row.original_name, row.patient) == ("Case 1", "P1", "P1")
    assert (row.entries, row.entries_revision) == (sent.entries, 1)
    assert (row.data_digest, row.has_reference, row.warnings) == ("d" * 32, True, ("Mind it.",))
    assert read_reference(store, study) == b"mask"


def test_only_the_present_revision_is_changed(store: Store, clock: Clock) -> None:
    study = add_row(store, 1)
    write_entries(store, study, change(clock), revision=0, reader_id="reader-1")
    for revision in (0, 2):
        with pytest.raises(EntriesConflict) as caught:
            write_entries(
                store, study, change(clock, label="Late"), revision=revision, reader_id="reader-1"
            )
        assert caught.value.last == entry(clock)
    row = store.study(study)
    assert row and (row.label, row.entries_revision) == ("Case 1", 1)
    store.delete_study(study)
    with pytest.raises(LookupError):
        write_entries(store, study, change(clock), revision=1, reader_id="reader-1")


def test_of_many_first_entries_one_is_written(store: Store, clock: Clock) -> None:
    study, conflicts = add_row(store, 1), []

    def write(label: str) -> None:
        try:
            write_entries(
                store, study, change(clock, label=label), revision=0, reader_id="reader-1"
            )
        except EntriesConflict:
            conflicts.append(label)

    threads = [threading.Thread(target=write, args=(str(i),)) for i in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    row = store.study(study)
    assert len(conflicts) == 4
    assert row and row.entries_revision == 1 and row.label not in conflicts


def test_analyses_of_what_no_study_holds_any_more_are_deleted(store: Store, clock: Clock) -> None:
    study = add_row(store, 1)
    table.submit(store, study)
    assert store.model
    write_entries(
        store, study, change(clock, content_digest=SPACED), revision=0, reader_id="reader-1"
    )
    table.submit(store, study)
    assert table.find(store, STATED, store.model), "it is shown again when the spacing is removed"
    other = SPACED[::-1].replace("e", "a")
    write_entries(
        store, study, change(clock, content_digest=other), revision=1, reader_id="reader-1"
    )
    assert table.find(store, SPACED, store.model) is None
    table.submit(store, study)
    twin = add_row(store, 2, content_digest=other)
    store.delete_study(study)
    assert table.find(store, STATED, store.model) is None
    assert table.find(store, other, store.model), "the other study has it"
    store.delete_study(twin)
    assert table.find(store, other, store.model) is None


def test_each_change_changes_the_worklists_stamp(store: Store, clock: Clock) -> None:
    study = add_row(store, 1)
    seen = {worklist_stamp(store)}
    for revision in range(3):
        renamed = change(clock, label=f"Case {revision}")
        write_entries(store, study, renamed, revision=revision, reader_id="reader-1")
        assert worklist_stamp(store) not in seen
        seen.add(worklist_stamp(store))


def test_damaged_entries_are_reported_and_other_studies_are_listed(
    store: Store, clock: Clock
) -> None:
    study, other = add_row(store, 1), add_row(store, 2)
    write_entries(store, study, change(clock), revision=0, reader_id="reader-1")
    with store.writing() as session:
        record = session.get(StudyEntriesRecord, study)
        assert record
        record.entries = Entries()
        session.connection().exec_driver_sql(
            "UPDATE study_entries SET entries = '{\"spacing_mm\": [1, 1]}'"
        )
        session.expunge(record)
    with pytest.raises(DamagedRow):
        store.study(study)
    assert [row.study_id for row in store.list_studies()] == [other]


@pytest.mark.parametrize(
    "text",
    [
        '{"spacing_mm": [5, 1, 1]}',
        '{"reference": {"digest": "x", "sources": ["a"]}}',
        '{"label_by": {"reader_id": "r", "author": "", "at": "2026-01-02T03:04:05Z"}}',
        '{"label_by": {"reader_id": "r", "author": "Ada", "at": "today"}}',
        '{"other": 1}',
    ],
)
def test_entries_that_nobody_signed_or_that_do_not_fit_are_damaged(text: str) -> None:
    assert isinstance(load_json(Entries, text), Damaged)
