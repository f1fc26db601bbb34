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
from pathlib import Path
from typing import Any

from fake_server import make_environment, write_models
from service_processes import free_port, missing, until
from worker_processes import WorkerProcesses

ROOT = Path(__file__).resolve().parents[2]
NGINX_CONF = ROOT / "deploy" / "nginx.conf"
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
        self.web: list[subprocess.Popen[bytes]] = []
        self.workers: list[subprocess.Popen[bytes]] = []
        self._worker_groups: list[WorkerProcesses] = []
        self._nginx: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start nginx and the web processes, and wait until they answer."""
        for number, port in enumerate(self.ports):
            environment = self._environment(f"web-{number}") | {"OVERREAD_PORT": str(port)}
            command = [sys.executable, "-m", "dashboard.web"]
            with (self._folder / f"web-{number}.log").open("wb") as log:
                self.web.append(
                    subprocess.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=log)
                )
        for port in self.ports:
            until(lambda port=port: _answers(f"http://127.0.0.1:{port}"), "web")  # type: ignore[misc]
        command = [nginx_program(), "-e", "stderr", "-c", str(self._nginx_conf())]
        with (self._folder / "nginx.log").open("wb") as log:
            self._nginx = subprocess.Popen([*command, "-g", "daemon off;"], stderr=log)
        until(lambda: _answers(self.address), "nginx")

    def start_worker(self, seconds_a_slice: float, *, lease_s: float) -> subprocess.Popen[bytes]:
        """Start a worker with a workspace of its own."""
        name = f"worker-{len(self.workers)}"
        group = WorkerProcesses(self._environment(name), lease_s=lease_s)
        self._worker_groups.append(group)
        self.workers.append(group.start(seconds_a_slice))
        return self.workers[-1]

    def follow(self, study: str, *, seconds: float = 60) -> list[dict[str, Any]]:
        """Run the review page's background callback as Dash's renderer does: all that it told."""
        end_id = self._end_id()
        callbacks = self.ask("/_dash-dependencies")
        output = next(c["output"] for c in callbacks if c["output"].startswith("analysis-outcome"))
        value = {"study_id": study, "asked": 1}
        body = {
            "output": output,
            "outputs": {"id": "analysis-outcome", "property": "data"},
            "inputs": [{"id": "analysis-request", "property": "data", "value": value}],
            "changedPropIds": ["analysis-request.data"],
            "parsedChangedPropsIds": ["analysis-request.data"],
        }
        told: list[dict[str, Any]] = []
        handles = ""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            path = f"/_dash-update-component?endId={end_id}{handles}"
            answer = self.ask(path, method="POST", body=json.dumps(body).encode())
            handles = handles or f"&cacheKey={answer['cacheKey']}&job={answer['job']}"
            told += answer.get("progress", {}).values()
            if "response" in answer:
                return [*told, answer["response"]["analysis-outcome"]["data"]]
            time.sleep(0.2)
        raise AssertionError(f"the callback did not end; it told {told[-1:]}")

    def _end_id(self) -> str:
        with urllib.request.urlopen(f"{self.address}/review", timeout=30) as response:
            text = response.read().decode()
        found = re.search(r'id="_dash-config"[^>]*>(.*?)</script>', text, re.DOTALL)
        assert found is not None
        return str(json.loads(found.group(1))["end_id"])

    def ask(self, path: str, *, method: str = "GET", body: bytes | None = None) -> Any:
        """Ask nginx as a browser does; returns the JSON."""
        request = urllib.request.Request(f"{self.address}{path}", method=method, data=body)
        request.add_header("X-Overread", "1")
        request.add_header("Sec-Fetch-Site", "same-origin")
        kind = "json" if path.startswith("/_dash") else "octet-stream"
        request.add_header("Content-Type", f"application/{kind}")
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)

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
            assert text.count(f"web-{number}:8050") == 2
            text = text.replace(f"web-{number}:8050", f"127.0.0.1:{port}")
        text = text.replace("listen 8080;", f"listen {self.address.removeprefix('http://')};")
        text = text.replace("/tmp/", f"{self._folder}/")
        path = self._folder / "nginx.conf"
        path.write_text(text, "utf-8")
        return path


def _answers(address: str) -> bool:
    try:
        urllib.request.urlopen(f"{address}/api/health", timeout=5).close()
    except (urllib.error.URLError, OSError):
        return False
    return True
