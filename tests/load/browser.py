"""What a browser does with HTTP: six connections, a cache by the answers' own headers."""

from __future__ import annotations

import base64
import contextlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from gevent.pool import Pool
from locust.contrib.fasthttp import FastHttpSession

#: Connections of a browser to one server.
PARALLEL = 6
_MAX_AGE = re.compile(r"max-age=([1-9][0-9]*)")
_OWN = {"Sec-Fetch-Site": "same-origin", "Accept-Encoding": "gzip"}


class Refused(Exception):
    """An answer that no page can go on with; it is counted as an error where it arose."""


class Browser:
    """One reviewer's browser.

    Args:
        session: Sends the requests and reports their times.
        origin: Scheme, host and port of the server.
    """

    def __init__(self, session: FastHttpSession, origin: str) -> None:
        self._session = session
        self._origin = origin
        self._kept: dict[str, str] = {}  # address -> entity tag, "" for what needs no question
        self._pool = Pool(PARALLEL)

    def get(self, address: str, kind: str) -> bytes:
        """Ask for an address; empty where the cache has it, or where only the tag was compared.

        Raises:
            Refused: The server did not answer it.
        """
        headers = dict(_OWN)
        if address in self._kept:
            tag = self._kept[address]
            if not tag:
                return b""
            headers["If-None-Match"] = tag
        response = self._session.request("GET", address, name=kind, headers=headers)
        if response.status_code not in (200, 304):
            raise Refused(f"{kind}: {response.status_code} for {address}")
        self._keep(address, response.headers or {})
        return bytes(response.content or b"")

    def get_all(self, addresses: Iterable[str], kind: str) -> None:
        """Ask for several at once, as many as a browser does."""
        for greenlet in [self._pool.spawn(self._try, address, kind) for address in addresses]:
            greenlet.join()

    def post(self, address: str, kind: str, body: Any) -> Any:
        """Send JSON; returns the answer's JSON, or None if it has none (204)."""
        headers = {**_OWN, "Origin": self._origin, "Accept": "application/json"}
        response = self._session.request("POST", address, name=kind, json=body, headers=headers)
        if response.status_code == 204:
            return None
        if response.status_code != 200:
            raise Refused(f"{kind}: {response.status_code}")
        return response.json()

    def upload(self, batch: str, name: str, kind: str, content: bytes) -> Any:
        """Upload one file and have it read, as the upload panel does; returns the report."""
        own = {**_OWN, "Origin": self._origin, "X-Overread": "1"}
        headers = {
            **own,
            "Content-Type": "application/offset+octet-stream",
            "Tus-Resumable": "1.0.0",
            "Upload-Length": str(len(content)),
            "Upload-Metadata": f"filename {base64.b64encode(name.encode()).decode()}",
        }
        address = f"/api/uploads/{batch}"
        sent = self._session.post(
            f"{address}/files", name=f"{kind}: file", data=content, headers=headers
        )
        if sent.status_code != 201:
            raise Refused(f"{kind}: {sent.status_code}")
        read = self._session.post(
            f"{address}/finish", name=f"{kind}: read", json={"files": 1}, headers=own
        )
        if read.status_code != 200:
            raise Refused(f"{kind}: {read.status_code}")
        return read.json()

    def _try(self, address: str, kind: str) -> None:
        """A file that cannot be loaded is missing from the page; it is counted as an error."""
        with contextlib.suppress(Refused):
            self.get(address, kind)

    def _keep(self, address: str, headers: Mapping[str, str]) -> None:
        rule = headers.get("Cache-Control") or ""
        if "no-store" in rule:
            return
        if _MAX_AGE.search(rule) and "no-cache" not in rule:
            self._kept[address] = ""
        elif headers.get("ETag"):
            self._kept[address] = headers["ETag"]
