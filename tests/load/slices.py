"""A study's slices as the viewer asks for them: those around the slice in view first.

Follows `wish` and the loader of assets/js: all slices that fit the browser's budget are asked for,
six at a time, the nearest to the one in view first, with the outlines that there are.
"""

from __future__ import annotations

from typing import Any

import gevent
from gevent.event import Event

from .browser import PARALLEL, Browser, Refused


class Slices:
    """The loader of one opened study.

    Args:
        browser: Asks for them.
        study: The answer of ``/api/studies/<id>``.
        k: The slice in view first, from 0.
    """

    def __init__(self, browser: Browser, study: dict[str, Any], k: int) -> None:
        self._browser = browser
        self._study = study
        self._there: dict[str, Event] = {}
        self._asked: set[str] = set()
        self._closed = False
        self.k = k
        self.channel = next(i for i, c in enumerate(study["channels"]) if c["start"])
        self._loaders = [gevent.spawn(self._load) for _ in range(PARALLEL)]

    def wait(self, *, outline: bool = False, timeout_s: float = 60.0) -> bool:
        """Wait until the slice in view can be drawn; False where it takes too long.

        Args:
            outline: Wait for the AI's outline too, where the slice has one.
            timeout_s: How long, in seconds.
        """
        wanted = self._addresses(self.k)
        wanted = wanted if outline else wanted[:1]
        with gevent.Timeout(timeout_s, False):
            for address in wanted:
                self._event(address).wait()
            return True
        return False

    def set_result(self, result: dict[str, Any]) -> None:
        """The analysis is there: outlines are asked for from now on."""
        self._study = {**self._study, "result": result}
        self._go_on()

    def choose_channel(self, channel: int) -> None:
        """Look at another sequence."""
        self.channel = channel
        self._go_on()

    def close(self) -> None:
        """The study is left; what has not been asked for yet is not."""
        self._closed = True
        gevent.killall([loader for loader in self._loaders if not loader.dead], block=False)

    def _go_on(self) -> None:
        self._loaders = [loader for loader in self._loaders if not loader.dead]
        while len(self._loaders) < PARALLEL:
            self._loaders.append(gevent.spawn(self._load))

    def _load(self) -> None:
        while not self._closed:
            address = self._next()
            if address is None:
                return
            self._asked.add(address)
            try:
                self._browser.get(address, "slice image")
            except Refused:  # counted where it arose; the viewer tries again after a second
                gevent.sleep(1)
                self._asked.discard(address)
                continue
            self._event(address).set()

    def _next(self) -> str | None:
        """The most urgent address that nobody has asked for."""
        n = self._study["n"]
        for step in range(n):
            for k in (self.k + step, self.k - step):
                if 0 <= k < n:
                    for address in self._addresses(k):
                        if address not in self._asked:
                            return address
        return None

    def _event(self, address: str) -> Event:
        return self._there.setdefault(address, Event())

    def _addresses(self, k: int) -> list[str]:
        study, result = self._study, self._study["result"]
        found = [study["pixels_url"].format(channel=self.channel, slice=k)]
        if result and result["slices"][k]["tumor"]:
            found.append(result["probability_url"].format(slice=k))
        if study["reference_url"]:
            found.append(study["reference_url"].format(slice=k))
        return found
