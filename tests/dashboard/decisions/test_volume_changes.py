"""How the AI's volume has changed since the patient's study before."""

from __future__ import annotations

from fake_server import add_row

from dashboard.decisions.changes import find_changes
from dashboard.jobs import table
from dashboard.store import JobState, ResultSummary, Store
from dashboard.store.history import Author
from dashboard.store.patients import record_patient, write_link
from dashboard.workspace.services import Services
from pipeline import PatientIdentity

ANN = PatientIdentity(patient_id="7", issuer="Hospital", name="Ann")
BOB = PatientIdentity(patient_id="7", issuer="Hospital", name="Bob")
NO_ID = PatientIdentity(patient_id="anonymous", name="Ann", birth_date="1980-01-01")


def add(
    store: Store, number: int, volume_ml: float | None, date: str, patient: PatientIdentity = ANN
) -> str:
    """List an analysed study."""
    study_id = add_row(store, number, study_date=date)
    record_patient(store, study_id, patient)
    job_id = table.submit(store, study_id)
    table.claim(store, "w", job_id=job_id)
    summary = ResultSummary(
        0.9, volume_ml, positive_slices=1, mask_slices=1, conflicts=0, cautions=0, unfit=""
    )
    table.end(store, job_id, "w", JobState.DONE, summary=summary)
    return study_id


def percents(store: Store, *study_ids: str) -> list[float | None]:
    """The change of each study, rounded; None without one."""
    found = find_changes(store, study_ids)
    changes = [found.get(study_id) for study_id in study_ids]
    return [round(one.percent) if one and one.percent is not None else None for one in changes]


def test_the_latest_dated_study_before_counts(parts: Services) -> None:
    store = parts.store
    first = add(store, 1, 10.0, "2025-01-01")
    add(store, 2, None, "2025-03-01")  # without spacing
    add(store, 3, 40.0, "")
    second = add(store, 4, 12.5, "2025-06-01")
    third = add(store, 5, 5.0, "2026-01-01")
    same_day = add(store, 6, 25.0, "2026-01-01")
    assert percents(store, first, second, third, same_day) == [None, 25, -60, 100]
    assert percents(store, second) == [25]  # whichever other studies are asked for
    change = find_changes(store, [third])[third]
    assert (change.before_ml, change.since) == (12.5, "2025-06-01")


def test_a_volume_before_of_nothing_has_no_percentage(parts: Services) -> None:
    add(parts.store, 1, 0.0, "2025-01-01")
    still = add(parts.store, 2, 0.0, "2025-02-01")
    new = add(parts.store, 3, 3.0, "2025-03-01")
    assert percents(parts.store, still, new) == [0, None]
    assert find_changes(parts.store, [new])[new].before_ml == 0


def test_another_patient_never_counts_and_what_a_reader_says_does(parts: Services) -> None:
    store, by = parts.store, Author("r", "R")
    bob = add(store, 1, 10.0, "2025-01-01", BOB)
    ann = add(store, 2, 20.0, "2025-02-01")
    earlier, later = (
        add(store, number, 10.0 * number, f"2025-0{number}-01", NO_ID) for number in (3, 4)
    )
    assert percents(store, ann, later) == [None, None]
    write_link(store, ann, bob, is_same=True, by=by)
    assert percents(store, ann) == [100]
    write_link(store, ann, bob, is_same=False, by=by)
    assert percents(store, ann, earlier) == [None, None]
