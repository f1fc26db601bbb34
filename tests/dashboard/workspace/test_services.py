from __future__ import annotations

from pathlib import Path

import pytest
from fake_server import make_services

from dashboard.store import DatabaseError


def test_a_database_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    file = tmp_path / "home" / "overread.db"
    file.mkdir(parents=True)
    with pytest.raises(DatabaseError) as caught:
        make_services(tmp_path / "home")
    assert str(caught.value).startswith(f"The review database {file} cannot be written; let this")
    assert "OVERREAD_DATABASE_URL" not in str(caught.value)
