"""The deployment of docker-compose.yml as processes of this machine, on ports that are free.

The same commands, settings and nginx.conf; each process has a workspace of its own, so that it
reaches another's studies and results through the shared storage only. Workers answer by rule.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

from fake_server import make_environment, write_models
from service_processes import free_port, missing, until
from worker_processes import WorkerProcesses

from dashboard.workspace.settings import read_settings

ROOT = Path(__file__).resolve().parents[2]
NGINX_CONF = ROOT / "deploy" / "nginx.conf"
#: As nginx.conf names it for containers.
PORT = read_settings({}).port
SECRET = "of this test only, of this test only"


def nginx_program() -> str:
    """nginx, which Debian keeps out of an ordinary user's PATH."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or missing("nginx")


class Deployment:
    """nginx, two web processes and workers; Redis, PostgreSQL and the storage are given.

    Args:
        folder: For workspaces, logs and the storage.
        redis_url: Of a running Redis.
        database_url: Of an empty database.
        storage_url: Of an empty storage.
    """

    def __init__(
        self, folder: Path, *, redis_url: str, database_url: str, storage_url: str
    ) -> None:
        self._folder = folder
        self._variables = {
            "REDIS_URL": redis_url,
            "OVERREAD_DATABASE_URL": database_url,
            "OVERREAD_STORAGE_URL": storage_url,
            "OVERREAD_SECRET": SECRET,
            "OVERREAD_PRECISION": "f32",
        }
        write_models(folder / "models")
        self.ports = [free_port(), free_port()]
        self.address = f"http://127.0.0.1:{free_port()}"
        self.answered_by = 0  # number of the web process that answered last
        self.web: list[subprocess.Popen[bytes]] = []
        self.workers: list[subprocess.Popen[bytes]] = []
        self._worker_groups: list[WorkerProcesses] = []
        self._nginx: subprocess.Popen[bytes] | None = None
        self.new_browser()

    def start(self) -> None:
        """Start nginx and the web processes, and wait until they answer."""
        self.web = [self._start_web(number) for number in range(len(self.ports))]
        self._await_web()
        self.start_nginx()

    def restore(self) -> None:
        """Start web processes again that a test has killed, end all workers, drop all cookies."""
        for group in self._worker_groups:
            group.end()
        self._worker_groups.clear()
        gone = [number for number, process in enumerate(self.web) if process.poll() is not None]
        for number in gone:
            self.web[number] = self._start_web(number)
        if gone:
            self._await_web()
        self.new_browser()

    def _start_web(self, number: int) -> subprocess.Popen[bytes]:
        port = str(self.ports[number])
        environment = self._environment(f"web-{number}") | {"OVERREAD_PORT": port}
        command = [sys.executable, "-m", "dashboard.web"]
        with (self._folder / f"web-{number}.log").open("ab") as log:
            return subprocess.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=log)

    def _await_web(self) -> None:
        for port in self.ports:
            until(lambda port=port: _answers(f"http://127.0.0.1:{port}/api/health"), "web")  # type: ignore[misc]

    def start_nginx(self) -> None:
        """Start nginx alone, and wait until it answers."""
        command = [nginx_program(), "-e", "stderr", "-c", str(self._nginx_conf())]
        with (self._folder / "nginx.log").open("wb") as log:
            self._nginx = subprocess.Popen([*command, "-g", "daemon off;"], stderr=log)
        until(lambda: _answers(f"{self.address}/nginx-health"), "nginx")

    def new_browser(self) -> None:
        """Ask without any cookie from now on."""
        self.cookies = CookieJar()
        handler = urllib.request.HTTPCookieProcessor(self.cookies)
        self._browser = urllib.request.build_opener(handler)

    def start_worker(self, seconds_a_slice: float, *, lease_s: float) -> subprocess.Popen[bytes]:
        """Start a worker with a workspace of its own."""
        name = f"worker-{len(self.workers)}"
        group = WorkerProcesses(self._environment(name), lease_s=lease_s)
        self._worker_groups.append(group)
        self.workers.append(group.start(seconds_a_slice))
        return self.workers[-1]

    def follow(
        self,
        study: str,
        *,
        seconds: float = 60,
        heard: Callable[[dict[str, Any]], None] = lambda state: None,
    ) -> dict[str, Any]:
        """Run the review page's background callback as the page does, again where it fails.

        Args:
            study: The study.
            seconds: Give up after this time.
            heard: Called with each state on the way.

        Returns:
            The last state.
        """
        end_id = self._end_id()
        callbacks = self.ask("/_dash-dependencies")
        output = next(c["output"] for c in callbacks if c["output"].startswith("analysis-outcome"))
        value = {"study_id": study, "asked": 1, "again": False}
        body = {
            "output": output,
            "outputs": {"id": "analysis-outcome", "property": "data"},
            "inputs": [{"id": "analysis-request", "property": "data", "value": value}],
            "changedPropIds": ["analysis-request.data"],
            "parsedChangedPropsIds": ["analysis-request.data"],
        }
        handles = ""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            path = f"/_dash-update-component?endId={end_id}{handles}"
            time.sleep(0.2)
            try:
                answer = self.ask(path, method="POST", body=json.dumps(body).encode())
            except OSError:  # no answer
                handles = ""
                continue
            if not isinstance(answer, dict):  # an empty one: nobody knows the callback
                handles = ""
                continue
            handles = handles or f"&cacheKey={answer['cacheKey']}&job={answer['job']}"
            for state in answer.get("progress", {}).values():
                heard(state)
            if "response" in answer:
                last: dict[str, Any] = answer["response"]["analysis-outcome"]["data"]
                return last
        raise AssertionError("the callback did not end")

    def _end_id(self) -> str:
        with self._browser.open(f"{self.address}/review", timeout=30) as response:
            text = response.read().decode()
        found = re.search(r'id="_dash-config"[^>]*>(.*?)</script>', text, re.DOTALL)
        assert found is not None
        return str(json.loads(found.group(1))["end_id"])

    def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Ask nginx as a browser does; returns the JSON, or the headers where there is none."""
        request = urllib.request.Request(f"{self.address}{path}", method=method, data=body)
        request.add_header("X-Overread", "1")
        request.add_header("Sec-Fetch-Site", "same-origin")
        request.add_header("Content-Type", "application/json")
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        with self._browser.open(request, timeout=60) as response:
            self.answered_by = self.ports.index(int(response.headers["X-Web"].rpartition(":")[2]))
            is_json = response.headers.get_content_type() == "application/json"
            return json.load(response) if is_json else response.headers

    def end(self) -> None:
        """End everything."""
        for group in self._worker_groups:
            group.end()
        for process in [*self.web, *([self._nginx] if self._nginx else [])]:
            process.terminate()
            process.wait(20)

    def _environment(self, name: str) -> dict[str, str]:
        own = make_environment(self._folder / name, **self._variables)
        own["OVERREAD_MODELS"] = str(self._folder / "models")
        return {**os.environ, **own, "PYTHONPATH": str(ROOT)}

    def _nginx_conf(self) -> Path:
        """The deployment's own nginx.conf, with this machine's ports and paths."""
        text = NGINX_CONF.read_text("utf-8")
        for number, port in enumerate(self.ports, 1):
            server = f"web-{number}:{PORT}"
            assert text.count(server) == 1
            text = text.replace(server, f"127.0.0.1:{port}")
        text = text.replace("listen 8080;", f"listen {self.address.removeprefix('http://')};")
        shows = "add_header X-Web $upstream_addr;"
        text = text.replace("add_header Set-Cookie", f"{shows} add_header Set-Cookie")
        text = text.replace("/tmp/", f"{self._folder}/")
        if os.geteuid() == 0:  # its children would be another user's, who may not enter the folder
            text = f"user root;\n{text}"
        path = self._folder / "nginx.conf"
        path.write_text(text, "utf-8")
        return path


def _answers(address: str) -> bool:
    try:
        urllib.request.urlopen(address, timeout=5).close()
    except (urllib.error.URLError, OSError):
        return False
    return True
