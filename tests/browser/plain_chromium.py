"""Chromium as readers have it, for measurements of memory.

Playwright follows every request of its pages, for which Chromium stores their answers: some 200 MB
of them. This one is driven through a pipe and only runs scripts.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from page_modules import require_browser

_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--remote-debugging-pipe",
    "--window-size=1440,900",
]
_LONGEST_S = 120


class PlainChromium:
    """One page. Chromium reads commands from its file 3 and writes answers to its file 4.

    Args:
        profile: Folder of the browser's profile.
    """

    def __init__(self, profile: Path) -> None:
        path = require_browser()
        commands, self._send_to = os.pipe()
        self._read_from, answers = os.pipe()
        # a shell puts both ends where Chromium looks for them, whatever their numbers are here
        places = f'exec "$@" 3<&{commands} 4>&{answers}'
        self._process = subprocess.Popen(
            ["bash", "-c", places, "bash", path, *_ARGUMENTS, f"--user-data-dir={profile}"],
            pass_fds=(commands, answers),
            stderr=subprocess.DEVNULL,
        )
        os.close(commands)
        os.close(answers)
        self._received = b""
        self._numbers = itertools.count(1)
        target = self._send("Target.createTarget", url="about:blank")["targetId"]
        attached = self._send("Target.attachToTarget", targetId=target, flatten=True)
        self._page: str = attached["sessionId"]

    def goto(self, url: str) -> None:
        """Open a page; it may still be loading."""
        self._send("Page.navigate", self._page, url=url)

    def evaluate(self, script: str, argument: Any = None) -> Any:
        """What a function returns on the page, or its promise; as Playwright's ``evaluate``."""
        expression = f"({script})({json.dumps(argument)})"
        options = {"expression": expression, "awaitPromise": True, "returnByValue": True}
        found = self._send("Runtime.evaluate", self._page, **options)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def wait_until(self, script: str, argument: Any = None) -> None:
        """Wait until a function returns something true; it may fail while the page loads."""
        end = time.monotonic() + _LONGEST_S
        guarded = f"async (a) => {{ try {{ return await ({script})(a); }} catch {{ return 0; }} }}"
        while not self.evaluate(guarded, argument):
            assert time.monotonic() < end, script
            time.sleep(0.05)

    def renderer_mb(self) -> float:
        """Resident memory of the largest renderer, in MiB."""
        found = self._send("SystemInfo.getProcessInfo")["processInfo"]
        ids = [one["id"] for one in found if one["type"] == "renderer"]
        return max(psutil.Process(one).memory_info().rss for one in ids) / 2**20

    def close(self) -> None:
        """End the browser."""
        self._send("Browser.close")
        self._process.wait(30)
        os.close(self._send_to)
        os.close(self._read_from)

    def _send(self, method: str, session: str = "", **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        sent = {"id": number, "method": method, "params": params}
        text = json.dumps({**sent, "sessionId": session} if session else sent)
        os.write(self._send_to, text.encode() + b"\0")
        while True:
            while b"\0" not in self._received:
                part = os.read(self._read_from, 1 << 20)
                assert part, "the browser has ended"
                self._received += part
            one, _, self._received = self._received.partition(b"\0")
            answer = json.loads(one)
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return dict(answer["result"])


@contextmanager
def plain_chromium(profile: Path) -> Iterator[PlainChromium]:
    """A browser that ends with the block."""
    browser = PlainChromium(profile)
    try:
        yield browser
    finally:
        browser.close()
