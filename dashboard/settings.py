"""All settings, in one frozen dataclass: the only reader of the environment.

Each setting is one entry of `SETTINGS`, from which the table in the README is tested. A value that
does not fit is told in one plain sentence.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[1]

#: Names under which a browser on the same machine reaches the server.
LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")
ENGINES = ("auto", "keras", "onnxruntime", "openvino")
PRECISIONS = ("f32", "bf16")


class SettingsError(ValueError):
    """A setting that cannot be used; the message is one plain sentence."""


@dataclass(frozen=True)
class Setting:
    """One environment variable.

    Attributes:
        name: The variable.
        default: Its default as the documentation writes it.
        description: What it does, in one line.
        field: Field of `Settings` that it fills.
        parse: Turns its text into the field's value; raises `SettingsError`.
    """

    name: str
    default: str
    description: str
    field: str
    parse: Callable[[str, str], Any]


@dataclass(frozen=True)
class Settings:
    """How this server runs. See `SETTINGS` for the variables behind the fields.

    Attributes:
        home: The workspace.
        host, port: Where the web process listens.
        allowed_hosts: Host names under which browsers may ask for pages, in lower case, without port.
        library: Folder of studies on the server, or None.
        models: Folder of the shipped models.
        database_url: SQLAlchemy URL; "" for the SQLite file in the workspace.
        max_upload_bytes: What one upload may hold.
        max_upload_files: Files of one upload.
        cache_bytes: What the result cache may hold.
        engine: Runtime of the models.
        precision: Precision at which the models run.
        workers: Worker processes that `python -m dashboard` starts.
        demo: Whether an empty workspace gets the demo studies.
        secret: Signs handles of background callbacks; "" for one kept in the workspace.
    """

    home: Path
    host: str
    port: int
    allowed_hosts: tuple[str, ...]
    library: Path | None
    models: Path
    database_url: str
    max_upload_bytes: int
    max_upload_files: int
    cache_bytes: int
    engine: str
    precision: str
    workers: int
    demo: bool
    secret: str

    @property
    def studies(self) -> Path:
        """Folder with one folder per study (`pipeline.save_case`)."""
        return self.home / "studies"

    @property
    def uploads(self) -> Path:
        """Folder of uploads that are not finished."""
        return self.home / "uploads"

    @property
    def demo_files(self) -> Path:
        """Folder of the demo studies' DICOM files."""
        return self.home / "demo"

    @property
    def results(self) -> Path:
        """Folder of the result cache."""
        return self.home / "results"

    @property
    def background(self) -> Path:
        """Folder in which background callbacks hand over progress and results."""
        return self.home / "background"

    @property
    def engine_files(self) -> Path:
        """Folder of the exported models."""
        return self.home / "engine"

    @property
    def temporary(self) -> Path:
        """Folder for files that live as long as a request."""
        return self.home / "tmp"

    @property
    def database(self) -> str:
        """SQLAlchemy URL of the review database."""
        return self.database_url or f"sqlite:///{self.home / 'overread.db'}"

    def prepare_workspace(self) -> None:
        """Make the workspace's folders, readable by their owner only.

        Raises:
            SettingsError: They cannot be made or written.
        """
        folders = [self.studies, self.uploads, self.results, self.background, self.engine_files]
        try:
            for folder in (self.home, *folders, self.temporary):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                folder.chmod(0o700)
        except OSError as error:
            raise SettingsError(
                f"The workspace {self.home} cannot be written ({error.strerror});"
                " set OVERREAD_HOME to a folder that can."
            ) from None

    def signing_secret(self) -> str:
        """The secret: as set, else made once and kept in the workspace (mode 0600)."""
        if self.secret:
            return self.secret
        path = self.home / "secret"
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return self._kept_secret(path)
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(secrets.token_hex(32))
        return self._kept_secret(path)

    def _kept_secret(self, path: Path) -> str:
        secret = path.read_text(encoding="ascii").strip()
        if len(secret) < 32:
            raise SettingsError(f"{path} holds no secret; delete the file, a new one is made.")
        return secret


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings.

    Args:
        environment: Variables by name; the process's own by default.

    Raises:
        SettingsError: A value does not fit; the sentence names the variable and the value.
    """
    source = os.environ if environment is None else environment
    values = {}
    for setting in SETTINGS:
        text = source.get(setting.name, "").strip() or setting.default
        values[setting.field] = setting.parse(setting.name, text)
    return Settings(**values)


def _text(name: str, text: str) -> str:
    return text


def _path(name: str, text: str) -> Path:
    return Path(text).expanduser().absolute()


def _models(name: str, text: str) -> Path:
    return _ROOT / "models" if text == _MODELS_DEFAULT else _path(name, text)


def _folder_or_none(name: str, text: str) -> Path | None:
    if not text:
        return None
    path = _path(name, text)
    if not path.is_dir():
        raise SettingsError(f"{name} must be a folder that exists, got {text!r}.")
    return path


def _whole(low: int, high: int, factor: int = 1) -> Callable[[str, str], int]:
    def parse(name: str, text: str) -> int:
        if not (text.isascii() and text.isdigit() and low <= int(text[:12]) <= high):
            raise SettingsError(
                f"{name} must be a whole number from {low} to {high}, got {text!r}."
            )
        return int(text) * factor

    return parse


def _choice(choices: tuple[str, ...]) -> Callable[[str, str], str]:
    def parse(name: str, text: str) -> str:
        if text not in choices:
            raise SettingsError(f"{name} must be one of {', '.join(choices)}, got {text!r}.")
        return text

    return parse


def _yes_no(name: str, text: str) -> bool:
    return _choice(("yes", "no"))(name, text) == "yes"


def _hosts(name: str, text: str) -> tuple[str, ...]:
    return tuple(part.strip().lower() for part in text.split(",") if part.strip())


def _database(name: str, text: str) -> str:
    if text and "://" not in text:
        raise SettingsError(f"{name} must be an SQLAlchemy URL such as sqlite:///file.db.")
    return text


def _secret(name: str, text: str) -> str:
    if text and len(text) < 32:
        raise SettingsError(f"{name} must have at least 32 characters.")
    return text


_MODELS_DEFAULT = "models, beside the program"

#: Every variable, in the order of the documentation.
SETTINGS: tuple[Setting, ...] = (
    Setting(
        "OVERREAD_HOME", "./workspace", "The workspace: database, studies, results.", "home", _path
    ),
    Setting(
        "OVERREAD_HOST", "127.0.0.1", "Address on which the web process listens.", "host", _text
    ),
    Setting(
        "OVERREAD_PORT", "8050", "Port on which the web process listens.", "port", _whole(1, 65535)
    ),
    Setting(
        "OVERREAD_ALLOWED_HOSTS",
        ",".join(LOCAL_HOSTS),
        "Host names under which browsers may reach the server, separated by commas; * for any.",
        "allowed_hosts",
        _hosts,
    ),
    Setting(
        "OVERREAD_LIBRARY",
        "",
        "Folder on the server whose subfolders are studies; only read. None by default.",
        "library",
        _folder_or_none,
    ),
    Setting("OVERREAD_MODELS", _MODELS_DEFAULT, "Folder of the models.", "models", _models),
    Setting(
        "OVERREAD_DATABASE_URL",
        "",
        "SQLAlchemy URL of the review database. By default an SQLite file in the workspace.",
        "database_url",
        _database,
    ),
    Setting(
        "OVERREAD_MAX_UPLOAD_MB",
        "2048",
        "What one upload may hold, in MB.",
        "max_upload_bytes",
        _whole(1, 1 << 20, 1 << 20),
    ),
    Setting(
        "OVERREAD_MAX_UPLOAD_FILES",
        "10000",
        "How many files one upload may hold.",
        "max_upload_files",
        _whole(1, 1_000_000),
    ),
    Setting(
        "OVERREAD_CACHE_MB",
        "2048",
        "What the results of analyses may take on disk, in MB; the least used go first.",
        "cache_bytes",
        _whole(16, 1 << 24, 1 << 20),
    ),
    Setting(
        "OVERREAD_ENGINE",
        "auto",
        "Runtime of the models: auto, keras, onnxruntime or openvino.",
        "engine",
        _choice(ENGINES),
    ),
    Setting(
        "OVERREAD_PRECISION",
        "f32",
        "Precision at which the models run: f32 or bf16.",
        "precision",
        _choice(PRECISIONS),
    ),
    Setting(
        "OVERREAD_WORKERS", "1", "Worker processes that are started.", "workers", _whole(1, 64)
    ),
    Setting(
        "OVERREAD_DEMO",
        "yes",
        "Whether an empty workspace gets the demo studies: yes or no.",
        "demo",
        _yes_no,
    ),
    Setting(
        "OVERREAD_SECRET",
        "",
        "Signs the handles of background jobs. By default made once and kept in the workspace.",
        "secret",
        _secret,
    ),
)
