from __future__ import annotations

import re
from pathlib import Path

import pytest
from fake_server import make_settings

from dashboard.workspace.settings import SETTINGS, SettingsError, read_settings, unknown_variables

ROOT = Path(__file__).resolve().parents[3]


def test_defaults_need_no_environment() -> None:
    settings = read_settings({})
    assert (settings.host, settings.port) == ("127.0.0.1", 8050)
    assert settings.home == ROOT / "workspace"
    assert settings.models == ROOT / "models"
    assert settings.database == f"sqlite:///{ROOT / 'workspace' / 'overread.db'}"
    assert settings.library is None
    assert settings.demo


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("OVERREAD_PORT", "eighty", "must be a whole number from 1 to 65535, got 'eighty'."),
        ("OVERREAD_PORT", "0", "must be a whole number from 1 to 65535, got '0'."),
        ("OVERREAD_PORT", "²", "must be a whole number from 1 to 65535, got '²'."),
        ("OVERREAD_MAX_UPLOAD_MB", "-1", "must be a whole number from 1 to 1048576, got '-1'."),
        ("OVERREAD_LIBRARY", "/no/such", "must be a folder that exists, got '/no/such'."),
        ("OVERREAD_ENGINE", "cuda", "must be one of auto, openvino, onnxruntime, keras"),
        ("OVERREAD_DEMO", "1", "must be one of yes, no, got '1'."),
        ("OVERREAD_DATABASE_URL", "file.db", "must be an SQLAlchemy URL"),
        ("OVERREAD_DATABASE_URL", "mysql://h/d", "must be an SQLAlchemy URL"),
        ("REDIS_URL", "amqp://host", "must be a Redis URL such as redis://host:6379/0."),
        ("OVERREAD_STORAGE_URL", "some/folder", "must be a URL such as s3:"),
        ("OVERREAD_SECRET", "short", "must have at least 32 characters."),
    ],
)
def test_bad_values_are_told_in_one_sentence(name: str, value: str, sentence: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({name: value})
    assert str(caught.value).startswith(name)
    assert sentence in str(caught.value)
    assert str(caught.value).endswith(".")


def test_workspace_is_its_owners_only(tmp_path: Path) -> None:
    settings = make_settings(tmp_path / "home")
    settings.prepare_workspace()
    for folder in (settings.home, settings.studies, settings.uploads, settings.background):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_workspace_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="OVERREAD_HOME"):
        make_settings(tmp_path / "file" / "home").prepare_workspace()


def test_secret_is_made_once_and_kept(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    secret = settings.signing_secret()
    assert len(secret) == 64
    assert settings.signing_secret() == secret
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600
    assert make_settings(tmp_path, OVERREAD_SECRET="x" * 40).signing_secret() == "x" * 40


def test_each_setting_is_described_and_used_once() -> None:
    assert len({s.name for s in SETTINGS}) == len({s.field for s in SETTINGS}) == len(SETTINGS)
    for setting in SETTINGS:
        assert setting.description.endswith(".")


def test_readme_has_every_setting_as_it_is() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text.split("| Variable | Default | What it does |\n|---|---|---|\n")[1].split("\n\n")[0]
    rows = [
        f"| `{one.name}` | {f'`{one.default}`' if one.default else 'not set'} | {one.description} |"
        for one in SETTINGS
    ]
    assert table.splitlines() == rows


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "OVERREAD_ENGIN",
            "OVERREAD_ENGIN is no setting and is ignored; did you mean OVERREAD_ENGINE?",
        ),
        ("OVERREAD_Q", "OVERREAD_Q is no setting and is ignored; the README lists them all."),
    ],
)
def test_variables_that_are_no_settings_are_told(name: str, sentence: str) -> None:
    known = {setting.name: "x" for setting in SETTINGS} | {"OVERREAD_REQUIRE_BROWSER": "1"}
    assert unknown_variables(known | {"PATH": "x"}) == ()
    assert unknown_variables(known | {name: "x"}) == (sentence,)


def test_documents_name_only_settings_that_there_are() -> None:
    names = {setting.name for setting in SETTINGS}
    for path in (ROOT / "docs").glob("*.md"):
        named = set(re.findall(r"OVERREAD_[A-Z_]+[A-Z]|REDIS_URL", path.read_text("utf-8")))
        assert named <= names | {"OVERREAD_REQUIRE_BROWSER", "OVERREAD_REQUIRE_SERVICES"}, path


def test_nothing_else_reads_the_environment() -> None:
    for path in (ROOT / "dashboard").rglob("*.py"):
        if path.name != "settings.py":
            assert not re.search(r"\b(environ|getenv)\b", path.read_text("utf-8")), path
