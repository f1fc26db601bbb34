from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fake_server import add_case, fake_factory, make_case, make_services, wait_for
from sqlalchemy import update

from dashboard.jobs import table
from dashboard.jobs.execution import NO_MEMORY, UNEXPECTED, Worker
from dashboard.jobs.tasks import Tasks
from dashboard.store import JobState, StudyRow
from dashboard.store.schema import ResultRecord
from dashboard.store.stamp import worklist_stamp
from dashboard.store.worklist_lines import write_lines
from dashboard.workspace.services import Services
from pipeline import InputError, ResultCache


def row_of(parts: Services, study: str) -> StudyRow:
    row = parts.store.study(study)
    assert row is not None
    return row


def run_with(parts: Services, on_slice: Any) -> StudyRow:
    study = add_case(parts, make_case())
    assert Worker(parts, make_analyser=fake_factory(on_slice)).run_one()
    return row_of(parts, study)


def test_a_job_is_run_and_its_result_kept(parts: Services) -> None:
    row = run_with(parts, lambda k: None)
    assert row.job_state is JobState.DONE
    assert (row.positive_slices, row.mask_slices) == (1, 1)
    assert row.claims is not None and row.claims.unfit, "a picture of six pixels"
    assert row.claims.cautions >= 2
    assert row.volume_ml == pytest.approx(0.02)
    key = parts.result_key(row.content_digest)
    assert key is not None and parts.results.answer(key) is not None


@pytest.mark.parametrize("is_lost", [False, True])
def test_summaries_of_earlier_versions_are_completed(
    parts: Services, tmp_path: Path, is_lost: bool
) -> None:
    row = run_with(parts, lambda k: None)
    with parts.store.writing() as session:
        session.execute(update(ResultRecord).values(conflicts=None, cautions=None, unfit=None))
        write_lines(session, parts.store.model, [row.study_id])
    earlier, before = row_of(parts, row.study_id), worklist_stamp(parts.store)
    assert (earlier.claims, earlier.volume_ml) == (None, row.volume_ml)
    if is_lost:
        parts = replace(parts, results=ResultCache(tmp_path / "empty"))
    Tasks(parts, threading.Event(), fake_factory()).complete_claims()
    assert row_of(parts, row.study_id).claims == (None if is_lost else row.claims)
    assert (worklist_stamp(parts.store) == before) is is_lost
    assert len(parts.store.studies_without_claims()) == int(is_lost)


def test_models_are_loaded_once(parts: Services) -> None:
    made = []

    def make(services: Services, stopping: threading.Event) -> Any:
        made.append(1)
        return fake_factory()(services, stopping)

    one = Worker(parts, make_analyser=make)
    for seed in range(3):
        add_case(parts, make_case(seed=seed))
        assert one.run_one()
    assert len(made) == 1


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (InputError("x", "The slices have no pixels."), "The slices have no pixels."),
        (RuntimeError("inner words"), UNEXPECTED),
        (MemoryError(), NO_MEMORY),
    ],
)
def test_a_failing_study_has_a_sentence_and_the_worker_continues(
    parts: Services, error: Exception, sentence: str
) -> None:
    def fail(k: int) -> None:
        raise error

    row = run_with(parts, fail)
    assert row.job_state is JobState.FAILED
    assert row.job_error == sentence
    assert run_with(parts, lambda k: None).job_state is JobState.DONE  # requested again


def test_a_study_whose_files_are_deleted_fails(parts: Services) -> None:
    study = add_case(parts, make_case())
    parts.files.delete(study)
    assert Worker(parts, make_analyser=fake_factory()).run_one()
    row = row_of(parts, study)
    assert row.job_state is JobState.FAILED
    assert row.job_error not in ("", UNEXPECTED)


def test_cancel_stops_the_work_at_the_next_slice(parts: Services) -> None:
    seen: list[int] = []

    def cancel_now(k: int) -> None:
        seen.append(k)
        job_id = parts.store.list_studies()[0].job_id
        assert job_id is not None
        table.cancel(parts.store, job_id)
        time.sleep(0.25)  # progress is written at most every 0.2 s

    assert run_with(parts, cancel_now).job_state is JobState.CANCELLED
    assert seen == [0]


def test_heartbeat_brings_the_word_to_stop_and_keeps_the_lease(parts: Services) -> None:
    study = add_case(parts, make_case())
    beats: list[Any] = []

    def long_slice(k: int) -> None:
        job = table.state(parts.store, row_of(parts, study).job_id or 0)
        assert job is not None
        beats.append(job.lease_until)
        time.sleep(0.3)

    one = Worker(parts, make_analyser=fake_factory(long_slice), heartbeat_s=0.05)
    assert one.run_one()
    assert beats == sorted(set(beats)) and len(beats) == 3


def test_a_worker_that_must_end_returns_its_job(parts: Services) -> None:
    study = add_case(parts, make_case())
    one = Worker(parts, make_analyser=fake_factory(lambda k: one.stopping.set()))
    one.run()
    row = row_of(parts, study)
    assert row.job_state is JobState.QUEUED
    job = table.claim(parts.store, "next")
    assert job is not None and job.attempts == 1


def test_job_that_was_taken_over_is_left_alone(parts: Services) -> None:
    study = add_case(parts, make_case())

    def lose(k: int) -> None:
        job_id = row_of(parts, study).job_id
        assert job_id is not None
        if k == 0:
            (job := table.state(parts.store, job_id)) and table.end(
                parts.store, job_id, job.owner, JobState.QUEUED
            )
            assert table.claim(parts.store, "other") is not None
            time.sleep(0.25)

    assert Worker(parts, make_analyser=fake_factory(lose)).run_one()
    job = table.state(parts.store, row_of(parts, study).job_id or 0)
    assert job is not None
    assert (job.state, job.owner) == (JobState.RUNNING, "other")


def test_without_models_the_worker_waits(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    parts = make_services(tmp_path / "home", models=False)
    one = Worker(parts)
    thread = threading.Thread(target=one.run)
    thread.start()
    wait_for(lambda: caplog.records)
    one.stopping.set()
    thread.join(5)
    assert not thread.is_alive()
    assert caplog.records[0].message == parts.models_error
