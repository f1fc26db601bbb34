"""Readers who upload, correct, measure, decide, sign, delete and restore.

They await analyses, and send again what got no answer.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import numpy as np

from dashboard.masks.encoding import encode_mask
from tests.load.study_maker import StudyMaker

from .client import Client, Reply
from .ledger import (
    Change,
    Corrections,
    Decided,
    Ledger,
    Listing,
    Measured,
    Notes,
    SeenMap,
    SentStudy,
    Signed,
)

_MAKER = StudyMaker(slices=4, size=32)
_NO_BASE = {"result_key": None, "threshold": None, "version": None}
_AGAIN_S = 0.2
_THINKS_S = 0.15
_ANALYSIS_S = 20.0
_GONE = (HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST)


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
        # a study can be deleted until it is signed
        self._first = [
            self._delete_and_restore,
            self._write_draft,
            self._save_version,
            self._measure,
            self._read,
        ]
        self._work = (*self._first, self._write_draft, self._read)

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
        """Do something: each kind of work once, then whatever comes."""
        own = [one.study_id for one in self.notes.studies if one.study_id]
        if not own or self._chance.random() < 0.15:
            self._upload()
        elif self._first:
            self._first.pop(0)(own[0])
        elif studies := self._ledger.studies():
            self._chance.choice(self._work)(self._chance.choice(studies))

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
            seen = self._until_answered(
                lambda address=address: self.client.ask("GET", address),  # type: ignore[misc]
                study,
            )
            if seen is not None:
                digest = hashlib.sha256(seen.body).hexdigest()
                self.notes.seen.append(SeenMap(study, address, digest))
            return

    def _write_draft(self, study: str) -> None:
        mask = self._mask(study)
        if mask is None:
            return
        mine = self.notes.corrections.setdefault(study, Corrections())
        if mine.pending is not None:  # the study was deleted before there was an answer
            return
        mine.pending = ("draft", mask)
        body = self._body(study, mask)
        reply = self._until_answered(
            lambda: self.client.ask("PUT", f"/api/studies/{study}/draft", body), study
        )
        if reply is not None:
            mine.draft, mine.pending = mask, None
            self._revisions[study] = reply.json["revision"]

    def _save_version(self, study: str) -> None:
        mask = self._mask(study)
        if mask is None or not self.notes.name:
            return
        mine = self.notes.corrections.setdefault(study, Corrections())
        if mine.pending is not None:  # the study was deleted before there was an answer
            return
        mine.pending = ("version", mask)
        body = self._body(study, mask)
        reply = self._until_answered(
            lambda: self.client.ask("POST", f"/api/studies/{study}/versions", body), study
        )
        if reply is not None:
            mine.draft, mine.pending = "", None
            mine.versions[reply.json["number"]] = mask

    def _measure(self, study: str) -> None:
        shape = self._shape(study)
        if shape is None:
            return
        mine = self.notes.measured.setdefault(study, Measured())
        if mine.pending is not None:
            return
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

        reply = self._until_answered(send, study)
        if reply is not None:
            mine.items, mine.revision, mine.pending = items, reply.json["revision"], None

    def _read(self, study: str) -> None:
        """Open a study, take it over where another reader has it, decide, and mostly sign."""
        if not self.notes.name:
            return
        address = f"/api/studies/{study}"
        opened = self._may_lose("POST", f"{address}/opening", {"take_over": True}, study)
        shape = self._shape(study)
        if opened is None or shape is None:
            return
        if records := opened.json["reading"]["records"]:
            amends = {"take_over": True, "amends": records[0]["number"]}
            opened = self._may_lose("POST", f"{address}/opening", amends, study)
            if opened is None:
                return
        revision = opened.json["reading"]["revision"]
        shown = {"revision": revision, "slices_shown": list(range(shape[0]))}
        read = self._may_lose("PUT", f"{address}/reading", shown, study)
        if read is not None:
            decided = self._decide(study, read.json)
            if decided is not None and (self._chance.random() < 0.7 or not self.notes.signed):
                self._sign(study, decided)

    def _decide(self, study: str, reading: Any) -> Any:
        """Record a decision; the reading with it, or None where another reader was faster."""
        comment = f"{self._chance.getrandbits(64):016x}"
        note = Decided(study, comment, time.monotonic())
        self.notes.decided.append(note)
        sent = {
            "revision": reading["revision"],
            "verdict": "accept with changes",
            "comment": comment,
        }
        reply = self._may_lose("PUT", f"/api/studies/{study}/decision", sent, study, comment)
        if reply is None:
            return None
        note.acknowledged = time.monotonic()
        return reply.json

    def _sign(self, study: str, reading: Any) -> None:
        """Sign a mask of one's own, or amend what was signed."""
        mask = self._mask(study)
        if mask is None:
            return
        mine = self.notes.corrections.setdefault(study, Corrections())
        if mine.pending is not None:
            return
        note = Signed(study, reading["decision"]["comment"])
        self.notes.signed.append(note)
        mine.pending = ("version", mask)
        records = reading["records"]
        sent = self._body(study, mask) | {
            "reading": reading["revision"],
            "token": f"{self._chance.getrandbits(128):032x}",
            "amends": records[0]["number"] if records else None,
            "reason": "Drawn again." if records else "",
        }
        reply = self._may_lose("POST", f"/api/studies/{study}/records", sent, study)
        if reply is not None:
            note.line = reply.json
        self._find_saved(study, mine, mask)

    def _find_saved(self, study: str, mine: Corrections, mask: str) -> None:
        """See whether a signature's mask was saved: also one that came too late saves it."""
        address = f"/api/studies/{study}"
        found = self._until_answered(
            lambda: self.client.ask("GET", f"{address}/corrections"), study
        )
        for line in [] if found is None else found.json["versions"]:
            if not line["own"] or line["number"] in mine.versions:
                continue
            version = self._until_answered(
                lambda number=line["number"]: self.client.ask(  # type: ignore[misc]
                    "GET", f"{address}/versions/{number}"
                ),
                study,
            )
            if version is None:
                return
            mine.versions[line["number"]] = mask
            mine.draft, mine.pending = "", None
        if found is not None:
            mine.pending = None

    def _delete_and_restore(self, study: str) -> None:
        """Delete a study of one's own that is not signed, and restore it."""
        if study not in [one.study_id for one in self.notes.studies]:
            return
        address, mine = f"/api/studies/{study}", self.notes.listings.setdefault(study, Listing())
        self._ledger.remove(study)
        if not self._change_listing(mine, Change.DELETED, "DELETE", address):
            self._ledger.add(study)  # signed
            return
        self._stop_event.wait(self._chance.uniform(0, 2 * _THINKS_S))
        if self._change_listing(mine, Change.RESTORED, "POST", f"{address}/restore"):
            self._ledger.add(study)

    def _change_listing(self, mine: Listing, change: Change, method: str, address: str) -> bool:
        mine.pending = change
        asked = 0

        def send() -> Reply:
            nonlocal asked
            asked += 1
            reply = self.client.ask(method, address)
            # what got no answer was done: there is no such study in the worklist, or in the trash
            is_done = asked > 1 and reply.status in _GONE
            return Reply(204) if is_done else reply

        reply = self._until_answered(send, final=(HTTPStatus.FORBIDDEN,))
        if reply is None:
            return False
        mine.pending = None
        if not reply.ok:
            return False
        mine.done[change] += 1
        mine.last = change
        return True

    def _may_lose(
        self, method: str, address: str, body: Any, study: str, comment: str = ""
    ) -> Reply | None:
        """Ask for what another reader may have changed meanwhile; None then.

        Args:
            method, address, body: Of the request.
            study: The study.
            comment: A conflict with a decision that has it is with what got no answer before.
        """
        reply = self._until_answered(
            lambda: self.client.ask(method, address, body), study, final=(HTTPStatus.CONFLICT,)
        )
        if reply is None or reply.ok:
            return reply
        reading = reply.json.get("reading") or {}
        if comment and (reading.get("decision") or {}).get("comment") == comment:
            return Reply(200, json.dumps(reading).encode())
        return None

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
            reply = self._until_answered(
                lambda: self.client.ask("GET", f"/api/studies/{study}"), study
            )
            if reply is None:
                return None
            found = reply.json
            self._shapes[study] = (found["n"], found["height"], found["width"])
        return self._shapes[study]

    def _until_answered(
        self, send: Callable[[], Reply], study: str = "", *, final: tuple[int, ...] = ()
    ) -> Reply | None:
        """Send again while there is no answer, or one that says to; None where all ends first.

        Args:
            send: Sends it.
            study: None also where this study was deleted or signed meanwhile.
            final: Statuses that are answers too.
        """
        while True:
            reply = send()
            if reply.ok or reply.status in final:
                return reply
            if reply.status == HTTPStatus.NOT_FOUND and self._ledger.may_be_missing(study):
                return None
            if reply.status == HTTPStatus.LOCKED and study:  # another reader has signed it
                return None
            if reply.status and reply.status < 500:
                self.surprises.append(f"{self.name}: {reply.status} {reply.body[:200]!r}")
                return None
            if self._stop_event.wait(_AGAIN_S):
                return None
