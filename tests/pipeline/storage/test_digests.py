"""Digests of files, computed once while a file does not change, and sealed bytes."""

import os
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from pipeline.storage.digests import file_digest, seal, unseal


def test_a_digest_follows_the_content_however_a_file_is_changed(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_bytes(b"first")
    assert file_digest(path) == sha256(b"first").hexdigest()
    times = path.stat()
    path.write_bytes(b"other")  # as long, and as old
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert file_digest(path) == sha256(b"other").hexdigest()


def test_a_settled_file_is_read_once_until_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "weights"
    path.write_bytes(b"first")
    opened: list[Path] = []
    really = Path.open

    def note(self: Path, *how: Any, **more: Any) -> Any:
        opened.append(self)
        return really(self, *how, **more)

    monkeypatch.setattr(Path, "open", note)
    later = time.time() + 60
    monkeypatch.setattr(time, "time", lambda: later)
    assert [file_digest(path) for _ in range(3)] == [sha256(b"first").hexdigest()] * 3
    assert len(opened) == 1
    (tmp_path / "new").write_bytes(b"other")
    (tmp_path / "new").rename(path)
    assert file_digest(path) == sha256(b"other").hexdigest()


def test_a_missing_file_has_no_digest(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        file_digest(tmp_path / "weights")


def test_sealed_bytes_come_back() -> None:
    assert bytes(unseal(b"KIND", seal(b"KIND", b"body"))) == b"body"
    assert bytes(unseal(b"KIND", seal(b"KIND", b""))) == b""


@pytest.mark.parametrize("place", [0, 3, 4, 20, 36, -1])
def test_any_altered_byte_breaks_a_seal(place: int) -> None:
    content = bytearray(seal(b"KIND", b"body"))
    content[place] ^= 1
    with pytest.raises(ValueError, match="bytes are"):
        unseal(b"KIND", bytes(content))


@pytest.mark.parametrize("content", [b"", b"KIND", b"KIND" + bytes(31), seal(b"KINE", b"body")])
def test_other_bytes_are_not_sealed(content: bytes) -> None:
    with pytest.raises(ValueError, match="bytes are"):
        unseal(b"KIND", content)
