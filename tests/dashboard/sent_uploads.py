"""Files of uploads as the upload panel sends them: by the tus protocol, small ones at once."""

from __future__ import annotations

import base64
from typing import Any

from flask.testing import FlaskClient

#: Headers of every request of ours that changes something.
OURS = {"X-Overread": "1"}
#: Those of the protocol, besides.
TUS = {**OURS, "Tus-Resumable": "1.0.0"}
PART = {**TUS, "Content-Type": "application/offset+octet-stream"}


def stated(name: str) -> str:
    """`Upload-Metadata` with a file's name."""
    return f"filename {base64.b64encode(name.encode()).decode()}"


def creation_headers(name: str, length: int, *, with_bytes: bool = True) -> dict[str, str]:
    """Headers of the request that begins a file."""
    common = PART if with_bytes else TUS
    return {**common, "Upload-Length": str(length), "Upload-Metadata": stated(name)}


def send_file(client: FlaskClient, batch: str, name: str, data: bytes) -> Any:
    """Send a whole file in one request; returns the answer."""
    headers = creation_headers(name, len(data))
    return client.post(f"/api/uploads/{batch}/files", data=data, headers=headers)


def finish(client: FlaskClient, batch: str, files: int) -> Any:
    """Have an upload read; returns the answer."""
    return client.post(f"/api/uploads/{batch}/finish", json={"files": files}, headers=OURS)
