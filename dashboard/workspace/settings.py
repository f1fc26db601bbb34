"""The settings: one declared model, and the dashboard's only reader of the environment.

Each field is one variable, with what the README's table says of it (`python -m dashboard.document`
writes the table). A value that does not fit gives one plain sentence.
"""

from __future__ import annotations

import ipaddress
import logging
import os
import re
import secrets
import sys
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, NoDecode, SettingsConfigDict

from pipeline import ReadingLimits, first_problem, is_disk_full, shorten, write_once

#: Names under which a browser on the same machine reaches the server.
LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")

_LOG = logging.getLogger(__name__)
_ROOT = Path(__file__).resolve().parents[2]
_PREFIX = "OVERREAD_"
#: Switches of the test suite.
_OF_TESTS = (f"{_PREFIX}REQUIRE_", f"{_PREFIX}SOAK")
_MB = 1 << 20
_READING_NICENESS = 5


class SettingsError(ValueError):
    """A setting that cannot be used; the message is one plain sentence."""


def _existing_folder(path: Path) -> Path:
    if not path.is_dir():
        raise ValueError("must be a folder that exists")
    return path


def _existing_file(path: Path) -> Path:
    if not path.is_file():
        raise ValueError("must be a file that exists")
    return path


def _matching(pattern: str, rule: str) -> AfterValidator:
    """A check of a text that is not empty; its rule is read after the variable's name."""

    def check(text: str) -> str:
        if text and not re.match(pattern, text):
            raise ValueError(rule)
        return text

    return AfterValidator(check)


def _host_names(value: object) -> object:
    if not isinstance(value, str):
        return value
    names = tuple(part.strip().lower() for part in value.split(",") if part.strip())
    if not names:
        raise ValueError("must hold at least one name, or * for any")
    return names


def _networks(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return tuple(ipaddress.ip_network(part.strip(), strict=False) for part in value.split(","))
    except ValueError:
        raise ValueError(
            "must hold addresses or networks such as 10.0.0.5 or 172.18.0.0/16, separated by commas"
        ) from None


def _absolute(path: Path) -> Path:
    try:
        return path.expanduser().absolute()
    except RuntimeError:
        raise ValueError("must be a folder of a user of this machine") from None


_Folder = Annotated[Path, AfterValidator(_absolute)]
_Hosts = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_host_names)]
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_Networks = Annotated[tuple[_Network, ...], NoDecode, BeforeValidator(_networks)]
_DatabaseUrl = Annotated[
    str,
    _matching(
        r"(sqlite|postgres(ql)?)(\+[a-z0-9_]+)?://",
        "must be an SQLAlchemy URL such as sqlite:///file.db or"
        " postgresql://user:password@host/database",
    ),
]
_RedisUrl = Annotated[
    str, _matching(r"rediss?://", "must be a Redis URL such as redis://host:6379/0")
]
_StorageUrl = Annotated[
    str,
    _matching(
        r"[a-z][a-z0-9+]*://.|/|[A-Za-z]:[\\/]",
        "must be a URL such as s3://bucket/prefix, or a folder's absolute path",
    ),
]
_Secret = Annotated[str, _matching(r".{32}", "must have at least 32 characters")]
_Header = Annotated[
    str,
    _matching(r"[A-Za-z][A-Za-z0-9-]{0,63}$", "must be the name of a header such as X-Remote-User"),
]


class Settings(BaseSettings):
    """How this server runs.

    A field's variable is ``OVERREAD_`` and its name, unless it has an alias; ``repr=False`` marks
    values that may hold a password and are never shown.
    """

    model_config = SettingsConfigDict(
        alias_generator=lambda name: f"{_PREFIX}{name.upper()}",
        case_sensitive=True,
        frozen=True,
        extra="forbid",
    )

    home: _Folder = Field(
        _ROOT / "workspace", description="The workspace: database, studies, results."
    )
    host: str = Field("127.0.0.1", description="Address on which the web process listens.")
    port: int = Field(8050, ge=1, le=65535, description="Port on which the web process listens.")
    allowed_hosts: _Hosts = Field(
        LOCAL_HOSTS,
        description="Host names under which browsers may reach the server, separated by commas;"
        " * for any.",
    )
    library: Annotated[_Folder, AfterValidator(_existing_folder)] | None = Field(
        None, description="Folder on the server whose subfolders are studies; it is only read."
    )
    models: _Folder = Field(_ROOT / "models", description="Folder of the models.")
    database_url: _DatabaseUrl = Field(
        "",
        repr=False,
        description="SQLAlchemy URL of the review database. By default an SQLite file in the"
        " workspace.",
    )
    max_upload_mb: int = Field(
        2048, ge=1, le=1 << 20, description="Largest size of one upload, in MB."
    )
    max_upload_files: int = Field(
        10_000, ge=1, le=1_000_000, description="Largest number of files in one upload."
    )
    file_memory_mb: int = Field(
        1024,
        ge=64,
        le=1 << 16,
        description="Memory that one file may take while it is read, in MB.",
    )
    file_seconds: int = Field(
        20, ge=1, le=3600, description="Time that one file may take to be read, in seconds."
    )
    cache_mb: int = Field(
        2048,
        ge=16,
        le=1 << 24,
        description="Disk space for the results of analyses, in MB; the least recently used are"
        " deleted first.",
    )
    engine: Literal["auto", "openvino", "onnxruntime", "keras"] = Field(
        "auto", description="Runtime of the models: auto, openvino, onnxruntime or keras."
    )
    precision: Literal["auto", "f32", "bf16", "int8"] = Field(
        "auto",
        description="Precision of the models: f32, bf16, int8, or auto: what this CPU is fast at if"
        " the weights were shown to agree at it.",
    )
    report_template: Annotated[_Folder, AfterValidator(_existing_file)] | None = Field(
        None,
        description="Jinja template of reports in place of Overread's own"
        " (`pipeline/reports/report.html`).",
    )
    paper: Literal["A4", "letter"] = Field("A4", description="Page size of reports: A4 or letter.")
    workers: int = Field(1, ge=1, le=64, description="Number of worker processes to start.")
    threads: int = Field(
        0,
        ge=0,
        le=1024,
        description="CPU threads that a worker computes with; 0 leaves it to the runtime.",
    )
    redis_url: _RedisUrl = Field(
        "",
        alias="REDIS_URL",
        repr=False,
        description="Redis through which Celery delivers jobs to workers on several machines.",
    )
    storage_url: _StorageUrl = Field(
        "",
        repr=False,
        description="Storage that all machines share: s3://bucket/prefix, a folder, or another"
        " fsspec URL. By default the workspace.",
    )
    storage_local_mb: int = Field(
        20_480,
        ge=64,
        le=1 << 24,
        description="Disk space for a machine's copies of studies on shared storage, in MB.",
    )
    storage_results_mb: int = Field(
        102_400,
        ge=16,
        le=1 << 30,
        description="Space for results on shared storage, in MB; workers delete the oldest.",
    )
    demo: bool = Field(
        True, description="Whether an empty workspace gets the demo studies: yes or no."
    )
    secret: _Secret = Field(
        "",
        repr=False,
        description="Signs readers' cookies and the handles of background jobs. By default made"
        " once and stored in the workspace.",
    )
    user_header: _Header = Field(
        "",
        description="Header in which the trusted proxy names the reader, such as X-Remote-User; it"
        " needs OVERREAD_TRUSTED_PROXY. Without it each browser is a reader.",
    )
    trusted_proxy: _Networks = Field(
        (),
        description="Addresses or networks of the proxy, separated by commas. Only from there are"
        " the reader's name, X-Forwarded-For and X-Forwarded-Proto accepted.",
    )
    https: bool = Field(
        False,
        description="Whether browsers reach the server by HTTPS only: yes or no. Cookies are then"
        " Secure and every answer has HSTS; the same applies without this setting when the trusted"
        " proxy says that a request came by HTTPS.",
    )
    admin: str = Field(
        "",
        max_length=80,
        description="Name of the reader who may delete and restore every uploaded study; others"
        " only their own. On a server for several machines it needs OVERREAD_USER_HEADER.",
    )

    @property
    def is_local(self) -> bool:
        """Whether only browsers on this machine reach the server."""
        hosts = {*self.allowed_hosts, self.host.lower()}
        return hosts <= {*LOCAL_HOSTS, "::1"} and not self.trusted_proxy

    def is_trusted_proxy(self, address: str | None) -> bool:
        """Whether an address is the trusted proxy's."""
        try:
            found = ipaddress.ip_address(address or "")
        except ValueError:  # such as that of a Unix socket
            return False
        if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
            found = found.ipv4_mapped
        return any(found in network for network in self.trusted_proxy)

    @property
    def max_upload_bytes(self) -> int:
        """Largest size of one upload."""
        return self.max_upload_mb * _MB

    @property
    def reading_limits(self) -> ReadingLimits:
        """What reading files of unknown origin may take; pages come first."""
        return ReadingLimits(
            file_bytes=self.file_memory_mb * _MB,
            file_seconds=self.file_seconds,
            niceness=_READING_NICENESS,
        )

    @property
    def cache_bytes(self) -> int:
        """Disk space for the result cache."""
        return self.cache_mb * _MB

    @property
    def storage_local_bytes(self) -> int:
        """Disk space for copies of shared studies in the workspace."""
        return self.storage_local_mb * _MB

    @property
    def storage_results_bytes(self) -> int:
        """Space for results on shared storage."""
        return self.storage_results_mb * _MB

    @property
    def studies(self) -> Path:
        """Folder with one folder per study (`pipeline.save_case`)."""
        return self.home / "studies"

    @property
    def uploads(self) -> Path:
        """Folder of uploads that are not finished: where all web processes find them, if it can be.

        Only a folder can be appended to, so that with ``s3://`` each process has its own.
        """
        shared = self.storage_url.removeprefix("file://")
        is_folder = bool(shared) and "://" not in shared
        return Path(shared) / "uploads" if is_folder else self.home / "uploads"

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
        """Folder for files that exist only during a request."""
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
            raise self._not_writable(error) from None

    def signing_secret(self) -> str:
        """The secret: as set, else made once and stored in the workspace (mode 0600).

        Raises:
            SettingsError: It cannot be stored, or the file holds no secret.
        """
        if self.secret:
            return self.secret
        path = self.home / "secret"
        try:
            if not path.exists():
                write_once(path, secrets.token_hex(32))
            return self._stored_secret(path)
        except OSError as error:
            raise self._not_writable(error) from None

    def _not_writable(self, error: OSError) -> SettingsError:
        way_out = (
            "make room on its disk" if is_disk_full(error) else "set OVERREAD_HOME to one that can"
        )
        return SettingsError(
            f"The workspace {self.home} cannot be written ({error.strerror}); {way_out}."
        )

    def _stored_secret(self, path: Path) -> str:
        secret = path.read_text(encoding="ascii").strip()
        if len(secret) < 32:
            raise SettingsError(f"{path} does not contain a secret; delete it to create a new one.")
        return secret


#: Field of `Settings` by its variable, in the order of the documentation.
VARIABLES: Mapping[str, str] = {
    str(info.alias): name for name, info in Settings.model_fields.items()
}


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings; an empty variable counts as not set.

    Args:
        environment: Variables by name; the process's own by default.

    Raises:
        SettingsError: A value does not fit; the sentence names the variable, the rule and, unless
            it may hold a password, the value.
    """
    given = os.environ if environment is None else environment
    source = EnvSettingsSource(Settings)
    source.env_vars = {name: text.strip() for name, text in given.items() if text.strip()}
    try:
        # mypy knows the fields' names only
        settings = Settings(_build_sources=((source,), {}))  # type: ignore[call-arg]
    except ValidationError as error:
        problem = first_problem(error)
        shown = Settings.model_fields[VARIABLES[problem.field]].repr
        value = f", got {shorten(str(problem.value))!r}" if shown else ""
        raise SettingsError(f"{problem.field} {problem.rule}{value}.") from None
    _check_identity(settings)
    return settings


def _check_identity(settings: Settings) -> None:
    """Refuse settings with which any browser could take another's name.

    Raises:
        SettingsError: They do.
    """
    if settings.user_header and not settings.trusted_proxy:
        raise SettingsError(
            "OVERREAD_USER_HEADER needs OVERREAD_TRUSTED_PROXY, the address of the proxy that sets"
            " the header: from any other address a browser could name itself as it likes."
        )
    if settings.admin and not settings.user_header and not settings.is_local:
        raise SettingsError(
            "OVERREAD_ADMIN needs OVERREAD_USER_HEADER on a server that other machines reach:"
            " without it any reader could type that name."
        )


def open_workspace() -> Settings:
    """The settings of a process that starts, with the workspace's folders made.

    Variables that are no setting are reported in the log.

    Raises:
        SystemExit: A setting does not fit (status 2); the sentence is on standard error.
    """
    report_unknown_variables()
    try:
        settings = read_settings()
        settings.prepare_workspace()
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(2) from None
    return settings


@cache
def report_unknown_variables() -> None:
    """Log the variables that are no setting, once in this process."""
    for name, meant in unknown_variables().items():
        hint = f"did you mean {meant}?" if meant else "the README lists all settings."
        _LOG.warning("%s is not a setting and is ignored; %s", shorten(name), hint)


def known_environment() -> dict[str, str]:
    """The environment without the variables that `report_unknown_variables` reports."""
    unknown = unknown_variables()
    return {name: text for name, text in os.environ.items() if name not in unknown}


def unknown_variables(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Variables that look like a setting and are not one, such as misspelt ones.

    Args:
        environment: Variables by name; the process's own by default.

    Returns:
        The name that was probably meant, or "", by the variable's name.
    """
    source = os.environ if environment is None else environment
    unknown = {}
    for name in sorted(source):
        if name.startswith(_PREFIX) and not name.startswith(_OF_TESTS) and name not in VARIABLES:
            like = get_close_matches(name, VARIABLES, n=1, cutoff=0.85)
            unknown[name] = like[0] if like else ""
    return unknown
