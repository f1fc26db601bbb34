"""Databases of versions 1 to 3 are upgraded with all that they hold; others are left alone."""

from __future__ import annotations

import multiprocessing
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from dashboard.jobs import table
from dashboard.store import DatabaseError, JobState, ModelKey, Origin, Store, migrations
from dashboard.store.corrections import list_versions, read_draft, read_version
from dashboard.store.database import describe_unknown_tables
from dashboard.store.measurements import read_measurements
from dashboard.store.migrations import ForeignTables, NewerTables
from dashboard.store.postgres import driver_url
from dashboard.store.readers import find_reader
from dashboard.store.schema import Base
from dashboard.store.stored_json import Measurement

STUDY, READER = "0123456789abcdef", "reader-1"
DONE, WAITING = f"{1:064x}", f"{2:064x}"
MODEL = ModelKey("brain-tumor", "a" * 64)
THEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
#: As the program of version 3 made them.
TABLES_OF_VERSION_3 = (Path(__file__).parent / "version_3.sql").read_text("utf-8")
TYPES = {
    "sqlite": {"serial": "INTEGER", "time": "DATETIME", "blob": "BLOB", "float": "DOUBLE"},
    "postgresql": {
        "serial": "SERIAL",
        "time": "TIMESTAMP WITH TIME ZONE",
        "blob": "BYTEA",
        "float": "DOUBLE PRECISION",
    },
}
#: What version 2 added to 1, and version 3 to 2.
TABLES_ADDED = ("readers", "mask_drafts", "mask_versions", "measurements")
COLUMNS_ADDED = ("task", "sent_at")


@pytest.fixture
def engine(database_url: str) -> Iterator[sa.Engine]:
    opened = sa.create_engine(
        driver_url(database_url) if database_url.startswith("postgres") else database_url
    )
    yield opened
    opened.dispose()


def statements(version: int) -> list[str]:
    """What made the tables of a version."""
    found = []
    for statement in filter(str.strip, TABLES_OF_VERSION_3.split(";")):
        lines = statement.strip().splitlines()
        if version < 2 and any(name in lines[0] for name in TABLES_ADDED):
            continue
        if version < 3 and lines[0].split()[2] == "jobs":
            lines = [line for line in lines if line.split()[0] not in COLUMNS_ADDED]
        found.append("\n".join(lines))
    return found


def rows(version: int) -> dict[str, list[dict[str, Any]]]:
    """What a server of a version has stored."""
    job = {
        "model_digest": MODEL.digest,
        "precision": "f32",
        "done": 0,
        "total": 3,
        "message": "",
        "error": "",
        "priority": 0,
        "attempts": 0,
        "cancel_requested": False,
        "owner": "",
        "created_at": THEN,
        "queued_at": THEN,
    } | ({"task": "brain-tumor"} if version > 2 else {})
    study = {
        "data_digest": "d" * 32,
        "patient": "P1",
        "study_date": "2026-01-02",
        "description": "Brain",
        "synthetic": False,
        "origin": "upload",
        "source": "",
        "sequences": ["t1", "flair"],
        "indices": [1, 2, 3],
        "height": 4,
        "width": 5,
        "has_reference": True,
        "warnings": ["Careful."],
        "display": {
            "pixel_type": "uint8",
            "slope": 1.0,
            "intercept": 0.0,
            "windows": [[0.0, 1.0], [0.0, 1.0]],
            "same_as": [None, None],
            "start_channel": 1,
        },
    }
    stored: dict[str, list[dict[str, Any]]] = {
        "schema": [{"row": 1, "version": version}],
        "studies": [
            {"study_id": STUDY, "case_id": "one", "identity": "1", "content_digest": DONE}
            | {"added_at": THEN + timedelta(days=1)}
            | study,
            {"study_id": STUDY[::-1], "case_id": "two", "identity": "2"}
            | {"content_digest": WAITING, "added_at": THEN}
            | study,
        ],
        "jobs": [
            {"job_id": 7, "content_digest": DONE, "state": "done", "finished_at": THEN} | job,
            {"job_id": 8, "content_digest": WAITING, "state": "queued", "finished_at": None} | job,
        ],
        "results": [
            {"job_id": 7, "highest_score": 0.9, "volume_ml": 12.5, "called_slices": 2}
            | {"mask_slices": 1, "engine": "openvino", "stored_at": THEN}
        ],
        "sources": [
            {"origin": "library", "name": "entry", "state": "state", "read_at": THEN}
            | {"errors": [["entry/x.dcm", "x.dcm is empty."]]}
        ],
    }
    if version == 1:
        return stored
    by_reader = {"study_id": STUDY, "reader_id": READER}
    based_on = {"result_key": "k", "threshold": 0.5, "operating_point": None, "version": None}
    facts = {"area_px": 3, "volume_ml": None, "slices": 1, "touched": 1}
    return stored | {
        "readers": [
            {"reader_id": READER, "name": "A. Reader", "changed_at": THEN}
            | {"settings": {"keys": {"next": "n"}, "tour_done": True}}
        ],
        "mask_versions": [
            by_reader
            | {"version_id": 5, "number": 1, "author": "A. Reader", "saved_at": THEN}
            | {"based_on": based_on | {"network": "net 1"}, "content": b"mask", "ai_content": b"ai"}
            | {"facts": facts | {"dice_ai": 0.5, "dice_reference": None}}
        ],
        "mask_drafts": [
            by_reader
            | {"revision": 4, "writer": "w", "step": 2, "changed_at": THEN, "content": b"draft"}
            | {"based_on": based_on | {"network": None}, "ai_content": None}
        ],
        "measurements": [
            by_reader | {"revision": 2, "changed_at": THEN, "content": {"items": [LINE]}}
        ],
    }


LINE = {"id": "m1", "kind": "ruler", "k": 2, "points": [[0.5, 1.0], [3.0, 2.5]]}


def make_database(engine: sa.Engine, version: int) -> None:
    with engine.begin() as connection:
        for statement in statements(version):
            connection.exec_driver_sql(statement.format(**TYPES[engine.dialect.name]))
        known = sa.MetaData()
        known.reflect(connection)
        for found in known.sorted_tables:
            if stored := rows(version).get(found.name):
                connection.execute(sa.insert(found), stored)


def differences(engine: sa.Engine) -> list[Any]:
    with engine.connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection), Base.metadata))


def test_a_new_database_has_the_tables_of_the_models(engine: sa.Engine, database_url: str) -> None:
    assert differences(engine)  # the comparison sees what is missing
    Store(database_url).close()
    assert differences(engine) == []


@pytest.mark.parametrize("version", [1, 2, 3])
def test_an_older_database_is_upgraded_with_what_it_holds(
    engine: sa.Engine, database_url: str, version: int
) -> None:
    make_database(engine, version)
    for _ in range(2):  # the second opening finds nothing to do
        Store(database_url).close()
        assert differences(engine) == []
        assert not sa.inspect(engine).has_table("schema")
    store = Store(database_url, model=MODEL)
    done, waiting = store.list_studies()
    assert (done.study_id, done.job_state, done.volume_ml) == (STUDY, JobState.DONE, 12.5)
    assert done.claims is None, "a worker completes them"
    assert (done.sequences, done.warnings, done.start_channel) == (
        ("t1", "flair"),
        ("Careful.",),
        1,
    )
    assert (done.volume_ml, waiting.job_state, waiting.added_at) == (12.5, JobState.QUEUED, THEN)
    assert store.source_errors(Origin.LIBRARY) == [("entry/x.dcm", "x.dcm is empty.")]
    (job,) = table.take_unsent(store)
    assert (job.job_id, job.task) == (8, "brain-tumor")
    claimed = table.claim(store, "worker")
    assert claimed is not None and claimed.job_id == 8
    if version > 1:
        reader = find_reader(store, READER)
        assert (reader.name, reader.keys, reader.tour_done) == ("A. Reader", {"next": "n"}, True)
        (line,) = list_versions(store, STUDY)
        saved = read_version(store, STUDY, 1)
        assert saved is not None and saved.line == line
        assert (saved.content, saved.ai_content, line.author) == (b"mask", b"ai", "A. Reader")
        assert (line.facts.dice_ai, line.based_on.network) == (0.5, "net 1")
        draft = read_draft(store, STUDY, READER)
        assert draft is not None
        assert (draft.revision, draft.content, draft.changed_at) == (4, b"draft", THEN)
        measured = read_measurements(store, STUDY, READER)
        assert measured.revision == 2
        ends = ((0.5, 1.0), (3.0, 2.5))
        assert measured.items == (Measurement(id="m1", kind="ruler", k=2, points=ends),)
    store.purge_study(STUDY)
    with engine.connect() as connection:
        for name in ("results", *(TABLES_ADDED[1:] if version > 1 else ())):
            assert connection.scalar(sa.text(f"SELECT count(*) FROM {name}")) == 0
    store.close()


def _open(url: str, barrier: Any) -> None:
    barrier.wait()
    Store(url).close()


def test_of_several_processes_that_start_at_once_one_upgrades(
    engine: sa.Engine, database_url: str
) -> None:
    make_database(engine, 1)
    engine.dispose()
    spawn = multiprocessing.get_context("spawn")
    barrier = spawn.Barrier(3)
    processes = [spawn.Process(target=_open, args=(database_url, barrier)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0] * 3
    assert differences(engine) == []
    with engine.connect() as connection:
        assert len(connection.execute(sa.text("SELECT * FROM alembic_version")).all()) == 1


@pytest.mark.parametrize(
    "made",
    [
        ["CREATE TABLE studies (n INTEGER)", "CREATE TABLE schema (n INTEGER)"],
        ["CREATE TABLE orders (n INTEGER)"],
        [
            "CREATE TABLE orders (n INTEGER)",
            "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)",
            "INSERT INTO alembic_version VALUES ('v2')",
        ],
    ],
)
def test_a_database_of_another_program_is_left_alone(
    engine: sa.Engine, database_url: str, made: list[str]
) -> None:
    with engine.begin() as connection:
        for statement in made:
            connection.exec_driver_sql(statement)
    before = sorted(sa.inspect(engine).get_table_names())
    with pytest.raises(DatabaseError) as caught:
        Store(database_url)
    assert str(caught.value) == describe_unknown_tables(database_url, ForeignTables())
    assert sorted(sa.inspect(engine).get_table_names()) == before


@pytest.mark.parametrize("stamped", ["schema", "alembic_version"])
def test_a_database_of_a_newer_version_is_left_alone(
    engine: sa.Engine, database_url: str, stamped: str
) -> None:
    if stamped == "schema":
        make_database(engine, 3)
        change = "UPDATE schema SET version = 4"
    else:
        Store(database_url).close()
        change = "UPDATE alembic_version SET version_num = 'v99'"
    with engine.begin() as connection:
        connection.exec_driver_sql(change)
    with pytest.raises(DatabaseError) as caught:
        Store(database_url)
    assert str(caught.value) == describe_unknown_tables(database_url, NewerTables())


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "review.db"
    file.write_bytes(b"This is no database." * 100)
    with pytest.raises(DatabaseError):
        Store(f"sqlite:///{file}", file=file)
    assert file.read_bytes() == b"This is no database." * 100


def test_the_modules_of_the_steps_are_named_by_them() -> None:
    """Which steps there are is read from these names, without Alembic."""
    config = Config()
    config.set_main_option("script_location", "dashboard.store:migrations")
    steps = list(ScriptDirectory.from_config(config).walk_revisions())
    names = [Path(step.path).name.partition("_")[0] for step in steps]
    assert names == [step.revision for step in steps]
    assert names == [f"v{number}" for number in range(len(steps), 0, -1)]


def test_migrations_are_numbered_in_order_and_the_guide_names_the_next_number() -> None:
    folder = Path(migrations.__file__).parent
    numbers = sorted(
        int(found[1])
        for path in (folder / "versions").glob("*.py")
        if (found := re.match(r"v(\d+)_", path.name))
    )
    assert numbers == list(range(1, len(numbers) + 1))
    guide = Path(__file__).parents[3] / "docs" / "development.md"
    named = re.findall(r"--rev-id v(\d+)", guide.read_text(encoding="utf-8"))
    assert named == [str(len(numbers) + 1)]
