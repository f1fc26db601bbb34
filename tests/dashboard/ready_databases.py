"""Databases that have all tables already.

The steps that make the tables take a tenth of a second and more. They run once for each kind of
database and process of the tests; every other database is a copy. What tests the steps themselves
begins with an empty database.
"""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from dashboard.store import Store


def write_database(file: Path) -> None:
    """Write an SQLite database without any study, unless the file exists."""
    if not file.exists():
        file.touch(mode=0o600)
        file.write_bytes(_sqlite_content())


@cache
def _sqlite_content() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "review.db"
        Store(f"sqlite:///{file}").close()
        return file.read_bytes()
