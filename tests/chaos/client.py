"""A reader's browser: cookies, the headers of our own pages, and a count of what was answered."""

from __future__ import annotations

import http.client
import json
import threading
import urllib.error
import urllib.request
from collections import Counter
from dataclasses import dataclass
from http import HTTPStatus
from http.cookiejar import CookieJar
from typing import Any

from sent_uploads import creation_headers

_TIMEOUT_S = 30.0
_OWN = {"X-Overread": "1", "Sec-Fetch-Site": "same-origin", "Accept": "application/json"}


@dataclass(frozen=True)
class Reply:
    """An answer; status 0 where there was none."""

    status: int
    body: bytes = b""

    @property
    def ok(self) -> bool:
        """Whether the request succeeded: what it stored is acknowledged."""
        return 200 <= self.status < 300

    @property
    def json(self) -> Any:
        """Its JSON."""
        return json.loads(self.body)


class Answers:
    """What all browsers were answered.

    Attributes:
        statuses: How many answers had each status; 0 counts lost connections.
        unplain: Failures without one plain sentence.
        stored: How many requests that store something succeeded.
        faults: Answers with status 500: faults that nobody foresaw.
    """

    def __init__(self) -> None:
        self.statuses: Counter[int] = Counter()
        self.unplain: list[str] = []
        self.faults: list[str] = []
        self.stored = 0
        self._lock = threading.Lock()

    def note(self, request: str, reply: Reply) -> None:
        """Count an answer and look at its sentence."""
        with self._lock:
            self.statuses[reply.status] += 1
            self.stored += reply.ok and not request.startswith("GET")
            if reply.status == 500:
                self.faults.append(request)
            if reply.status >= 400 and not _is_plain(reply):
                self.unplain.append(f"{request}: {reply.status} {reply.body[:200]!r}")


class Client:
    """A browser.

    Args:
        url: The server.
        answers: Counts what it is answered.
    """

    def __init__(self, url: str, answers: Answers) -> None:
        self._url, self._answers = url, answers
        handler = urllib.request.HTTPCookieProcessor(CookieJar())
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), handler)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Reply:
        """Send a request; whatever happens, there is a reply.

        Args:
            method: Of HTTP.
            path: With the query.
            body: JSON, or None.
            content: Bytes instead of JSON.
            headers: Further ones.
        """
        sent = dict(_OWN) | (headers or {})
        data = content
        if body is not None:
            data, sent["Content-Type"] = json.dumps(body).encode(), "application/json"
        elif data is not None:
            sent.setdefault("Content-Type", "application/octet-stream")
        elif method != "GET":
            data = b""
        request = urllib.request.Request(f"{self._url}{path}", data, sent, method=method)
        try:
            with self._opener.open(request, timeout=_TIMEOUT_S) as response:
                reply = Reply(response.status, response.read())
        except urllib.error.HTTPError as error:
            try:
                reply = Reply(error.code, error.read())
            except (OSError, http.client.HTTPException):
                reply = Reply(0)
        except (OSError, http.client.HTTPException):
            reply = Reply(0)
        self._answers.note(f"{method} {path.partition('?')[0]}", reply)
        return reply

    def upload(self, batch: str, name: str, content: bytes) -> Any:
        """Upload a file from where it ended, and have it read, as the upload panel does.

        Args:
            batch: Name of the upload; the same again where there was no answer.
            name: The file's, with its folder.
            content: Its bytes.

        Returns:
            The report, or None where an answer is missing or says to send again.
        """
        address = f"/api/uploads/{batch}"
        headers = creation_headers(name, len(content))
        sent = self.ask("POST", f"{address}/files", content=content, headers=headers)
        # a file that arrived before is reported with the rest of the upload
        if not sent.ok and sent.status not in (HTTPStatus.CONFLICT, HTTPStatus.GONE):
            return None
        read = self.ask("POST", f"{address}/finish", {"files": 1})
        return read.json if read.ok else None


def _is_plain(reply: Reply) -> bool:
    try:
        sentence = reply.json["error"]
    except (ValueError, KeyError, TypeError):
        return False
    return isinstance(sentence, str) and sentence.endswith(".") and "Traceback" not in sentence
