"""Children: what they cannot do, and what becomes of a file that ends one."""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import Cancelled, InputError
from pipeline.sandbox import sessions
from pipeline.sandbox.sessions import MOST_SESSIONS, Session, open_session
from pipeline.sandbox.watch import ReadingLimits
from pipeline.sandbox.work_note import WorkNote, read_note

_JOBS = "tests.pipeline.sandbox.hostile_jobs"
_LIMITS = ReadingLimits(
    file_bytes=256 << 20, file_seconds=0.5, study_bytes=1 << 30, study_seconds=5.0
)
_linux = pytest.mark.skipif(sys.platform != "linux", reason="macOS has no limit of memory")


def _open(job: str, *, readable: tuple[Path, ...] = (), **options: object) -> object:
    return open_session(
        f"{_JOBS}:{job}", modules=(_JOBS,), readable=readable, limits=_LIMITS, **options
    )


def _outcomes(*names: str) -> dict[str, str]:
    with _open("Files") as session:
        found: dict[str, str] = json.loads(session.ask(json.dumps(names)).document)
        return found


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("endless_loop", "takes too long"),
        ("loop_that_swallows_all", "takes too long"),
        ("decoder_that_never_returns", "takes too long"),
        pytest.param("bomb", "needs too much memory", marks=_linux),
        ("crash", "cannot be read"),
        ("vanish", "cannot be read"),
    ],
)
def test_a_file_that_ends_its_child_gets_a_sentence_and_the_others_go_on(
    name: str, words: str
) -> None:
    began = time.monotonic()
    outcomes = _outcomes("good.1", name, "good.2", f"{name}.again", "good.3")
    assert time.monotonic() - began < 20
    assert [outcomes[one] for one in ("good.1", "good.2", "good.3")] == ["read"] * 3
    for file in (name, f"{name}.again"):
        assert file in outcomes[file]
        assert words in outcomes[file]


def test_a_study_has_more_time_than_a_file() -> None:
    assert _outcomes("study_that_is_slow") == {"study_that_is_slow": "read"}


def test_work_that_begins_while_its_note_is_read_is_not_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def read_later(folder: Path) -> WorkNote | None:
        note = read_note(folder)
        return note and note.model_copy(update={"since": time.monotonic()})

    monkeypatch.setattr(sessions, "read_note", read_later)
    assert _outcomes("study_that_is_slow") == {"study_that_is_slow": "read"}


@pytest.mark.parametrize("dtype", ["?", "u1", "u2", "i2", "f4", "f8", "i8"])
def test_arrays_arrive_as_they_were_sent(dtype: str) -> None:
    values = (np.arange(24).reshape(2, 3, 4) % 2).astype(dtype)
    with _open("Mirror") as session:
        answer = session.ask('{"a": 1}', [values, values[:, ::2], values[:0]])
    assert answer.document == '{"a": 1}'
    for sent, received in zip((values, values[:, ::2], values[:0]), answer.arrays, strict=True):
        assert received.dtype == sent.dtype
        np.testing.assert_array_equal(received, sent)


@pytest.mark.skipif(sys.platform != "linux", reason="macOS confines no child")
def test_a_child_reaches_nothing_but_its_own_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, other = tmp_path / "own" / "a.dcm", tmp_path / "other" / "b.dcm"
    for path in (own, other):
        path.parent.mkdir()
        path.write_text(path.name)
    monkeypatch.setenv("DATABASE_URL", "postgresql://reader:secret@host/studies")
    monkeypatch.setenv("OVERREAD_SECRET", "x" * 32)
    with _open("Escape", readable=(own,)) as session:
        found = json.loads(session.ask(json.dumps([str(own), str(other)])).document)
    assert found["worked"] == []
    assert found["own"] == "a.dcm"
    assert set(found["environment"]) <= {
        "HOME", "LANG", "LC_ALL", "LC_CTYPE", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PATH",
        "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_",
        "PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "TZ", "LD_LIBRARY_PATH",
    }  # fmt: skip
    assert len([name for name in found["descriptors"] if name == "socket"]) == 1
    assert other.read_text() == "b.dcm"
    assert not other.with_name("new").exists()


def test_a_session_stops_when_its_caller_has_had_enough() -> None:
    asked = threading.Event()

    def progress(done: int, total: int, message: str) -> None:
        asked.set()
        raise Cancelled

    began = time.monotonic()
    with (
        pytest.raises(Cancelled),
        open_session(f"{_JOBS}:Files", modules=(_JOBS,), progress=progress) as session,
    ):
        session.ask(json.dumps(["decoder_that_never_returns"]))
    assert asked.is_set()
    assert time.monotonic() - began < 10


def test_a_job_that_fails_between_files_is_one_sentence() -> None:
    with _open("Files") as session, pytest.raises(InputError):
        session.ask("no JSON")


@pytest.mark.parametrize(("deaths", "answered"), [(0, True), (1, True), (2, False)])
def test_a_child_that_the_system_ends_is_replaced_once(deaths: int, answered: bool) -> None:
    before = _grandchildren()
    killed = set[int]()

    def progress(done: int, total: int, message: str) -> None:
        if message == "waiting" and len(killed) < deaths:
            for pid in _grandchildren() - before - killed:
                os.kill(pid, signal.SIGKILL)
                killed.add(pid)

    with _open("SlowMirror", progress=progress) as session:
        if answered:
            answer = session.ask("{}", [np.arange(3)])
            assert (answer.document, answer.arrays[0].tolist()) == ("{}", [0, 1, 2])
        else:
            with pytest.raises(InputError):
                session.ask("{}")
    assert len(killed) == deaths


def test_a_server_starts_in_a_process_with_many_open_files() -> None:
    """Descriptors from 1024 on do not fit the set that select() takes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 1200
    assert hard == resource.RLIM_INFINITY or hard >= needed, "raise the limit of open files"
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, needed), hard))
    try:
        with ExitStack() as stack:
            while (file := stack.enter_context(Path(os.devnull).open("rb"))).fileno() < 1030:
                pass
            assert file.fileno() >= 1030
            # other modules than those of the other tests, so that this server is a new one
            session = stack.enter_context(
                open_session(f"{_JOBS}:Mirror", modules=(_JOBS, "json"), limits=_LIMITS)
            )
            assert session.ask("{}").document == "{}"
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_too_many_sessions_are_refused_and_their_places_come_back() -> None:
    with ExitStack() as stack:
        for _ in range(MOST_SESSIONS):
            stack.enter_context(_open("Mirror"))
        with pytest.raises(InputError), _open("Mirror"):
            pass
    with _open("Mirror") as session:
        assert session.ask("{}").document == "{}"


def test_children_are_gone_when_their_session_ends() -> None:
    before = _grandchildren()  # of services that other tests have started
    with _open("Mirror") as session:
        session.ask("{}")
        assert isinstance(session, Session)
        assert _children(os.getpid())
    deadline = time.monotonic() + 10
    while _grandchildren() - before:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _grandchildren() -> set[int]:
    return {pid for server in _children(os.getpid()) for pid in _children(server)}


def _children(pid: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found.append(int(path.parent.name))
    return found
