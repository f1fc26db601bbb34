"""An evaluation as tables of text, which the terminal and the README show alike, and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline.evaluation import document
from pipeline.evaluation.document import Evaluation, Figures
from pipeline.evaluation.figures import (
    MISSING,
    Figure,
    FigureGroup,
    all_figures,
    find_figure,
)

STORED_NOTE = (
    "Only the stored figures of this part are available. Figures added later are missing here."
)
_NONE = "-"
_CALIBRATED = {
    "before": "Classifier score, uncalibrated",
    "classifier": "Classifier score, calibrated",
    "after": "Slice score",
}


@dataclass(frozen=True)
class TextTable:
    """A table as text.

    Attributes:
        header: Column titles; the first one names the table.
        rows: As wide as the header.
        notes: Sentences that follow it.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


def describe_patients(evaluation: Evaluation) -> str:
    """What was measured, in one sentence."""
    counts = evaluation.counts
    return (
        f"{counts.patients} patients, {counts.slices} slices, "
        f"{counts.tumor_slices} of them with tumor ({evaluation.split})"
    )


def make_tables(evaluation: Evaluation) -> list[TextTable]:
    """All tables of an evaluation; parts that it does not have are left out."""
    parts = [
        _figure_table(evaluation.figures, group)
        for group in (FigureGroup.OUTLINE, FigureGroup.SLICE_SCORE)
    ]
    if evaluation.calibration is not None:
        parts.append(_calibration_table(evaluation.calibration))
    if evaluation.folds:
        names = [fold.name for fold in evaluation.folds]
        parts.append(_part_table("Fold", evaluation.folds, names))
    if evaluation.institutions:
        codes = [part.code for part in evaluation.institutions]
        parts.append(_part_table("Institution", evaluation.institutions, codes))
    if evaluation.leave_institution_out:
        parts.append(_left_out_table(evaluation.leave_institution_out))
    if evaluation.leakage is not None:
        parts.append(_leakage_table(evaluation.leakage))
    return parts


def format_text(evaluation: Evaluation) -> str:
    """Everything as text for the terminal."""
    lines = [describe_patients(evaluation)]
    for table in make_tables(evaluation):
        widths = [max(map(len, column)) for column in zip(table.header, *table.rows, strict=True)]
        lines.append("")
        lines += [_pad(row, widths) for row in (table.header, *table.rows)]
        lines += table.notes
    return "\n".join(lines)


def format_markdown(table: TextTable) -> list[str]:
    """A table in Markdown, its notes after it."""
    rule = "|" + "---|" * len(table.header)
    rows = [f"| {' | '.join(row)} |" for row in table.rows]
    lines = [f"| {' | '.join(table.header)} |", rule, *rows, ""]
    for note in table.notes:
        lines += [note, ""]
    return lines


def format_figures_csv(evaluation: Evaluation) -> str:
    """Every figure of every part as CSV, with all its decimals; "missing" where a part lacks it."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(("part", "figure", "label", "unit", "value", "low", "high"))
    for part, figures in _all_parts(evaluation):
        for figure in all_figures():
            found = figures.get(figure.name)
            ends = (found.value, found.low, found.high) if found else (MISSING, "", "")
            writer.writerow((part, figure.name, figure.label, figure.unit, *ends))
    return stream.getvalue()


def _all_parts(evaluation: Evaluation) -> Iterator[tuple[str, Figures]]:
    yield "all patients", evaluation.figures
    for fold in evaluation.folds:
        if isinstance(fold, document.Fold):
            yield fold.name, fold.figures
    for part in evaluation.institutions:
        yield f"institution {part.code}", part.figures
    for one in evaluation.leave_institution_out:
        if isinstance(one, document.LeftOut):
            yield f"without {one.code}", one.figures
    if isinstance(evaluation.leakage, document.Leakage):
        same = evaluation.leakage.same_slices
        yield "split by slice, same slices", same.by_slice
        yield "split by patient, same slices", same.by_patient
        yield "split by slice less split by patient", same.differences


def _pad(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
    return "  ".join([first, *rest]).rstrip()


def _figure_table(figures: Figures, group: FigureGroup) -> TextTable:
    """Figures of one group; those that are not defined on these patients are left out."""
    shown = [
        (figure, found)
        for figure in all_figures(group)
        if (found := figures.get(figure.name)) is None or found.value is not None
    ]
    rows = [
        (figure.label, figure.words(found), figure.interval_words(found) or _NONE)
        for figure, found in shown
    ]
    notes = [figure.note for figure, found in shown if figure.note and found is not None]
    header = (f"{group}, full pipeline", "Value", "95% CI")
    return TextTable(header, tuple(rows), tuple(notes))


def _calibration_table(calibration: document.Calibration) -> TextTable:
    error, brier = find_figure("ece"), find_figure("brier")
    rows = [
        (label, error.number_words(curve.ece), brier.number_words(curve.brier))
        for name, label in _CALIBRATED.items()
        if (curve := getattr(calibration, name)) is not None
    ]
    return TextTable(("Calibration", error.title, brier.title), tuple(rows))


def _part_table(
    title: str, parts: Sequence[document.AnyFold | document.InstitutionPart], names: Sequence[str]
) -> TextTable:
    """Key figures of folds or institutions, side by side."""
    shown = [figure for figure in all_figures() if figure.in_parts]
    rows, notes = [], []
    for part, name in zip(parts, names, strict=True):
        if isinstance(part, document.FoldNotRun):
            rows.append((f"{name} (not run)", str(part.patients), *(_NONE,) * len(shown)))
            notes.append(_missing_words(name, part))
            continue
        label = _name_fold(part) if isinstance(part, document.Fold) else name
        cells = (figure.words(part.figures.get(figure.name)) for figure in shown)
        rows.append((label, str(part.patients), *cells))
    header = (title, "Patients", *(figure.title for figure in shown))
    return TextTable(header, tuple(rows), tuple(notes))


def _name_fold(fold: document.Fold) -> str:
    marks = ["shipped"] if fold.shipped else []
    marks += ["training ended early"] if fold.interrupted else []
    marks += [f"{fold.epochs} epochs"] if fold.epochs else []
    return _with_facts(fold.name, marks)


def _with_facts(name: str, facts: Sequence[str]) -> str:
    return f"{name} ({', '.join(facts)})" if facts else name


def _missing_words(name: str, part: document.NotRun) -> str:
    return f"Not run: {name} ({part.estimate}): `{part.command}`"


def _left_out_table(parts: Sequence[document.AnyLeftOut]) -> TextTable:
    """Dice of an institution's patients with and without their institution in training."""
    dice = find_figure("patient_dice_mean")
    rows: list[tuple[str, ...]] = []
    notes: list[str] = []
    for part in parts:
        if isinstance(part, document.LeftOutNotRun):
            rows.append((f"{part.code} (not run)", str(part.patients), *(_NONE,) * 4))
            notes.append(_missing_words(f"without {part.code}", part))
            continue
        cells: tuple[str, ...] = (_NONE,) * 3
        if part.cross_validated is not None:
            cells = (
                dice.words(part.cross_validated.get(dice.name)),
                dice.words(part.difference, sign=True),
                dice.interval_words(part.difference, sign=True) or _NONE,
            )
        facts = [f"{part.epochs} epochs"] if part.epochs else []
        alone = dice.words(part.figures.get(dice.name))
        rows.append((_with_facts(part.code, facts), str(part.patients), alone, *cells))
        notes += [part.explanation] * bool(part.explanation)
    if any(isinstance(part, document.LeftOut) and part.stored for part in parts):
        notes.append(STORED_NOTE)
    header = (
        "Institution left out",
        "Patients",
        dice.title,
        "Cross-validated",
        "Difference",
        "95% CI",
    )
    return TextTable(header, tuple(rows), tuple(notes))


def _leakage_table(leakage: document.AnyLeakage) -> TextTable:
    """Split by slice beside split by patient."""
    if isinstance(leakage, document.NotRun):
        head = ("Split by slice and by patient", "not run")
        return TextTable(head, (), (_missing_words("by slice", leakage),))
    same = leakage.same_slices
    sides = (leakage.by_slice, leakage.by_patient)
    rows: list[tuple[str, ...]] = [
        ("Patients", *(str(side.patients) for side in sides), *[str(same.patients)] * 2, _NONE),
        ("Slices", *(str(side.slices) for side in sides), *[str(same.slices)] * 2, _NONE),
    ]
    rows += [_leakage_row(leakage, figure) for figure in all_figures() if figure.compared]
    header = (
        "One recipe, two splits",
        _name_side("By slice", leakage.by_slice),
        _name_side("By patient", leakage.by_patient, leakage.fold),
        "By slice, same slices",
        "By patient, same slices",
        "Difference (95% CI)",
    )
    notes = [leakage.explanation, *[STORED_NOTE] * leakage.stored]
    return TextTable(header, tuple(rows), tuple(notes))


def _leakage_row(leakage: document.Leakage, figure: Figure) -> tuple[str, ...]:
    same = leakage.same_slices
    sides = (leakage.by_slice.figures, leakage.by_patient.figures, same.by_slice, same.by_patient)
    difference = same.differences.get(figure.name)
    words = figure.words(difference, sign=True)
    interval = figure.interval_words(difference, sign=True)
    return (
        figure.label,
        *(figure.words(side.get(figure.name)) for side in sides),
        f"{words} ({interval})" if interval else words,
    )


def _name_side(title: str, side: document.LeakageSide, *facts: str) -> str:
    return _with_facts(title, [*facts, *([f"{side.epochs} epochs"] if side.epochs else [])])
