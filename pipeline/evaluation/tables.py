"""An evaluation document as tables of text, which the terminal and the README show alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.evaluation.cross_validation import LEAKAGE_FIGURES
from pipeline.evaluation.figures import FIGURE_LABELS, STAGE_FIGURES

#: Figures that stand side by side where parts of an evaluation are told, with short names.
KEY_FIGURES = {
    "patient_dice_mean": "Dice, mean",
    "patient_dice_median": "Dice, median",
    "tumor_slice_dice": "Dice, tumor slices",
    "slice_auc": "Slice AUC",
    "sensitivity_at_95_specificity": "Sensitivity at 95% specificity",
}
_STAGE_TITLES = {"segmenter": "Outline, whole chain", "classifier": "Slice score, whole chain"}
_DIGITS = {"patients_below_0_6": 0, "hd95_px": 1, "hd95_px_median": 1, "hd95_mm": 1}
_NONE = "-"
_HD95_NOTE = (
    "HD95: surface in slices that only one of both outlines counts as one image diagonal away, so "
    "that the mean tells mostly how many patients have more than 5% of it; the median is the "
    "usual distance."
)


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


def describe_patients(document: Mapping[str, Any]) -> str:
    """What was measured, in one sentence."""
    counts = document["counts"]
    return (
        f"{counts['patients']} patients, {counts['slices']} slices, "
        f"{counts['tumor_slices']} of them with tumor ({document['split']})"
    )


def make_tables(document: Mapping[str, Any]) -> list[TextTable]:
    """All tables of a document; parts that it does not have are left out."""
    parts = [_stage_table(document, stage) for stage in ("segmenter", "classifier")]
    if "calibration" in document:
        parts.append(_calibration_table(document["calibration"]))
    if "folds" in document:
        parts.append(_group_table("Fold", document["folds"], "name"))
    if document.get("institutions"):
        parts.append(_group_table("Institution", document["institutions"], "code"))
    if "leave_institution_out" in document:
        parts.append(_left_out_table(document["leave_institution_out"]))
    if "leakage" in document:
        parts.append(_leakage_table(document["leakage"]))
    return parts


def format_text(document: Mapping[str, Any]) -> str:
    """Everything as text for the terminal."""
    lines = [describe_patients(document)]
    for table in make_tables(document):
        widths = [max(map(len, column)) for column in zip(table.header, *table.rows, strict=True)]
        lines.append("")
        lines += [_pad(row, widths) for row in (table.header, *table.rows)]
        lines += table.notes
    return "\n".join(lines)


def format_markdown(table: TextTable) -> list[str]:
    """A table in Markdown, its notes after it."""
    rule = "|" + "---|" * len(table.header)
    rows = [f"| {' | '.join(cell.strip() for cell in row)} |" for row in table.rows]
    lines = [f"| {' | '.join(table.header)} |", rule, *rows, ""]
    for note in table.notes:
        lines += [note, ""]
    return lines


def format_value(name: str, value: float | None, *, sign: bool = False) -> str:
    """A figure's value with as many digits as it deserves."""
    if value is None:
        return _NONE
    return f"{value:{'+' if sign else ''}.{_DIGITS.get(name, 3)}f}"


def format_interval(name: str, figure: Mapping[str, Any], *, sign: bool = False) -> str:
    """The interval of a figure, ``low to high``."""
    if figure["low"] is None:
        return _NONE
    ends = (format_value(name, figure[end], sign=sign) for end in ("low", "high"))
    return " to ".join(ends)


def _pad(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
    return "  ".join([first, *rest]).rstrip()


def _stage_table(document: Mapping[str, Any], stage: str) -> TextTable:
    """Figures of one stage; those that are not defined on these patients are left out."""
    figures = document["figures"]
    rows = [
        (FIGURE_LABELS[name], format_value(name, found["value"]), format_interval(name, found))
        for name in STAGE_FIGURES[stage]
        if (found := figures[name])["value"] is not None
    ]
    told = {row[0] for row in rows}
    notes = (_HD95_NOTE,) if FIGURE_LABELS["hd95_px"] in told else ()
    return TextTable((_STAGE_TITLES[stage], "Value", "95% interval"), tuple(rows), notes)


def _calibration_table(calibration: Mapping[str, Any]) -> TextTable:
    labels = {
        "before": "Classifier score, before calibration",
        "classifier": "Classifier score, calibrated",
        "after": "Slice score, as decided on",
    }
    rows = [
        (label, format_value("ece", found["ece"]), format_value("brier", found["brier"]))
        for name, label in labels.items()
        if (found := calibration.get(name)) is not None
    ]
    return TextTable(("Calibration", "Calibration error", "Brier score"), tuple(rows))


def _group_table(title: str, groups: Sequence[Mapping[str, Any]], key: str) -> TextTable:
    rows = [
        (_name_group(group, key), str(group["patients"]), *_key_cells(group.get("figures")))
        for group in groups
    ]
    missing = [group for group in groups if "status" in group]
    notes = tuple(_tell_missing(str(group[key]), group) for group in missing)
    return TextTable((title, "Patients", *KEY_FIGURES.values()), tuple(rows), notes)


def _name_group(group: Mapping[str, Any], key: str) -> str:
    marks = ["shipped"] if group.get("shipped") else []
    marks += ["training ended early"] if group.get("interrupted") else []
    marks += [_epoch_words(group)] if group.get("epochs") else []
    marks += ["not run"] if "status" in group else []
    return str(group[key]) + (f" ({', '.join(marks)})" if marks else "")


def _epoch_words(group: Mapping[str, Any]) -> str:
    return f"{group['epochs']} epochs"


def _key_cells(figures: Mapping[str, Any] | None) -> tuple[str, ...]:
    if figures is None:
        return (_NONE,) * len(KEY_FIGURES)
    return tuple(format_value(name, figures[name]["value"]) for name in KEY_FIGURES)


def _tell_missing(name: str, part: Mapping[str, Any]) -> str:
    return f"Not run: {name} ({part['estimate']}): `{part['command']}`"


def _left_out_table(groups: Sequence[Mapping[str, Any]]) -> TextTable:
    """Dice of an institution's patients with and without their institution in training."""
    name = "patient_dice_mean"
    rows: list[tuple[str, ...]] = []
    for group in groups:
        if "status" in group:
            rows.append((f"{group['code']} (not run)", str(group["patients"]), *(_NONE,) * 4))
            continue
        other, difference = group["cross_validated"], group["difference"]
        cells: tuple[str, ...] = (_NONE,) * 3
        if other is not None:
            cells = (
                format_value(name, other[name]["value"]),
                format_value(name, difference["value"], sign=True),
                format_interval(name, difference, sign=True),
            )
        alone = format_value(name, group["figures"][name]["value"])
        rows.append((_name_group(group, "code"), str(group["patients"]), alone, *cells))
    header = (
        "Institution left out",
        "Patients",
        "Dice, mean",
        "Cross-validated",
        "Difference",
        "95% interval",
    )
    notes = [g["explanation"] for g in groups if g.get("explanation")]
    notes += [_tell_missing(f"without {g['code']}", g) for g in groups if "status" in g]
    return TextTable(header, tuple(rows), tuple(notes))


def _name_side(title: str, side: Mapping[str, Any]) -> str:
    facts = [side["fold"]] if "fold" in side else []
    facts += [_epoch_words(side)] if side.get("epochs") else []
    return f"{title} ({', '.join(facts)})" if facts else title


def _leakage_table(leakage: Mapping[str, Any]) -> TextTable:
    """Split by slice beside split by patient."""
    if "status" in leakage:
        missing = ("Split by slice and by patient", "not run")
        return TextTable(missing, (), (_tell_missing("by slice", leakage),))
    same = leakage["same_slices"]
    rows: list[tuple[str, ...]] = [
        ("Patients", *(str(leakage[side]["patients"]) for side in ("by_slice", "by_patient")))
        + (str(same["patients"]),) * 2
        + (_NONE,),
        ("Slices", *(str(leakage[side]["slices"]) for side in ("by_slice", "by_patient")))
        + (str(same["slices"]),) * 2
        + (_NONE,),
    ]
    for name in LEAKAGE_FIGURES:
        values = [leakage[side]["figures"][name]["value"] for side in ("by_slice", "by_patient")]
        values += [same[side][name]["value"] for side in ("by_slice", "by_patient")]
        difference = same["differences"][name]
        told = format_value(name, difference["value"], sign=True)
        interval = format_interval(name, difference, sign=True)
        cells = [format_value(name, value) for value in values]
        rows.append((FIGURE_LABELS[name].strip(), *cells, f"{told} ({interval})"))
    header = (
        "One recipe, two splits",
        _name_side("By slice", leakage["by_slice"]),
        _name_side("By patient", {"fold": leakage["fold"]} | leakage["by_patient"]),
        "By slice, same slices",
        "By patient, same slices",
        "Difference (95% interval)",
    )
    return TextTable(header, tuple(rows), (leakage["explanation"],))
