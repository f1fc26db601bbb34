"""Results that several machines share: each has a folder of its own in front of one storage."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_answers import KEY, OTHER, make_answer

from pipeline.analysis.cache import ResultCache
from pipeline.analysis.results import AnswerMap
from pipeline.errors import InputError
from pipeline.storage.shared_storage import NO_STORAGE, SharedStorage, StorageError


def cache(home: Path, url: str, *, limit: int = 2**26) -> ResultCache:
    return ResultCache(home, size_limit_bytes=limit, shared=SharedStorage(url))


def test_one_machine_reads_what_another_computed(storage_url: str, tmp_path: Path) -> None:
    answer = make_answer()
    assert cache(tmp_path / "a", storage_url).put(KEY, answer)
    other = cache(tmp_path / "b", storage_url)
    piece = other.map_slice(KEY, 2, AnswerMap.PROBABILITY)
    assert piece is not None and (piece == answer.probability[2]).all()
    found = other.answer(KEY)
    assert found is not None and (found.probability == answer.probability).all()
    assert other.answer(OTHER) is None
    SharedStorage(storage_url).delete("results")  # it has a copy by now
    assert other.answer(KEY) is not None
    assert cache(tmp_path / "c", storage_url).answer(KEY) is None


@pytest.mark.parametrize("entry", [b"", b"\x80\x04.", b"OVR2" + b"\0" * 60])
def test_foreign_objects_are_misses(storage_url: str, tmp_path: Path, entry: bytes) -> None:
    SharedStorage(storage_url).write(f"results/{KEY[:2]}/{KEY}", entry)
    assert cache(tmp_path, storage_url).answer(KEY) is None


def test_what_one_machine_has_is_shared_again(storage_url: str, tmp_path: Path) -> None:
    one = cache(tmp_path / "a", storage_url)
    assert not one.share(KEY)
    one.put(KEY, make_answer())
    SharedStorage(storage_url).delete("results")
    assert one.share(KEY) and one.share(KEY)
    assert cache(tmp_path / "b", storage_url).answer(KEY) is not None


def test_the_oldest_results_make_room(tmp_path: Path) -> None:
    url = str(tmp_path / "shared")
    one = cache(tmp_path / "a", url)
    keys = [f"{number:02x}" * 32 for number in range(4)]
    for number, key in enumerate(keys):
        one.put(key, make_answer(seed=number))
        (Path(url) / "results" / key[:2] / key).touch()
    size = (Path(url) / "results" / keys[0][:2] / keys[0]).stat().st_size
    assert one.trim_shared(10 * size) == 0
    assert one.trim_shared(2 * size + size // 2) == 2
    fresh = cache(tmp_path / "b", url)
    assert [fresh.answer(key) is not None for key in keys] == [False, False, True, True]


def test_silent_storage_is_reported_and_is_no_miss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = SharedStorage(str(tmp_path / "shared"))
    one = ResultCache(tmp_path / "a", shared=storage)

    def silent(*_: object, **__: object) -> None:
        raise StorageError("gone")

    for name in ("read", "write", "exists"):
        monkeypatch.setattr(storage, name, silent)
    with pytest.raises(InputError, match=NO_STORAGE):  # else: computed again
        one.answer(KEY)
    assert not one.put(KEY, make_answer())  # other machines cannot read it
    assert one.answer(KEY) is not None  # this one can
    assert not one.share(KEY)
