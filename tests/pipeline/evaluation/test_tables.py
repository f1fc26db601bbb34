"""What terminal and README show of an evaluation; nothing is left out silently."""

import csv
import io
from dataclasses import replace
from typing import Any

import pytest
from invented_rows import ENVIRONMENT, NETWORK

from pipeline.errors import InputError
from pipeline.evaluation.document import (
    NOT_RUN,
    Calibration,
    CalibrationCurve,
    Evaluation,
    Fold,
    FoldNotRun,
    InstitutionPart,
    Leakage,
    LeakageSide,
    LeftOut,
    LeftOutNotRun,
    NotRun,
    RowCounts,
    SameSlices,
)
from pipeline.evaluation.figures import FigureGroup, all_figures, find_figure
from pipeline.evaluation.intervals import Estimate
from pipeline.evaluation.report import format_results, replace_results, write_results
from pipeline.evaluation.tables import (
    STORED_NOTE,
    format_figures_csv,
    format_text,
    make_tables,
)
from pipeline.metrics import Confusion

FIGURES = {figure.name: Estimate(0.5, 0.25, 0.75) for figure in all_figures()} | {
    "hd95_mm": Estimate(None),
    "patients_below_0_6": Estimate(2.0, 0.0, 4.0),
    "hd95_px": Estimate(12.25, 8.0, 20.0),
}
COMPARED = [figure for figure in all_figures() if figure.compared]
HELD_OUT = Evaluation(
    task="brain-tumor",
    network=NETWORK,
    split="held-out",
    environment=ENVIRONMENT | {"intervals": "95%, 100 draws of patients"},
    counts=RowCounts(patients=2, slices=40, tumor_slices=10),
    figures=FIGURES,
    confusion=Confusion(tp=9, fn=1, fp=2, tn=28),
    calibration=Calibration(
        before=CalibrationCurve(0.125, 0.25, ()), after=CalibrationCurve(0.0625, 0.2, ())
    ),
    institutions=(InstitutionPart(code="CS", patients=2, slices=40, figures=FIGURES),),
    patients=(),
    slices_rows=(),
)
MISSING_RUN: dict[str, Any] = {
    "status": NOT_RUN,
    "command": "python train this",
    "estimate": "about 9 minutes",
}
LEAKAGE = Leakage(
    fold="fold 1",
    by_slice=LeakageSide(patients=4, slices=30, epochs=12, figures=FIGURES),
    by_patient=LeakageSide(patients=2, slices=40, figures=FIGURES),
    same_slices=SameSlices(
        patients=3,
        slices=11,
        by_slice=FIGURES,
        by_patient=FIGURES,
        differences={figure.name: Estimate(0.0625, 0.03, 0.1) for figure in COMPARED},
    ),
    explanation="Only the second says what a new patient may expect.",
)
CROSS_VALIDATED = replace(
    HELD_OUT,
    split="cross-validated, 1 of 2 folds (2 of 4 patients)",
    folds=(
        Fold(
            name="fold 1",
            patients=2,
            slices=40,
            figures=FIGURES,
            shipped=True,
            interrupted=True,
            epochs=16,
        ),
        FoldNotRun(name="fold 2", patients=2, **MISSING_RUN),
    ),
    leave_institution_out=(
        LeftOut(
            code="DU",
            patients=2,
            slices=20,
            figures=FIGURES,
            cross_validated=FIGURES,
            difference=Estimate(-0.25, -0.5, 0.125),
        ),
        LeftOutNotRun(code="CS", patients=7, **MISSING_RUN),
        LeftOut(code="HT", patients=1, slices=10, figures=FIGURES),
    ),
    leakage=LEAKAGE,
)
TEXT = "before\n<!-- results: made -->\nold\n<!-- end of results -->\nafter\n"


def rows_of(evaluation: Evaluation, title: str) -> list[tuple[str, ...]]:
    """Rows of the table whose first column has this title."""
    (table,) = [table for table in make_tables(evaluation) if table.header[0] == title]
    return list(table.rows)


def test_every_figure_stands_with_its_interval_and_undefined_ones_are_left_out() -> None:
    written = format_results(HELD_OUT)
    # All but one without a value, two with one decimal and a count.
    three_digits = [figure for figure in all_figures() if figure.digits == 3]
    assert written.count("| 0.500 | 0.250 to 0.750 |") == len(three_digits)
    distance = find_figure("hd95_px")
    assert f"| {find_figure('patients_below_0_6').label} | 2 | 0 to 4 |" in written
    assert f"| {distance.label} | 12.2 px | 8.0 to 20.0 |" in written
    assert find_figure("hd95_mm").label not in written
    assert written.count(distance.note) == 1
    assert "2 held-out patients (40 slices, 10 with tumor)" in written


def without(name: str) -> Evaluation:
    """The cross-validation as written before this figure was registered."""
    left = {key: found for key, found in FIGURES.items() if key != name}
    fold, missing = CROSS_VALIDATED.folds
    first, *others = CROSS_VALIDATED.leave_institution_out
    assert isinstance(fold, Fold)
    assert isinstance(first, LeftOut)
    same = replace(LEAKAGE.same_slices, by_slice=left, by_patient=left, differences={})
    return replace(
        CROSS_VALIDATED,
        figures=left,
        folds=(replace(fold, figures=left), missing),
        institutions=(replace(HELD_OUT.institutions[0], figures=left),),
        leave_institution_out=(
            replace(first, figures=left, cross_validated=left, difference=None, stored=True),
            *others,
        ),
        leakage=replace(
            LEAKAGE,
            by_slice=replace(LEAKAGE.by_slice, figures=left),
            by_patient=replace(LEAKAGE.by_patient, figures=left),
            same_slices=same,
            stored=True,
        ),
    )


@pytest.mark.parametrize("name", [figure.name for figure in all_figures()])
def test_a_figure_that_a_file_lacks_reads_missing(name: str) -> None:
    evaluation = without(name)
    (figure,) = [figure for figure in all_figures() if figure.name == name]
    assert f"| {figure.label} | missing | - |" in format_results(evaluation)
    assert "missing" in format_text(evaluation)
    if figure.compared:
        rows = rows_of(evaluation, "One recipe, two splits")
        assert (figure.label, *["missing"] * 5) in rows
    written = csv.reader(io.StringIO(format_figures_csv(evaluation)))
    assert ["all patients", name, figure.label, figure.unit, "missing", "", ""] in list(written)


def test_figures_that_are_kept_as_they_were_stored_say_so() -> None:
    written = format_results(without("slice_auc"))
    assert written.count(STORED_NOTE) == 2  # of the splits and of the institutions left out
    assert STORED_NOTE not in format_results(CROSS_VALIDATED)


def test_the_csv_holds_every_figure_of_every_part_with_all_decimals() -> None:
    header, *rows = csv.reader(io.StringIO(format_figures_csv(CROSS_VALIDATED)))
    assert header == ["part", "figure", "label", "unit", "value", "low", "high"]
    parts = list(dict.fromkeys(row[0] for row in rows))
    assert parts == [
        "all patients",
        "fold 1",
        "institution CS",
        "without DU",
        "without HT",
        "split by slice, same slices",
        "split by patient, same slices",
        "split by slice less split by patient",
    ]
    assert len(rows) == len(parts) * len(all_figures())
    label = find_figure("hd95_px").label
    distance = ["all patients", "hd95_px", label, "px", "12.25", "8.0", "20.0"]
    assert distance in rows


def test_calibration_stands_before_and_after() -> None:
    rows = rows_of(HELD_OUT, "Calibration")
    assert [row[1:] for row in rows] == [("0.125", "0.250"), ("0.062", "0.200")]


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
    assert done == (
        "DU",
        "2",
        "0.500",
        "0.500",
        "\N{MINUS SIGN}0.250",
        "\N{MINUS SIGN}0.500 to +0.125",
    )
    assert missing == ("CS (not run)", "7", *["-"] * 4)
    assert alone == ("HT", "1", "0.500", *["-"] * 3)
    assert "Not run: without CS (about 9 minutes)" in format_text(CROSS_VALIDATED)


def test_both_splits_of_the_leakage_exhibit_stand_side_by_side() -> None:
    rows = rows_of(CROSS_VALIDATED, "One recipe, two splits")
    assert rows[0] == ("Patients", "4", "2", "3", "3", "-")
    assert "| By slice (12 epochs) | By patient (fold 1) |" in format_results(CROSS_VALIDATED)
    assert rows[1] == ("Slices", "30", "40", "11", "11", "-")
    assert rows[2][-1] == "+0.062 (+0.030 to +0.100)"
    assert [row[0] for row in rows[2:]] == [figure.label for figure in COMPARED]
    assert LEAKAGE.explanation in format_results(CROSS_VALIDATED)


def test_a_leakage_exhibit_that_was_not_run_says_so() -> None:
    written = format_text(replace(CROSS_VALIDATED, leakage=NotRun(**MISSING_RUN)))
    assert "Not run: by slice (about 9 minutes): `python train this`" in written


def test_the_terminal_says_what_was_measured_first() -> None:
    written = format_text(HELD_OUT).splitlines()
    assert written[0] == "2 patients, 40 slices, 10 of them with tumor (held-out)"
    assert written[2].startswith(FigureGroup.OUTLINE)


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
