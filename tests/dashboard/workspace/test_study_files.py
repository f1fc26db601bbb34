"""Studies in the workspace, and on storage that several machines share."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
from fake_server import add_case, fake_factory, make_case, make_services

from dashboard.jobs import table
from dashboard.jobs.execution import Worker
from dashboard.storage_upkeep import tidy_storage
from dashboard.store import JobState
from dashboard.workspace import shared_studies
from dashboard.workspace.services import Services
from dashboard.workspace.settings import SettingsError
from dashboard.workspace.study_files import StudyFiles
from pipeline import AnswerMap, InputError, SharedStorage, StorageError

STUDY = "0123456789abcdef"


def files(home: Path, url: str, **options: int) -> StudyFiles:
    home.mkdir(exist_ok=True)
    return StudyFiles(home, storage=SharedStorage(url), **options)


def test_one_machine_reads_what_another_stored(storage_url: str, tmp_path: Path) -> None:
    case = make_case()
    files(tmp_path / "a", storage_url).save(STUDY, case)
    other = files(tmp_path / "b", storage_url)
    assert other.exists(STUDY)
    found = other.load(STUDY)
    assert isinstance(found.pixels, np.memmap) and (found.pixels == case.pixels).all()
    assert found.content_digest() == case.content_digest()
    other.delete(STUDY)
    assert not files(tmp_path / "a", storage_url).exists(STUDY)
    with pytest.raises(InputError):
        files(tmp_path / "c", storage_url).load(STUDY)


def test_half_a_study_and_foreign_files_are_refused(storage_url: str, tmp_path: Path) -> None:
    files(tmp_path / "a", storage_url).save(STUDY, make_case())
    storage = SharedStorage(storage_url)
    storage.write(f"studies/{STUDY}/pixels.npy", b"\x80\x04cposix\nsystem\n.")
    with pytest.raises(InputError):
        files(tmp_path / "b", storage_url).load(STUDY)
    for manifest in (b"{}", b"[]", b"no json", b'{"files": {"../x": {}}}'):
        storage.write(f"studies/{STUDY}/manifest.json", manifest)
        with pytest.raises(InputError):
            files(tmp_path / "b", storage_url).load(STUDY)
    assert not any(path.is_dir() for path in (tmp_path / "b").iterdir())


def test_many_threads_fetch_a_study_once(
    storage_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files(tmp_path / "a", storage_url).save(STUDY, make_case())
    fetched: list[str] = []
    real = shared_studies.fetch_study

    def count(storage: SharedStorage, study_id: str, folder: Path) -> bool:
        fetched.append(study_id)
        return real(storage, study_id, folder)

    monkeypatch.setattr(shared_studies, "fetch_study", count)
    other = files(tmp_path / "b", storage_url)
    threads = [threading.Thread(target=other.load, args=(STUDY,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert fetched == [STUDY]


def test_copies_make_room_and_open_ones_are_read_on(tmp_path: Path) -> None:
    url = str(tmp_path / "shared")
    ids = [f"{number:016x}" for number in range(5)]
    stored = files(tmp_path / "a", url)
    for number, study in enumerate(ids):
        stored.save(study, make_case(seed=number))
    size = sum(path.stat().st_size for path in (tmp_path / "a" / ids[0]).iterdir())
    small = files(tmp_path / "b", url, copies_bytes=int(2.5 * size))
    cases = [small.load(study) for study in ids]
    copies = [path.name for path in (tmp_path / "b").iterdir()]
    assert len(copies) == 2 and ids[-1] in copies
    assert [int(case.pixels.sum()) for case in cases] == [
        int(make_case(seed=number).pixels.sum()) for number in range(5)
    ]
    assert small.load(ids[0]).case_id == "case0"  # fetched again


def test_studies_from_before_are_put_on_the_storage_and_never_deleted(tmp_path: Path) -> None:
    StudyFiles(tmp_path / "a").save(STUDY, make_case())
    url = str(tmp_path / "shared")
    now = files(tmp_path / "a", url, copies_bytes=1)
    now.save("f" * 16, make_case(seed=1))
    assert (tmp_path / "a" / STUDY / "case.json").is_file()
    assert now.share_all() == 1
    assert now.share_all() == 0
    assert files(tmp_path / "b", url).load(STUDY).case_id == "case0"


def test_storage_that_is_silent_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = SharedStorage(str(tmp_path / "shared"))
    (tmp_path / "a").mkdir()
    one = StudyFiles(tmp_path / "a", storage=storage)

    def silent(*_: object, **__: object) -> None:
        raise StorageError("gone")

    for name in ("read", "write", "upload", "exists", "delete"):
        monkeypatch.setattr(storage, name, silent)
    with pytest.raises(InputError):
        one.save(STUDY, make_case())
    assert list((tmp_path / "a").iterdir()) == []
    for asking in (one.load, one.exists):
        with pytest.raises(InputError):
            asking(STUDY)
    one.delete(STUDY)  # the study is off the list either way


def machine(home: Path, url: str, database: Path) -> Services:
    return make_services(
        home, OVERREAD_STORAGE_URL=url, OVERREAD_DATABASE_URL=f"sqlite:///{database}"
    )


def test_two_machines_share_studies_and_results(storage_url: str, tmp_path: Path) -> None:
    web, worker = (
        machine(tmp_path / name, storage_url, tmp_path / "review.db") for name in ("web", "worker")
    )
    study = add_case(web, make_case())
    assert Worker(worker, make_analyser=fake_factory()).run_one()
    row = web.store.study(study)
    assert row is not None and row.job_state is JobState.DONE
    key = web.result_key(row.content_digest)
    assert key is not None
    piece = web.results.map_slice(key, 1, AnswerMap.PROBABILITY)
    assert piece is not None and piece[:2, :2].tolist() == [[200, 200], [200, 200]]


def test_a_result_that_others_cannot_read_is_no_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = machine(tmp_path / "a", str(tmp_path / "shared"), tmp_path / "review.db")
    study = add_case(parts, make_case())
    shutil.rmtree(tmp_path / "shared")
    assert parts.storage is not None

    def silent(*_: object, **__: object) -> None:
        raise StorageError("gone")

    monkeypatch.setattr(parts.storage, "write", silent)
    assert Worker(parts, make_analyser=fake_factory()).run_one()
    row = parts.store.study(study)
    assert row is not None and row.job_state is JobState.FAILED
    assert row.job_error.endswith(".")
    monkeypatch.undo()
    table.submit(parts.store, study)
    assert Worker(parts, make_analyser=fake_factory()).run_one()
    row = parts.store.study(study)
    assert row is not None and row.job_state is JobState.DONE


def test_upkeep_keeps_storage_within_its_bounds(tmp_path: Path) -> None:
    parts = machine(tmp_path / "a", str(tmp_path / "shared"), tmp_path / "review.db")
    assert parts.storage is not None
    parts.storage.write("results/ab/" + "ab" * 32, b"x")
    parts.storage.write("comparisons/x/upload", b"x")
    assert tidy_storage(parts) == (0, 0)
    assert len(list(parts.storage.list("results"))) == 1


def test_storage_that_nothing_knows_is_reported(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="OVERREAD_STORAGE_URL"):
        make_services(tmp_path / "home", OVERREAD_STORAGE_URL="nonsense://x")
