"""A database that is lost or damaged stops the start, and the worklist is rebuilt from studies."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from fake_server import (
    add_case,
    make_case,
    make_environment,
    make_server,
    make_services,
    make_settings,
)
from page_calls import find, text

from dashboard.pages.worklist import page as worklist
from dashboard.rebuild import rebuild
from dashboard.store import DatabaseError, JobState, LostDatabase, Origin, Store
from dashboard.workspace.services import Services, build_services
from pipeline import InputError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[tuple[Services, list[str]]]:
    """A workspace with two studies."""
    parts = make_services(tmp_path / "home")
    ids = [
        add_case(parts, make_case(seed=1)),
        add_case(parts, make_case(seed=2), Origin.DEMO),
    ]
    yield parts, ids
    parts.store.close()


def lose(parts: Services, how: str) -> None:
    """Lose the database as disks and people do."""
    parts.store.close()
    path = parts.settings.database_file
    for ending in ("-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    if how == "missing":
        path.unlink()
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "no database":
        path.write_bytes(b"garbage " * 4096)
    elif how == "no column":
        engine = sa.create_engine(f"sqlite:///{path}")
        with engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE studies DROP COLUMN source")
        engine.dispose()
    else:
        size = path.stat().st_size
        with path.open("r+b") as stream:  # behind the first page, which has the header
            stream.seek(4096)
            stream.write(b"\xff" * (size - 4096))


DAMAGE = ["no database", "no column", "pages"]


@pytest.mark.parametrize("how", ["missing", "empty", *DAMAGE])
def test_a_lost_database_never_starts_as_an_empty_worklist(
    stored: tuple[Services, list[str]], how: str
) -> None:
    parts, _ = stored
    lose(parts, how)
    for _ in range(2):  # a second start finds what the first one left
        with pytest.raises(LostDatabase) as refused:
            build_services(parts.settings, check=True)
        words = str(refused.value)
        assert "python -m dashboard rebuild" in words and str(parts.settings.database_file) in words
        assert ("2 studies" in words) == (how not in DAMAGE)


@pytest.mark.parametrize("how", ["missing", "empty", *DAMAGE])
def test_the_worklist_is_rebuilt_from_the_studies(
    stored: tuple[Services, list[str]], how: str
) -> None:
    parts, ids = stored
    before = {row.study_id: row for row in parts.store.list_studies()}
    lose(parts, how)
    found = rebuild(parts.settings)
    assert sorted(found.listed) == sorted(ids) and not found.errors
    assert (found.set_aside is not None) == (how in DAMAGE)
    assert found.set_aside is None or found.set_aside.is_file()
    again = build_services(parts.settings, check=True)
    for row in again.store.list_studies():
        old = before[row.study_id]
        assert (row.name, row.origin, row.added_at, row.identity, row.files_digest) == (
            (old.name, old.origin, old.added_at, old.identity, old.files_digest)
        )
        assert row.job_state is JobState.QUEUED
        assert again.load_case(row).n_slices == 3
    repeated = rebuild(parts.settings)
    assert repeated.listed == [] and repeated.known == 2 and repeated.set_aside is None
    again.store.close()


def test_what_cannot_be_listed_again_is_named(stored: tuple[Services, list[str]]) -> None:
    parts, (good, bad) = stored
    lose(parts, "missing")
    pixels = parts.settings.studies / bad / "pixels.npy"
    content = bytearray(pixels.read_bytes())
    content[-1] ^= 1
    pixels.write_bytes(content)
    foreign = parts.settings.studies / ("f" * 16)
    foreign.mkdir()
    (foreign / "case.json").write_text("{}")
    found = rebuild(parts.settings)
    assert found.listed == [good]
    assert [error.split(":")[0] for error in found.errors] == [
        f"Study {name}" for name in sorted((bad, "f" * 16))
    ]
    assert list((parts.settings.home / "set-aside").glob(f"*-{bad}"))


def test_studies_of_earlier_versions_are_listed_as_uploads(
    stored: tuple[Services, list[str]],
) -> None:
    parts, ids = stored
    lose(parts, "missing")
    for study in ids:
        (parts.settings.studies / study / "listing.json").unlink()
    (parts.settings.studies / ids[0] / "listing.json").write_text('{"origin": "elsewhere"}')
    assert sorted(rebuild(parts.settings).listed) == sorted(ids)
    store = build_services(parts.settings).store
    assert {row.origin for row in store.list_studies()} == {Origin.UPLOAD}
    store.close()


def test_deleted_studies_are_not_listed_while_the_database_knows_them(
    stored: tuple[Services, list[str]],
) -> None:
    parts, ids = stored
    parts.store.delete_study(ids[0])
    assert rebuild(parts.settings).listed == []


def test_a_new_workspace_starts(tmp_path: Path) -> None:
    make_services(tmp_path / "home").store.close()
    build_services(make_settings(tmp_path / "home"), check=True).store.close()


def test_studies_on_the_shared_storage_count_and_come_back(
    tmp_path: Path, storage_url: str
) -> None:
    def machine(name: str, database: str) -> dict[str, str]:
        return {
            "OVERREAD_STORAGE_URL": storage_url,
            "OVERREAD_DATABASE_URL": f"sqlite:///{tmp_path / database}",
        }

    study = add_case(make_services(tmp_path / "a", **machine("a", "one.db")), make_case())
    with pytest.raises(LostDatabase, match="1 study is stored"):
        make_services(tmp_path / "b", **machine("b", "two.db"))
    settings = make_settings(tmp_path / "b", **machine("b", "two.db"))
    assert rebuild(settings).listed == [study]
    parts = build_services(settings)
    (row,) = parts.store.list_studies()
    assert parts.load_case(row).n_slices == 3


def test_a_database_whose_tables_lack_a_column_is_refused(database_url: str) -> None:
    Store(database_url).close()
    store = Store(database_url, check=True)
    with store.writing() as session:
        session.execute(sa.text("ALTER TABLE measurements DROP COLUMN revision"))
    store.close()
    with pytest.raises(DatabaseError, match=r"lacks measurements\.revision"):
        Store(database_url, check=True)


def test_the_page_says_that_the_list_was_lost(stored: tuple[Services, list[str]]) -> None:
    parts, ids = stored
    with parts.store.writing() as session:
        session.execute(sa.text("DELETE FROM studies"))

    def empty_words() -> str:
        with make_server(parts).test_request_context("/"):
            shown = find(worklist.layout(), worklist.EMPTY)
        assert shown.hidden is False
        return text(shown)

    words = empty_words()
    assert "2 studies are stored" in words and "python -m dashboard rebuild" in words
    for study in ids:
        parts.files.delete(study)
    assert "rebuild" not in empty_words()


@pytest.mark.slow
def test_the_command_says_what_came_back_and_what_did_not(
    stored: tuple[Services, list[str]],
) -> None:
    parts, _ = stored
    lose(parts, "pages")
    home = parts.settings.home
    environment = os.environ | make_environment(home, OVERREAD_PORT="18977")

    def run(module: str, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", module, *words],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )

    refused = run("dashboard.web")
    assert refused.returncode == 2
    assert "is damaged" in refused.stderr and "rebuild" in refused.stderr
    assert "Traceback" not in refused.stderr
    done = run("dashboard", "rebuild")
    assert done.returncode == 0, done.stderr
    assert "Listed again: 2." in done.stdout and "corrections" in done.stdout


def test_a_study_that_is_set_aside_in_a_rebuild_is_named_when_it_is_opened(
    stored: tuple[Services, list[str]],
) -> None:
    parts, (good, _) = stored
    lose(parts, "missing")
    rebuild(parts.settings)
    again = build_services(parts.settings)
    row = again.store.study(good)
    assert row is not None
    (parts.settings.studies / good / "case.json").write_text("{}")
    with pytest.raises(InputError, match="set aside"):
        again.load_case(row)
