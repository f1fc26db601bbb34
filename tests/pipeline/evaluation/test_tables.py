"""What terminal and README show of a document; nothing is left out silently."""

from typing import Any

import pytest

from pipeline.errors import InputError
from pipeline.evaluation.cross_validation import LEAKAGE_FIGURES
from pipeline.evaluation.figures import FIGURE_LABELS
from pipeline.evaluation.report import format_results, replace_results, write_results
from pipeline.evaluation.tables import format_text, format_value, make_tables

FIGURES = {name: {"value": 0.5, "low": 0.25, "high": 0.75} for name in FIGURE_LABELS} | {
    "hd95_mm": {"value": None, "low": None, "high": None},
    "patients_below_0_6": {"value": 2.0, "low": 0.0, "high": 4.0},
    "hd95_px": {"value": 12.25, "low": 8.0, "high": 20.0},
}
CALIBRATION = {
    "explanation": "said so",
    "before": {"ece": 0.125, "brier": 0.25, "bins": []},
    "classifier": None,
    "after": {"ece": 0.0625, "brier": 0.2, "bins": []},
}
HELD_OUT: dict[str, Any] = {
    "split": "held-out",
    "counts": {"patients": 2, "slices": 40, "tumor_slices": 10},
    "figures": FIGURES,
    "calibration": CALIBRATION,
    "institutions": [{"code": "CS", "patients": 2, "slices": 40, "figures": FIGURES}],
    "confusion": {"tp": 9, "fn": 1, "fp": 2, "tn": 28},
    "environment": {
        "cpu": "some CPU",
        "cores": "2",
        "engine": "openvino f32",
        "date": "2026-11-21",
        "command": "python -m pipeline evaluate --data DIR --output DIR",
        "intervals": "95%, 100 draws of patients",
    },
}
NOT_RUN = {"status": "not run", "command": "python train this", "estimate": "about 9 minutes"}
DIFFERENCE = {"value": 0.0625, "low": 0.03, "high": 0.1}
CROSS_VALIDATED = HELD_OUT | {
    "split": "cross-validated, 1 of 2 folds (2 of 4 patients)",
    "folds": [
        {
            "name": "fold 1",
            "patients": 2,
            "figures": FIGURES,
            "shipped": True,
            "interrupted": True,
            "epochs": 16,
        },
        {"name": "fold 2", "patients": 2, **NOT_RUN},
    ],
    "leave_institution_out": [
        {
            "code": "DU",
            "patients": 2,
            "figures": FIGURES,
            "cross_validated": FIGURES,
            "difference": {"value": -0.25, "low": -0.5, "high": 0.125},
        },
        {"code": "CS", "patients": 7, **NOT_RUN},
        {
            "code": "HT",
            "patients": 1,
            "figures": FIGURES,
            "cross_validated": None,
            "difference": None,
        },
    ],
    "leakage": {
        "fold": "fold 1",
        "by_slice": {"patients": 4, "slices": 30, "epochs": 12, "figures": FIGURES},
        "by_patient": {"patients": 2, "slices": 40, "figures": FIGURES},
        "same_slices": {
            "patients": 3,
            "slices": 11,
            "by_slice": FIGURES,
            "by_patient": FIGURES,
            "differences": dict.fromkeys(LEAKAGE_FIGURES, DIFFERENCE),
        },
        "explanation": "Only the second says what a new patient may expect.",
    },
}
TEXT = "before\n<!-- results: made -->\nold\n<!-- end of results -->\nafter\n"


def rows_of(document: dict[str, Any], title: str) -> list[tuple[str, ...]]:
    """Rows of the table whose first column has this title."""
    (table,) = [table for table in make_tables(document) if table.header[0] == title]
    return list(table.rows)


def test_every_figure_stands_with_its_interval_and_missing_ones_are_left_out() -> None:
    told = format_results(HELD_OUT)
    # All but one without a value and three that are not told with three digits.
    assert told.count("| 0.500 | 0.250 to 0.750 |") == len(FIGURE_LABELS) - 4
    assert "| Patients below Dice 0.6 | 2 | 0 to 4 |" in told
    assert "| HD95 per patient, mean (px, in plane) | 12.2 | 8.0 to 20.0 |" in told
    assert "(mm, in plane)" not in told
    assert told.count("the median is the usual distance") == 1
    assert "9 tumor slices found, 1 missed" in told
    assert "2 held-out patients (40 slices, 10 with tumor)" in told


def test_calibration_stands_before_and_after() -> None:
    assert rows_of(HELD_OUT, "Calibration") == [
        ("Classifier score, before calibration", "0.125", "0.250"),
        ("Slice score, as decided on", "0.062", "0.200"),
    ]


def test_folds_stand_side_by_side_and_missing_ones_are_named() -> None:
    done, missing = rows_of(CROSS_VALIDATED, "Fold")
    assert done[:3] == ("fold 1 (shipped, training ended early, 16 epochs)", "2", "0.500")
    assert missing == ("fold 2 (not run)", "2", *["-"] * 5)
    note = "Not run: fold 2 (about 9 minutes): `python train this`"
    assert note in format_text(CROSS_VALIDATED)
    assert note in format_results(CROSS_VALIDATED)
    assert "cross-validated, 1 of 2 folds (2 of 4 patients)" in format_results(CROSS_VALIDATED)


def test_institutions_left_out_stand_beside_the_same_patients_cross_validated() -> None:
    done, missing, alone = rows_of(CROSS_VALIDATED, "Institution left out")
    assert done == ("DU", "2", "0.500", "0.500", "-0.250", "-0.500 to +0.125")
    assert missing == ("CS (not run)", "7", *["-"] * 4)
    assert alone == ("HT", "1", "0.500", *["-"] * 3)
    assert "Not run: without CS (about 9 minutes)" in format_text(CROSS_VALIDATED)


def test_both_splits_of_the_leakage_exhibit_stand_side_by_side() -> None:
    rows = rows_of(CROSS_VALIDATED, "One recipe, two splits")
    assert rows[0] == ("Patients", "4", "2", "3", "3", "-")
    assert "| By slice (12 epochs) | By patient (fold 1) |" in format_results(CROSS_VALIDATED)
    assert rows[1] == ("Slices", "30", "40", "11", "11", "-")
    assert rows[2][-1] == "+0.062 (+0.030 to +0.100)"
    assert len(rows) == 2 + len(LEAKAGE_FIGURES)
    assert CROSS_VALIDATED["leakage"]["explanation"] in format_results(CROSS_VALIDATED)


def test_a_leakage_exhibit_that_was_not_run_says_so() -> None:
    told = format_text(CROSS_VALIDATED | {"leakage": NOT_RUN})
    assert "Not run: by slice (about 9 minutes): `python train this`" in told


def test_the_terminal_tells_what_was_measured_first() -> None:
    told = format_text(HELD_OUT).splitlines()
    assert told[0] == "2 patients, 40 slices, 10 of them with tumor (held-out)"
    assert told[2].split() == ["Outline,", "whole", "chain", "Value", "95%", "interval"]


def test_figures_have_the_digits_that_they_deserve() -> None:
    assert format_value("patient_dice_mean", 0.12345) == "0.123"
    assert format_value("patients_below_0_6", 4.0) == "4"
    assert format_value("slice_auc", None) == "-"
    assert format_value("slice_auc", 0.1, sign=True) == "+0.100"


def test_only_what_stands_between_the_markers_changes(tmp_path: Any) -> None:
    changed = replace_results(TEXT, "new\n", name="README.md")
    assert changed == TEXT.replace("old", "new")
    readme = tmp_path / "README.md"
    readme.write_text(TEXT)
    write_results(HELD_OUT, [readme])
    assert readme.read_text() == TEXT.replace("old\n", format_results(HELD_OUT))


def test_a_document_without_markers_is_named() -> None:
    with pytest.raises(InputError, match=r"README\.md has no section for results"):
        replace_results("nothing", "new", name="README.md")
