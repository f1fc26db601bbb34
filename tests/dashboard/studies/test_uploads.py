from __future__ import annotations

import io
import os
import re
import shutil
import time
from collections import namedtuple
from http import HTTPStatus
from pathlib import Path

import pytest

from dashboard.studies.uploads import Uploads, folder_entries, size_words
from dashboard.workspace.received import UploadRefused, safe_relative_name
from dashboard.workspace.settings import read_settings

ROOT = Path(__file__).resolve().parents[3]
BATCH = "0123456789abcdef"


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return Uploads(tmp_path, max_bytes=1000, max_files=3)


def send(uploads: Uploads, name: str, size: int, *, length: int | None = None) -> int:
    return uploads.receive(BATCH, name, io.BytesIO(b"x" * size), length=length)


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
    (allowed,) = re.findall(r"client_max_body_size (\d+)m;", proxy)
    assert default < int(allowed) <= default + 16


def test_files_arrive_under_their_names_and_go_afterwards(uploads: Uploads, tmp_path: Path) -> None:
    assert send(uploads, "a/1.png", 10, length=10) == 10
    assert send(uploads, "2.png", 20) == 20
    with uploads.take(BATCH) as folder:
        assert folder is not None
        assert (folder / "a" / "1.png").stat().st_size == 10
        assert folder_entries(folder) == [folder / "2.png", folder]
        with uploads.take(BATCH) as second:
            assert second is None
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_sent_again_is_replaced_and_counted_once(uploads: Uploads) -> None:
    for _ in range(5):
        send(uploads, "a.png", 400)
    with uploads.take(BATCH) as folder:
        assert folder is not None
        assert folder_entries(folder) == [folder / "a.png"]


def test_size_limit_holds_while_a_file_arrives(uploads: Uploads, tmp_path: Path) -> None:
    send(uploads, "a.png", 600)
    with pytest.raises(UploadRefused) as caught:
        send(uploads, "b.png", 600)
    assert caught.value.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["a.png"]
    send(uploads, "b.png", 400)  # what was refused does not count


def test_size_limit_holds_before_anything_is_read(uploads: Uploads) -> None:
    class Unread(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise AssertionError("it was read")

    with pytest.raises(UploadRefused) as caught:
        uploads.receive(BATCH, "a.png", Unread(), length=1001)  # type: ignore[arg-type]
    assert caught.value.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE


def test_limits_hold_after_a_restart(uploads: Uploads, tmp_path: Path) -> None:
    send(uploads, "a.png", 900)
    with pytest.raises(UploadRefused) as caught:
        send(Uploads(tmp_path, max_bytes=1000, max_files=3), "b.png", 200)
    assert caught.value.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE


def test_file_limit(uploads: Uploads) -> None:
    for name in "abc":
        send(uploads, name, 1)
    with pytest.raises(UploadRefused) as caught:
        send(uploads, "d", 1)
    assert caught.value.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE


def test_a_file_that_arrives_incomplete_is_not_stored(uploads: Uploads, tmp_path: Path) -> None:
    with pytest.raises(UploadRefused) as caught:
        send(uploads, "a.png", 5, length=9)
    assert caught.value.status == HTTPStatus.BAD_REQUEST
    with uploads.take(BATCH) as folder:
        assert folder is None


def test_a_name_that_is_a_folder_already(uploads: Uploads) -> None:
    send(uploads, "a/b", 1)
    for name in ("a", "a/b/c"):
        with pytest.raises(UploadRefused) as caught:
            send(uploads, name, 1)
        assert caught.value.status == HTTPStatus.CONFLICT


def test_a_full_disk_is_an_error(uploads: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10, 10, 0))
    with pytest.raises(UploadRefused) as caught:
        send(uploads, "a.png", 1)
    assert caught.value.status == HTTPStatus.INSUFFICIENT_STORAGE


@pytest.mark.parametrize("batch", ["", "..", "short", "g" * 16, "0" * 65, "0123456789ABCDEF"])
def test_batches_are_hexadecimal(uploads: Uploads, batch: str) -> None:
    with pytest.raises(UploadRefused) as caught:
        uploads.receive(batch, "a.png", io.BytesIO(b""), length=0)
    assert caught.value.status == HTTPStatus.NOT_FOUND


def test_what_nobody_finished_goes_after_a_day(uploads: Uploads, tmp_path: Path) -> None:
    send(uploads, "a.png", 1)
    uploads.remove_stale()
    assert (tmp_path / BATCH).exists()
    long_ago = time.time() - 25 * 3600
    for path in (tmp_path / BATCH, *(tmp_path / BATCH).iterdir()):
        os.utime(path, (long_ago, long_ago))
    uploads.receive("f" * 16, "b.png", io.BytesIO(b"x"), length=1)  # at the latest then
    assert [path.name for path in tmp_path.iterdir()] == ["f" * 16]


def test_an_upload_whose_reader_died_is_given_back(uploads: Uploads, tmp_path: Path) -> None:
    send(uploads, "a.png", 10)
    (tmp_path / BATCH).rename(tmp_path / f"{BATCH}.0a1b2c3d.taken")
    with uploads.take(BATCH) as folder:
        assert folder is not None
        assert (folder / "a.png").stat().st_size == 10
        Uploads(tmp_path, max_bytes=1000, max_files=3).release()  # it is being read
        assert not (tmp_path / BATCH).exists()
    assert list(tmp_path.iterdir()) == []
    send(uploads, "a.png", 10)
    (tmp_path / BATCH).rename(tmp_path / f"{BATCH}.0a1b2c3d.taken")
    uploads.release()
    assert [path.name for path in tmp_path.iterdir()] == [BATCH]


def test_discarding_what_is_being_read_marks_it_until_it_is_read(
    uploads: Uploads, tmp_path: Path
) -> None:
    batch = "ab" * 8
    uploads.receive(batch, "a.png", io.BytesIO(b"1"), length=1)
    with uploads.take(batch):
        assert not uploads.is_cancelled(batch)
        uploads.discard(batch)
        assert uploads.is_cancelled(batch)
    assert not uploads.is_cancelled(batch)
    uploads.discard(batch)  # there is nothing any more
    assert not uploads.is_cancelled(batch)
