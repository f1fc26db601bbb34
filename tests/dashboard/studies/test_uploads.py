from __future__ import annotations

import hashlib
import io
import multiprocessing
import os
import re
import shutil
import threading
import time
from collections import namedtuple
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

import pytest

from dashboard.studies import uploads as module
from dashboard.studies.uploads import (
    CHECKSUM_MISMATCH,
    KEPT_S,
    Checksum,
    Uploads,
    folder_entries,
    size_words,
)
from dashboard.workspace.received import NotThere, UploadRefused, safe_relative_name
from dashboard.workspace.settings import read_settings

ROOT = Path(__file__).resolve().parents[3]
BATCH = "0123456789abcdef"
ADA, BOB = "browser-ada", "browser-bob"


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return Uploads(tmp_path, max_bytes=1000, max_files=3)


def send(uploads: Uploads, name: str, size: int) -> str:
    """Send a whole file of x; returns its id."""
    return uploads.create(BATCH, ADA, name, size, stream=io.BytesIO(b"x" * size)).file_id


def append(uploads: Uploads, file_id: str, offset: int, data: bytes) -> int:
    """Send bytes; returns how many have arrived then."""
    return uploads.append(BATCH, ADA, file_id, offset, io.BytesIO(data)).offset


def refusal(run: Callable[[], object]) -> int:
    """The status with which something is refused."""
    with pytest.raises(UploadRefused) as caught:
        run()
    assert str(caught.value).endswith(".")
    return caught.value.status


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("scan.png", "scan.png"),
        ("patient/series/1.dcm", "patient/series/1.dcm"),
        ("patient\\series\\1.dcm", "patient/series/1.dcm"),
        ("./a//b/./c", "a/b/c"),
        ("Z\u006f\u0308.png", "Z\u00f6.png"),
        ("a\nb\x00c.png", "a_b_c.png"),
        ("bad\udce9.png", "bad_.png"),
        ("...png", "...png"),
    ],
)
def test_names_that_are_taken(name: str, expected: str) -> None:
    assert safe_relative_name(name).as_posix() == expected


@pytest.mark.parametrize(
    "name",
    [
        "../x.png",
        "a/../../x.png",
        "..",
        "/etc/passwd",
        "\\\\server\\x.png",
        "C:\\x.png",
        "",
        "./.",
        "ä" * 101,
        "a/" * 16 + "x",
    ],
)
def test_names_that_are_refused(name: str) -> None:
    with pytest.raises(UploadRefused) as caught:
        safe_relative_name(name)
    assert caught.value.status == HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize(
    ("count", "words"),
    [(380 << 20, "380 MB"), (2 << 30, "2 GB"), (3 << 29, "1.5 GB"), (1 << 20, "1 MB")],
)
def test_sizes_in_units(count: int, words: str) -> None:
    assert size_words(count) == words


def test_the_proxy_lets_through_what_an_upload_may_hold() -> None:
    default = read_settings({}).max_upload_mb
    proxy = (ROOT / "deploy" / "nginx.conf").read_text("utf-8")
    allowed = max(map(int, re.findall(r"client_max_body_size (\d+)m;", proxy)))
    assert default < allowed <= default + 16


def test_files_arrive_under_their_names_and_go_afterwards(uploads: Uploads, tmp_path: Path) -> None:
    send(uploads, "a/1.png", 10)
    send(uploads, "2.png", 20)
    with uploads.take(BATCH, ADA, files=2) as folder:
        assert folder is not None
        assert (folder / "a" / "1.png").stat().st_size == 10
        assert folder_entries(folder) == [folder / "2.png", folder]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "WAIT_S", 0.1)
            with pytest.raises(UploadRefused) as caught, uploads.take(BATCH, ADA, files=2):
                pass
        assert caught.value.status == HTTPStatus.LOCKED
        assert refusal(lambda: send(uploads, "3.png", 1)) == HTTPStatus.LOCKED
    assert list(tmp_path.iterdir()) == []
    with uploads.take(BATCH, ADA, files=2) as folder:
        assert folder is None


def test_a_file_arrives_in_parts_over_restarts(tmp_path: Path) -> None:
    data = os.urandom(700)
    file_id, offset = "", 0
    for end in (0, 100, 350, 700):
        restarted = Uploads(tmp_path, max_bytes=1000, max_files=3)
        if end == 0:
            file_id = restarted.create(BATCH, ADA, "a.nii", 700).file_id
        else:
            offset = append(restarted, file_id, offset, data[offset:end])
        assert restarted.find(BATCH, ADA, file_id).offset == offset == end
    with Uploads(tmp_path, max_bytes=1000, max_files=3).take(BATCH, ADA, files=1) as folder:
        assert folder is not None
        assert (folder / "a.nii").read_bytes() == data


def _append_until_killed(folder: Path, file_id: str, ready: object) -> None:
    class Slow(io.RawIOBase):
        """A connection that sends some bytes, then nothing."""

        sent = False

        def read(self, size: int = -1) -> bytes:
            if not self.sent:
                self.sent = True
                return b"y" * 300
            ready.set()  # type: ignore[attr-defined]
            time.sleep(60)
            return b""

    Uploads(folder, max_bytes=1000, max_files=3).append(BATCH, ADA, file_id, 0, Slow())  # type: ignore[arg-type]


def test_bytes_outlive_a_kill_of_the_process_that_stores_them(
    uploads: Uploads, tmp_path: Path
) -> None:
    file_id = uploads.create(BATCH, ADA, "a.nii", 700).file_id
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    process = context.Process(target=_append_until_killed, args=(tmp_path, file_id, ready))
    process.start()
    assert ready.wait(20)
    assert refusal(lambda: append(uploads, file_id, 300, b"z")) == HTTPStatus.LOCKED
    process.kill()
    process.join(20)
    assert uploads.find(BATCH, ADA, file_id).offset == 300
    assert append(uploads, file_id, 300, b"z" * 400) == 700
    with uploads.take(BATCH, ADA, files=1) as folder:
        assert folder is not None
        assert (folder / "a.nii").read_bytes() == b"y" * 300 + b"z" * 400


def test_a_broken_connection_leaves_what_arrived(uploads: Uploads) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            found = super().read(size)
            if not found:
                raise ConnectionResetError
            return found

    file_id = uploads.create(BATCH, ADA, "a.nii", 700).file_id
    broken = uploads.append(BATCH, ADA, file_id, 0, Broken(b"x" * 123), sent=700)
    assert broken.offset == 123
    assert uploads.find(BATCH, ADA, file_id).offset == 123
    short = uploads.append(BATCH, ADA, file_id, 123, io.BytesIO(b"x" * 7), sent=577)
    assert short.offset == 130


def test_another_offset_is_a_conflict_and_changes_nothing(uploads: Uploads) -> None:
    file_id = uploads.create(BATCH, ADA, "a.nii", 700).file_id
    append(uploads, file_id, 0, b"x" * 100)
    for offset in (0, 99, 101, 700):
        assert refusal(lambda at=offset: append(uploads, file_id, at, b"y")) == HTTPStatus.CONFLICT  # type: ignore[misc]
    assert uploads.find(BATCH, ADA, file_id).offset == 100
    append(uploads, file_id, 100, b"x" * 600)
    assert refusal(lambda: append(uploads, file_id, 0, b"y")) == HTTPStatus.CONFLICT


def test_more_bytes_than_stated_are_refused(uploads: Uploads) -> None:
    file_id = uploads.create(BATCH, ADA, "a.nii", 10).file_id
    too_large = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert refusal(lambda: append(uploads, file_id, 0, b"x" * 11)) == too_large
    assert uploads.find(BATCH, ADA, file_id).offset == 0
    assert append(uploads, file_id, 0, b"x" * 10) == 10


def test_bytes_with_another_checksum_are_not_stored(uploads: Uploads) -> None:
    file_id = uploads.create(BATCH, ADA, "a.nii", 10).file_id
    good = Checksum("sha256", hashlib.sha256(b"x" * 5).digest())

    def put(data: bytes) -> object:
        return uploads.append(BATCH, ADA, file_id, 0, io.BytesIO(data), checksum=good)

    assert refusal(lambda: put(b"y" * 5)) == CHECKSUM_MISMATCH
    assert uploads.find(BATCH, ADA, file_id).offset == 0
    put(b"x" * 5)
    assert uploads.find(BATCH, ADA, file_id).offset == 5


def test_two_uploads_of_one_file_at_once_leave_one_whole_file(uploads: Uploads) -> None:
    ids = [uploads.create(BATCH, ADA, "a.nii", 400).file_id for _ in range(2)]
    for start in range(0, 400, 40):
        for mark, file_id in zip(b"ab", ids, strict=True):
            append(uploads, file_id, start, bytes([mark]) * 40)
    with uploads.take(BATCH, ADA, files=1) as folder:
        assert folder is not None
        assert folder_entries(folder) == [folder / "a.nii"]
        assert (folder / "a.nii").read_bytes() in (b"a" * 400, b"b" * 400)


def test_two_requests_for_one_file_never_mix(uploads: Uploads) -> None:
    file_id = uploads.create(BATCH, ADA, "a.nii", 1000).file_id
    held, go = threading.Event(), threading.Event()

    class Waiting(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            held.set()
            go.wait(20)
            return super().read(size)

    first = threading.Thread(
        target=lambda: uploads.append(BATCH, ADA, file_id, 0, Waiting(b"a" * 500))
    )
    first.start()
    assert held.wait(20)
    assert refusal(lambda: append(uploads, file_id, 0, b"b" * 500)) == HTTPStatus.LOCKED
    go.set()
    first.join(20)
    assert append(uploads, file_id, 500, b"b" * 500) == 1000


def test_a_file_that_is_sent_again_is_replaced_and_counted_once(uploads: Uploads) -> None:
    for _ in range(5):
        send(uploads, "a.png", 400)
    with uploads.take(BATCH, ADA, files=1) as folder:
        assert folder is not None
        assert folder_entries(folder) == [folder / "a.png"]


def test_beginnings_whose_answer_was_lost_do_not_use_up_the_limit(uploads: Uploads) -> None:
    for _ in range(5):
        file_id = uploads.create(BATCH, ADA, "a.nii", 800).file_id
    assert append(uploads, file_id, 0, b"x" * 800) == 800


def test_the_size_limit_holds_before_anything_is_read(uploads: Uploads, tmp_path: Path) -> None:
    class Unread(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise AssertionError("it was read")

    send(uploads, "a.png", 600)
    too_large = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    for size in (401, 1001):
        assert refusal(lambda n=size: uploads.create(BATCH, ADA, "b", n, stream=Unread())) == (  # type: ignore[misc, arg-type]
            too_large
        )
    restarted = Uploads(tmp_path, max_bytes=1000, max_files=3)
    assert refusal(lambda: restarted.create(BATCH, ADA, "b", 401)) == too_large
    send(uploads, "b.png", 400)  # what was refused does not count


def test_the_tally_is_counted_again_if_it_is_damaged(uploads: Uploads, tmp_path: Path) -> None:
    send(uploads, "a.png", 600)
    (tmp_path / BATCH / "tally").write_bytes(b"\x00\xff")
    assert refusal(lambda: send(uploads, "b.png", 401)) == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    send(uploads, "b.png", 400)


def test_file_limit(uploads: Uploads) -> None:
    for name in "abc":
        file_id = send(uploads, name, 1)
    assert refusal(lambda: send(uploads, "d", 1)) == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    uploads.remove(BATCH, ADA, file_id)
    send(uploads, "d", 1)


def test_a_beginning_that_arrives_incomplete_is_not_stored(
    uploads: Uploads, tmp_path: Path
) -> None:
    def cut() -> object:
        return uploads.create(BATCH, ADA, "a.png", 9, stream=io.BytesIO(b"x" * 5), sent=9)

    assert refusal(cut) == HTTPStatus.BAD_REQUEST
    assert list(tmp_path.iterdir()) == []


def test_fewer_files_than_were_sent_are_not_read(uploads: Uploads) -> None:
    send(uploads, "a.png", 10)
    incomplete = uploads.create(BATCH, ADA, "b.png", 10).file_id
    with pytest.raises(UploadRefused) as caught, uploads.take(BATCH, ADA, files=2):
        pass
    assert caught.value.status == HTTPStatus.CONFLICT
    append(uploads, incomplete, 0, b"x" * 10)
    with uploads.take(BATCH, ADA, files=2) as folder:
        assert folder is not None


def test_a_complete_file_that_was_not_put_in_its_place_is_read(
    uploads: Uploads, tmp_path: Path
) -> None:
    file_id = uploads.create(BATCH, ADA, "a.png", 10).file_id
    (tmp_path / BATCH / "arriving" / f"{file_id}.part").write_bytes(b"x" * 10)  # then a kill
    assert uploads.find(BATCH, ADA, file_id).offset == 10
    with uploads.take(BATCH, ADA, files=1) as folder:
        assert folder is not None
        assert (folder / "a.png").read_bytes() == b"x" * 10


def test_a_name_that_is_a_folder_already(uploads: Uploads) -> None:
    send(uploads, "a/b", 1)
    waiting = uploads.create(BATCH, ADA, "c", 1).file_id
    send(uploads, "c/d", 1)
    assert refusal(lambda: append(uploads, waiting, 0, b"x")) == HTTPStatus.BAD_REQUEST
    for name in ("a", "a/b/c"):
        assert refusal(lambda at=name: send(uploads, at, 1)) == HTTPStatus.BAD_REQUEST  # type: ignore[misc]


def test_a_full_disk_is_an_error(uploads: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10, 10, 0))
    assert refusal(lambda: send(uploads, "a.png", 1)) == HTTPStatus.INSUFFICIENT_STORAGE


@pytest.mark.parametrize("batch", ["", "..", "short", "g" * 16, "0" * 65, "0123456789ABCDEF"])
def test_batches_are_hexadecimal(uploads: Uploads, batch: str) -> None:
    with pytest.raises(NotThere):
        uploads.create(batch, ADA, "a.png", 0)


def test_a_batch_belongs_to_the_reader_who_began_it(uploads: Uploads, tmp_path: Path) -> None:
    file_id = send(uploads, "a.png", 3)
    for run in (
        lambda: uploads.create(BATCH, BOB, "b.png", 1),
        lambda: uploads.find(BATCH, BOB, file_id),
        lambda: uploads.append(BATCH, BOB, file_id, 3, io.BytesIO(b"")),
        lambda: uploads.list_files(BATCH, BOB),
        lambda: uploads.open_complete(BATCH, BOB, file_id),
        lambda: uploads.remove(BATCH, BOB, file_id),
        lambda: uploads.discard(BATCH, BOB),
        lambda: uploads.take(BATCH, BOB, files=1).__enter__(),
    ):
        with pytest.raises(NotThere):
            run()
    (tmp_path / BATCH / "owner").write_bytes(b"{}")
    with pytest.raises(NotThere):
        uploads.find(BATCH, ADA, file_id)


def age(folder: Path, seconds: float) -> None:
    """Make a batch look as if it had not changed for some time."""
    long_ago = time.time() - seconds
    os.utime(folder / "lock", (long_ago, long_ago))


def test_what_nobody_finished_expires_after_a_day(uploads: Uploads, tmp_path: Path) -> None:
    file_id = uploads.create(BATCH, ADA, "a.png", 9).file_id
    age(tmp_path / BATCH, KEPT_S - 60)
    assert 0 < uploads.find(BATCH, ADA, file_id).expires - time.time() < 61
    append(uploads, file_id, 0, b"x")  # a change begins the time again
    assert uploads.find(BATCH, ADA, file_id).expires - time.time() > KEPT_S - 60
    age(tmp_path / BATCH, KEPT_S + 1)
    assert refusal(lambda: append(uploads, file_id, 1, b"x")) == HTTPStatus.GONE
    (tmp_path / f"{BATCH}.0a1b2c3d.taken").mkdir()  # of an earlier version
    os.utime(tmp_path / f"{BATCH}.0a1b2c3d.taken", (0, 0))
    uploads.store_report("a" * 16, ADA, "{}")
    assert uploads.find_report("a" * 16, ADA) == "{}"
    assert uploads.find_report("a" * 16, BOB) is None
    os.utime(tmp_path / f"{'a' * 16}.report", (0, 0))
    uploads.create("f" * 16, ADA, "b.png", 1)  # it is deleted at the latest then
    assert [path.name for path in tmp_path.iterdir()] == ["f" * 16]


def test_what_arrived_before_the_machine_started_is_sent_again(
    uploads: Uploads, tmp_path: Path
) -> None:
    """A power cut may leave a file with its size and other bytes."""
    send(uploads, "whole.png", 20)
    part = uploads.create(BATCH, ADA, "part.png", 900, stream=io.BytesIO(b"x" * 8)).file_id
    for path in (tmp_path / BATCH).rglob("*"):
        os.utime(path, (1, 1))
    os.utime(tmp_path / BATCH / "lock")
    with pytest.raises(NotThere):
        append(uploads, part, 8, b"x")
    with pytest.raises(UploadRefused) as caught, uploads.take(BATCH, ADA, files=1):
        pass
    assert caught.value.status == HTTPStatus.CONFLICT
    send(uploads, "whole.png", 20)
    uploads.create(BATCH, ADA, "other.png", 980)  # what was deleted is not counted
    with uploads.take(BATCH, ADA, files=1) as folder:
        assert folder is not None
        assert [path.name for path in folder.iterdir()] == ["whole.png"]


def _die_while_reading(folder: Path) -> None:
    with Uploads(folder, max_bytes=1000, max_files=3).take(BATCH, ADA, files=1):
        os._exit(9)


def test_an_upload_whose_reader_died_can_be_read_again(uploads: Uploads, tmp_path: Path) -> None:
    send(uploads, "a.png", 10)
    process = multiprocessing.get_context("fork").Process(
        target=_die_while_reading, args=(tmp_path,)
    )
    process.start()
    process.join(20)
    with uploads.take(BATCH, ADA, files=1) as folder:
        assert folder is not None
        assert (folder / "a.png").stat().st_size == 10
    assert list(tmp_path.iterdir()) == []


def test_discarding_what_is_being_read_marks_it_until_it_is_read(
    uploads: Uploads, tmp_path: Path
) -> None:
    send(uploads, "a.png", 1)
    with uploads.take(BATCH, ADA, files=1):
        assert not uploads.is_cancelled(BATCH)
        uploads.discard(BATCH, ADA)
        assert uploads.is_cancelled(BATCH)
    assert list(tmp_path.iterdir()) == []
    uploads.discard(BATCH, ADA)  # there is nothing any more


def test_discarding_while_a_file_arrives_deletes_it_afterwards(
    uploads: Uploads, tmp_path: Path
) -> None:
    class Discarding(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            uploads.discard(BATCH, ADA)
            return super().read(size)

    file_id = uploads.create(BATCH, ADA, "a.nii", 9).file_id
    uploads.append(BATCH, ADA, file_id, 0, Discarding(b"x"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("storage", "shared"),
    [("", False), ("s3://bucket/x", False), ("STORE", True), ("file://STORE", True)],
)
def test_uploads_are_where_all_web_processes_find_them(
    tmp_path: Path, storage: str, shared: bool
) -> None:
    store = tmp_path / "store"
    settings = read_settings(
        {
            "OVERREAD_HOME": str(tmp_path / "home"),
            "OVERREAD_STORAGE_URL": storage.replace("STORE", str(store)),
        }
    )
    assert settings.uploads.is_relative_to(store) == shared
    assert settings.uploads.is_relative_to(tmp_path / "home") != shared
