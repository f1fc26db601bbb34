"""What docker-compose.yml describes, and whether it does what it is for."""

from __future__ import annotations

import http.client
import io
import re
import secrets
import signal
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import yaml
from deployment import ROOT, Deployment
from fake_server import make_environment, wait_for
from sent_uploads import creation_headers
from service_processes import PostgresServer, RedisServer, free_port

from dashboard.health import find_troubles, find_web_troubles
from dashboard.workspace.services import build_services
from dashboard.workspace.settings import VARIABLES, read_settings

pytestmark = pytest.mark.services

LEASE_S = 3.0


@pytest.fixture(scope="module")
def started(
    tmp_path_factory: pytest.TempPathFactory,
    redis_server: RedisServer,
    postgres: PostgresServer,
    new_bucket: Callable[[pytest.MonkeyPatch], str],
) -> Iterator[Deployment]:
    """One deployment for all tests: its processes take long to start."""
    redis_server.client().flushall()
    with pytest.MonkeyPatch.context() as patched:
        built = Deployment(
            tmp_path_factory.mktemp("deployment"),
            redis_url=redis_server.url,
            database_url=postgres.new_database(),
            storage_url=new_bucket(patched),
        )
        try:
            built.start()
            yield built
        finally:
            built.end()


@pytest.fixture
def deployment(started: Deployment) -> Deployment:
    """The deployment with all its web processes and no worker."""
    started.restore()
    return started


def nifti(seed: int) -> bytes:
    volume = np.random.default_rng(seed).integers(0, 200, (24, 20, 8), dtype=np.int16)
    stream = io.BytesIO()
    image = nibabel.Nifti1Image(volume, np.diag([-1.0, -1.0, 4.0, 1.0]))
    image.to_file_map({"image": nibabel.FileHolder(fileobj=stream)})
    return stream.getvalue()


def upload(deployment: Deployment, seed: int) -> str:
    """Several requests, as the upload panel sends them; they must meet in one process."""
    batch = secrets.token_hex(16)
    for name in ("flair.nii", "notes.txt"):
        content = nifti(seed) if name.endswith("nii") else b"no image"
        headers = creation_headers(f"study{seed}/{name}", len(content))
        path = f"/api/uploads/{batch}/files"
        deployment.ask(path, method="POST", body=content, headers=headers)
    answered = deployment.ask(f"/api/uploads/{batch}/finish", method="POST", body=b'{"files": 2}')
    found: str = answered["studies"][0]["study_id"]
    return found


def test_a_study_goes_through_and_a_killed_workers_job_is_taken_over(
    deployment: Deployment,
) -> None:
    lost = deployment.start_worker(60, lease_s=LEASE_S)
    first = upload(deployment, 0)

    def asked(study: str) -> Any:
        return deployment.ask(f"/api/studies/{study}")

    wait_for(lambda: (asked(first)["job"] or {}).get("state") == "running")
    deployment.start_worker(0.01, lease_s=LEASE_S)
    began = time.monotonic()
    lost.send_signal(signal.SIGKILL)
    lost.wait()
    wait_for(lambda: asked(first)["result"])
    assert time.monotonic() - began < 30
    others = [upload(deployment, seed) for seed in range(1, 6)]
    results = [wait_for(lambda s=s: asked(s)["result"]) for s in others]  # type: ignore[misc]
    assert all(result is not None for result in results)


def test_a_browser_stays_with_one_web_process_and_browsers_are_spread(
    deployment: Deployment,
) -> None:
    used = []
    for _ in range(16):
        deployment.new_browser()
        seen = set()
        for _ in range(4):
            deployment.ask("/api/health")
            seen.add(deployment.answered_by)
        (cookie,) = deployment.cookies
        assert cookie.has_nonstandard_attr("HttpOnly")
        assert cookie.get_nonstandard_attr("SameSite") == "Lax"
        assert len(seen) == 1
        used += seen
    assert set(used) == {0, 1}


def test_a_page_and_the_site_go_on_when_a_web_process_is_killed(
    deployment: Deployment,
) -> None:
    deployment.start_worker(0.5, lease_s=LEASE_S)
    study = upload(deployment, 6)
    followed_by: list[int] = []

    def hear(state: dict[str, Any]) -> None:
        if state["state"] == "running":
            followed_by.append(deployment.answered_by)
            if len(followed_by) == 3:
                process = deployment.web[deployment.answered_by]
                process.kill()
                process.wait()

    assert deployment.follow(study, heard=hear)["state"] == "done"
    assert set(followed_by) == {0, 1}
    answers = [deployment.ask(f"/api/studies/{study}")["study_id"] for _ in range(6)]
    assert answers == [study] * 6
    address = deployment.ask(f"/api/studies/{study}")["pixels_url"]
    url = deployment.address + address.format(channel=0, slice=0)
    with urllib.request.urlopen(
        url, timeout=30
    ) as response:  # from the storage, whichever machine stored it
        assert len(response.read()) >= 24 * 20


def compose() -> Any:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))


def test_compose_names_settings_that_there_are_and_no_secret() -> None:
    services = compose()["services"]
    assert {name.partition("-")[0] for name in services} == {
        *("nginx", "web", "worker", "prepare", "redis", "postgres")
    }
    known = set(VARIABLES)
    for name in ("web-1", "web-2", "worker-1", "worker-2", "prepare"):
        service = services[name]
        assert set(service["environment"]) <= known, name
        assert service["user"] == "overread"
        assert service["command"][1] == "-m"
        for secret in ("OVERREAD_SECRET", "REDIS_URL", "OVERREAD_DATABASE_URL"):
            assert re.search(r"\$\{[A-Z_]+:\?", service["environment"][secret]), secret
    for name, service in services.items():
        assert "healthcheck" in service or name == "prepare", name
    example = (ROOT / "deploy" / "env.example").read_text("utf-8")
    for name in ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "OVERREAD_SECRET"):
        assert f"\n{name}=\n" in example
    assert ".env" in (ROOT / ".gitignore").read_text("utf-8").split()


def test_procfile_runs_the_same_processes_as_everywhere() -> None:
    lines = (ROOT / "Procfile").read_text("utf-8").splitlines()
    commands = dict(line.split(": ", 1) for line in lines)
    assert commands["worker"] == "python -m dashboard.worker"
    assert commands["web"].endswith("python -m dashboard.web")


def test_nginx_limits_bodies_and_removes_what_only_a_proxy_may_say(tmp_path: Path) -> None:
    received: list[dict[str, str]] = []

    class Web(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append({name.lower(): value for name, value in self.headers.items()})
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Web) as web:
        thread = threading.Thread(target=web.serve_forever)
        thread.start()
        front = Deployment(tmp_path, redis_url="", database_url="", storage_url="")
        front.ports = [web.server_port] * 2
        front.start_nginx()
        try:
            said = {
                "X-Remote-User": "Dr Chief",
                "X-Forwarded-For": "10.9.9.9",
                "X-Forwarded-Proto": "https",
                "X-Forwarded-Host": "evil.example",
                "Forwarded": "for=10.9.9.9",
            }
            for path, size, status in (
                ("/api/reader", 60 << 10, 200),
                ("/api/reader", 70 << 10, 413),
                ("/_dash-update-component", 1 << 20, 200),
                ("/_dash-update-component", 3 << 20, 413),
                ("/api/studies/0/draft", 3 << 20, 200),
                ("/api/uploads/0/files", 3 << 20, 200),
            ):
                connection = http.client.HTTPConnection(front.address.removeprefix("http://"))
                connection.request("POST", path, body=b" " * size, headers=said)
                assert connection.getresponse().status == status, path
                connection.close()
        finally:
            front.end()
            web.shutdown()
            thread.join()
    assert len(received) == 4
    for headers in received:
        assert (headers["x-forwarded-for"], headers["x-forwarded-proto"]) == ("127.0.0.1", "http")
        assert not {"x-remote-user", "x-forwarded-host", "forwarded"} & set(headers)


def test_health_check_of_the_web_process(deployment: Deployment) -> None:
    assert find_web_troubles(deployment.ports[0]) == []
    assert find_web_troubles(free_port()) != []


def test_health_reports_what_does_not_answer(tmp_path: Path, redis_server: RedisServer) -> None:
    variables = make_environment(tmp_path / "home", REDIS_URL=redis_server.url)
    variables["OVERREAD_STORAGE_URL"] = str(tmp_path / "shared")
    assert find_troubles(build_services(read_settings(variables))) == []
    variables["REDIS_URL"] = "redis://127.0.0.1:9/0"
    assert find_troubles(build_services(read_settings(variables))) == [
        "Redis does not answer; see REDIS_URL."
    ]
