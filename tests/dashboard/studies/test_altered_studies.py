"""Studies whose files were altered are set aside and named, and read again where they can be."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path

import numpy as np
import pytest
from fake_server import add_case, fake_factory, make_case, make_server, make_services, write_png

from dashboard.jobs.execution import Worker
from dashboard.prepare import prepare
from dashboard.store import JobState, Origin, StudyRow
from dashboard.studies import intake
from dashboard.workspace.services import Services
from dashboard.workspace.study_files import AlteredStudy
from pipeline import InputError, SharedStorage

FILES = ("pixels.npy", "masks.npy", "case.json")


def alter(path: Path) -> None:
    """Change one bit and leave size and time as they were, as a bad disk does."""
    times = path.stat()
    content = bytearray(path.read_bytes())
    # in JSON a number: the file stays readable
    place = content.index(b"5.0") if path.suffix == ".json" else len(content) - 2
    content[place] ^= 1
    with path.open("r+b") as stream:  # in place: a mapped file changes, too
        stream.write(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def row_of(parts: Services, study: str) -> StudyRow:
    row = parts.store.study(study)
    assert row is not None
    return row


def set_aside(parts: Services) -> list[Path]:
    return list((parts.settings.home / "set-aside").glob("*"))


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("opened", [False, True])
def test_an_altered_file_is_set_aside_and_never_shown(
    parts: Services, name: str, opened: bool
) -> None:
    parts.files.recheck_s = 0
    study = add_case(parts, make_case())
    row = row_of(parts, study)
    if opened:
        assert parts.load_case(row).n_slices == 3
    alter(parts.settings.studies / study / name)
    client = make_server(parts).test_client()
    address = f"/data/{study}/{row.data_digest}"
    for path in (
        f"/api/studies/{study}",
        f"{address}/pixels/0/1",
        f"{address}/reference/1",
        f"{address}/thumbnail/0.png",
        f"{address}/space",
    ):
        answer = client.get(path)
        assert answer.status_code >= HTTPStatus.BAD_REQUEST, path
        assert "set aside" in answer.get_json()["error"], path
    (moved,) = set_aside(parts)
    assert (moved / name).is_file() and moved.name.endswith(study)
    assert not (parts.settings.studies / study).exists()


def test_the_same_upload_restores_the_study_with_all_that_readers_did(parts: Services) -> None:
    study = add_case(parts, make_case())
    alter(parts.settings.studies / study / "pixels.npy")
    assert add_case(parts, make_case()) == study
    case = parts.load_case(row_of(parts, study))
    assert np.array_equal(case.pixels, make_case().pixels)
    assert len(set_aside(parts)) == 1


def test_an_altered_study_is_not_analysed(parts: Services) -> None:
    study = add_case(parts, make_case())
    alter(parts.settings.studies / study / "pixels.npy")
    assert Worker(parts, make_analyser=fake_factory()).run_one()
    row = row_of(parts, study)
    assert row.job_state is JobState.FAILED and "set aside" in row.job_error


def test_a_study_that_was_added_again_meanwhile_is_not_altered(parts: Services) -> None:
    study = add_case(parts, make_case())
    before = row_of(parts, study)
    parts.files.delete(study)
    parts.files.save(
        study,
        make_case(sources=("x", "y", "z")),
        record=lambda digest: parts.store.set_files_digest(study, digest),
    )
    assert parts.load_case(before).sources == ("x", "y", "z")
    assert not set_aside(parts)


def test_files_are_looked_at_again_after_a_while(parts: Services) -> None:
    study = add_case(parts, make_case())
    row = row_of(parts, study)
    parts.files.recheck_s = 60
    assert parts.load_case(row).n_slices == 3
    alter(parts.settings.studies / study / "pixels.npy")
    assert parts.load_case(row).n_slices == 3  # many slices a second cost nothing
    parts.files.recheck_s = 0
    with pytest.raises(InputError, match="set aside"):
        parts.load_case(row)


def test_a_study_of_the_library_is_read_again(tmp_path: Path) -> None:
    write_png(tmp_path / "library" / "one" / "scan.png")
    parts = make_services(
        tmp_path / "home", OVERREAD_LIBRARY=str(tmp_path / "library"), OVERREAD_DEMO="no"
    )
    prepare(parts)
    (row,) = parts.store.list_studies()
    parts.files.recheck_s = 0
    pixels = np.array(parts.load_case(row).pixels)
    alter(parts.settings.studies / row.study_id / "pixels.npy")
    with pytest.raises(InputError, match="set aside"):
        parts.load_case(row)
    prepare(parts)
    (again,) = parts.store.list_studies()
    assert again.study_id == row.study_id
    assert np.array_equal(parts.load_case(again).pixels, pixels)


def test_digests_of_earlier_studies_are_recorded_once(parts: Services) -> None:
    parts.files.recheck_s = 0
    good, bad = (add_case(parts, make_case(seed=seed)) for seed in (1, 2))
    for study in (good, bad):
        parts.store.set_files_digest(study, "")
        (parts.settings.studies / study / "listing.json").unlink()
    alter(parts.settings.studies / bad / "pixels.npy")
    assert intake.record_digests(parts) == 1
    assert intake.record_digests(parts) == 0
    assert row_of(parts, good).files_digest and not row_of(parts, bad).files_digest
    assert parts.load_case(row_of(parts, good)).n_slices == 3
    with pytest.raises(InputError, match="set aside"):
        parts.load_case(row_of(parts, bad))
    listing = json.loads((parts.settings.studies / good / "listing.json").read_text())
    assert listing["files_digest"] == row_of(parts, good).files_digest
    assert listing["origin"] == Origin.UPLOAD


@pytest.fixture
def machine(tmp_path: Path, storage_url: str) -> Callable[[str], Services]:
    """Machines that share database and storage."""

    def make(name: str) -> Services:
        return make_services(
            tmp_path / name,
            OVERREAD_STORAGE_URL=storage_url,
            OVERREAD_DATABASE_URL=f"sqlite:///{tmp_path / 'review.db'}",
        )

    return make


def test_an_altered_copy_is_fetched_again(machine: Callable[[str], Services]) -> None:
    web, worker = machine("web"), machine("worker")
    worker.files.recheck_s = 0
    study = add_case(web, make_case())
    assert worker.load_case(row_of(worker, study)).n_slices == 3
    alter(worker.settings.studies / study / "pixels.npy")
    case = worker.load_case(row_of(worker, study))
    assert np.array_equal(case.pixels, make_case().pixels)
    assert len(set_aside(worker)) == 1 and not set_aside(web)


def test_an_altered_study_on_the_shared_storage_is_refused_until_it_is_added_again(
    machine: Callable[[str], Services], storage_url: str
) -> None:
    web, other = machine("web"), machine("other")
    study = add_case(web, make_case())
    foreign = replace(make_case(seed=9), case_id="case0")
    forged = machine("forged").files
    forged.save(study, foreign)  # pixels and manifest of another image
    for _ in range(2):
        with pytest.raises(AlteredStudy):
            other.load_case(row_of(other, study))
    assert len(set_aside(other)) == 1
    assert not SharedStorage(storage_url).exists(f"studies/{study}/manifest.json")
    assert add_case(web, make_case()) == study
    assert np.array_equal(other.load_case(row_of(other, study)).pixels, make_case().pixels)
