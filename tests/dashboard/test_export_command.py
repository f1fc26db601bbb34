"""``python -m dashboard export``: files of what was signed, and sentences for what is not there."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_server import add_case, make_case, make_server, run_jobs
from reading_calls import decide, reader, signature

from dashboard import export
from dashboard.store.history import list_events
from dashboard.workspace.services import Services


@pytest.fixture
def study(parts: Services, monkeypatch: pytest.MonkeyPatch) -> str:
    found = add_case(parts, make_case())
    run_jobs(parts)
    monkeypatch.setattr(export, "start_services", lambda: parts)
    return found


def test_what_was_signed_is_written_and_noted(
    parts: Services, study: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    arguments = ["case0", "--what", "page,csv", "--output", str(output)]
    assert export.main(arguments) == 1
    assert "not signed" in capsys.readouterr().err
    ada = reader(make_server(parts), "Ada")
    decide(ada, study, "accept")
    signature(ada, study, "a")
    assert export.main(arguments) == 0
    names = sorted(path.name for path in output.iterdir())
    assert names == ["case0_record1.html", "case0_record1_measurements.csv"]
    page = (output / names[0]).read_bytes()
    assert page == ada.get(f"/api/studies/{study}/report").data
    events = [one for one in list_events(parts.store, study) if one.details.export]
    assert [one.details.export for one in events] == ["page", "csv"]


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (["case0", "--what", "view"], 2, "--what must name kinds"),
        (["nobody"], 1, "no study has this id or name"),
        (["case0", "--record", "7"], 1, "No record 7"),
        (["case0", "--record", "0"], 1, "No record 0"),
    ],
)
def test_what_cannot_be_written_gets_a_sentence(
    study: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    status: int,
    sentence: str,
) -> None:
    assert export.main([*arguments, "--output", str(tmp_path)]) == status
    assert sentence in capsys.readouterr().err
    assert not list(tmp_path.glob("*.pdf"))
