"""One reviewer: chooses studies in the worklist, reads them, uploads some, looks elsewhere."""

from __future__ import annotations

import json
import random
import time
from typing import Any

import gevent
from locust import FastHttpUser, task

from .browser import PARALLEL, Browser, Refused
from .dash_page import DashPage, now_ms
from .reading_model import ReadingModel, draw, passes
from .slices import Slices
from .study_maker import StudyMaker
from .uploads import send_study

HEALTH_S = 5.0
CHANGES = "callback: worklist changes"
ROWS = "worklist rows"


class Reviewer(FastHttpUser):
    """A user of Locust that behaves by the reading model.

    Attributes:
        model: How the time is spent.
        maker: Makes studies that nobody has seen.
        seed: Of everything that is drawn; each reviewer draws on from it.
    """

    abstract = True
    concurrency = PARALLEL
    network_timeout = 120.0
    connection_timeout = 120.0
    model = ReadingModel()
    maker: StudyMaker
    seed = 1

    def on_start(self) -> None:
        """Open the app."""
        type(self).seed += 1
        self._chance = random.Random(self.seed)
        self._asked = 0
        self._browser = Browser(self.client, self.host or "")
        self._page = DashPage(self._browser)
        while True:
            try:
                self._timed("page: first load", lambda: self._page.load("/"))
                return
            except Refused:
                gevent.sleep(2)  # as somebody presses "reload"

    @task
    def round(self) -> None:
        """One study, from the worklist to the next."""
        try:
            if self._chance.random() < self.model.reload_share:
                self._timed("page: reload", lambda: self._page.load("/"))
            else:
                self._timed("page: change", lambda: self._page.go("/"))
            self._in_worklist(draw(self._chance, self.model.worklist_s))
            if self._chance.random() < self.model.other_page_share:
                other = self._chance.choice(("/performance", "/about"))
                self._timed("page: change", lambda: self._page.go(other))
                gevent.sleep(draw(self._chance, self.model.other_page_s))
            if self._chance.random() < self.model.upload_share:
                self._read(send_study(self._browser, self.maker.make(), self._chance))
            else:
                self._read(self._chance.choice(self._rows)["study_id"])
        except Refused:
            gevent.sleep(1)  # counted where it arose

    def _in_worklist(self, seconds: float) -> None:
        """Look for a study while the grid keeps itself up to date."""
        until = time.monotonic() + seconds
        health = time.monotonic() + HEALTH_S
        ticks = 0
        outputs = [o for o, _ in self._page.outputs_of("worklist-tick.n_intervals")]
        self._ask_rows()
        while (left := until - time.monotonic()) > 0:
            interval = self._page.props["worklist-tick"]["interval"] / 1000
            gevent.sleep(min(interval, left))
            ticks += 1
            self._page.props["worklist-tick"]["n_intervals"] = ticks
            for output in outputs:
                if self._page.call(output, CHANGES, changed=["worklist-tick.n_intervals"]):
                    self._ask_rows()
            if time.monotonic() > health:
                health += HEALTH_S
                self._browser.get("/api/health", "health")

    def _ask_rows(self) -> None:
        """Ask for the first block of rows, as the grid does."""
        if found := self._browser.get("/api/worklist/rows?limit=100", ROWS):
            self._rows = json.loads(found)["rows"]

    def _read(self, study_id: str) -> None:
        """Open a study, wait for its analysis where there is none, scroll through it."""
        began = time.perf_counter()
        self._timed("page: change", lambda: self._page.go("/review", f"?study={study_id}"))
        study = self._study(study_id)
        k = study["n"] // 2
        slices = Slices(self._browser, study, k)
        try:
            if slices.wait():
                self._tell("opened: first slice in view", began)
            for channel, described in enumerate(study["channels"]):
                if described["same_as"] is None:
                    address = study["thumbnail_url"].format(channel=channel)
                    self._browser.get(address, "thumbnail")
            if study["result"] is None:
                self._analyse(study, slices, began)
            self._scroll(study, slices)
        finally:
            slices.close()

    def _scroll(self, study: dict[str, Any], slices: Slices) -> None:
        order = passes(self._chance, study["n"], slices.k)
        pause = draw(self._chance, self.model.reading_s) / len(order)
        channels = [i for i, c in enumerate(study["channels"]) if c["same_as"] is None]
        turn = len(order) // 2 if self._chance.random() < self.model.channel_share else -1
        for step, k in enumerate(order):
            slices.k = k
            if step == turn:
                slices.choose_channel(self._chance.choice(channels))
            began = time.perf_counter()
            if slices.wait():
                self._tell("scrolled: slice in view", began)
            gevent.sleep(max(0.0, pause - (time.perf_counter() - began)))

    def _analyse(self, study: dict[str, Any], slices: Slices, began: float) -> None:
        """Await the analysis as the page does; cancel it now and then and start it again."""
        cancelled = self._chance.random() < self.model.cancel_share
        if cancelled:
            self._follow(study["study_id"], cancel_after_s=0.5)
        self._follow(study["study_id"], again=cancelled)
        shown = self._study(study["study_id"])
        if shown["result"] is None:
            self._tell("analysis: opened to overlay", began, error="no result after the analysis")
            return
        slices.set_result(shown["result"])
        called = [k for k, s in enumerate(shown["result"]["slices"]) if s["tumor"]]
        slices.k = called[0] if called else slices.k
        if slices.wait(outline=True):
            self._tell("analysis: opened to overlay", began)

    def _follow(
        self, study_id: str, *, again: bool = False, cancel_after_s: float = float("inf")
    ) -> None:
        """Ask for the analysis and follow it to its end; cancel it after a while."""
        self._asked = max(now_ms(), self._asked + 1)
        asked = {"study_id": study_id, "asked": self._asked, "again": again}
        self._page.props["analysis-request"] = {"data": asked}
        due = [time.monotonic() + cancel_after_s]

        def hear(state: dict[str, Any]) -> None:
            if due and time.monotonic() > due[0]:
                due.clear()
                self._page.props["analysis-cancel"] = {"n_clicks": 1}
                for output, _ in self._page.outputs_of("analysis-cancel.n_clicks"):
                    clicked = ["analysis-cancel.n_clicks"]
                    self._page.call(output, "callback: cancel", changed=clicked)

        for output, pause in self._page.outputs_of("analysis-request.data"):
            self._page.follow(
                output,
                changed="analysis-request.data",
                interval_s=pause or 0.5,
                wanted=lambda: True,
                heard=hear,
            )

    def _study(self, study_id: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._browser.get(f"/api/studies/{study_id}", "study"))
        return found

    def _timed(self, kind: str, work: Any) -> None:
        began = time.perf_counter()
        work()
        self._tell(kind, began)

    def _tell(self, kind: str, began: float, error: str = "") -> None:
        """Report the time of something that took several requests."""
        self.environment.events.request.fire(
            request_type="SPAN",
            name=kind,
            response_time=(time.perf_counter() - began) * 1000,
            response_length=0,
            exception=RuntimeError(error) if error else None,
            context={},
        )
