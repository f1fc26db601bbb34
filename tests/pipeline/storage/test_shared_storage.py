"""Objects in a folder and on a server that speaks S3."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.storage.shared_storage import SharedStorage, StorageError


def test_objects_are_kept_found_and_deleted(storage_url: str, tmp_path: Path) -> None:
    storage = SharedStorage(storage_url)
    assert storage.read("a/b", limit_bytes=10) is None
    assert not storage.exists("a/b") and not storage.download("a/b", tmp_path / "none")
    storage.write("a/b", b"hello")
    storage.write("a/b", b"hello again")
    (tmp_path / "file").write_bytes(b"x" * 1000)
    storage.upload("a/c.npy", tmp_path / "file")
    assert storage.exists("a/b")
    assert storage.read("a/b", limit_bytes=11) == b"hello again"
    assert storage.read("a/b", limit_bytes=10) is None  # larger than it may be
    assert storage.download("a/c.npy", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"x" * 1000
    found = {entry.key: entry for entry in storage.list("a")}
    assert {key: entry.size for key, entry in found.items()} == {"a/b": 11, "a/c.npy": 1000}
    assert abs(found["a/b"].changed - datetime.now(UTC)) < timedelta(minutes=1)
    storage.delete("a")
    storage.delete("a")
    assert list(storage.list("a")) == []
    assert SharedStorage(storage_url).read("a/b", limit_bytes=10) is None


def test_another_process_s_objects_are_seen_at_once(storage_url: str) -> None:
    one, other = SharedStorage(storage_url), SharedStorage(storage_url)
    assert not other.exists("k")
    one.write("k", b"1")
    assert other.exists("k") and other.read("k", limit_bytes=1) == b"1"
    one.delete("k")
    assert not other.exists("k") and list(other.list("k")) == []


@pytest.mark.parametrize("key", ["", "../a", "/a", "a/../b", "a//b", "a/.b", "a b", "a\n"])
def test_keys_never_lead_elsewhere(tmp_path: Path, key: str) -> None:
    storage = SharedStorage(str(tmp_path))
    with pytest.raises(ValueError, match="plain names"):
        storage.read(key, limit_bytes=1)


def test_half_a_file_is_never_seen_in_a_folder(tmp_path: Path) -> None:
    storage = SharedStorage(str(tmp_path))
    with pytest.raises(StorageError):
        storage.upload("a/b", tmp_path / "none")
    assert not storage.exists("a/b")
    assert list((tmp_path / "a").iterdir()) == []


def test_storage_that_does_not_answer_is_reported_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    storage = SharedStorage("s3://silent/prefix")
    with pytest.raises(StorageError):
        storage.read("k", limit_bytes=1)
    with pytest.raises(StorageError):
        storage.write("k", b"1")


def test_url_that_nothing_knows_is_reported() -> None:
    with pytest.raises(StorageError):
        SharedStorage("nonsense://x")
