"""The web process for real: what waitress answers before the app receives a request."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from fake_server import make_environment
from service_processes import free_port, until

from dashboard.web import TOO_LARGE

pytestmark = pytest.mark.services

ROOT = Path(__file__).resolve().parents[2]


def test_a_body_over_the_limit_is_refused_with_a_sentence_of_our_own(tmp_path: Path) -> None:
    port = free_port()
    environment = make_environment(
        tmp_path / "home", OVERREAD_PORT=str(port), OVERREAD_MAX_UPLOAD_MB="1"
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "dashboard.web"], cwd=ROOT, env={**os.environ, **environment}
    )
    address = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            urllib.request.urlopen(f"{address}/api/health", timeout=5).close()
        except OSError:
            return False
        return True

    try:
        until(answers, "the web process")
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.putrequest("PUT", "/api/uploads/x")
        connection.putheader("Content-Length", str(3 << 20))
        connection.endheaders()
        answer = connection.getresponse()
        assert (answer.status, answer.getheader("Content-Type")) == (413, "application/json")
        assert json.load(answer) == {"error": TOO_LARGE, "field": ""}
    finally:
        process.terminate()
        process.wait(20)
