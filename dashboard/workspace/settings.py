"""All settings, in one frozen dataclass: the dashboard's only reader of the environment.

The variables behind it are in `dashboard.workspace.setting_table`. A value that does not fit is
told in one plain sentence.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from dashboard.workspace.setting_table import SETTINGS, Setting
from dashboard.workspace.setting_values import SettingsError

__all__ = [
    "SETTINGS",
    "Setting",
    "Settings",
    "SettingsError",
    "open_workspace",
    "read_settings",
    "unknown_variables",
]

#: Switches of the test suite.
_OF_TESTS = "OVERREAD_REQUIRE_"


@dataclass(frozen=True)
class Settings:
    """How this server runs. See `SETTINGS` for the variables behind the fields.

    Attributes:
        home: The workspace.
        host, port: Where the web process listens.
        allowed_hosts: Host names under which browsers may ask for pages, in lower case, no port.
        library: Folder of studies on the server, or None.
        models: Folder of the shipped models.
        database_url: SQLAlchemy URL; "" for the SQLite file in the workspace.
        max_upload_bytes: What one upload may hold.
        max_upload_files: Files of one upload.
        cache_bytes: What the result cache may hold.
        engine: Runtime of the models.
        precision: Precision at which they run, as it is asked for; see `Services.precision`.
        workers: Worker processes that `python -m dashboard` starts.
        demo: Whether an empty workspace gets the demo studies.
        threads: CPU threads of a worker's runtime, or None for what the runtime takes.
        redis_url: Redis through which processes on several machines speak; "" for one machine.
        storage_url: Storage that all machines share; "" for the workspace.
        storage_local_bytes: What copies of shared studies may take in the workspace.
        storage_results_bytes: What results may take on shared storage.
        secret: Signs handles of background callbacks and readers' cookies; "" for one kept in the
            workspace.
        user_header: Header in which a proxy names the reader; "" for none.
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
    threads: int | None
    redis_url: str
    storage_url: str
    storage_local_bytes: int
    storage_results_bytes: int
    secret: str
    user_header: str

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
    def database_file(self) -> Path:
        """The review database where no URL is set."""
        return self.home / "overread.db"

    @property
    def database(self) -> str:
        """SQLAlchemy URL of the review database."""
        return self.database_url or f"sqlite:///{self.database_file}"

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


def open_workspace() -> Settings:
    """The settings of a process that starts, with the workspace's folders made.

    Raises:
        SystemExit: A setting does not fit (status 2); the sentence is on standard error.
    """
    try:
        settings = read_settings()
        settings.prepare_workspace()
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(2) from None
    return settings


def unknown_variables(environment: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """A sentence on each variable that looks like a setting and is none, such as a misspelt one."""
    source = os.environ if environment is None else environment
    names = [setting.name for setting in SETTINGS]
    told = []
    for name in sorted(source):
        if name.startswith("OVERREAD_") and not name.startswith(_OF_TESTS) and name not in names:
            like = get_close_matches(name, names, n=1, cutoff=0.85)
            hint = f"; did you mean {like[0]}?" if like else "; the README lists them all."
            told.append(f"{name} is no setting and is ignored{hint}")
    return tuple(told)
