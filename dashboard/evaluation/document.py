"""An evaluation file (`models/<task>/evaluation.json`, schema 2), checked.

The file holds one row per patient and one per slice, so that every figure on the page can be opened
down to its cases and the operating point can be moved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from dashboard.evaluation.estimates import (
    Estimate,
    EvaluationError,
    as_numbers,
    parse_figures,
    parse_rows,
    parse_strings,
    parse_text,
)
from dashboard.evaluation.sections import Sections, parse_sections

#: Version of the file that this page reads.
SCHEMA = 2

_PATIENT_NUMBERS = (
    "dice",
    "iou",
    "hd95_px",
    "surface_dice",
    "volume_px",
    "reference_px",
    "slices",
)
_PATIENT_COLUMNS = ("case_id", "institution", "fold", *_PATIENT_NUMBERS, "detected")
_SLICE_NUMBERS = (
    "index",
    "score",
    "classifier_score",
    "uncalibrated_score",
    "outline_evidence",
    "dice",
    "mask_px",
    "reference_px",
)
_SLICE_COLUMNS = ("case_id", "reference_tumor", "called", "decided_by", *_SLICE_NUMBERS)
_ROC_COLUMNS = ("threshold", "sensitivity", "false_positive_rate")
_RECALL_COLUMNS = ("threshold", "recall", "precision")


class OldEvaluation(EvaluationError):
    """The file was written by an older version."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """An evaluation file, checked.

    Attributes:
        split: What the patients are, such as "cross-validated".
        figures: Figures by name.
        patients: case_id, institution, fold, dice, iou, hd95_px, surface_dice, volume_px,
            reference_px, slices (numbers, NaN where there is none), detected.
        slices: case_id, index, reference_tumor, score, classifier_score, uncalibrated_score,
            outline_evidence, called, decided_by, dice, mask_px, reference_px.
        roc: threshold, sensitivity, false_positive_rate, from (0, 0) to (1, 1).
        precision_recall: threshold, recall, precision, by falling recall; empty without any.
        environment: Where, when and by which command it was measured.
        network: Name, version and digest of the network that the figures are of.
        sections: Folds, institutions, calibration, leakage and leave-one-institution-out.
    """

    split: str
    figures: Mapping[str, Estimate]
    patients: pd.DataFrame
    slices: pd.DataFrame
    roc: pd.DataFrame
    precision_recall: pd.DataFrame
    environment: Mapping[str, str]
    network: Mapping[str, str]
    sections: Sections

    @property
    def cross_validated(self) -> bool:
        """Whether every patient was measured by a network that had not learned from it."""
        return self.split.startswith("cross-validated")

    def is_of(self, digest: str) -> bool:
        """Whether the network with this digest is the one that was measured."""
        return self.network.get("digest") == digest


def parse_evaluation(document: object) -> Evaluation:
    """Check the contents of an evaluation file.

    Raises:
        OldEvaluation: The file is of another schema.
        EvaluationError: A part is missing or is not of the expected kind.
    """
    if not isinstance(document, Mapping):
        raise EvaluationError("The evaluation file holds no table.")
    if document.get("schema") != SCHEMA:
        raise OldEvaluation(
            "The figures were written by another version of Overread and do not tell what this "
            "page shows."
        )
    try:
        return _parse(document)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise EvaluationError("The evaluation file holds a word where a number belongs.") from error


def _parse(document: Mapping[str, Any]) -> Evaluation:
    patients = parse_rows(document, "patients", _PATIENT_COLUMNS)
    slices = parse_rows(document, "slices_rows", _SLICE_COLUMNS)
    roc = as_numbers(parse_rows(document, "roc", _ROC_COLUMNS), _ROC_COLUMNS)
    recall = pd.DataFrame(columns=list(_RECALL_COLUMNS))
    if "precision_recall" in document:
        recall = parse_rows(document, "precision_recall", _RECALL_COLUMNS)
    return Evaluation(
        split=parse_text(document.get("split")),
        figures=parse_figures(document.get("figures")),
        patients=as_numbers(_named(patients, ("case_id", "institution", "fold")), _PATIENT_NUMBERS),
        slices=as_numbers(_named(slices, ("case_id", "decided_by")), _SLICE_NUMBERS),
        roc=roc.sort_values(["false_positive_rate", "sensitivity"], ignore_index=True),
        precision_recall=as_numbers(recall, _RECALL_COLUMNS).sort_values(
            ["recall", "precision"], ascending=[False, True], ignore_index=True
        ),
        environment=parse_strings(document.get("environment")),
        network=parse_strings(document.get("network")),
        sections=parse_sections(document),
    )


def _named(table: pd.DataFrame, columns: tuple[str, ...]) -> pd.DataFrame:
    """The table with these columns as text, "" where there is none."""
    return table.assign(**{name: [parse_text(item) for item in table[name]] for name in columns})
