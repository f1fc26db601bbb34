from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from fake_server import Clock, add_row

from dashboard.jobs import table
from dashboard.store import JobState, ModelKey, ResultSummary, Store
from pipeline import InputError

SUMMARY = ResultSummary(highest_score=0.9, volume_ml=None, positive_slices=1, mask_slices=1)
IMAGE_MODEL, OTHER_MODEL = (ModelKey("chest-xray", digit * 64) for digit in "cd")
NO_MEMORY = "This study needs more memory than the server has."


def state_of(store: Store, job_id: int) -> JobState:
    row = table.state(store, job_id)
    assert row is not None
    return row.state


def test_a_job_from_submission_to_result(store: Store) -> None:
    job_id = table.submit(store, add_row(store, 1))
    assert table.submit(store, f"{1:016x}") == job_id
    claimed = table.claim(store, "w")
    assert claimed is not None
    assert (claimed.job_id, claimed.attempts, claimed.owner, claimed.total) == (job_id, 1, "w", 3)
    assert table.claim(store, "other") is None
    assert table.renew(store, job_id, "w", progress=(2, 6, "Classifying slice 3 of 3")) is False
    row = table.state(store, job_id)
    assert row is not None
    assert (row.done, row.total, row.message) == (2, 6, "Classifying slice 3 of 3")
    table.end(store, job_id, "w", JobState.DONE, summary=SUMMARY)
    row = table.state(store, job_id)
    assert row is not None
    assert (row.state, row.done, row.finished, row.owner) == (JobState.DONE, 6, True, "")
    assert table.submit(store, f"{1:016x}") == job_id
    assert state_of(store, job_id) is JobState.DONE  # not computed twice


def test_equal_content_is_one_job(store: Store) -> None:
    first = table.submit(store, add_row(store, 1))
    assert table.submit(store, add_row(store, 2, content_digest=f"{1:064x}")) == first


def test_opened_goes_before_arrived_then_by_age(store: Store, clock: Clock) -> None:
    ids = []
    for number in (1, 2, 3):
        ids.append(table.submit(store, add_row(store, number)))
        clock.advance(1)
    table.submit(store, f"{3:016x}", priority=table.PRIORITY_OPENED)
    table.submit(store, f"{3:016x}", priority=table.PRIORITY_ARRIVED)  # does not lower it
    order = [table.claim(store, "w") for _ in ids]
    assert [row.job_id for row in order if row] == [ids[2], ids[0], ids[1]]


def test_a_single_image_goes_between_studies_that_were_opened_and_those_that_arrived(
    store: Store, database_url: str, clock: Clock
) -> None:
    arrived = table.submit(store, add_row(store, 1))
    image = table.submit_image(store, "a" * 32, IMAGE_MODEL, restart=False)
    opened = table.submit(store, add_row(store, 2), priority=table.PRIORITY_OPENED)
    without = Store(database_url, clock=clock)  # a worker without the studies' models
    claimed = [table.claim(store, "w"), table.claim(without, "w"), table.claim(without, "w")]
    assert [row and row.job_id for row in claimed] == [opened, image, None]
    assert claimed[1] is not None and claimed[1].task == "chest-xray"
    last = table.claim(store, "w")
    assert last is not None and last.job_id == arrived


def test_an_image_is_one_job_for_each_model_and_in_no_worklist(store: Store, clock: Clock) -> None:
    first = table.submit_image(store, "a" * 32, IMAGE_MODEL, restart=False)
    assert table.submit_image(store, "a" * 32, IMAGE_MODEL, restart=False) == first
    assert table.submit_image(store, "a" * 32, OTHER_MODEL, restart=False) != first
    found = table.find(store, "a" * 32, IMAGE_MODEL)
    assert found is not None and found.job_id == first
    assert table.find(store, "b" * 32, IMAGE_MODEL) is None
    assert store.list_studies() == [] and store.count_studies().states == {}
    table.claim(store, "w", job_id=first)
    table.end(store, first, "w", JobState.DONE)
    clock.advance(10)
    table.submit_image(store, "a" * 32, IMAGE_MODEL, restart=False)  # its answer is lost
    assert state_of(store, first) is JobState.QUEUED
    table.claim(store, "w", job_id=first)
    clock.advance(5)
    table.forget_images(store, before=clock())
    assert state_of(store, first) is JobState.RUNNING  # its worker ends it first
    assert table.find(store, "a" * 32, OTHER_MODEL) is None


def test_a_job_s_message_is_to_be_sent_once_and_again_when_it_may_be_lost(
    store: Store, clock: Clock
) -> None:
    job_id = table.submit(store, add_row(store, 1))

    def due(seconds: float | None = None) -> list[int]:
        before = None if seconds is None else clock() - timedelta(seconds=seconds)
        return [row.job_id for row in table.take_unsent(store, sent_before=before)]

    assert due() == [] and due(10) == []  # its sender has sent it
    clock.advance(11)
    assert due() == []
    assert due(10) == [job_id]
    assert due(10) == []
    table.claim(store, "w")
    clock.advance(100)
    table.release_expired(store)  # nobody has sent it since
    assert due() == [job_id]
    assert due() == []


def test_submit_without_study_or_models_is_an_error(store: Store, database_url: str) -> None:
    with pytest.raises(InputError):
        table.submit(store, "0" * 16)
    study, without = add_row(store, 1), Store(database_url)
    damaged = Store(database_url, no_model="The models are damaged.")
    for broken in (without, damaged):
        with pytest.raises(InputError) as caught:
            table.submit(broken, study)
        assert caught.value.message == broken.no_model
    assert without.no_model != damaged.no_model == "The models are damaged."
    assert table.claim(without, "w") is None


def test_a_worker_with_other_models_leaves_the_job(store: Store, database_url: str) -> None:
    table.submit(store, add_row(store, 1))
    other = Store(database_url, model=ModelKey("brain-tumor", "b" * 64))
    assert table.claim(other, "w") is None


def test_lost_result_is_computed_again(store: Store) -> None:
    job_id = table.submit(store, add_row(store, 1))
    table.claim(store, "w")
    table.end(store, job_id, "w", JobState.DONE, summary=SUMMARY)
    table.submit(store, f"{1:016x}", result_lost=True)
    assert state_of(store, job_id) is JobState.QUEUED
    row = store.study(f"{1:016x}")
    assert row is not None and row.mask_slices is None


def test_cancel(store: Store) -> None:
    job_id = table.submit(store, add_row(store, 1))
    table.cancel(store, job_id)
    assert state_of(store, job_id) is JobState.CANCELLED
    table.cancel(store, job_id)  # once more changes nothing
    table.submit(store, f"{1:016x}")
    table.claim(store, "w")
    row = table.cancel(store, job_id)
    assert row is not None and row.cancel_requested and row.state is JobState.RUNNING
    assert table.renew(store, job_id, "w") is True
    table.end(store, job_id, "w", JobState.CANCELLED)
    row = table.state(store, job_id)
    assert row is not None and row.state is JobState.CANCELLED and not row.cancel_requested
    assert table.cancel(store, 999) is None


def test_failed_can_be_tried_again(store: Store) -> None:
    job_id = table.submit(store, add_row(store, 1))
    table.claim(store, "w")
    table.end(
        store,
        job_id,
        "w",
        JobState.FAILED,
        error=NO_MEMORY,
    )
    row = store.study(f"{1:016x}")
    assert row is not None
    assert row.job_error == NO_MEMORY
    table.submit(store, f"{1:016x}")
    row = store.study(f"{1:016x}")
    assert row is not None
    assert (row.job_state, row.job_error) == (JobState.QUEUED, "")


def test_heartbeat_keeps_a_job_and_silence_loses_it(store: Store, clock: Clock) -> None:
    job_id = table.submit(store, add_row(store, 1))
    table.claim(store, "w")
    for _ in range(5):
        clock.advance(10)
        table.renew(store, job_id, "w")
    assert table.release_expired(store) == 0
    clock.advance(16)
    assert state_of(store, job_id) is JobState.QUEUED  # a reader who looks is enough
    second = table.claim(store, "other")
    assert second is not None and second.attempts == 2
    for late in (
        lambda: table.renew(store, job_id, "w"),
        lambda: table.renew(store, job_id, "w", progress=(1, 2, "")),
        lambda: table.end(store, job_id, "w", JobState.DONE, summary=SUMMARY),
        lambda: table.end(store, job_id, "w", JobState.FAILED, error="x"),
        lambda: table.end(store, job_id, "w", JobState.CANCELLED),
        lambda: table.end(store, job_id, "w", JobState.QUEUED),
    ):
        with pytest.raises(table.LeaseLost):
            late()
    assert state_of(store, job_id) is JobState.RUNNING


def test_after_three_lost_workers_the_job_is_given_up(store: Store, clock: Clock) -> None:
    job_id = table.submit(store, add_row(store, 1))
    for _ in range(table.MAX_ATTEMPTS):
        assert table.claim(store, "w") is not None
        clock.advance(16)
        table.release_expired(store)
    row = table.state(store, job_id)
    assert row is not None and row.state is JobState.FAILED
    assert row.error == table.GIVEN_UP


def test_giving_back_does_not_count_as_an_attempt(store: Store) -> None:
    job_id = table.submit(store, add_row(store, 1))
    for _ in range(2 * table.MAX_ATTEMPTS):
        assert table.claim(store, "w") is not None
        table.end(store, job_id, "w", JobState.QUEUED)
    row = table.state(store, job_id)
    assert row is not None
    assert (row.state, row.attempts) == (JobState.QUEUED, 0)


def test_lost_while_being_cancelled_is_cancelled(store: Store, clock: Clock) -> None:
    job_id = table.submit(store, add_row(store, 1))
    table.claim(store, "w")
    table.cancel(store, job_id)
    clock.advance(16)
    assert state_of(store, job_id) is JobState.CANCELLED


def test_many_claim_at_once_and_each_job_goes_to_one(store: Store, database_url: str) -> None:
    wanted = {table.submit(store, add_row(store, number)) for number in range(1, 13)}
    claimed: list[int] = []

    def work(name: str) -> None:
        mine = Store(database_url, model=store.model)
        while (row := table.claim(mine, name)) is not None:
            claimed.append(row.job_id)

    threads = [threading.Thread(target=work, args=(f"w{k}",)) for k in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == sorted(wanted)


def test_many_submit_at_once_and_there_is_one_job(store: Store) -> None:
    study, found = add_row(store, 1), []
    threads = [
        threading.Thread(target=lambda: found.append(table.submit(store, study))) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6 and len(set(found)) == 1
