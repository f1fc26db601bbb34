"""What the database holds is checked when it is read; damage costs one row, not the list."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fake_server import add_row, make_display
from sqlalchemy import text

from dashboard.jobs import table
from dashboard.store import JobState, Origin, ResultSummary, Store
from dashboard.store.corrections import (
    NewVersion,
    Writer,
    add_version,
    list_versions,
    read_draft,
    read_version,
    write_draft,
)
from dashboard.store.entries import StudyChange, write_entries
from dashboard.store.measurements import read_measurements, write_measurements
from dashboard.store.readers import ReaderRow, change_reader, find_reader
from dashboard.store.rows import DamagedRow
from dashboard.store.stamp import worklist_stamp
from dashboard.store.stored_json import (
    Damaged,
    Display,
    Entries,
    MaskBase,
    MaskFacts,
    Measurement,
    Measurements,
    ReaderSettings,
    dump_json,
    load_json,
)
from dashboard.workspace.services import Services

READER, WRITER = "browser-1", Writer("a" * 16, 1, 0)
RULER = Measurement(id="abcd", kind="ruler", k=1, points=((0.5, 1.0), (2.0, 3.0)))


def damage(store: Store, table: str, column: str, content: Any = '{"no": 1}') -> None:
    with store.writing() as session:
        session.execute(text(f"UPDATE {table} SET {column} = :content"), {"content": content})


@pytest.mark.parametrize("column", ["sequences", "indices", "warnings", "display"])
def test_a_damaged_study_is_left_out_of_lists_and_named(store: Store, column: str) -> None:
    broken = add_row(store, 1)
    damage(store, "studies", column)
    whole = add_row(store, 2)
    assert [row.study_id for row in store.list_studies()] == [whole]
    with pytest.raises(DamagedRow) as caught:
        store.study(broken)
    assert caught.value.source == f"studies.{column}"
    assert broken in caught.value.message


#: Columns of a listed study, and what is stored there.
DAMAGES = [
    ("studies", "added_at", "yesterday"),
    ("studies", "origin", "elsewhere"),
    ("studies", "synthetic", "perhaps"),
    ("studies", "has_reference", "2"),
    ("studies", "height", "tall"),
    ("studies", "width", "0"),
    ("studies", "patient", b"\xff"),
    ("jobs", "state", "resting"),
    ("jobs", "done", "some"),
    ("jobs", "total", "-1"),
    ("jobs", "message", b"\xff"),
    ("results", "expected_dice", "abc"),
    ("results", "expected_dice", "1.5"),
    ("results", "cautions", "some"),
    ("results", "volume_ml", "Infinity"),
    ("results", "called_slices", "0.5"),
    ("study_entries", "revision", "first"),
    ("study_entries", "label", b"\xff"),
]


@pytest.fixture
def analysed(parts: Services) -> tuple[Store, str]:
    """A store on SQLite, which stores any value in any column, with an analysed study."""
    store = parts.store
    study = add_row(store, 1)
    job = table.submit(store, study)
    assert table.claim(store, "worker")
    summary = ResultSummary(0.9, 1.0, 1, 1, conflicts=1, expected_dice=0.9, cautions=0, unfit="")
    table.end(store, job, "worker", JobState.DONE, summary=summary)
    row = store.study(study)
    assert row is not None
    change = StudyChange(
        label="a",
        entries=Entries(),
        reference=None,
        content_digest=row.content_digest,
        data_digest=row.data_digest,
        has_reference=False,
        warnings=(),
    )
    write_entries(store, study, change, revision=0, reader_id="reader-1")
    return store, study


@pytest.mark.parametrize(("name", "column", "content"), DAMAGES)
def test_a_value_of_another_type_costs_its_row_alone(
    analysed: tuple[Store, str], name: str, column: str, content: Any
) -> None:
    store, broken = analysed
    damage(store, name, column, content)
    whole = add_row(store, 2)
    assert [row.study_id for row in store.list_studies()] == [whole]
    assert len(worklist_stamp(store)) == 64
    assert store.count_studies().total in (1, 2)
    with pytest.raises(DamagedRow) as caught:
        store.study(broken)
    assert caught.value.source.startswith(f"{name}.")


@pytest.mark.parametrize("column", ["finished_at", "queued_at", "started_at", "lease_until"])
def test_damaged_times_of_jobs_do_not_hide_the_worklist(
    analysed: tuple[Store, str], column: str
) -> None:
    store, study = analysed
    damage(store, "jobs", column, "yesterday")
    assert [row.study_id for row in store.list_studies()] == [study]
    assert len(worklist_stamp(store)) == 64


@pytest.mark.parametrize("column", ["created_at", "attempts", "cancel_requested", "message"])
def test_a_damaged_job_fails_and_the_next_one_runs(parts: Services, column: str) -> None:
    store = parts.store
    broken = table.submit(store, add_row(store, 1), priority=table.PRIORITY_OPENED)
    damage(store, "jobs", column, b"\xff")
    whole = table.submit(store, add_row(store, 2))
    assert table.claim(store, "worker") is None
    claimed = table.claim(store, "worker")
    assert claimed is not None
    assert claimed.job_id == whole != broken


def test_windows_that_are_not_those_of_the_sequences_are_damage(store: Store) -> None:
    study = add_row(store, 1)
    damage(store, "studies", "sequences", '["flair", "t1"]')
    assert store.list_studies() == []
    with pytest.raises(DamagedRow) as caught:
        store.study(study)
    assert caught.value.source == "studies.display"


def test_text_that_is_no_json_is_damage(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'review.db'}")  # PostgreSQL refuses it itself
    study = add_row(store, 1)
    damage(store, "studies", "display", "{")
    with pytest.raises(DamagedRow):
        store.study(study)
    store.close()


def test_damaged_work_of_readers_is_named_and_the_rest_is_shown(store: Store) -> None:
    study = add_row(store, 1)
    facts = MaskFacts(area_px=1, slices=1, touched=1)
    for number, content in enumerate((b"one", b"two"), start=1):
        version = NewVersion(READER, "A", MaskBase(), facts, content, None)
        assert add_version(store, study, version, writer=WRITER).number == number
    write_draft(
        store,
        study,
        READER,
        writer=WRITER,
        based_on=MaskBase(),
        content=b"x",
        ai_content=None,
    )
    write_measurements(store, study, READER, revision=0, items=[RULER])
    damage(store, "mask_drafts", "based_on")
    damage(store, "measurements", "content")
    with store.writing() as session:
        broken = "UPDATE mask_versions SET facts = '{}' WHERE number = 1"
        session.execute(text(broken))
    assert [line.number for line in list_versions(store, study)] == [2]
    for read, place in (
        (lambda: read_version(store, study, 1), "mask_versions.facts"),
        (lambda: read_draft(store, study, READER), "mask_drafts.based_on"),
        (lambda: read_measurements(store, study, READER), "measurements.content"),
    ):
        with pytest.raises(DamagedRow) as caught:
            read()
        assert caught.value.source == place


def test_damaged_settings_of_a_reader_are_as_shipped_and_can_be_changed(store: Store) -> None:
    change_reader(store, READER, name="A. Reader", keys={"next": "n"}, tour_done=True)
    damage(store, "readers", "settings", '{"keys": {"next": 5}}')
    assert find_reader(store, READER) == ReaderRow(READER, "A. Reader")
    changed = change_reader(store, READER, tour_done=True)
    assert find_reader(store, READER) == changed == ReaderRow(READER, "A. Reader", {}, True)


def test_damaged_errors_of_a_source_hide_no_others(store: Store) -> None:
    store.set_source(Origin.LIBRARY, "a", state="1", errors=[("a/x", "x is empty.")])
    damage(store, "sources", "errors")
    store.set_source(Origin.LIBRARY, "b", state="1", errors=[("b/y", "y is empty.")])
    assert store.source_errors(Origin.LIBRARY) == [("b/y", "y is empty.")]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Display, Display("uint16", 0.5, -3.0, ((0.0, 1.0), (2.0, 3.5)), (None, 0), 1)),
        (MaskBase, MaskBase("k", 0.5, 0.25, 2, "net 1")),
        (MaskFacts, MaskFacts(area_px=3, volume_ml=0.5, slices=1, touched=2, dice_ai=1.0)),
        (Measurements, Measurements((RULER,))),
        (ReaderSettings, ReaderSettings({"next": "n"}, True)),
    ],
)
def test_what_is_written_is_read_again(kind: type, value: object) -> None:
    assert load_json(kind, json.dumps(dump_json(kind, value))) == value


BASE = '{"result_key": null, "threshold": %s, "operating_point": null, "version": %s}'


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (MaskBase, "null"),
        (MaskBase, "[]"),
        (MaskBase, '{"another": 1}'),
        (MaskBase, BASE % ('"0.5"', "null")),
        (MaskBase, BASE % ("1.5", "null")),
        (MaskBase, BASE % ("NaN", "null")),
        (MaskBase, BASE % ("0.5", "true")),
        (MaskFacts, '{"area_px": 1}'),
        (MaskFacts, '{"area_px": -1, "slices": 1, "touched": 1}'),
        (Measurements, '{"items": [{"id": "a", "kind": "ruler", "k": 0, "points": [[0, 1]]}]}'),
        (ReaderSettings, '{"keys": {"a": 1}}'),
        (Display, "{}"),
        (Display, "[" * 100_000),
    ],
)
def test_what_does_not_fit_is_damage(kind: type, content: str) -> None:
    assert isinstance(load_json(kind, content), Damaged)


@pytest.mark.parametrize(
    "changes",
    [
        {"pixel_type": "float32"},
        {"slope": 0.0},
        {"start_channel": 2},
        {"same_as": [None]},
        {"same_as": [None, 5]},
        {"value_range": [[0, 1]]},
        {"windows": []},
    ],
)
def test_a_display_whose_channels_do_not_fit_is_damage(changes: dict[str, Any]) -> None:
    whole = dump_json(Display, make_display(2))
    assert load_json(Display, json.dumps(whole)) == make_display(2)
    assert isinstance(load_json(Display, json.dumps({**whole, **changes})), Damaged)
