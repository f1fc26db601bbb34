"""Readings, claims, signatures and history, in SQLite and PostgreSQL alike."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from fake_server import Clock, add_row

from dashboard.store import Store
from dashboard.store.claims import CLAIM, AmendmentNeeded, Claimed
from dashboard.store.corrections import (
    NewVersion,
    Writer,
    add_version,
    drop_draft,
    write_draft,
)
from dashboard.store.entries import StudyChange, write_entries
from dashboard.store.history import Author, list_events
from dashboard.store.measurements import write_measurements
from dashboard.store.reading_content import (
    Decision,
    KeyImage,
    Reading,
    Reason,
    SignedContent,
    StudyFacts,
    Verdict,
)
from dashboard.store.readings import (
    SILENCE,
    NewRecord,
    ReadingConflict,
    SignedLine,
    decide,
    find_reading,
    leave_study,
    list_records,
    open_study,
    read_record,
    release_silent,
    set_priority,
    sign,
    write_reading,
)
from dashboard.store.states import StepRefused, StudyState
from dashboard.store.stored_json import Entries, Entry, MaskBase, MaskFacts

ADA, BEN = Author("browser-1", "Ada"), Author("browser-2", "Ben")
WINDOW = Writer("ab" * 8, step=1, revision=0)


def decision_of(store: Store, by: Author, verdict: Verdict = Verdict.ACCEPT) -> Decision:
    entry = Entry(reader_id=by.reader_id, author=by.name, at=store.clock())
    return Decision(verdict=verdict, by=entry)


def notes(text: str) -> Any:
    return lambda before: replace(before, notes=text)


def record_of(store: Store, study: str, token: str, **more: Any) -> NewRecord:
    row = store.study(study)
    facts = StudyFacts(
        study_id=study,
        case_id="case",
        name="case",
        patient="",
        study_date="",
        description="",
        content_digest=row.content_digest if row else "",
        data_digest=row.data_digest if row else "",
        sequences=("flair",),
        slices=3,
        spacing_mm=None,
        spacing_by=None,
    )
    fields: dict[str, Any] = {
        "study": facts,
        "result": None,
        "decision": decision_of(store, ADA),
        "notes": "",
        "key_images": (),
        "comparison": None,
        "lesions": (),
        "volume_ml": None,
        "based_on": MaskBase(),
        "mask_version": None,
        "measurements": (),
        "open_s": 1.0,
        "software": "0",
    } | more
    return NewRecord(SignedContent(**fields), b"mask", None, store.clock(), "e" * 64, token)


def sign_first(store: Store, study: str, token: str = "one") -> SignedLine:
    """Open, accept and sign a study as Ada."""
    open_study(store, study, ADA)
    row = decide(store, study, ADA, decision_of(store, ADA), revision=0)
    return sign(store, study, ADA, record_of(store, study, token), revision=row.revision)


def events(store: Store, study: str) -> list[tuple[str, str]]:
    return [(str(one.event), one.author) for one in list_events(store, study)]


def test_a_study_is_claimed_by_who_opens_it_first(store: Store, clock: Clock) -> None:
    study = add_row(store, 1)
    opened = open_study(store, study, ADA)
    assert opened.reading.state is StudyState.IN_REVIEW
    assert opened.reading.claim is not None
    assert opened.reading.claim.author == "Ada"
    second = open_study(store, study, BEN)
    assert second.others == ("Ada",)
    assert second.reading.claim is not None
    assert second.reading.claim.author == "Ada"
    with pytest.raises(Claimed) as caught:
        write_reading(store, study, BEN, revision=0, change=notes("mine"))
    assert caught.value.claim.author == "Ada"
    taken = open_study(store, study, BEN, take_over=True)
    assert taken.reading.claim is not None
    assert taken.reading.claim.author == "Ben"
    with pytest.raises(Claimed):
        decide(store, study, ADA, decision_of(store, ADA), revision=0)
    assert events(store, study)[-1] == ("taken over", "Ben")


def test_a_claim_expires_and_the_study_returns_to_the_worklist(store: Store, clock: Clock) -> None:
    study = add_row(store, 1)
    open_study(store, study, ADA)
    clock.advance(60)
    assert open_study(store, study, ADA).open_s == pytest.approx(60)
    assert release_silent(store) == 0
    clock.advance(SILENCE.total_seconds() + 1)
    release_silent(store)  # the page is closed, the claim lasts
    assert events(store, study)[-1] == ("closed", "Ada")
    assert find_reading(store, study).state is StudyState.IN_REVIEW
    clock.advance(CLAIM.total_seconds())
    assert find_reading(store, study).claim is None
    assert release_silent(store) == 1
    assert release_silent(store) == 0
    assert find_reading(store, study).state is StudyState.ANALYSED
    assert open_study(store, study, BEN).others == ()


def test_a_damaged_opening_does_not_keep_others_open(store: Store, clock: Clock) -> None:
    damaged, study = add_row(store, 1), add_row(store, 2)
    for one in (damaged, study):
        open_study(store, one, ADA)
    with store.writing() as session:
        broken = sa.text("UPDATE openings SET open_s = -1 WHERE study_id = :study")
        session.execute(broken, {"study": damaged})
    clock.advance(CLAIM.total_seconds() + 1)
    assert release_silent(store) == 2
    assert events(store, study)[-1] == ("closed", "Ada")


def test_leaving_ends_the_claim_and_keeps_what_is_recorded(store: Store, clock: Clock) -> None:
    study = add_row(store, 1)
    open_study(store, study, ADA)
    write_reading(store, study, ADA, revision=0, change=notes("cystic"))
    clock.advance(30)
    leave_study(store, study, ADA)
    row = find_reading(store, study)
    assert (row.state, row.claim, row.content.notes) == (StudyState.ANALYSED, None, "cystic")
    closed = list_events(store, study)[-1]
    assert (closed.event, closed.details.open_s) == ("closed", 30)


def test_a_window_that_has_not_seen_a_change_changes_nothing(store: Store) -> None:
    study = add_row(store, 1)
    row = write_reading(store, study, ADA, revision=0, change=notes("first"))
    assert row.revision == 1
    with pytest.raises(ReadingConflict) as caught:
        write_reading(store, study, BEN, revision=0, change=notes("second"))
    assert caught.value.reading.content.notes == "first"
    assert find_reading(store, study).content.notes == "first"
    same = write_reading(store, study, ADA, revision=1, change=notes("first"))
    assert same.revision == 1  # nothing new


def test_decisions_follow_the_states(store: Store) -> None:
    study = add_row(store, 1)
    with pytest.raises(StepRefused):
        decide(store, study, ADA, decision_of(store, ADA), revision=0)
    open_study(store, study, ADA)
    row = decide(store, study, ADA, decision_of(store, ADA), revision=0)
    assert (row.state, row.revision) == (StudyState.READ, 1)
    changed = replace(decision_of(store, ADA, Verdict.ACCEPT_WITH_CHANGES), comment="added one")
    row = decide(store, study, ADA, changed, revision=1)
    assert row.content.decision == changed
    kept = write_reading(store, study, ADA, revision=2, change=lambda _: Reading(notes="n"))
    assert kept.content.decision == changed  # only `decide` changes it
    row = decide(store, study, ADA, None, revision=3)
    assert (row.state, row.content.decision) == (StudyState.IN_REVIEW, None)
    assert [one for one, _ in events(store, study)][-3:] == ["decided", "decided", "withdrawn"]


def test_rejecting_needs_a_reason(store: Store) -> None:
    with pytest.raises(ValueError, match="reason"):
        decision_of(store, ADA, Verdict.REJECT)
    accepted = decision_of(store, ADA)
    replace(accepted, verdict=Verdict.REJECT, reason=Reason.FALSE_LESION)


def test_a_signature_is_stored_once_and_amended_with_a_reason(store: Store) -> None:
    study = add_row(store, 1)
    with pytest.raises(StepRefused):
        sign(store, study, ADA, record_of(store, study, "early"), revision=0)
    line = sign_first(store, study)
    assert (line.number, line.author) == (1, "Ada")
    again = sign(store, study, ADA, record_of(store, study, "one"), revision=1)
    assert again == line  # the answer was lost and the request sent again
    row = find_reading(store, study)
    assert (row.state, row.claim) == (StudyState.SIGNED, None)
    assert not store.delete_study(study, even_if_signed=False)
    open_study(store, study, BEN, amends=1)
    with pytest.raises(ReadingConflict):  # names no record that it amends
        sign(store, study, BEN, record_of(store, study, "two"), revision=row.revision)
    later = record_of(store, study, "three", amends=1, reason="second lesion")
    amended = sign(store, study, BEN, later, revision=row.revision)
    assert (amended.number, amended.content.reason) == (2, "second lesion")
    assert find_reading(store, study).state is StudyState.AMENDED
    assert [one.number for one in list_records(store, study)] == [2, 1]
    first = read_record(store, study, 1)
    assert first is not None
    assert first == (line, b"mask", None)
    assert [one for one, _ in events(store, study)][-3:] == ["signed", "opened", "amended"]


CHANGES: dict[str, Callable[[Store, str, int], object]] = {
    "notes": lambda store, study, at: write_reading(
        store, study, ADA, revision=at, change=notes(f"at {at}")
    ),
    "decision": lambda store, study, at: decide(
        store, study, ADA, decision_of(store, ADA, Verdict.ACCEPT_WITH_CHANGES), revision=at
    ),
    "signature": lambda store, study, at: sign(
        store, study, ADA, record_of(store, study, "two", amends=1), revision=at
    ),
    "draft": lambda store, study, at: write_draft(
        store,
        study,
        ADA.reader_id,
        writer=WINDOW,
        based_on=MaskBase(),
        content=b"",
        ai_content=None,
    ),
    "discarding a draft": lambda store, study, at: drop_draft(
        store, study, ADA.reader_id, writer=WINDOW
    ),
    "version": lambda store, study, at: add_version(
        store,
        study,
        NewVersion(
            ADA.reader_id, "Ada", MaskBase(), MaskFacts(area_px=0, slices=0, touched=0), b"", None
        ),
        writer=WINDOW,
    ),
    "measurements": lambda store, study, at: write_measurements(
        store, study, ADA.reader_id, revision=0, items=[]
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_signed_study_is_changed_only_by_the_reader_who_amends_it(
    store: Store, clock: Clock, what: str
) -> None:
    study = add_row(store, 1)
    sign_first(store, study)

    def change() -> None:
        CHANGES[what](store, study, find_reading(store, study).revision)

    def is_refused() -> bool:
        before = find_reading(store, study), list_events(store, study)
        with pytest.raises((AmendmentNeeded, Claimed)):
            change()
        return (find_reading(store, study), list_events(store, study)) == before

    open_study(store, study, ADA)  # looks at it
    assert is_refused()
    open_study(store, study, ADA, amends=2)  # of no such record
    assert is_refused()
    open_study(store, study, BEN, amends=1)
    open_study(store, study, ADA, amends=1)
    assert is_refused()
    open_study(store, study, ADA, amends=1, take_over=True)
    clock.advance(CLAIM.total_seconds() + 1)
    assert is_refused()
    open_study(store, study, ADA, amends=1)
    leave_study(store, study, ADA)
    assert is_refused()
    open_study(store, study, ADA, amends=1)
    change()
    if what == "signature":  # it ends the amendment
        assert find_reading(store, study).claim is None
        assert open_study(store, study, ADA, amends=1).reading.claim is None


def test_what_was_made_before_another_spacing_came_is_not_signed(store: Store) -> None:
    study = add_row(store, 1)
    open_study(store, study, ADA)
    row = decide(store, study, ADA, decision_of(store, ADA), revision=0)
    made = record_of(store, study, "one")
    by = Entry(reader_id=BEN.reader_id, author="Ben", at=store.clock())
    entered = StudyChange(
        label="",
        entries=Entries(spacing_mm=(5.0, 1.0, 1.0), spacing_by=by),
        reference=None,
        content_digest="a" * 64,
        data_digest="b" * 32,
        has_reference=False,
        warnings=(),
    )
    write_entries(store, study, entered, revision=0, reader_id=BEN.reader_id)
    with pytest.raises(ReadingConflict):
        sign(store, study, ADA, made, revision=row.revision)
    again = record_of(store, study, "two")
    assert sign(store, study, ADA, again, revision=row.revision).number == 1


def test_two_windows_that_sign_at_once_sign_once(store: Store) -> None:
    study = add_row(store, 1)
    open_study(store, study, ADA)
    row = decide(store, study, ADA, decision_of(store, ADA), revision=0)
    found: list[Any] = []

    def run(token: str) -> None:
        try:
            record = record_of(store, study, token)
            found.append(sign(store, study, ADA, record, revision=row.revision))
        except (ReadingConflict, StepRefused) as error:
            found.append(error)

    threads = [threading.Thread(target=run, args=(f"t{i}",)) for i in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sum(isinstance(one, SignedLine) for one in found) == 1
    assert len(list_records(store, study)) == 1


def test_history_and_records_cannot_be_changed(store: Store) -> None:
    study = add_row(store, 1)
    sign_first(store, study)
    for statement in (
        "UPDATE history SET author = 'Eve'",
        "DELETE FROM history",
        "UPDATE signed_records SET author = 'Eve'",
        "DELETE FROM signed_records",
    ):
        refused = pytest.raises(sa.exc.DBAPIError, match=r"only be added|P0001")
        with refused, store.writing() as session:
            session.execute(sa.text(statement))
    assert list_records(store, study)[0].author == "Ada"


def test_priority_is_set_once_and_reported(store: Store) -> None:
    study = add_row(store, 1)
    set_priority(store, study, ADA, stat=True)
    set_priority(store, study, ADA, stat=True)
    assert find_reading(store, study).priority == 1
    assert events(store, study).count(("priority", "Ada")) == 1


def test_key_images_are_stored_with_their_view(store: Store) -> None:
    study = add_row(store, 1)
    entry = Entry(reader_id="r", author="Ada", at=store.clock())
    image = KeyImage(id="a1", k=2, channel=0, window=(0.0, 100.0), layers=("ai",), by=entry)
    change = replace(Reading(), key_images=(image,), shown=(2,))
    write_reading(store, study, ADA, revision=0, change=lambda _: change)
    assert find_reading(store, study).content == change


def test_a_deleted_study_cannot_be_read(store: Store) -> None:
    with pytest.raises(LookupError):
        open_study(store, "0" * 16, ADA)
