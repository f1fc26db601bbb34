"""Real servers that tests start from the system's packages: PostgreSQL, Redis.

Each lives in a folder of its own below the system's temporary folder and ends with the tests.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest
import redis

from dashboard.store import Store

_STARTS_WITHIN_S = 120.0  # on a busy machine
ServerT = TypeVar("ServerT", "PostgresServer", "RedisServer")


def missing(what: str) -> Any:
    """A server's programs are not installed: a failure where services are required, else a skip."""
    sentence = f"{what} is not installed (apt-get install postgresql redis-server nginx-light)"
    if os.environ.get("OVERREAD_REQUIRE_SERVICES"):
        pytest.fail(f"{sentence}; OVERREAD_REQUIRE_SERVICES asks for it.")
    pytest.skip(sentence)


def postgres_programs() -> Path | None:
    """Folder of ``initdb`` and ``postgres``; Debian keeps them out of PATH."""
    found = shutil.which("initdb")
    if found and shutil.which("postgres"):
        return Path(found).parent
    versions = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: float(p.parts[-3])
    )
    return versions[-1].parent if versions else None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(ready: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _STARTS_WITHIN_S
    while not ready():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not start")
        time.sleep(0.05)


class PostgresServer:
    """A PostgreSQL of one's own, on a socket that only this machine's users reach."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        self.folder = Path(tempfile.mkdtemp(prefix="overread-pg-"))
        self._user = _unprivileged_user()
        if self._user:
            shutil.chown(self.folder, self._user)
        self._run("initdb", "-D", self.data, "-U", "overread", "-A", "trust", "-E", "UTF8", "-N")
        self._process: subprocess.Popen[bytes] | None = None
        self._databases, self._template = 0, ""

    @property
    def data(self) -> str:
        return str(self.folder / "data")

    def start(self) -> None:
        options = ["-D", self.data, "-k", str(self.folder), "-h", "", "-F", "-p", "5432"]
        with (self.folder.parent / f"{self.folder.name}.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._as_user("postgres", *options), stdout=log, stderr=log
            )
        until(self._answers, "PostgreSQL")

    def stop(self) -> None:
        """Drop all connections and end, as an administrator's restart does."""
        if self._process is not None:
            self._run("pg_ctl", "-D", self.data, "-m", "fast", "-w", "stop")
            self._process.wait(30)
            self._process = None

    def kill(self) -> None:
        """End its main process with SIGKILL; the others end by themselves."""
        if self._process is not None:
            pid = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
            os.kill(pid, signal.SIGKILL)
            self._process.wait(30)
            self._process = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder.parent / f"{self.folder.name}.log").unlink(missing_ok=True)

    def new_database(self, *, ready: bool = False) -> str:
        """SQLAlchemy URL of an empty database, or of one that has all tables."""
        if ready and not self._template:
            url = self.new_database()
            Store(url).close()
            self._template = f"overread_{self._databases}"
        self._databases += 1
        name = f"overread_{self._databases}"
        with self.connect() as connection:
            of = f"TEMPLATE {self._template}" if ready else ""
            connection.execute(f"CREATE DATABASE {name} {of}")
        return f"postgresql://overread@/{name}?host={self.folder}"

    def connect(self, name: str = "postgres") -> psycopg.Connection[Any]:
        return psycopg.connect(
            f"host={self.folder} user=overread dbname={name}", autocommit=True, connect_timeout=5
        )

    def _answers(self) -> bool:
        assert self._process is not None and self._process.poll() is None, "PostgreSQL ended"
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(self._as_user(program, *arguments), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def _as_user(self, program: str, *arguments: str) -> list[str]:
        command = [str(self._programs / program), *arguments]
        return ["runuser", "-u", self._user, "--", *command] if self._user else command


class RedisServer:
    """A Redis of one's own on a free port of this machine, nothing kept on disk."""

    def __init__(self, program: str) -> None:
        self._program = program
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--daemonize"]
        command = [self._program, *options, "no", "--dir", tempfile.gettempdir()]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        until(self._answers, "Redis")

    def stop(self, number: int = signal.SIGTERM) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(30)
            self._process = None

    def kill(self) -> None:
        """End it with SIGKILL."""
        self.stop(signal.SIGKILL)

    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port, socket_connect_timeout=2)

    def _answers(self) -> bool:
        assert self._process is not None and self._process.poll() is None, "Redis ended"
        client = self.client()
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()


def open_postgres() -> PostgresServer:
    """A started PostgreSQL; skips or fails where it is not installed."""
    return _started(PostgresServer, postgres_programs(), "PostgreSQL")


def open_redis() -> RedisServer:
    """A started Redis; skips or fails where it is not installed."""
    return _started(RedisServer, shutil.which("redis-server"), "Redis")


def _started(kind: Callable[[Any], ServerT], program: object, name: str) -> ServerT:
    if program is None:
        missing(name)
    server = kind(program)
    server.start()
    return server


def _unprivileged_user() -> str:
    """Whom PostgreSQL runs as where the tests run as root; it refuses root."""
    if os.geteuid() != 0:
        return ""
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"
