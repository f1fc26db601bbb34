from __future__ import annotations

import re
from ipaddress import ip_network
from pathlib import Path

import pytest
from fake_server import make_settings

from dashboard.workspace.settings import (
    VARIABLES,
    Settings,
    SettingsError,
    known_environment,
    open_workspace,
    read_settings,
    report_unknown_variables,
    unknown_variables,
)

ROOT = Path(__file__).resolve().parents[3]
#: A value of each setting other than its default, and the field as it is then.
OTHERS = {
    "OVERREAD_HOME": ("/srv/home", Path("/srv/home")),
    "OVERREAD_HOST": ("0.0.0.0", "0.0.0.0"),
    "OVERREAD_PORT": ("80", 80),
    "OVERREAD_ALLOWED_HOSTS": (" A.example , b ", ("a.example", "b")),
    "OVERREAD_LIBRARY": ("/", Path("/")),
    "OVERREAD_MODELS": ("other", Path.cwd() / "other"),
    "OVERREAD_DATABASE_URL": ("sqlite:///a.db", "sqlite:///a.db"),
    "OVERREAD_MAX_UPLOAD_MB": ("3", 3),
    "OVERREAD_MAX_UPLOAD_FILES": ("7", 7),
    "OVERREAD_FILE_MEMORY_MB": ("64", 64),
    "OVERREAD_FILE_SECONDS": ("5", 5),
    "OVERREAD_CACHE_MB": ("16", 16),
    "OVERREAD_ENGINE": ("keras", "keras"),
    "OVERREAD_PRECISION": ("bf16", "bf16"),
    "OVERREAD_REPORT_TEMPLATE": (__file__, Path(__file__)),
    "OVERREAD_PAPER": ("letter", "letter"),
    "OVERREAD_WORKERS": ("64", 64),
    "OVERREAD_THREADS": ("8", 8),
    "REDIS_URL": ("rediss://host:6379/0", "rediss://host:6379/0"),
    "OVERREAD_STORAGE_URL": ("/mnt/shared", "/mnt/shared"),
    "OVERREAD_STORAGE_LOCAL_MB": ("64", 64),
    "OVERREAD_STORAGE_RESULTS_MB": ("16", 16),
    "OVERREAD_DEMO": ("no", False),
    "OVERREAD_SECRET": ("x" * 32, "x" * 32),
    "OVERREAD_USER_HEADER": ("X-Remote-User", "X-Remote-User"),
    "OVERREAD_TRUSTED_PROXY": (
        "10.0.0.5, 172.18.0.0/16",
        (ip_network("10.0.0.5/32"), ip_network("172.18.0.0/16")),
    ),
    "OVERREAD_HTTPS": ("yes", True),
    "OVERREAD_ADMIN": ("Dr Chief", "Dr Chief"),
}


def test_defaults_need_no_environment() -> None:
    settings = read_settings({})
    assert (settings.host, settings.port) == ("127.0.0.1", 8050)
    assert settings.home == ROOT / "workspace"
    assert settings.models == ROOT / "models"
    assert settings.database == f"sqlite:///{ROOT / 'workspace' / 'overread.db'}"
    assert settings.library is None
    assert settings.demo
    assert settings.max_upload_bytes == 2 << 30


def test_every_setting_is_read_from_its_variable() -> None:
    assert set(OTHERS) == set(VARIABLES)
    settings = read_settings({name: text for name, (text, _) in OTHERS.items()})
    for name, (_, value) in OTHERS.items():
        assert (
            getattr(settings, VARIABLES[name])
            == value
            != getattr(read_settings({}), VARIABLES[name])
        ), name


def test_empty_variables_count_as_not_set() -> None:
    assert read_settings(dict.fromkeys(VARIABLES, " ")) == read_settings({})


@pytest.mark.parametrize(
    ("name", "value", "is_shown"),
    [
        ("OVERREAD_PORT", "eighty", True),
        ("OVERREAD_PORT", "0", True),
        ("OVERREAD_PORT", "²", True),
        ("OVERREAD_MAX_UPLOAD_MB", "-1", True),
        ("OVERREAD_CACHE_MB", "9" * 30, True),
        ("OVERREAD_LIBRARY", "/no/such", True),
        ("OVERREAD_ENGINE", "cuda", True),
        ("OVERREAD_DEMO", "perhaps", True),
        ("OVERREAD_HOME", "~nouser/x", True),
        ("OVERREAD_ALLOWED_HOSTS", ",", True),
        ("OVERREAD_USER_HEADER", "X Remote", True),
        ("OVERREAD_DATABASE_URL", "reviews.db", False),
        ("OVERREAD_DATABASE_URL", "mysql://user:password@h/d", False),
        ("REDIS_URL", "amqp://:password@host", False),
        ("OVERREAD_STORAGE_URL", "some/folder", False),
        ("OVERREAD_SECRET", "password", False),
    ],
)
def test_bad_values_give_one_sentence_without_passwords(
    name: str, value: str, is_shown: bool
) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({name: value})
    sentence = str(caught.value)
    assert sentence.startswith(f"{name} must ")
    assert sentence.endswith(".") and "\n" not in sentence
    assert (repr(value) in sentence) == is_shown
    assert (value in sentence) == is_shown


def test_a_long_value_is_cut() -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({"OVERREAD_ENGINE": "x" * 5000})
    assert len(str(caught.value)) < 250


def test_passwords_are_not_printed() -> None:
    settings = read_settings({name: text for name, (text, _) in OTHERS.items()})
    for name in ("OVERREAD_SECRET", "REDIS_URL", "OVERREAD_DATABASE_URL"):
        assert OTHERS[name][0] not in repr(settings)


def test_workspace_is_its_owners_only(tmp_path: Path) -> None:
    settings = make_settings(tmp_path / "home")
    settings.prepare_workspace()
    for folder in (settings.home, settings.studies, settings.uploads, settings.background):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_workspace_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="OVERREAD_HOME"):
        make_settings(tmp_path / "file" / "home").prepare_workspace()


def test_secret_is_made_once_and_stored(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    secret = settings.signing_secret()
    assert len(secret) == 64
    assert settings.signing_secret() == secret
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600
    assert make_settings(tmp_path, OVERREAD_SECRET="x" * 40).signing_secret() == "x" * 40


def test_each_setting_is_described() -> None:
    for name, field in VARIABLES.items():
        assert str(Settings.model_fields[field].description).endswith("."), name


@pytest.mark.parametrize(
    ("name", "meant"), [("OVERREAD_ENGIN", "OVERREAD_ENGINE"), ("OVERREAD_Q", "")]
)
def test_variables_that_are_not_settings(name: str, meant: str) -> None:
    known = dict.fromkeys(VARIABLES, "x") | {"OVERREAD_REQUIRE_BROWSER": "1", "PATH": "x"}
    assert unknown_variables(known) == {}
    assert unknown_variables(known | {name: "x"}) == {name: meant}


def test_documents_name_only_settings_that_there_are() -> None:
    switches = {"OVERREAD_REQUIRE_BROWSER", "OVERREAD_REQUIRE_SERVICES"}
    for path in (ROOT / "docs").glob("*.md"):
        named = set(re.findall(r"OVERREAD_[A-Z_]+[A-Z]|REDIS_URL", path.read_text("utf-8")))
        assert named <= set(VARIABLES) | switches, path


def test_nothing_else_reads_the_environment() -> None:
    for path in (ROOT / "dashboard").rglob("*.py"):
        if path.name != "settings.py":
            assert not re.search(r"\b(environ|getenv)\b", path.read_text("utf-8")), path


def test_every_process_reports_unknown_variables_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OVERREAD_HOME", str(tmp_path))
    monkeypatch.setenv("OVERREAD_PROT", "80")
    report_unknown_variables.cache_clear()
    for _ in range(2):
        open_workspace()
    assert [record.args[0] for record in caplog.records if record.args] == ["OVERREAD_PROT"]
    assert "OVERREAD_PROT" not in known_environment()
    assert known_environment()["OVERREAD_HOME"] == str(tmp_path)


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"OVERREAD_USER_HEADER": "X-User"}, "OVERREAD_TRUSTED_PROXY"),
        ({"OVERREAD_ADMIN": "A", "OVERREAD_HOST": "0.0.0.0"}, "OVERREAD_USER_HEADER"),
        ({"OVERREAD_ADMIN": "A", "OVERREAD_ALLOWED_HOSTS": "overread.example"}, "_USER_HEADER"),
        ({"OVERREAD_ADMIN": "A", "OVERREAD_TRUSTED_PROXY": "10.0.0.1"}, "OVERREAD_USER_HEADER"),
        ({"OVERREAD_TRUSTED_PROXY": "nginx"}, "OVERREAD_TRUSTED_PROXY"),
        ({"OVERREAD_TRUSTED_PROXY": "10.0.0.1,,"}, "OVERREAD_TRUSTED_PROXY"),
    ],
)
def test_settings_that_let_anyone_take_a_name_stop_the_start(
    variables: dict[str, str], named: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(variables)
    assert named in str(caught.value)


def test_an_administrator_needs_no_proxy_where_only_this_machine_reaches_the_server() -> None:
    assert read_settings({"OVERREAD_ADMIN": "Dr Chief"}).is_local
