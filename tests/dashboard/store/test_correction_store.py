"""Drafts and versions, in SQLite and PostgreSQL alike."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import sqlalchemy as sa
from fake_server import Clock, add_row

from dashboard.store import Store
from dashboard.store.corrections import (
    DraftConflict,
    DraftRow,
    NewVersion,
    VersionLine,
    Writer,
    add_version,
    drop_draft,
    list_versions,
    read_draft,
    read_version,
    write_draft,
)
from dashboard.store.rows import DamagedRow
from dashboard.store.schema import MaskDraftRecord, MaskVersionRecord
from dashboard.store.stored_json import MaskBase, MaskFacts

HERE, THERE = "a" * 16, "b" * 16
ME, OTHER = "browser-1", "browser-2"


def write(store: Store, study: str, writer: Writer, content: bytes = b"1", **more: Any) -> DraftRow:
    fields: dict[str, Any] = {"based_on": MaskBase(), "ai_content": b"ai"} | more
    return write_draft(store, study, ME, writer=writer, content=content, **fields)


def add(store: Store, study: str, content: bytes, writer: Writer, **more: Any) -> VersionLine:
    fields: dict[str, Any] = {
        "reader_id": ME,
        "author": "A. Reader",
        "based_on": MaskBase(),
        "facts": MaskFacts(area_px=3, slices=1, touched=1),
        "ai_content": None,
    } | more
    return add_version(store, study, NewVersion(content=content, **fields), writer=writer)


def test_a_draft_is_each_reader_s_own_and_goes_with_the_study(store: Store, clock: Clock) -> None:
    study = add_row(store, 1)
    assert read_draft(store, study, ME) is None
    draft = write(store, study, Writer(HERE, 1, 0))
    assert (draft.revision, draft.content, draft.ai_content) == (1, b"1", b"ai")
    assert read_draft(store, study, ME) == draft
    assert read_draft(store, study, OTHER) is None
    clock.advance(5)
    later = write(store, study, Writer(HERE, 2, 1), b"2", based_on=MaskBase(version=4))
    assert (later.revision, later.content, later.based_on) == (2, b"2", MaskBase(version=4))
    assert (later.changed_at - draft.changed_at).total_seconds() == 5
    store.purge_study(study)
    assert read_draft(store, study, ME) is None


def test_nothing_is_written_on_a_study_that_was_deleted_meanwhile(store: Store) -> None:
    study = add_row(store, 1)
    store.delete_study(study)
    for write_late in (
        lambda: write(store, study, Writer(HERE, 1, 0)),
        lambda: drop_draft(store, study, ME, writer=Writer(HERE, 1, 0)),
        lambda: add(store, study, b"1", Writer(HERE, 1, 0)),
    ):
        with pytest.raises(LookupError):
            write_late()
    assert read_draft(store, study, ME) is None


def test_another_window_meets_a_conflict_and_changes_nothing(store: Store) -> None:
    study = add_row(store, 1)
    write(store, study, Writer(HERE, 1, 0), b"here")
    with pytest.raises(DraftConflict) as caught:
        write(store, study, Writer(THERE, 1, 0), b"there")
    assert caught.value.draft.content == b"here"
    with pytest.raises(DraftConflict):
        drop_draft(store, study, ME, writer=Writer(THERE, 2, 0))
    assert read_draft(store, study, ME) == caught.value.draft
    seen = write(store, study, Writer(THERE, 3, 1), b"there")  # has seen it by now
    assert (seen.revision, seen.content) == (2, b"there")
    with pytest.raises(DraftConflict):
        write(store, study, Writer(HERE, 2, 1), b"here again")


def test_a_window_that_lost_an_answer_may_write_again(store: Store) -> None:
    study = add_row(store, 1)
    write(store, study, Writer(HERE, 1, 0), b"first")
    again = write(store, study, Writer(HERE, 2, 0), b"second")  # never heard of revision 1
    assert (again.revision, again.content) == (2, b"second")
    late = write(store, study, Writer(HERE, 1, 0), b"first")  # arrives after the second
    assert (late.revision, late.content) == (2, b"second")


@pytest.mark.parametrize("column", ["content", "ai_content"])
def test_altered_masks_are_named_and_never_returned(store: Store, column: str) -> None:
    study = add_row(store, 1)
    add(store, study, b"mask", Writer(HERE, 1, 0), ai_content=b"ai")
    write(store, study, Writer(HERE, 2, 0), b"draft")
    assert read_version(store, study, 1) and read_draft(store, study, ME)
    for table in (MaskVersionRecord, MaskDraftRecord):
        with store.writing() as session:
            session.execute(sa.update(table).values({column: b"other"}))
    for read in (
        lambda: read_version(store, study, 1),
        lambda: read_draft(store, study, ME),
    ):
        with pytest.raises(DamagedRow, match=r"restore a backup"):
            read()
    assert [line.number for line in list_versions(store, study)] == [1]
    written = write(store, study, Writer(HERE, 3, 1), b"again")  # the same window writes on
    assert read_draft(store, study, ME) == written


def test_dropping(store: Store) -> None:
    study = add_row(store, 1)
    drop_draft(store, study, ME, writer=Writer(HERE, 1, 0))  # there is none: nothing to do
    write(store, study, Writer(HERE, 2, 0))
    drop_draft(store, study, ME, writer=Writer(THERE, 1, 1))
    assert read_draft(store, study, ME) is None
    again = write(store, study, Writer(HERE, 3, 7))  # a window that still shows what was dropped
    assert again.revision == 8


def test_versions_are_numbered_within_the_study_and_take_the_draft_along(
    store: Store, clock: Clock
) -> None:
    study, other = add_row(store, 1), add_row(store, 2)
    write(store, study, Writer(HERE, 1, 0))
    first = add(store, study, b"first", Writer(HERE, 2, 1), ai_content=b"ai")
    assert read_draft(store, study, ME) is None
    clock.advance(60)
    second = add(store, study, b"second", Writer(HERE, 3, 1), reader_id=OTHER, author="B")
    assert add(store, other, b"first", Writer(HERE, 1, 0)).number == 1
    assert (first.number, second.number, second.author) == (1, 2, "B")
    assert list_versions(store, study) == [second, first]
    found = read_version(store, study, 1)
    assert found is not None
    assert (found.line, found.content, found.ai_content) == (first, b"first", b"ai")
    assert read_version(store, study, 3) is None
    store.purge_study(study)
    assert list_versions(store, study) == []


def test_the_same_mask_saved_twice_is_one_version(store: Store) -> None:
    study = add_row(store, 1)
    first = add(store, study, b"mask", Writer(HERE, 1, 0))
    assert add(store, study, b"mask", Writer(HERE, 1, 0)) == first  # the answer was lost
    assert add(store, study, b"mask", Writer(HERE, 2, 0), based_on=MaskBase(version=1)) == first
    assert add(store, study, b"mask", Writer(HERE, 3, 0), reader_id=OTHER).number == 2
    assert add(store, study, b"mask", Writer(HERE, 4, 0)).number == 3  # the last is another's


def test_a_version_leaves_the_draft_that_another_window_wrote(store: Store) -> None:
    study = add_row(store, 1)
    write(store, study, Writer(HERE, 1, 0), b"here")
    add(store, study, b"there", Writer(THERE, 1, 0))
    draft = read_draft(store, study, ME)
    assert draft is not None
    assert draft.content == b"here"


def test_of_many_windows_at_once_one_writes_the_draft_and_all_save_versions(store: Store) -> None:
    study = add_row(store, 1)
    outcomes: list[object] = []

    def work(name: int) -> None:
        writer = Writer(f"{name:016x}", 1, 0)
        try:
            outcomes.append(write(store, study, writer, str(name).encode()).content)
        except DraftConflict as error:
            outcomes.append(error.draft)
        outcomes.append(add(store, study, str(name).encode(), writer, reader_id=OTHER).number)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one for one in outcomes if isinstance(one, int)) == [1, 2, 3, 4, 5, 6]
    (written,) = [one for one in outcomes if isinstance(one, bytes)]
    lost = [one for one in outcomes if isinstance(one, DraftRow)]
    assert [one.content for one in lost] == [written] * 5
