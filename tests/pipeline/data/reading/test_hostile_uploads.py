"""A real server answers its pages while it reads files that are made to stop it."""

from __future__ import annotations

import base64
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import hostile_files
import pytest
import requests

ROOT = Path(__file__).resolve().parents[4]
_STARTS_WITHIN_S = 60
_ALWAYS_WITHIN_S = 1.0
_BUILDERS: tuple[Callable[[], bytes], ...] = (
    *(partial(hostile_files.tiny_elements, 38_000 - k) for k in range(9)),
    hostile_files.many_scans,
    hostile_files.many_scans_in_dicom,
    hostile_files.deflated_bomb,
    hostile_files.jpeg_2000_in_boxes,
    hostile_files.nifti_extension_bomb,
    hostile_files.nifti_that_begins_late,
    hostile_files.deep_png,
    hostile_files.webp_of_false_size,
    hostile_files.zip_of_many_entries,
    hostile_files.nested_zip,
    hostile_files.deep_sequences,
)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """Address of a server of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {"HOME": str(tmp_path / "home"), "PORT": str(port), "DEMO": "no"}
    environment = {name: text for name, text in os.environ.items() if "OVERREAD" not in name}
    environment |= {f"OVERREAD_{name}": text for name, text in settings.items()}
    process = subprocess.Popen([sys.executable, "-m", "dashboard.web"], cwd=ROOT, env=environment)
    address = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + _STARTS_WITHIN_S
    try:
        while not _answers(address):
            assert process.poll() is None and time.monotonic() < deadline, "no server"
            time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait()


@pytest.mark.slow
@pytest.mark.timing
def test_pages_answer_while_twenty_hostile_files_are_read(server: str) -> None:
    files = [
        (f"{k:02d}-{getattr(build, '__name__', 'tiny_elements')}", build())
        for k, build in enumerate(_BUILDERS)
    ]
    reports: list[Any] = []
    uploads = [
        threading.Thread(target=lambda part=part: reports.append(_upload(server, part)))
        for part in (files[:5], files[5:10], files[10:15], files[15:])
    ]
    for thread in uploads:
        thread.start()
    took: list[float] = []
    while any(thread.is_alive() for thread in uploads):
        for page in ("/api/health", "/"):
            began = time.monotonic()
            assert requests.get(server + page, timeout=30).status_code == 200
            took.append(time.monotonic() - began)
        time.sleep(0.02)
    assert len(took) > 10
    assert max(took) < _ALWAYS_WITHIN_S
    assert len(reports) == 4
    sentences = [
        f"{error['source']}: {error['message']}" for one in reports for error in one["errors"]
    ]
    for name, _ in files:
        assert any(name in sentence for sentence in sentences), (name, sentences)


def _upload(server: str, files: list[tuple[str, bytes]]) -> Any:
    """Send files and have them read; returns the report."""
    session, batch = requests.Session(), secrets.token_hex(16)
    session.headers.update({"Origin": server, "X-Overread": "1"})
    session.get(server, timeout=30)  # the reader's cookie
    for name, content in files:
        headers = {
            "Content-Type": "application/offset+octet-stream",
            "Tus-Resumable": "1.0.0",
            "Upload-Length": str(len(content)),
            "Upload-Metadata": f"filename {base64.b64encode(name.encode()).decode()}",
        }
        sent = session.post(
            f"{server}/api/uploads/{batch}/files", data=content, headers=headers, timeout=60
        )
        assert sent.status_code == 201, sent.text
    done = session.post(
        f"{server}/api/uploads/{batch}/finish", json={"files": len(files)}, timeout=300
    )
    assert done.status_code == 200, done.text
    return done.json()


def _answers(address: str) -> bool:
    try:
        return requests.get(f"{address}/api/health", timeout=2).status_code == 200
    except requests.RequestException:
        return False
