"""Run lengths and tables as files."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest
from shared_cases import read_cases

from pipeline.interchange.content import ExportedLesion, Origin, Outlines
from pipeline.interchange.flat_masks import (
    spreadsheet_text,
    write_measurements_csv,
    write_runs_csv,
    write_runs_json,
)


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


@pytest.mark.parametrize("case", read_cases("spreadsheet_texts")["texts"], ids=str)
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(case):
    assert spreadsheet_text(case["text"]) == case["cell"]
