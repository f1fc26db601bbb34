"""Rows: chosen, pooled, restricted to slices, kept on disk."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from invented_rows import make_rows

from pipeline.evaluation.restriction import restrict_to_slices
from pipeline.evaluation.row_files import load_rows, rows_binding, save_rows
from pipeline.evaluation.rows import (
    EvaluationRows,
    PatientRow,
    SliceRow,
    SliceTable,
    pool_rows,
)

BINDING = rows_binding("a" * 64, b"{}", engine="openvino", precision="f32")


def test_rows_come_in_the_order_of_the_patients_that_are_asked_for() -> None:
    rows = make_rows(3)
    chosen = rows.of(["p2", "p0", "nobody"])
    assert [row.case_id for row in chosen.patients] == ["p2", "p0"]
    assert list(dict.fromkeys(row.case_id for row in chosen.slices)) == ["p2", "p0"]
    assert pool_rows([rows.of(["p0"]), rows.of(["p1", "p2"])]) == rows


def one_patient() -> EvaluationRows:
    """Three slices: 40 of 60 pixels found with 50 marked, one missed, one false alarm."""
    person = PatientRow("p", "CS", 0.5, 0.4, 60, 80, 3, "fold 1", 4.0, 0.5, None, None, True)
    slices = (
        SliceRow("p", 1, True, 0.9, True, 2 * 40 / 110, 50, 60),
        SliceRow("p", 2, True, 0.1, False, 0.0, 0, 20),
        SliceRow("p", 3, False, 0.8, True, 0.0, 10, 0),
    )
    return EvaluationRows((person,), slices)


# (numbers of the kept slices, Dice, IoU, detected)
RESTRICTED = [
    pytest.param({1}, 80 / 110, 40 / 70, True, id="the slice that was found"),
    pytest.param({1, 2}, 80 / 130, 40 / 90, True, id="with the missed one"),
    pytest.param({1, 2, 3}, 80 / 140, 40 / 100, True, id="all of them"),
    pytest.param({2}, 0.0, 0.0, False, id="missed alone"),
    pytest.param({3}, 0.0, 0.0, None, id="a false alarm alone: nothing to detect"),
]


@pytest.mark.parametrize(("kept", "dice", "iou", "detected"), RESTRICTED)
def test_a_patient_is_measured_again_on_its_kept_slices(
    kept: set[int], dice: float, iou: float, detected: bool | None
) -> None:
    rows = restrict_to_slices(one_patient(), {"p": kept})
    (row,) = rows.patients
    assert (row.dice, row.iou) == (pytest.approx(dice), pytest.approx(iou))
    assert row.detected is detected
    assert (row.hd95_px, row.surface_dice) == (None, None), "distances need the whole volume"
    assert (row.fold, row.institution, row.slices) == ("fold 1", "CS", len(kept))
    assert [one.index for one in rows.slices] == sorted(kept)


def test_patients_without_kept_slices_are_left_out() -> None:
    assert restrict_to_slices(one_patient(), {}) == EvaluationRows()
    assert restrict_to_slices(one_patient(), {"p": set()}) == EvaluationRows()


def test_slices_without_any_mask_have_no_dice() -> None:
    nothing = SliceRow("p", 1, False, 0.1, False, None, 0, 0)
    (row,) = restrict_to_slices(replace(one_patient(), slices=(nothing,)), {"p": {1}}).patients
    assert (row.dice, row.iou, row.detected) == (None, None, None)


def test_rows_come_back_as_they_were_written(tmp_path: Path) -> None:
    rows = make_rows(first_tumor=2)
    save_rows(tmp_path / "rows.json", rows, BINDING)
    assert load_rows(tmp_path / "rows.json", BINDING) == rows
    assert load_rows(tmp_path / "others.json", BINDING) == EvaluationRows()


STALE = [
    pytest.param(("b" * 64, b"{}", "openvino", "f32"), id="other weights"),
    pytest.param(("a" * 64, b'{"decision": 1}', "openvino", "f32"), id="another decision rule"),
    pytest.param(("a" * 64, b"{}", "keras", "f32"), id="another runtime"),
    pytest.param(("a" * 64, b"{}", "openvino", "bf16"), id="another precision"),
]


@pytest.mark.parametrize("now", STALE)
def test_rows_of_anything_else_are_not_used(
    tmp_path: Path, now: tuple[str, bytes, str, str]
) -> None:
    save_rows(tmp_path / "rows.json", make_rows(), BINDING)
    digest, metadata, engine, precision = now
    other = rows_binding(digest, metadata, engine=engine, precision=precision)
    assert load_rows(tmp_path / "rows.json", other) == EvaluationRows()


def _without_a_slice(content: dict[str, Any]) -> None:
    content["slices"].pop()


def _score_as_text(content: dict[str, Any]) -> None:
    content["slices"][0]["score"] = "0.9"


def _infinite_dice(content: dict[str, Any]) -> None:
    content["patients"][0]["dice"] = float("inf")


def _patient_twice(content: dict[str, Any]) -> None:
    content["patients"].append(content["patients"][0])


def _no_patients(content: dict[str, Any]) -> None:
    del content["patients"]


@pytest.mark.parametrize(
    "damage",
    [
        _without_a_slice,
        _score_as_text,
        _infinite_dice,
        _patient_twice,
        _no_patients,
    ],
)
def test_damaged_rows_are_not_used(tmp_path: Path, damage: Any) -> None:
    path = tmp_path / "rows.json"
    save_rows(path, make_rows(), BINDING)
    content = json.loads(path.read_text())
    damage(content)
    path.write_text(json.dumps(content))
    assert load_rows(path, BINDING) == EvaluationRows()


def test_a_file_that_is_no_json_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "rows.json").write_text("{")
    assert load_rows(tmp_path / "rows.json", BINDING) == EvaluationRows()


def test_rows_that_do_not_belong_together_are_refused() -> None:
    person = PatientRow("a", "", 1.0, 1.0, 1, 1, 1)
    row = SliceRow("b", 1, True, 0.9, True, 1.0, 1, 1)
    with pytest.raises(ValueError, match="belong to one of the patients"):
        SliceTable.from_rows(EvaluationRows((person,), (row,)))
    with pytest.raises(ValueError, match="stand in one row"):
        SliceTable.from_rows(EvaluationRows((person, person), ()))


def test_arrays_hold_every_number_of_a_patient() -> None:
    table = SliceTable.from_rows(make_rows(3, first_tumor=1))
    assert table.of_patients["dice"].shape == (3,)
    assert np.isnan(table.of_patients["dice"][0])
    assert set(table.of_patients["detected"][1:]) <= {0.0, 1.0}
    assert np.isnan(table.of_patients["hd95_mm"]).all()
    assert not {"case_id", "institution", "fold"} & set(table.of_patients)
