"""Readers who upload, await analyses, correct and measure, and send again what got no answer."""

from __future__ import annotations

import base64
import hashlib
import random
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from dashboard.masks.encoding import encode_mask
from tests.load.study_maker import StudyMaker

from .client import Client, Reply
from .ledger import Corrections, Ledger, Measured, Notes, SeenMap, SentStudy

_MAKER = StudyMaker(slices=4, size=32)
_NO_BASE = {"result_key": None, "threshold": None, "version": None}
_AGAIN_S = 0.2
_THINKS_S = 0.15
_ANALYSIS_S = 20.0


class Reader(threading.Thread):
    """One reader.

    Args:
        client: Their browser.
        ledger: Studies that all readers may open.
        stop: Set when the reader must end.
        seed: Of all that is drawn.

    Attributes:
        notes: What they were shown as stored.
        surprises: Answers that no reader should get.
    """

    def __init__(self, client: Client, ledger: Ledger, stop: threading.Event, *, seed: int) -> None:
        super().__init__(name=f"reader-{seed}", daemon=True)
        self.client, self.notes, self.surprises = client, Notes(), []
        self._ledger, self._stop_event = ledger, stop
        self._chance = random.Random(seed)
        self._window = f"{self._chance.getrandbits(64):016x}"
        self._step = 0
        self._shapes: dict[str, tuple[int, int, int]] = {}
        self._revisions: dict[str, int] = {}
        self.surprises: list[str] = []

    def run(self) -> None:
        """Work until asked to stop."""
        try:
            self._enter_name()
            while not self._stop_event.is_set():
                self._turn()
                self._stop_event.wait(self._chance.uniform(0, 2 * _THINKS_S))
        except Exception as error:
            self.surprises.append(f"{self.name}: {type(error).__name__}: {error}")

    def _turn(self) -> None:
        studies = self._ledger.studies()
        if not studies or self._chance.random() < 0.15:
            self._upload()
            return
        study = self._chance.choice(studies)
        work: Callable[[str], None] = self._chance.choice(
            (self._write_draft, self._write_draft, self._save_version, self._measure)
        )
        work(study)

    def _enter_name(self) -> None:
        name = f"Reader {self._window[:6]}"
        if self._until_answered(lambda: self.client.ask("PUT", "/api/reader", {"name": name})):
            self.notes.name = name

    def _upload(self) -> None:
        batch = f"{self._chance.getrandbits(128):032x}"
        sent = SentStudy(f"load-{batch[:8]}", _MAKER.make())
        self.notes.studies.append(sent)
        while not self._stop_event.is_set():
            report = self.client.upload(batch, f"{sent.name}/flair.nii", sent.content)
            if report is None:
                self._stop_event.wait(_AGAIN_S)
                continue
            if not report["studies"]:
                self.surprises.append(f"{self.name}: {report}")
                return
            sent.study_id = report["studies"][0]["study_id"]
            self._ledger.add(sent.study_id)
            self._await_result(sent.study_id)
            return

    def _await_result(self, study: str) -> None:
        """Look at the study until its result is there, then at a map of it."""
        for _ in range(int(_ANALYSIS_S / _AGAIN_S)):
            if self._stop_event.wait(_AGAIN_S):
                return
            reply = self.client.ask("GET", f"/api/studies/{study}")
            if not reply.ok or reply.json["result"] is None:
                continue
            k = reply.json["n"] // 2
            address = reply.json["result"]["probability_url"].format(slice=k)
            seen = self._until_answered(lambda address=address: self.client.ask("GET", address))  # type: ignore[misc]
            if seen is not None:
                digest = hashlib.sha256(seen.body).hexdigest()
                self.notes.seen.append(SeenMap(study, address, digest))
            return

    def _write_draft(self, study: str) -> None:
        mask = self._mask(study)
        if mask is None:
            return
        mine = self.notes.corrections.setdefault(study, Corrections())
        mine.pending = ("draft", mask)
        body = self._body(study, mask)
        reply = self._until_answered(
            lambda: self.client.ask("PUT", f"/api/studies/{study}/draft", body)
        )
        if reply is not None:
            mine.draft, mine.pending = mask, None
            self._revisions[study] = reply.json["revision"]

    def _save_version(self, study: str) -> None:
        mask = self._mask(study)
        if mask is None or not self.notes.name:
            return
        mine = self.notes.corrections.setdefault(study, Corrections())
        mine.pending = ("version", mask)
        body = self._body(study, mask)
        reply = self._until_answered(
            lambda: self.client.ask("POST", f"/api/studies/{study}/versions", body)
        )
        if reply is not None:
            mine.draft, mine.pending = "", None
            mine.versions[reply.json["number"]] = mask

    def _measure(self, study: str) -> None:
        shape = self._shape(study)
        if shape is None:
            return
        mine = self.notes.measured.setdefault(study, Measured())
        items = [*mine.items[-5:], self._ruler(shape)]
        mine.pending = items
        revision = mine.revision

        def send() -> Reply:
            reply = self.client.ask(
                "PUT",
                f"/api/studies/{study}/measurements",
                {"revision": revision, "items": items},
            )
            # what got no answer was stored: the browser sees its own measurements
            is_own = reply.status == 409 and reply.json["items"] == items
            return Reply(200, reply.body) if is_own else reply

        reply = self._until_answered(send)
        if reply is not None:
            mine.items, mine.revision, mine.pending = items, reply.json["revision"], None

    def _ruler(self, shape: tuple[int, int, int]) -> dict[str, Any]:
        n, height, width = shape
        points = [
            [self._chance.randrange(4 * width) / 4, self._chance.randrange(4 * height) / 4]
            for _ in range(2)
        ]
        return {
            "id": f"{self._chance.getrandbits(40):010x}",
            "kind": "ruler",
            "k": self._chance.randrange(n),
            "points": points,
            "text": "",
        }

    def _body(self, study: str, mask: str) -> dict[str, Any]:
        self._step += 1
        return {
            "writer": self._window,
            "step": self._step,
            "revision": self._revisions.get(study, 0),
            "based_on": _NO_BASE,
            "mask": mask,
        }

    def _mask(self, study: str) -> str | None:
        """A mask that nobody else draws, of one slice."""
        shape = self._shape(study)
        if shape is None:
            return None
        noise = np.random.default_rng(self._chance.getrandbits(64))
        drawn = noise.random(shape[1:]) < 0.2
        drawn[0, 0] = True  # never empty
        sent = encode_mask({self._chance.randrange(shape[0]): drawn}, shape)
        return base64.b64encode(sent).decode()

    def _shape(self, study: str) -> tuple[int, int, int] | None:
        if study not in self._shapes:
            reply = self._until_answered(lambda: self.client.ask("GET", f"/api/studies/{study}"))
            if reply is None:
                return None
            found = reply.json
            self._shapes[study] = (found["n"], found["height"], found["width"])
        return self._shapes[study]

    def _until_answered(self, send: Callable[[], Reply]) -> Reply | None:
        """Send again while there is no answer, or one that says to; None where all ends first."""
        while True:
            reply = send()
            if reply.ok:
                return reply
            if reply.status and reply.status < 500:  # final
                self.surprises.append(f"{self.name}: {reply.status} {reply.body[:200]!r}")
                return None
            if self._stop_event.wait(_AGAIN_S):
                return None
