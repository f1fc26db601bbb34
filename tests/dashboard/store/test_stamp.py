from __future__ import annotations

from fake_server import Clock, add_row

from dashboard.jobs import table
from dashboard.store import JobState, ResultSummary
from dashboard.store.stamp import worklist_stamp
from dashboard.workspace.services import Services

SUMMARY = ResultSummary(
    highest_score=0.9, volume_ml=None, positive_slices=1, mask_slices=1, engine="fake"
)


def test_each_step_of_a_study_changes_the_stamp_and_nothing_else_does(
    parts: Services, clock: Clock
) -> None:
    store = parts.store
    seen = [worklist_stamp(store)]

    def note() -> None:
        clock.advance(1)
        stamp = worklist_stamp(store)
        assert stamp != seen[-1]  # to come back to an earlier one is fine: so does what is shown
        assert stamp == worklist_stamp(store)
        seen.append(stamp)

    study = add_row(store, 1)
    note()
    job = table.submit(store, study)
    note()
    table.claim(store, "worker")
    note()
    table.renew(store, job, "worker")
    assert worklist_stamp(store) == seen[-1]
    table.renew(store, job, "worker", progress=(1, 3, "Slice 1 of 3"))
    note()
    table.end(store, job, "worker", JobState.DONE, summary=SUMMARY)
    note()
    table.submit(store, study, result_lost=True)
    note()
    other = add_row(store, 2)
    note()
    store.delete_study(other)
    store.delete_study(study)
    assert worklist_stamp(store) != seen[-1]


def test_one_job_that_ends_as_another_begins_changes_the_stamp(parts: Services) -> None:
    store = parts.store
    for number in (1, 2):
        table.submit(store, add_row(store, number))
    first = table.claim(store, "worker")
    assert first
    before = worklist_stamp(store)
    table.end(store, first.job_id, "worker", JobState.QUEUED)
    with store.writing() as session:  # the other one runs instead
        from dashboard.store.schema import JobRecord

        for record in session.query(JobRecord):
            record.state = "queued" if record.job_id == first.job_id else "running"
    assert worklist_stamp(store) != before
