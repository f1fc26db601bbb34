"""Kills web process and worker at every step of a reading: ``python -m tests.load.kill_reading``.

A study is added, analysed, opened, looked at, corrected, decided, signed, decided again, amended;
then a second amendment is begun and discarded.
While each of these requests is under way, the web process is killed with ``kill -9`` at a random
moment, the worker while it analyses, and both now and then. What the server acknowledged must be in
the database afterwards; what it did not is sent again, as the page does, and must not happen twice.
In the end every study has its two records, intact, with the masks that were sent.
"""

from __future__ import annotations

import argparse
import base64
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "dashboard"))

from dashboard.decisions.signing import is_intact  # noqa: E402
from dashboard.masks.encoding import encode_mask  # noqa: E402
from dashboard.store import JobState  # noqa: E402
from dashboard.store.corrections import list_versions, read_draft, read_version  # noqa: E402
from dashboard.store.history import list_events  # noqa: E402
from dashboard.store.reading_content import Event  # noqa: E402
from dashboard.store.readings import find_reading, list_records, read_record  # noqa: E402
from dashboard.store.states import StudyState  # noqa: E402
from dashboard.workspace.services import Services, build_services  # noqa: E402
from dashboard.workspace.settings import read_settings  # noqa: E402
from tests.chaos.client import Answers, Client, Reply  # noqa: E402

from .measuring import write_measurement  # noqa: E402
from .running_server import RunningServer  # noqa: E402
from .study_maker import StudyMaker  # noqa: E402

_MAKER = StudyMaker(slices=4, size=32)
_NO_BASE = {"result_key": None, "threshold": None, "version": None}
_LEASE_S = 2.0
_PATIENCE_S = 90.0
_BOTH_SHARE = 0.2


@dataclass
class Outcome:
    """What became of the studies.

    Attributes:
        kills: How many processes were killed, by step.
        studies: Studies that were read to the end.
        cut_off: Requests that got no answer.
        problems: What was lost, happened twice or was refused.
        seconds: How long all of it took.
    """

    kills: Counter[str] = field(default_factory=Counter)
    studies: int = 0
    cut_off: int = 0
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0


class Reading:
    """One study, read from its arrival to its amendment while processes are killed.

    Args:
        server: The server.
        services: Its parts, to look into its database.
        client: A reader's browser, named.
        chance: Draws when to kill.
        outcome: Counts.
        kills: How many processes to kill in all; the rest of the steps run undisturbed.
    """

    def __init__(
        self,
        server: RunningServer,
        services: Services,
        client: Client,
        chance: random.Random,
        outcome: Outcome,
        *,
        kills: int,
    ) -> None:
        self._server, self._client, self._chance = server, client, chance
        self._store, self._outcome, self._most = services.store, outcome, kills
        self._mark = f"{chance.getrandbits(64):016x}"  # is in everything that this reading records
        self._step = 0
        self._study = ""
        self._shape = (0, 0, 0)
        self._mask = b""

    def run(self, *, steps: frozenset[str]) -> None:
        """Read the study.

        Args:
            steps: During which something is killed.
        """
        self._steps = steps
        self._add()
        self._analyse()
        self._open(None)
        self._put("look", "PUT", "reading", self._looked, self._is_looked_at)
        self._mask = self._draw()
        self._put("draft", "PUT", "draft", self._view, self._has_draft)
        self._put("correct", "POST", "versions", self._view, self._is_corrected)
        self._decide("decide", "accept with changes", None)
        self._sign("sign", None)
        self._mask = self._draw()
        self._open(1)
        self._decide("decide again", "reject", "false lesion")
        self._sign("amend", 1)
        self._open(2)
        self._discard()
        self._check()
        self._outcome.studies += 1

    # ---- steps ----
    def _add(self) -> None:
        content = _MAKER.make()

        def send() -> Reply:
            report = self._client.upload(self._mark * 2, f"kill-{self._mark}/flair.nii", content)
            if report is None:
                return Reply(0)
            self._study = report["studies"][0]["study_id"]
            return Reply(200)

        self._attempt("add", send, lambda: bool(self._study))

    def _analyse(self) -> None:
        if "analyse" in self._steps and self._left():
            self._await(lambda: self._job() in (JobState.RUNNING, JobState.DONE))
            time.sleep(self._chance.uniform(0, 0.4))
            self._kill("analyse", "worker")
        self._await(lambda: self._job() is JobState.DONE)
        found = self._answered(lambda: self._client.ask("GET", f"/api/studies/{self._study}")).json
        self._shape = (found["n"], found["height"], found["width"])
        self._marked = [k for k, one in enumerate(found["result"]["slices"]) if one["tumor"]]

    def _open(self, amends: int | None) -> None:
        def is_claimed() -> bool:
            return self._reading().claim is not None

        self._put("open", "POST", "opening", lambda: {"amends": amends}, is_claimed)

    def _looked(self) -> dict[str, Any]:
        revision = self._reading().revision
        return {"revision": revision, "slices_shown": self._marked, "notes": self._mark}

    def _is_looked_at(self) -> bool:
        content = self._reading().content
        return content.notes == self._mark and set(self._marked) <= set(content.shown)

    def _view(self) -> dict[str, Any]:
        self._step += 1
        draft = read_draft(self._store, self._study, self._reader())
        return {
            "writer": self._mark,
            "step": self._step,
            "revision": draft.revision if draft else 0,
            "based_on": _NO_BASE,
            "mask": base64.b64encode(self._mask).decode(),
        }

    def _has_draft(self) -> bool:
        return read_draft(self._store, self._study, self._reader()) is not None

    def _is_corrected(self) -> bool:
        lines = list_versions(self._store, self._study)
        found = [read_version(self._store, self._study, line.number) for line in lines]
        return any(one is not None and one.content == self._mask for one in found)

    def _decide(self, step: str, verdict: str, reason: str | None) -> None:
        comment = f"{step} {self._mark}"

        def body() -> dict[str, Any]:
            revision = self._reading().revision
            return {"revision": revision, "verdict": verdict, "reason": reason, "comment": comment}

        def is_stored() -> bool:
            decision = self._reading().content.decision
            return decision is not None and decision.comment == comment

        self._put(step, "PUT", "decision", body, is_stored)

    def _sign(self, step: str, amends: int | None) -> None:
        token = f"{self._chance.getrandbits(128):032x}"
        number = (amends or 0) + 1

        def body() -> dict[str, Any]:
            return self._view() | {
                "reading": self._reading().revision,
                "token": token,
                "amends": amends,
                "reason": self._mark if amends else "",
            }

        def is_stored() -> bool:
            return any(one.number == number for one in list_records(self._store, self._study))

        self._put(step, "POST", "records", body, is_stored)
        found = read_record(self._store, self._study, number)
        if found is None or not is_intact(*found) or found[1] != self._mask:
            self._problem(f"{step}: the record is not what was sent")
        again = self._client.ask("POST", f"/api/studies/{self._study}/records", body())
        if (not again.ok and again.status != 409) or len(self._records()) != number:
            self._problem(f"{step}: sent again, {again.status}, {len(self._records())} records")

    def _discard(self) -> None:
        def changed() -> dict[str, Any]:
            return {"revision": self._reading().revision, "notes": f"later {self._mark}"}

        def body() -> dict[str, Any]:
            return {"revision": self._reading().revision}

        def is_stored() -> bool:
            reading = self._reading()
            return reading.claim is None and reading.content.notes == self._mark

        address = f"/api/studies/{self._study}/reading"
        self._answered(lambda: self._client.ask("PUT", address, changed()))
        self._put("discard", "DELETE", "amendment", body, is_stored)

    def _check(self) -> None:
        """That all is there once."""
        events = Counter(one.event for one in list_events(self._store, self._study))
        wanted = {Event.SIGNED: 1, Event.AMENDED: 1, Event.DECIDED: 2, Event.ANALYSED: 1}
        wanted[Event.DISCARDED] = 1
        for event, count in wanted.items():
            if events[event] != count:
                self._problem(f"{events[event]} lines of the history say {event}, not {count}")
        reading = self._reading()
        if reading.state is not StudyState.AMENDED or reading.content.notes != self._mark:
            self._problem(f"in the end {reading.state}, with the notes {reading.content.notes!r}")

    # ---- kills ----
    def _put(
        self,
        step: str,
        method: str,
        rest: str,
        body: Callable[[], dict[str, Any]],
        is_stored: Callable[[], bool],
    ) -> None:
        address = f"/api/studies/{self._study}/{rest}"
        self._attempt(step, lambda: self._client.ask(method, address, body()), is_stored)

    def _attempt(self, step: str, send: Callable[[], Reply], is_stored: Callable[[], bool]) -> None:
        """Send a request while the server is killed, and again until it is stored."""
        if step in self._steps and self._left():
            both = self._chance.random() < _BOTH_SHARE
            delay = self._chance.uniform(0, 2 * _LATENCY.get(step, 0.1))
            killer = threading.Timer(delay, self._kill, (step, *(["worker"] * both), "web"))
            killer.start()
            reply = send()
            killer.join()
            self._outcome.cut_off += not reply.status
            self._server.await_answer()
            if reply.ok and not is_stored():
                self._problem(f"{step}: acknowledged and lost")
        until = time.monotonic() + _PATIENCE_S
        while not is_stored():
            began = time.monotonic()
            reply = send()
            _LATENCY[step] = time.monotonic() - began
            if (400 <= reply.status < 500 and not is_stored()) or time.monotonic() > until:
                self._problem(f"{step}: {reply.status} {reply.body[:200]!r}")
                raise RuntimeError(self._outcome.problems[-1])

    def _kill(self, step: str, *names: str) -> None:
        for name in names:
            self._server.kill(name)
            self._outcome.kills[step] += 1

    def _left(self) -> bool:
        return self._outcome.kills.total() < self._most

    # ---- what is stored ----
    def _reading(self) -> Any:
        return find_reading(self._store, self._study)

    def _records(self) -> list[Any]:
        return list_records(self._store, self._study)

    def _reader(self) -> str:
        claim = self._reading().claim
        return claim.reader_id if claim else ""

    def _job(self) -> JobState | None:
        row = self._store.study(self._study)
        return row.job_state if row else None

    def _draw(self) -> bytes:
        """A mask that nobody else draws."""
        noise = np.random.default_rng(self._chance.getrandbits(64))
        drawn = noise.random(self._shape[1:]) < 0.2
        drawn[0, 0] = True  # never empty
        return encode_mask({self._chance.randrange(self._shape[0]): drawn}, self._shape)

    def _answered(self, send: Callable[[], Reply]) -> Reply:
        reply = send()
        self._await(lambda: reply.ok)
        return reply

    def _await(self, is_so: Callable[[], bool]) -> None:
        until = time.monotonic() + _PATIENCE_S
        while not is_so():
            if time.monotonic() > until:
                raise RuntimeError(f"{self._study}: waited {_PATIENCE_S:.0f} s in vain")
            time.sleep(0.05)

    def _problem(self, what: str) -> None:
        self._outcome.problems.append(f"{self._study}: {what}")


#: Seconds that a request of each step took, to kill somewhere within it.
_LATENCY: dict[str, float] = {}
#: All steps during which something can be killed.
STEPS = frozenset(
    (
        "add",
        "analyse",
        "open",
        "look",
        "draft",
        "correct",
        "decide",
        "sign",
        "decide again",
        "amend",
        "discard",
    )
)


def kill_reading(
    folder: Path, *, kills: int, seed: int = 1, steps: frozenset[str] = STEPS
) -> Outcome:
    """Read studies until enough processes were killed.

    Args:
        folder: For the workspace.
        kills: How many processes to kill.
        seed: Of everything that is drawn.
        steps: During which something is killed.
    """
    began = time.monotonic()
    outcome, chance = Outcome(), random.Random(seed)
    variables = {"CHAOS_LEASE_S": str(_LEASE_S), "CHAOS_SLICE_S": "0.1"}
    server = RunningServer(folder / "home", worker="short lease", demo=False, **variables)
    services = build_services(read_settings(server.environment))
    try:
        server.start()
        client = Client(server.url, Answers())
        client.ask("PUT", "/api/reader", {"name": "Reader"})
        while outcome.kills.total() < kills and not outcome.problems:
            reading = Reading(server, services, client, chance, outcome, kills=kills)
            reading.run(steps=steps)
    except RuntimeError as error:
        outcome.problems.append(str(error))
    except KeyboardInterrupt:
        outcome.problems.append("stopped before all kills were done")
    finally:
        server.stop()
        services.store.close()
    outcome.seconds = time.monotonic() - began
    return outcome


def main() -> int:
    """Kill, and print what became of the studies."""
    parser = argparse.ArgumentParser(prog="python -m tests.load.kill_reading", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="store the outcome in this file")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="overread-kill-") as folder:
        outcome = kill_reading(Path(folder), kills=arguments.kills, seed=arguments.seed)
    by_step = ", ".join(f"{step} {count}" for step, count in sorted(outcome.kills.items()))
    sys.stdout.write(
        f"{outcome.kills.total()} kills ({by_step}), {outcome.studies} studies read,"
        f" {outcome.cut_off} requests without an answer, {outcome.seconds:.0f} s\n"
        + "".join(f"PROBLEM {problem}\n" for problem in outcome.problems)
    )
    if arguments.json:
        command = f"{parser.prog} --kills {arguments.kills} --seed {arguments.seed}"
        found = {**asdict(outcome), "kills": dict(sorted(outcome.kills.items()))}
        write_measurement(arguments.json, command, found)
    return 1 if outcome.problems else 0


if __name__ == "__main__":
    sys.exit(main())
