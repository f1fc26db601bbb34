"""The worklist's rows as the browser receives them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final

from sqlalchemy import RowMapping

from dashboard.store import JobState, Origin, StudyRow
from dashboard.store.readings import STAT
from dashboard.store.states import StudyState
from dashboard.store.stored_json import Damaged
from dashboard.store.worklist_lines import SAMPLE, Reason, notes_text, sequence_words
from dashboard.store.worklist_pages import Line, text_of
from dashboard.studies.addresses import review_href
from pipeline import round_ml, spreadsheet_text

NO_SPACING = "The files contain no pixel spacing."
NONE_SIGNED = (
    "No volume was signed: the result was rejected, the images could not be assessed, or the files "
    "contain no pixel spacing."
)
OPEN_FOR_FIGURES = "Analysed by an earlier version. Open the study for its figures."
NOT_FLAIR, SEQUENCE_UNKNOWN = "Not FLAIR", "Sequence unknown"
ORIGIN_WORDS = {Origin.UPLOAD: "Upload", Origin.LIBRARY: "Library", Origin.DEMO: "Demo"}
STATE_WORDS = {
    None: "Not analysed",
    JobState.QUEUED: "Queued",
    JobState.RUNNING: "Analysing",
    JobState.DONE: "Analysed",
    JobState.FAILED: "Failed",
    JobState.CANCELLED: "Cancelled",
}
DAMAGED = "The record of this study is damaged; restore a backup of the review database."
#: What a filter calls a reason, and the worklist where a row says no more of it.
REASON_WORDS: Final = {
    Reason.UNSIGNED: "Decision not signed",
    Reason.CONFLICT: "Classifier and segmentation disagree",
    Reason.FAILED: "Analysis failed",
    Reason.DICE: "Low expected Dice",
    Reason.VOLUME: "Wide range of the volume",
    Reason.INPUT: "Unusual input",
    Reason.SAMPLE: f"No slice marked: random check (1 in {SAMPLE})",
}
#: Columns of the CSV export, in the order of the grid.
EXPORTED: Final = (
    "study_id",
    "patient",
    "stat",
    "study_date",
    "added_at",
    "sequences",
    "slices",
    "source",
    "state",
    "why",
    "volume_ml",
    "change_percent",
    "expected_dice",
    "conflicts",
    "cautions",
    "tags",
    "notes",
    "reader",
    "signed_at",
)
_CHUNK: Final = 64 * 1024
#: The cells of a study whose record is damaged.
_EMPTY: Final[dict[str, Any]] = {
    "patient": "Damaged record",
    "names": "",
    "study_date": "",
    "sequences": "",
    "slices": None,
    "origin": "",
    "origin_words": "",
    "state": "failed",
    "state_words": "Damaged",
    "progress": 0,
    "volume_ml": None,
    "no_volume": "",
    "expected_dice": None,
    "conflicts": None,
    "cautions": None,
    "synthetic": False,
    "warnings": [],
    "sequence_note": "",
    "deletable": False,
    "cancellable": False,
    "why": "",
    "stat": False,
    "reader": "",
    "tags": [],
    "added_at": None,
}


def describe_line(line: Line, *, may_delete: bool = True) -> dict[str, Any]:
    """One row of the grid as plain JSON, with what readers have done."""
    if line.row is None:
        return {
            **_EMPTY,
            "study_id": line.study_id,
            "href": review_href(line.study_id),
            "error": DAMAGED,
            "notes": DAMAGED,
        }
    cells = describe_study(line.row, may_delete=may_delete)
    if words := _words_of_readers(line.state):
        cells["state"] = str(line.state).replace(" ", "-")
        cells["state_words"] = words
    if line.state.is_signed:  # whatever the AI finds of it now
        cells["volume_ml"] = line.volume_ml
        cells["no_volume"] = NONE_SIGNED if line.volume_ml is None else ""
    return {
        **cells,
        "deletable": cells["deletable"] and not line.state.is_signed,
        "why": why_words(line),
        "stat": line.priority == STAT,
        "reader": line.reader,
        "tags": list(line.tags),
        "added_at": line.row.added_at,
    }


def _words_of_readers(state: StudyState) -> str:
    """What a state is called; "" for one that no reader has set: the analysis has its own words."""
    return "" if state in (StudyState.NEW, StudyState.ANALYSED) else str(state).capitalize()


def why_words(line: Line) -> str:
    """Why a study is where it is, in a few words."""
    claims = line.row.claims if line.row else None
    if claims is None:
        return _why_words(line.reasons)
    return _why_words(
        line.reasons, claims.conflicts, claims.expected_dice, claims.low_ml, claims.high_ml
    )


def _why_words(
    reasons: Iterable[str],
    conflicts: object = None,
    expected_dice: object = None,
    low_ml: object = None,
    high_ml: object = None,
) -> str:
    """Reasons with their figures; a figure that is unknown or damaged is left out."""
    words = []
    for reason in reasons:
        if reason == Reason.CONFLICT and isinstance(conflicts, int) and conflicts:
            words.append(f"{conflicts} {'conflict' if conflicts == 1 else 'conflicts'}")
        elif reason == Reason.DICE and isinstance(expected_dice, float):
            words.append(f"Expected Dice {expected_dice:.2f}")
        elif reason == Reason.VOLUME and isinstance(low_ml, float) and isinstance(high_ml, float):
            words.append(f"Volume {low_ml:.0f} to {high_ml:.0f} mL")
        elif reason in REASON_WORDS:
            words.append(REASON_WORDS[Reason(reason)])
    return "; ".join([*words[:1], *(one[0].lower() + one[1:] for one in words[1:])])


def describe_study(study: StudyRow, *, may_delete: bool = True) -> dict[str, Any]:
    """One row of the grid as plain JSON.

    Args:
        study: The study.
        may_delete: Whether its reader may delete it, if it is an upload.
    """
    analysed = study.job_state is JobState.DONE
    claims = study.claims if analysed else None
    return {
        "study_id": study.study_id,
        "href": review_href(study.study_id),
        "patient": study.name,
        "names": names_text(study),
        "study_date": study.study_date,
        "sequences": sequence_words(study.sequences),
        "slices": study.slices,
        "origin": str(study.origin),
        "origin_words": ORIGIN_WORDS[study.origin],
        "state": str(study.job_state or ""),
        "state_words": state_words(study),
        "progress": study.job_done / study.job_total if study.job_total else 0,
        "volume_ml": study.volume_ml if claims and not claims.unfit else None,
        "no_volume": _why_no_volume(study) if analysed else "",
        "expected_dice": claims.expected_dice if claims else None,
        "conflicts": claims.conflicts if claims else None,
        "cautions": claims.cautions if claims else None,
        "synthetic": study.synthetic,
        "warnings": list(study.warnings),
        "sequence_note": sequence_note(study.sequences),
        "error": study.job_error if study.job_state is JobState.FAILED else "",
        "notes": notes_text(study),
        "deletable": may_delete and study.origin is Origin.UPLOAD,
        "cancellable": study.job_state in (JobState.QUEUED, JobState.RUNNING),
        "why": "",
        "stat": False,
        "reader": "",
        "tags": [],
        "added_at": study.added_at,
    }


def names_text(study: StudyRow) -> str:
    """All that a study is called, for search and the tooltip: its label before its identifiers."""
    return " · ".join(dict.fromkeys(filter(None, (study.name, study.patient, study.case_id))))


def _why_no_volume(study: StudyRow) -> str:
    """Why an analysed study has no volume in its row, or ""."""
    if study.claims is None:
        return OPEN_FOR_FIGURES
    if study.claims.unfit:
        return study.claims.unfit
    return NO_SPACING if study.volume_ml is None else ""


def sequence_note(sequences: Iterable[str]) -> str:
    """A short note where no sequence is FLAIR, for a narrow cell; the warnings explain it."""
    names = list(map(str, sequences))
    if "flair" in names:
        return ""
    return NOT_FLAIR if names and "unknown" not in names else SEQUENCE_UNKNOWN


def state_words(study: StudyRow) -> str:
    """The status of the study's analysis, with its progress while it is running."""
    words = STATE_WORDS[study.job_state]
    if study.job_state is JobState.RUNNING and study.job_total:
        return f"{words}, {100 * study.job_done // study.job_total}%"
    return words


def write_csv(lines: Iterable[tuple[RowMapping, float | None]]) -> Iterator[str]:
    """The lines of the worklist as CSV, each with the change of its volume in per cent.

    Columns, words and rounding are those of the grid. A text that a spreadsheet would run as a
    formula gets an apostrophe before it.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(EXPORTED)
    for line, change in lines:
        writer.writerow(map(_cell, _exported_cells(line, change)))
        if text.tell() > _CHUNK:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()


def _exported_cells(line: RowMapping, change: float | None) -> tuple[object, ...]:
    """The cells of a line, in the order of `EXPORTED`."""
    state, job_state = line["state"], line["job_state"] or None
    words = _words_of_readers(state) if isinstance(state, StudyState) else ""
    figures = (line[name] for name in ("conflicts", "expected_dice", "low_ml", "high_ml"))
    volume_ml, dice = line["volume_ml"], line["expected_dice"]
    return (
        line["study_id"],
        line["name"],
        "STAT" if line["priority"] == STAT else "",
        line["study_date"],
        line["added_at"],
        line["sequences"],
        line["slices"],
        ORIGIN_WORDS.get(line["origin"], ""),
        words or STATE_WORDS.get(job_state, ""),
        _why_words(text_of(line["reasons"]).split(), *figures),
        round_ml(volume_ml) if isinstance(volume_ml, float) else volume_ml,
        None if change is None else round(change, 1),
        round(dice, 2) if isinstance(dice, float) else dice,
        line["conflicts"],
        line["cautions"],
        line["tags"],
        line["notes"],
        line["reader"],
        line["signed_at"],
    )


def _cell(value: object) -> object:
    if value is None or isinstance(value, Damaged):
        return ""
    if isinstance(value, str):
        return spreadsheet_text(value.replace("\n", "; "))
    return value.isoformat() if isinstance(value, datetime) else value
