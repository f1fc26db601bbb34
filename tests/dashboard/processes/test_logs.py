"""What the log holds of events and errors, and what it never holds."""

from __future__ import annotations

import io
import logging
import sys

import pytest
from fake_server import add_row
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from dashboard.processes.logs import LogFormatter
from dashboard.store import Store
from dashboard.store.schema import StudyRecord

PATIENT = "Mueller^Hans"


def log_of(error: BaseException) -> str:
    """What the log holds of an error."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LogFormatter())
    logger = logging.Logger("dashboard.test")
    logger.addHandler(handler)
    logger.error("It failed: %s", type(error).__name__, exc_info=error)
    return stream.getvalue()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE studies SET patient = :value, case_id = NULL",  # PostgreSQL quotes the whole row
        "UPDATE studies SET identity = :value",  # two rows: PostgreSQL quotes the key
        "UPDATE studies SET origin = CAST(:value AS integer), height = NULL",  # ... and the value
        "UPDATE studies SET nothing = :value",
    ],
)
def test_a_failed_statement_leaves_no_value_in_error_or_log(store: Store, statement: str) -> None:
    add_row(store, 1, patient=PATIENT)
    add_row(store, 2, patient=PATIENT)
    with pytest.raises(SQLAlchemyError) as caught, store.writing() as session:
        session.execute(text(statement), {"value": PATIENT})
    logged = log_of(caught.value)
    assert "Mueller" not in logged and "Mueller" not in str(caught.value)
    assert "Mueller" not in str(caught.value.__cause__)
    assert statement[:20] in logged  # what failed is still there


def test_a_failed_insert_leaves_no_value_in_error_or_log(store: Store) -> None:
    study = add_row(store, 1, patient=PATIENT)
    with store.reading() as session:
        columns = StudyRecord.__table__.columns.keys()
        known = session.get_one(StudyRecord, study)
        values = {name: getattr(known, name) for name in columns}
    with pytest.raises(SQLAlchemyError) as caught, store.writing() as session:
        session.add(StudyRecord(**values | {"study_id": "0" * 16}))
    assert "Mueller" not in log_of(caught.value) and "Mueller" not in str(caught.value)


def test_an_exception_is_logged_with_its_places_and_without_its_text() -> None:
    try:
        try:
            raise ValueError(f"cannot read {PATIENT}")
        except ValueError as error:
            raise FileNotFoundError(2, "No such file", f"/srv/{PATIENT}.dcm") from error
    except FileNotFoundError:
        logged = log_of(sys.exc_info()[1] or ValueError())
    assert PATIENT not in logged.replace("{PATIENT}", "")
    assert "builtins.ValueError" in logged and "builtins.FileNotFoundError: No such file" in logged
    assert __file__ in logged


def test_a_name_cannot_forge_a_line_nor_fill_the_log() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "%s", ("a\nb\x1b[31m" + "c" * 9999,), None)
    line = LogFormatter().format(record)
    assert line.isprintable() and len(line) < 1200
