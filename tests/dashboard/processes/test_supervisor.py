"""The one command that starts the server, for real: without models and demo, on a free port."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from fake_server import wait_for, write_png
from service_processes import free_port

from dashboard.processes.supervisor import Child, RestartRule, Supervisor
from dashboard.workspace.settings import read_settings

pytestmark = pytest.mark.services

ROOT = Path(__file__).resolve().parents[3]


def command(home: Path, port: int, **variables: str) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if "OVERREAD" not in name}
    environment |= {
        "OVERREAD_HOME": str(home),
        "OVERREAD_MODELS": str(home / "no-models"),
        "OVERREAD_PORT": str(port),
        "OVERREAD_DEMO": "no",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "dashboard"],
        cwd=ROOT,
        env=environment | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The server with a library of one study, and its port."""
    write_png(tmp_path / "library" / "patient" / "flair.png")
    port = free_port()
    process = command(tmp_path / "home", port, OVERREAD_LIBRARY=str(tmp_path / "library"))
    try:
        yield process, port
    finally:
        tree = [*psutil.Process(process.pid).children(recursive=True)] if alive(process) else []
        process.kill()
        process.communicate()
        for child in tree:
            if child.is_running():
                child.kill()


def alive(process: subprocess.Popen[str]) -> bool:
    return process.poll() is None


def modules(process: subprocess.Popen[str]) -> dict[str, psutil.Process]:
    found = {}
    for child in psutil.Process(process.pid).children(recursive=True):
        try:
            found[child.cmdline()[2]] = child
        except (psutil.Error, IndexError):
            continue
    return found


def studies(port: int) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/health", timeout=5) as answer:
        return int(json.load(answer)["studies"])


def test_it_starts_says_where_restarts_what_is_killed_and_ends_whole(
    running: tuple[subprocess.Popen[str], int],
) -> None:
    process, port = running
    assert process.stdout is not None
    assert process.stdout.readline() == (
        f"Overread runs at http://127.0.0.1:{port} (Ctrl-C stops it)\n"
    )
    wait_for(lambda: studies(port) == 1)

    worker = wait_for(lambda: modules(process).get("dashboard.worker"))
    worker.kill()
    wait_for(
        lambda: (found := modules(process).get("dashboard.worker")) and found.pid != worker.pid,
    )

    worker, web = (modules(process)[f"dashboard.{name}"] for name in ("worker", "web"))
    web.kill()
    wait_for(lambda: (found := modules(process).get("dashboard.web")) and found.pid != web.pid)
    wait_for(lambda: answers(port))
    assert modules(process)["dashboard.worker"].pid == worker.pid
    assert alive(process)

    children = list(modules(process).values())
    process.send_signal(signal.SIGINT)
    assert process.wait(40) == 0
    assert wait_for(lambda: not any(child.is_running() for child in children))


def answers(port: int) -> bool:
    try:
        studies(port)
    except OSError:
        return False
    return True


QUICK = RestartRule(most_early_ends=3, shortest_pause_s=0.01)
ENDS, STAYS = "raise SystemExit(3)", "import time; time.sleep(60)"
SERVES = """
import http.server, os
class Healthy(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(os.environ["OVERREAD_PORT"])), Healthy).serve_forever()
"""


@pytest.mark.parametrize(
    ("scripts", "status", "words"),
    [
        ({"web": SERVES, "worker": ENDS, "prepare": STAYS}, 1, "A worker ended 3 times"),
        ({"web": SERVES, "worker": STAYS, "prepare": ENDS}, 0, "The preparation of the worklist"),
        ({"web": "raise SystemExit(2)", "worker": STAYS, "prepare": STAYS}, 2, ""),
    ],
)
def test_a_process_that_ends_again_and_again_is_reported_in_one_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    scripts: dict[str, str],
    status: int,
    words: str,
) -> None:
    for name, script in scripts.items():
        (tmp_path / "dashboard").mkdir(exist_ok=True)
        (tmp_path / "dashboard" / f"{name}.py").write_text(script)
    monkeypatch.chdir(tmp_path)  # where ``python -m`` finds the modules
    monkeypatch.setenv("OVERREAD_PORT", str(free_port()))
    supervisor = Supervisor(read_settings(), rule=QUICK)
    written: list[str] = []

    def stop_when_told() -> bool:
        written.append(capfd.readouterr().err)
        return words in "".join(written)

    ended: list[int] = []
    thread = threading.Thread(target=lambda: ended.append(supervisor.run()))
    thread.start()
    wait_for(lambda: stop_when_told() or not thread.is_alive())
    if status == 0:
        assert thread.is_alive(), "the others go on"
        supervisor.stopping.set()
    thread.join(30)
    stop_when_told()
    assert ended == [status]
    assert "".join(written).count(words) == 1 or not words


def test_a_child_that_ran_for_long_restarts_at_once_and_is_forgiven() -> None:
    child = Child("no_such_module", "It", RestartRule(healthy_s=0.0, most_early_ends=2))
    for _ in range(3):
        child.look()
        assert child.process is not None
        child.process.wait(30)
    child.look()
    assert not child.given_up
    if child.process is not None:
        child.process.kill()
        child.process.wait()


def test_children_of_a_killed_supervisor_end_too(
    running: tuple[subprocess.Popen[str], int],
) -> None:
    process, _ = running
    assert process.stdout is not None and process.stdout.readline()
    wait_for(lambda: {"dashboard.web", "dashboard.worker"} <= set(modules(process)))
    children = [c for name, c in modules(process).items() if name != "dashboard.prepare"]
    process.kill()
    wait_for(lambda: not any(is_busy(child) for child in children))


def is_busy(child: psutil.Process) -> bool:
    try:
        return bool(child.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_occupied_port_is_reported_in_a_sentence(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        process = command(tmp_path / "home", port)
        _, written = process.communicate(timeout=30)
    assert process.returncode == 1
    assert written.startswith(f"Port {port} on 127.0.0.1 cannot be used")
    assert len(written.splitlines()) == 1


def test_damaged_database_is_reported_in_a_sentence(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "overread.db").write_bytes(b"rubbish " * 1000)
    process = command(home, free_port())
    _, written = process.communicate(timeout=30)
    assert process.returncode == 2
    assert str(home / "overread.db") in written
    assert "OVERREAD_DATABASE_URL" not in written
    assert len(written.splitlines()) == 1


def test_wrong_setting_is_reported_in_a_sentence(tmp_path: Path) -> None:
    process = command(tmp_path / "home", free_port(), OVERREAD_WORKERS="many")
    _, written = process.communicate(timeout=30)
    assert process.returncode == 2
    assert written == "OVERREAD_WORKERS must be a whole number, got 'many'.\n"


def test_host_that_cannot_be_resolved_is_reported_in_a_sentence(tmp_path: Path) -> None:
    process = command(tmp_path / "home", free_port(), OVERREAD_HOST="no-such-host.invalid")
    _, written = process.communicate(timeout=30)
    assert process.returncode == 2
    assert written.startswith(
        "OVERREAD_HOST must be an address or a name of this machine; 'no-such"
    )
    assert len(written.splitlines()) == 1
