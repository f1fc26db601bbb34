from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from shared_cases import read_cases, read_picture

from dashboard.masks.encoding import (
    MALFORMED,
    OTHER_STUDY,
    decode_mask,
    encode_mask,
    longest_encoding,
)
from pipeline import InputError

SHAPE = (4, 3, 3)


def raw(
    *, head: tuple[object, ...] = (b"OVM1", 4, 3, 3, 1), body: bytes = b"\1\0\0\0\xf0\0"
) -> bytes:
    return zlib.compress(struct.pack("<4s4I", *head) + body)


TABLE = read_cases("mask_encoding")


@pytest.mark.parametrize("case", TABLE["cases"], ids=lambda case: case["name"])
def test_masks_of_the_shared_table(case: dict[str, Any]) -> None:
    shape, raw_bytes = tuple(case["shape"]), bytes.fromhex(case["raw"])
    masks = {int(k): read_picture(rows) for k, rows in case["slices"].items()}
    assert zlib.decompress(encode_mask(masks, shape)) == raw_bytes
    found = decode_mask(zlib.compress(raw_bytes), shape)
    assert list(found) == sorted(masks)
    assert all(np.array_equal(found[k], masks[k]) for k in masks)


@pytest.mark.parametrize("case", TABLE["refused"], ids=lambda case: case["name"])
def test_what_the_shared_table_refuses(case: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        decode_mask(zlib.compress(bytes.fromhex(case["raw"])), tuple(case["shape"]))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_decoding_gives_back_what_was_encoded(data: st.DataObject) -> None:
    shape = data.draw(st.tuples(st.integers(1, 9), st.integers(1, 17), st.integers(1, 17)))
    held = data.draw(st.sets(st.integers(0, shape[0] - 1)))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    masks: dict[int, NDArray[np.bool_]] = {k: rng.random(shape[1:]) > 0.5 for k in held}
    content = encode_mask(masks, shape)
    found = decode_mask(content, shape)
    assert found.keys() == masks.keys()
    assert all(np.array_equal(found[k], masks[k]) for k in masks)
    assert len(content) <= longest_encoding(shape)


def test_noise_fits_the_longest_encoding_even_uncompressed() -> None:
    shape = (3, 200, 301)
    masks = {k: np.random.default_rng(k).random(shape[1:]) > 0.5 for k in range(3)}
    packed = zlib.decompress(encode_mask(masks, shape))
    assert len(zlib.compress(packed, level=0)) <= longest_encoding(shape)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", MALFORMED),
        (b"not zlib", MALFORMED),
        (zlib.compress(b""), MALFORMED),
        (raw()[:-3], MALFORMED),  # cut short
        (raw() + b"more", MALFORMED),
        (raw(head=(b"OVM2", 4, 3, 3, 1)), MALFORMED),
        (raw(head=(b"OVM1", 5, 3, 3, 1)), OTHER_STUDY),
        (raw(head=(b"OVM1", 4, 9, 1, 1)), OTHER_STUDY),
        (raw(head=(b"OVM1", 4, 3, 3, 2)), MALFORMED),  # holds fewer than it says
        (raw(head=(b"OVM1", 4, 3, 3, 2**32 - 1)), MALFORMED),
        (raw(head=(b"OVM1", 4, 3, 3, 0)), MALFORMED),  # holds more than it says
        (raw(body=b"\4\0\0\0\xf0\0"), MALFORMED),  # a slice that the study lacks
        (raw(body=b"\xff\xff\xff\xff\xf0\0"), MALFORMED),
        (raw(body=b"\1\0\0\0\xf0\1"), MALFORMED),  # a bit beyond the last pixel
        (
            raw(head=(b"OVM1", 4, 3, 3, 2), body=b"\1\0\0\0\1\0\0\0\0\0\0\0"),  # twice the same
            MALFORMED,
        ),
        (
            raw(head=(b"OVM1", 4, 3, 3, 2), body=b"\2\0\0\0\1\0\0\0\0\0\0\0"),  # out of order
            MALFORMED,
        ),
        (zlib.compress(b"\0" * 50_000_000), MALFORMED),  # a small body that grows
    ],
)
def test_hostile_bytes_are_refused_in_a_sentence(content: bytes, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        decode_mask(content, SHAPE)
    assert caught.value.message == sentence


@pytest.mark.parametrize(
    "masks",
    [{4: np.zeros((3, 3), bool)}, {-1: np.zeros((3, 3), bool)}, {0: np.zeros((3, 2), bool)}],
)
def test_encoding_what_the_study_cannot_hold_is_an_error(
    masks: dict[int, NDArray[np.bool_]],
) -> None:
    with pytest.raises(ValueError, match="slice"):
        encode_mask(masks, SHAPE)
