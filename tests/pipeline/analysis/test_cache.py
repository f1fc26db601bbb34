"""The cache: survives restarts, is bounded, and trusts nothing that it finds."""

import multiprocessing
import pickle
import sqlite3
import stat
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import diskcache
import numpy as np
import pytest
from fake_answers import KEY, OTHER, make_answer
from fake_models import make_case, write_metadata

from pipeline.analysis.answer_format import decode_answer, decode_slice, encode_answer
from pipeline.analysis.cache import BytesDisk, ResultCache, result_key
from pipeline.analysis.results import AnswerMap
from pipeline.errors import Cancelled
from pipeline.models.int8_ranges import Int8Ranges
from pipeline.models.registry import read_model_info


def stored(folder: Path, column: str = "value", **changes: object) -> None:
    """Change the one entry's row in the database."""
    with sqlite3.connect(folder / "cache.db") as database:
        for name, value in changes.items():
            database.execute(f"UPDATE Cache SET {name} = ?", (value,))
    database.close()


def test_an_answer_survives_a_restart(tmp_path: Path) -> None:
    answer = make_answer()
    first = ResultCache(tmp_path)
    assert first.put(KEY, answer)
    first.close()
    again = ResultCache(tmp_path).answer(KEY)
    assert again is not None
    assert (again.probability == answer.probability).all()
    assert (again.uncertainty == answer.uncertainty).all()
    maps = {"probability": None, "uncertainty": None}
    assert vars(again) | maps == vars(answer) | maps


def test_one_slice_is_read_alone(tmp_path: Path) -> None:
    cache, answer = ResultCache(tmp_path), make_answer()
    cache.put(KEY, answer)
    for k in range(4):
        assert (cache.map_slice(KEY, k, AnswerMap.PROBABILITY) == answer.probability[k]).all()
        assert (cache.map_slice(KEY, k, AnswerMap.UNCERTAINTY) == answer.uncertainty[k]).all()
        assert not cache.map_slice(KEY, k, AnswerMap.LEFT_OUT).any()
    for name in AnswerMap:
        assert cache.map_slice(KEY, 4, name) is None
        assert cache.map_slice(KEY, -1, name) is None
        assert cache.map_slice(OTHER, 1, name) is None


def test_an_outline_is_what_masks_are_made_from(tmp_path: Path) -> None:
    cache, answer = ResultCache(tmp_path), make_answer()
    cache.put(KEY, answer)
    outline = cache.outline(KEY)
    assert outline is not None
    assert (outline.probability == answer.probability).all()
    assert (outline.masks() == answer.masks()).all()
    assert list(outline.mask_slices()) == [1, 2, 3]
    assert list(outline.mask_slices(operating_point=0.1)) == [0, 1, 2, 3]
    assert outline.mask_slices(operating_point=0.34) == {}
    assert (outline.mask_slices(level=200)[2] == (answer.probability[2] >= 200)).all()
    assert cache.outline(OTHER) is None


def test_recent_outlines_stay_in_memory_within_a_limit(tmp_path: Path) -> None:
    """Each takes 4,096 bytes; what stays is the same object."""
    cache = ResultCache(tmp_path, recent_bytes=2 * 4096)
    keys = [letter * 64 for letter in "abc"]
    for seed, key in enumerate(keys):
        cache.put(key, make_answer(seed=seed))
    a, b = (cache.outline(key) for key in keys[:2])
    assert cache.outline(keys[0]) is a
    cache.outline(keys[2])  # b was used least recently
    assert cache.outline(keys[0]) is a
    assert cache.outline(keys[1]) is not b
    cache.put(OTHER, make_answer(40))
    assert cache.outline(OTHER) is not cache.outline(OTHER), "larger than the limit"


def test_what_was_left_out_is_kept_slice_by_slice(tmp_path: Path) -> None:
    left_out = np.zeros((4, 32, 32), np.uint8)
    left_out[2, 3:5, 4:9] = 180
    answer = replace(make_answer(), left_out=left_out, left_out_px=(0, 0, 10, 0))
    cache = ResultCache(tmp_path)
    cache.put(KEY, answer)
    assert (cache.map_slice(KEY, 2, AnswerMap.LEFT_OUT) == left_out[2]).all()
    again = cache.answer(KEY)
    assert again is not None
    assert (again.left_out, again.left_out_px) == (None, (0, 0, 10, 0))
    result = cache.get(KEY, make_case())
    assert result is not None
    assert [one.left_out_px for one in result.slices] == [0, 0, 10, 0]


def test_a_result_is_bound_to_the_case_that_asks(tmp_path: Path) -> None:
    cache = ResultCache(tmp_path)
    cache.put(KEY, make_answer())
    result = cache.get(KEY, make_case(case_id="mine", masks=True))
    assert result is not None
    assert result.case_id == "mine"
    assert result.dice is not None
    assert cache.get(KEY, make_case()).dice is None
    assert cache.get(KEY, make_case(5)) is None, "another shape is another case's"


def test_unknown_and_malformed_keys_are_misses(tmp_path: Path) -> None:
    cache = ResultCache(tmp_path)
    for key in (KEY, "", "../../etc/passwd", "AB" * 32):
        assert cache.answer(key) is None
    with pytest.raises(ValueError, match="64 hexadecimal digits"):
        cache.put("short", make_answer())


def test_the_folder_is_for_its_owner_only(tmp_path: Path) -> None:
    ResultCache(tmp_path / "a" / "results")
    assert stat.S_IMODE((tmp_path / "a" / "results").stat().st_mode) == 0o700


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (str(self.path), "w")


@pytest.mark.parametrize("size", [0, 200_000], ids=["in the database", "in a file"])
def test_a_pickle_is_a_miss_and_never_runs(tmp_path: Path, size: int) -> None:
    trap = tmp_path / "ran"
    folder = tmp_path / "cache"
    cache = ResultCache(folder)
    cache.put(KEY, make_answer(size=4 if size == 0 else 512))
    content = pickle.dumps([Trap(trap), b"0" * size])
    if size:
        (value,) = folder.glob("*/*/*.val")
        value.write_bytes(content)
        stored(folder, mode=4)
    else:
        stored(folder, mode=4, value=content)
    assert cache.answer(KEY) is None
    assert not trap.exists()


def test_a_pickled_key_is_never_unpickled(tmp_path: Path) -> None:
    trap, folder = tmp_path / "ran", tmp_path / "cache"
    cache = ResultCache(folder)
    cache.put(KEY, make_answer())
    stored(folder, key=pickle.dumps(Trap(trap)), raw=0)
    with diskcache.Cache(str(folder), disk=BytesDisk) as entries:
        with pytest.raises(ValueError, match="no text"):
            list(entries)
    assert cache.answer(KEY) is None
    assert not trap.exists()


def test_an_entry_that_names_a_foreign_file_is_a_miss(tmp_path: Path) -> None:
    secret, folder = tmp_path / "secret", tmp_path / "cache"
    secret.write_bytes(encode_answer(make_answer(), KEY))
    cache = ResultCache(folder)
    cache.put(KEY, make_answer(size=512))
    stored(folder, filename="../secret")
    assert cache.answer(KEY) is None
    cache.put(KEY, make_answer())
    assert secret.exists(), "and is not deleted with it"


def test_disk_refuses_what_it_would_have_to_pickle(tmp_path: Path) -> None:
    disk = BytesDisk(str(tmp_path))
    with pytest.raises(TypeError, match="values must be bytes, got dict"):
        disk.store({}, False)
    with pytest.raises(TypeError, match="keys must be text, got int"):
        disk.put(1)


def damaged_entries() -> list[bytes]:
    """Entries that are almost right."""
    good = encode_answer(make_answer(), KEY)
    return [
        b"",
        b"OVR3",
        b"OVR2" + good[4:],
        good[:-1],
        good + b"0",
        b"XXXX" + good[4:],
        good[:60] + bytes([good[60] ^ 1]) + good[61:],
        encode_answer(make_answer(), OTHER),
    ]


@pytest.mark.parametrize("entry", damaged_entries())
def test_damaged_and_foreign_entries_are_misses_and_set_aside(tmp_path: Path, entry: bytes) -> None:
    tmp_path = tmp_path / "results"
    cache = ResultCache(tmp_path)
    with diskcache.Cache(str(tmp_path), disk=BytesDisk) as entries:
        entries.set(KEY, entry)
    assert cache.answer(KEY) is None
    assert cache.map_slice(KEY, 1, AnswerMap.PROBABILITY) is None
    (moved,) = (tmp_path.parent / "set-aside").iterdir()
    assert moved.name.endswith(KEY) and moved.read_bytes() == entry
    found = cache.set_aside_at(KEY)
    assert found is not None and abs((datetime.now(UTC) - found).total_seconds()) < 60
    assert cache.set_aside_at("0" * 64) is None and not cache.holds(KEY)
    with pytest.raises(ValueError):
        decode_answer(entry, KEY)


def test_a_forged_header_is_refused() -> None:
    answer = make_answer()
    for forged in (
        replace(answer, scores=(0.1,)),
        replace(answer, outline_evidence=(None, 0.1)),
        replace(answer, outline_evidence=(None, 7.0, 0.1, 0.1)),
        replace(answer, decided_by=("gate", "gate", "gate", "nobody")),
        replace(answer, scores=(2.0, 0.1, 0.1, 0.1)),
        replace(answer, operating_point="x"),
        replace(answer, network=replace(answer.network, name=3)),
        replace(answer, warnings=(1,)),
        replace(answer, left_out_px=(1,)),
        replace(answer, probability=np.zeros((0, 4, 4), np.uint8)),
        replace(answer, uncertainty=answer.uncertainty[:3]),
        replace(answer, uncertainty=answer.uncertainty[:, :3]),
    ):
        entry = encode_answer(forged, KEY)
        with pytest.raises(ValueError):
            decode_answer(entry, KEY)
    with pytest.raises(ValueError, match="slice must be from 0 to 3"):
        decode_slice(encode_answer(answer, KEY), KEY, 9)


def test_a_damaged_database_is_replaced(tmp_path: Path) -> None:
    first = ResultCache(tmp_path)
    first.put(KEY, make_answer())
    first.close()
    for path in tmp_path.glob("cache.db*"):
        path.write_bytes(b"not a database" * 100)
    cache = ResultCache(tmp_path)
    assert cache.answer(KEY) is None
    assert cache.put(KEY, make_answer())
    assert cache.answer(KEY) is not None


def test_old_entries_make_room_for_new_ones(tmp_path: Path) -> None:
    cache = ResultCache(tmp_path, size_limit_bytes=3_000_000)
    keys = [f"{k:064x}" for k in range(12)]
    for k, key in enumerate(keys):
        assert cache.put(key, make_answer(4, size=512, seed=k))  # about 0.8 MB each
    kept = [key for key in keys if cache.answer(key) is not None]
    assert 1 <= len(kept) <= 4
    assert kept[-1] == keys[-1]
    assert sum(path.stat().st_size for path in tmp_path.glob("*/*/*.val")) < 4_500_000


def test_a_failing_disk_is_no_reason_to_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    cache = ResultCache(tmp_path)
    monkeypatch.setattr(diskcache.Cache, "set", full)
    assert not cache.put(KEY, make_answer())


def hold(folder: Path, held: object, release: object) -> None:
    with ResultCache(folder).computing(KEY):
        held.set()  # type: ignore[attr-defined]
        release.wait(20)  # type: ignore[attr-defined]


def test_only_one_process_computes_a_key_and_its_death_frees_the_others(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    held, release = spawn.Event(), spawn.Event()
    process = spawn.Process(target=hold, args=(tmp_path, held, release))
    process.start()
    try:
        assert held.wait(20)

        def give_up() -> None:
            raise Cancelled

        cache = ResultCache(tmp_path)
        with pytest.raises(Cancelled), cache.computing(KEY, waiting=give_up):
            pass
        with cache.computing(OTHER, waiting=give_up):
            pass
        process.kill()
        with cache.computing(KEY):
            pass
    finally:
        process.kill()
        process.join()


def test_threads_take_turns(tmp_path: Path) -> None:
    cache, inside, seen = ResultCache(tmp_path), [], []

    def work() -> None:
        with cache.computing(KEY):
            inside.append(1)
            seen.append(len(inside))
            time.sleep(0.02)
            inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [1, 1, 1, 1]


def test_key_is_hexadecimal_and_follows_precision(tmp_path: Path) -> None:
    write_metadata(tmp_path)
    models = read_model_info(tmp_path)
    key = result_key("digest", models)
    assert len(key) == 64
    assert key == result_key("digest", read_model_info(tmp_path))
    assert key != result_key("digest", models, precision="bf16")
    assert key != result_key("other", models)
    at_int8 = set()
    for largest in (1.0, 2.0):
        ranges = Int8Ranges(
            keras_digest=models.network.digest,
            patients=1,
            slices=1,
            date="now",
            largest={"conv": largest},
        )
        measured = replace(models, network=replace(models.network, ranges=ranges))
        assert result_key("digest", measured) == key
        at_int8.add(result_key("digest", measured, precision="int8"))
    assert len(at_int8) == 2
