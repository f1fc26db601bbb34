"""How many images a second Comparisons answers: ``python -m tests.load.image_folder FOLDER``.

The images of a folder are sent and asked for as the page does. The clock runs from the first image
that is sent to the last answer; the model has answered one other image before.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Sequence
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

from .running_server import RunningServer

_PICTURES = {".png", ".jpg", ".jpeg"}
_ASK_S, _PATIENCE_S = 0.2, 300.0
_OURS = {"X-Overread": "1", "Sec-Fetch-Site": "same-origin"}


class _Page:
    """Sends images and asks for their answers, as the page of Comparisons."""

    def __init__(self, url: str, task: str) -> None:
        self._url, self._task = url, task
        self._browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))

    def _ask(self, method: str, path: str, body: bytes, kind: str) -> Any:
        headers = {**_OURS, "Content-Type": kind}
        request = urllib.request.Request(f"{self._url}{path}", body, headers, method=method)
        with self._browser.open(request, timeout=60) as answer:
            return json.load(answer)

    def send(self, path: Path) -> str:
        """Send an image; returns its id."""
        name = urllib.parse.quote(path.name)
        address = f"/api/comparisons/images?name={name}"
        found = self._ask("PUT", address, path.read_bytes(), "application/octet-stream")
        return str(found["image"])

    def wait(self, images: Sequence[str]) -> None:
        """Ask until all images have their answer.

        Raises:
            RuntimeError: One fails, or it takes too long.
        """
        until = time.monotonic() + _PATIENCE_S
        body = json.dumps({"images": list(images)}).encode()
        while time.monotonic() < until:
            address = f"/api/comparisons/{self._task}/answers"
            found = self._ask("POST", address, body, "application/json")["outcomes"]
            states = [one["state"] for one in found]
            if "failed" in states:
                raise RuntimeError(f"{states.count('failed')} images failed")
            if set(states) == {"done"}:
                return
            time.sleep(_ASK_S)
        raise RuntimeError("the answers took too long")


def measure(folder: Path, *, task: str, count: int) -> float:
    """Images a second, sent and answered.

    Raises:
        RuntimeError: The folder holds too few, or one fails.
    """
    found = sorted(one for one in folder.rglob("*") if one.suffix.lower() in _PICTURES)
    if len(found) <= count:
        raise RuntimeError(f"{folder} holds {len(found)} pictures, not {count + 1}")
    with tempfile.TemporaryDirectory(prefix="overread-images-") as home:
        server = RunningServer(Path(home) / "workspace", demo=False)
        try:
            server.start()
            page = _Page(server.url, task)
            page.wait([page.send(found[0])])
            began = time.perf_counter()
            page.wait([page.send(one) for one in found[1 : count + 1]])
            return count / (time.perf_counter() - began)
        finally:
            server.stop()


def main() -> int:
    """Measure as the command line asks; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.load.image_folder", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--task", default="chest-xray")
    parser.add_argument("--count", type=int, default=60)
    given = parser.parse_args()
    speed = measure(given.folder, task=given.task, count=given.count)
    sys.stdout.write(f"{given.count} images, {speed:.1f} a second\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
