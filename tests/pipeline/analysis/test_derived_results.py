"""What follows from an answer is computed once, and again where anything that decides differs."""

import sqlite3
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from fake_answers import KEY, make_answer
from fake_models import make_case

from pipeline.analysis import cache as result_cache
from pipeline.analysis import derived_results
from pipeline.analysis.answer import bind_answer
from pipeline.analysis.cache import ResultCache
from pipeline.analysis.derived_results import decode_bound, encode_bound
from pipeline.data.case import Case
from pipeline.data.cautions import Caution, ReadingAspect
from pipeline.input_gate import gate

DIGEST = "d" * 32


@pytest.fixture
def case() -> Case:
    """Four slices of the answer's size, with a reference and a caution of the files."""
    made = make_case(n=4, size=32)
    cautions = (Caution("Two files were left out.", ReadingAspect.SELECTION),)
    return replace(made, masks=np.ones(made.pixels.shape[:3], bool), cautions=cautions)


@pytest.fixture
def cache(tmp_path: Path) -> ResultCache:
    """With the answer for the case."""
    made = ResultCache(tmp_path)
    assert made.put(KEY, make_answer())
    return made


def count_bindings(cache: ResultCache, case: Case, *, digest: str = DIGEST) -> int:
    with mock.patch.object(result_cache, "bind_answer", wraps=bind_answer) as bind:
        assert cache.get_without_maps(KEY, case, data_digest=digest) is not None
    return bind.call_count


def test_a_result_is_bound_once_and_reads_back_the_same(cache: ResultCache, case: Case) -> None:
    bound = bind_answer(make_answer(), case).without_maps()
    assert vars(decode_bound(encode_bound(bound))) == vars(bound)
    first = cache.get_without_maps(KEY, case, data_digest=DIGEST)
    assert first is not None
    assert vars(first) == vars(bound)
    assert count_bindings(cache, case) == 0
    again = cache.get_without_maps(KEY, case, data_digest=DIGEST)
    assert again is not None
    assert vars(again) == vars(bound)


def test_a_worker_binds_it_before_anybody_asks(cache: ResultCache, case: Case) -> None:
    cache.keep_bound(KEY, bind_answer(make_answer(), case), case, data_digest=DIGEST)
    assert count_bindings(cache, case) == 0


def test_it_is_bound_again_where_anything_differs(cache: ResultCache, case: Case) -> None:
    assert count_bindings(cache, case) == 1
    assert count_bindings(cache, replace(case, spacing_mm=(9.0, 1.0, 1.0))) == 1
    assert count_bindings(cache, replace(case, cautions=())) == 1
    assert count_bindings(cache, case, digest="e" * 32) == 1  # another reference
    wider = replace(gate.shipped_ranges(), patients=1)
    with mock.patch.object(gate, "shipped_ranges", return_value=wider):
        assert count_bindings(cache, case) == 1
    with mock.patch.object(derived_results, "_program_digest", return_value="another program"):
        assert count_bindings(cache, case) == 1


@pytest.mark.parametrize("damage", [b"", b"damaged"])
def test_a_damaged_one_is_bound_again(
    tmp_path: Path, cache: ResultCache, case: Case, damage: bytes
) -> None:
    assert count_bindings(cache, case) == 1
    with sqlite3.connect(tmp_path / "cache.db") as database:
        done = database.execute("UPDATE Cache SET value = ? WHERE key != ?", (damage, KEY))
        assert done.rowcount == 1
    assert count_bindings(cache, case) == 1
    assert count_bindings(cache, case) == 0


def test_without_the_answer_there_is_none(tmp_path: Path, cache: ResultCache, case: Case) -> None:
    assert count_bindings(cache, case) == 1
    with sqlite3.connect(tmp_path / "cache.db") as database:
        database.execute("DELETE FROM Cache WHERE key = ?", (KEY,))
    assert cache.get_without_maps(KEY, case, data_digest=DIGEST) is None


def test_other_values_are_derived_once_and_again_where_they_are_damaged(
    tmp_path: Path, cache: ResultCache
) -> None:
    made: list[int] = []

    def make() -> int:
        made.append(1)
        return 42

    def derive() -> int:
        place = derived_results.derived_key("answers", KEY, 1)
        return cache.derive(place, make=make, encode=lambda n: b"%d" % n, decode=int)

    assert [derive(), derive()] == [42, 42]
    assert len(made) == 1
    with sqlite3.connect(tmp_path / "cache.db") as database:
        database.execute("UPDATE Cache SET value = ? WHERE key != ?", (b"damaged", KEY))
    assert derive() == 42
    assert len(made) == 2
