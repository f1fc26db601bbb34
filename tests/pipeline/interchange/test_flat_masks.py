"""Run lengths: the order and numbers that the public courses use."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.interchange.content import ExportedLesion, Origin, Outlines
from pipeline.interchange.flat_masks import (
    decode_runs,
    encode_runs,
    write_measurements_csv,
    write_runs_csv,
    write_runs_json,
)


def test_pixels_count_from_one_down_the_columns():
    mask = np.zeros((3, 4), bool)
    mask[1, 0] = mask[2, 0] = mask[0, 1] = mask[2, 3] = True
    assert encode_runs(mask) == "2 3 12 1"
    assert encode_runs(mask & False) == ""


@given(arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_runs_are_read_as_they_were_written(mask):
    np.testing.assert_array_equal(decode_runs(encode_runs(mask), mask.shape), mask)


@pytest.mark.parametrize(
    "text",
    ["1", "0 1", "1 0", "5 2 4 1", "12 2", "-1 2", "1.5 2", "1 9999999999999999999", "a b", "² 1"],
)
def test_runs_that_cannot_be_right_are_refused(text):
    with pytest.raises(ValueError, match="run"):
        decode_runs(text, (3, 4))


def test_the_files_hold_all_slices():
    masks = np.zeros((2, 3, 4), bool)
    masks[1, 0, 1] = True
    rows = list(csv.DictReader(io.StringIO(write_runs_csv(masks, (7, 8)))))
    assert [(row["slice"], row["rle"]) for row in rows] == [("7", ""), ("8", "4 1")]
    document = json.loads(write_runs_json(masks, (7, 8), facts={"case": "a"}))
    assert [one["rle"] for one in document["slices"]] == ["", "4 1"]
    assert (document["case"], document["order"]) == ("a", "column-major, from 1")


def test_a_comment_never_becomes_a_formula():
    lesion = ExportedLesion(number=1, tracking="t", first=0, last=0, comment="=1+1")
    outlines = Outlines(
        origin=Origin.READER, labels=np.ones((1, 1, 1), np.uint16), lesions=(lesion,)
    )
    (row,) = csv.DictReader(io.StringIO(write_measurements_csv([outlines], (4,))))
    assert row["comment"] == "'=1+1"
    assert (row["first_slice"], row["volume_ml"]) == ("4", "")
