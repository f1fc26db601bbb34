"""Parts of an evaluation file beside its rows: folds, calibration, leakage, institutions left out.

A part that the file does not hold, or that says ``"status": "not run"``, is told as such.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from dashboard.evaluation.estimates import (
    Estimate,
    NotRun,
    as_numbers,
    mappings,
    parse_count,
    parse_estimate,
    parse_figures,
    parse_not_run,
    parse_rows,
    parse_text,
)

_BIN_COLUMNS = ("score", "tumor_rate", "slices")


@dataclass(frozen=True, eq=False)
class Part:
    """Figures of some of the patients: a fold, an institution, one side of a comparison.

    Attributes:
        name: What it is called in the file.
        patients, slices: How many.
        figures: Figures by name.
        digest: Of the network that was measured, "" where the file does not say.
        shipped: Whether that network is the one that is installed.
        not_run: Why there are no figures, None where there are.
    """

    name: str
    patients: int
    slices: int
    figures: Mapping[str, Estimate]
    digest: str = ""
    shipped: bool = False
    not_run: NotRun | None = None


@dataclass(frozen=True, eq=False)
class Reliability:
    """How a score and the share of slices with tumor go together.

    Attributes:
        bins: score (mean of the bin), tumor_rate, slices.
        ece, brier: None where the file does not hold them.
    """

    bins: pd.DataFrame
    ece: Estimate | None
    brier: Estimate | None


@dataclass(frozen=True, eq=False)
class Leakage:
    """The same model, split by slice and by patient.

    Attributes:
        fold: The fold whose network stands for the split by patient.
        by_slice, by_patient: Both networks, on the same slices where the file compares them so,
            otherwise each on its own held-out slices.
        differences: Split by slice minus split by patient, paired by patient; empty without pairs.
        same_slices: Whether both were measured on the same slices.
        explanation: In sentences.
    """

    fold: str
    by_slice: Part
    by_patient: Part
    differences: Mapping[str, Estimate]
    same_slices: bool
    explanation: str


@dataclass(frozen=True, eq=False)
class LeftOut:
    """An institution from which a network has not learned.

    Attributes:
        code: The institution.
        patients: How many of it there are.
        figures: Of the network that never saw the institution.
        cross_validated: Of the same patients in the cross-validation.
        difference: Mean Dice, left out minus cross-validated, paired by patient.
        not_run: Why there are no figures, None where there are.
        explanation: What to know before comparing, "" for nothing.
    """

    code: str
    patients: int
    figures: Mapping[str, Estimate]
    cross_validated: Mapping[str, Estimate]
    difference: Estimate | None
    not_run: NotRun | None = None
    explanation: str = ""


@dataclass(frozen=True, eq=False)
class Sections:
    """All parts; None, or empty, where the file does not hold one."""

    folds: tuple[Part, ...] = ()
    institutions: tuple[Part, ...] = ()
    before: Reliability | None = None
    after: Reliability | None = None
    leakage: Leakage | NotRun | None = None
    left_out: tuple[LeftOut, ...] = ()


def parse_sections(document: Mapping[str, Any]) -> Sections:
    """Read the parts of an evaluation file.

    Raises:
        EvaluationError: A part does not hold what it should.
        ValueError, TypeError, KeyError: A word stands where a number belongs.
    """
    calibration = document.get("calibration")
    curves = calibration if isinstance(calibration, Mapping) else {}
    return Sections(
        folds=tuple(_parse_part(item) for item in mappings(document.get("folds"))),
        institutions=tuple(_parse_part(item) for item in mappings(document.get("institutions"))),
        before=_parse_reliability(curves.get("before")),
        after=_parse_reliability(curves.get("after")),
        leakage=_parse_leakage(document.get("leakage")),
        left_out=tuple(_parse_left_out(i) for i in mappings(document.get("leave_institution_out"))),
    )


def _parse_part(value: Mapping[str, Any]) -> Part:
    return Part(
        name=parse_text(value.get("name") or value.get("code")),
        patients=parse_count(value.get("patients")),
        slices=parse_count(value.get("slices")),
        figures=parse_figures(value.get("figures") or {}),
        digest=parse_text(value.get("digest")),
        shipped=value.get("shipped") is True,
        not_run=parse_not_run(value),
    )


def _parse_reliability(value: object) -> Reliability | None:
    if not isinstance(value, Mapping) or parse_not_run(value):
        return None
    figures = parse_figures({key: value.get(key) for key in ("ece", "brier")})
    bins = as_numbers(parse_rows(value, "bins", _BIN_COLUMNS), _BIN_COLUMNS)
    return Reliability(bins, figures.get("ece"), figures.get("brier"))


def _parse_leakage(value: object) -> Leakage | NotRun | None:
    if not isinstance(value, Mapping):
        return None
    not_run = parse_not_run(value)
    if not_run is not None:
        return not_run
    found = value.get("same_slices")
    same = found if isinstance(found, Mapping) else {}
    return Leakage(
        fold=parse_text(value.get("fold")),
        by_slice=_parse_side("by_slice", value, same),
        by_patient=_parse_side("by_patient", value, same),
        differences=parse_figures(same.get("differences") or {}),
        same_slices=bool(same),
        explanation=parse_text(value.get("explanation")),
    )


def _parse_side(name: str, value: Mapping[str, Any], same: Mapping[str, Any]) -> Part:
    """One side: as the comparison on the same slices tells it, else as measured by itself."""
    if same:
        return _parse_part({**same, "name": name, "figures": same.get(name)})
    side = value.get(name)
    return _parse_part(side if isinstance(side, Mapping) else {})


def _parse_left_out(value: Mapping[str, Any]) -> LeftOut:
    difference = value.get("difference")
    return LeftOut(
        code=parse_text(value.get("code")),
        patients=parse_count(value.get("patients")),
        figures=parse_figures(value.get("figures") or {}),
        cross_validated=parse_figures(value.get("cross_validated") or {}),
        difference=parse_estimate(difference) if isinstance(difference, Mapping) else None,
        not_run=parse_not_run(value),
        explanation=parse_text(value.get("explanation")),
    )
