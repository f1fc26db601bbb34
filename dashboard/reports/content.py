"""What a report says: a pure function from a study as read to sentences, a table and figures.

`describe_report` knows no template, database or pixel: site templates, the page, the PDF and the
copied findings all show its `Report`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from dashboard.decisions.locations import LOCATIONS
from dashboard.store.reading_content import (
    Comparison,
    LesionVerdict,
    ReadContent,
    SignedLesion,
    Verdict,
    is_refused,
)
from pipeline import NOTHING_FOUND, PatientIdentity, judge_diameters

RESEARCH_USE: Final = "Research use only"
NOT_GIVEN: Final = "not given"
_MINUS: Final = "\N{MINUS SIGN}"
_TIMES: Final = "\N{MULTIPLICATION SIGN}"
_DASH: Final = "\N{EN DASH}"
_DIGEST: Final = 8
#: Places that are not on one side: these words are not "the right brainstem".
_MIDLINE: Final = frozenset({"Corpus callosum", "Ventricles", "Brainstem", "Pituitary", "Meninges"})
_NO_RANGE = "Single lesions have no range: it was learned from the whole outlines of patients."
_NOT_ASSESSED = "Enhancing disease is not assessed here."
_SOURCES = {
    ("ai", LesionVerdict.KEEP): "AI",
    ("ai", LesionVerdict.REMOVE): "AI, removed by the reader",
    ("left out", LesionVerdict.ADD): "AI, added from what it left out",
    ("left out", LesionVerdict.REMOVE): "AI, left out as small",
    ("reader", LesionVerdict.ADD): "Reader",
}
_DECIDED = {
    Verdict.ACCEPT: "Accepted",
    Verdict.ACCEPT_WITH_CHANGES: "Accepted with changes",
    Verdict.REJECT: "Rejected",
    Verdict.CANNOT_ASSESS: "Cannot be assessed",
}
#: What a decision makes of a lesion that the AI outlined and the reader left as it is.
_JUDGED = {
    Verdict.ACCEPT: "accepted",
    Verdict.ACCEPT_WITH_CHANGES: "accepted",
    Verdict.REJECT: "rejected",
    Verdict.CANNOT_ASSESS: "not assessed",
}
_ENGINES = {"openvino": "OpenVINO", "onnxruntime": "ONNX Runtime", "keras": "Keras"}
_PRECISIONS = {"f32": "float32", "bf16": "bfloat16"}
_FROM = {"signed": "as signed", "version": "as corrected", "ai": "by the AI, not read"}


@dataclass(frozen=True, kw_only=True)
class Signature:
    """Under what the record was signed.

    Attributes:
        number: Of the record, from 1.
        author: Who signed it.
        at: UTC.
        digest: SHA-256 of the record; "" where the record is made at this moment.
    """

    number: int
    author: str
    at: datetime
    digest: str


@dataclass(frozen=True, kw_only=True)
class TimePointVolume:
    """The volume of one of the patient's studies.

    Attributes:
        date: "YYYY-MM-DD", or "".
        volume_ml: Of its mask.
        source: Which mask: "signed", "version" or "ai".
        is_own: Whether it is the study of the report.
    """

    date: str
    volume_ml: float
    source: str
    is_own: bool


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A key image, as a drawing that holds its pixels.

    Attributes:
        svg: An ``<svg>`` element.
        caption: Slice, sequence, what is drawn in which colour, and the reader's words.
    """

    svg: str
    caption: str


@dataclass(frozen=True, kw_only=True)
class ReportSource:
    """All that a report is made of.

    Attributes:
        content: The study as read.
        signature: None for a draft.
        patient: As the files state it; None where they state no id.
        slice_numbers: Number of each slice, as the page shows it.
        sequence_labels: Names of the sequences.
        time_points: Volumes of the patient's studies, the earliest first.
        expected: What is to be expected of the AI outline, in a sentence, or "".
        range_ml: Expected range of the AI's volume, or None.
        pictures: Key images.
        made_at: When the report is made, UTC.
        is_unsaved: Whether the mask is a correction that is not saved as a version.
    """

    content: ReadContent
    signature: Signature | None
    patient: PatientIdentity | None
    slice_numbers: Sequence[int]
    sequence_labels: tuple[str, ...]
    time_points: tuple[TimePointVolume, ...]
    expected: str
    range_ml: tuple[float, float] | None
    pictures: tuple[Picture, ...]
    made_at: datetime
    is_unsaved: bool = False


@dataclass(frozen=True, kw_only=True)
class LesionLine:
    """A row of the lesion table, in words.

    Attributes:
        name: Number and place.
        volume, diameters, slices, source, change: "" where it is not known.
        counts: Whether the lesion is part of the mask as read.
    """

    name: str
    volume: str
    diameters: str
    slices: str
    source: str
    change: str
    counts: bool


@dataclass(frozen=True, kw_only=True)
class ChartPoint:
    """A point of the chart of volumes, in the drawing's units.

    Attributes:
        x, y: Its place; y points down.
        value, date: Its labels.
        source: "signed", "version" or "ai".
    """

    x: float
    y: float
    value: str
    date: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a report says. Every text is untrusted: templates escape it.

    Attributes:
        title: Of the page.
        state: "signed" or "draft".
        status: Such as "Signed report, record 1".
        patient_line: Name and id, for every page.
        facts: Name and value of each fact of the head.
        findings: Sentences.
        lesion_unit: "mL" or "voxels".
        has_changes: Whether a lesion has a change to show.
        lesions: Rows of the lesion table.
        comments: What the reader wrote of single lesions.
        pictures: Key images.
        chart: Volume over time; empty for fewer than two studies with a date.
        trust: Sentences on how far the AI outline can be trusted.
        cautions: Sentences.
        notes: In the reader's words.
        models: Sentences on network and thresholds.
        amends: What an amended report says of the one before, or "".
        footer: Software, record and its digest.
        made_at: ISO 8601, UTC.
        author: Who signed or decided, or "".
        subject: For the metadata of a PDF.
    """

    title: str
    state: Literal["signed", "draft"]
    status: str
    patient_line: str
    facts: tuple[tuple[str, str], ...]
    findings: tuple[str, ...]
    lesion_unit: str
    has_changes: bool
    lesions: tuple[LesionLine, ...]
    comments: tuple[str, ...]
    pictures: tuple[Picture, ...]
    chart: tuple[ChartPoint, ...]
    trust: tuple[str, ...]
    cautions: tuple[str, ...]
    notes: str
    models: tuple[str, ...]
    amends: str
    footer: str
    made_at: str
    author: str
    subject: str


#: Width and height of the chart's drawing.
CHART_SIZE: Final = (260.0, 150.0)


def describe_report(source: ReportSource) -> Report:
    """Say in words what a study as read holds."""
    content, signature = source.content, source.signature
    study = content.study
    decided = content.decision
    counted = [one for one in content.lesions if one.verdict is not LesionVerdict.REMOVE]
    changes = _changes(content.comparison)
    lines = tuple(_line(one, changes, source) for one in content.lesions)
    made_at = signature.at if signature else source.made_at
    return Report(
        title="Brain MRI: FLAIR abnormality",
        state="signed" if signature else "draft",
        status=_status(content, signature),
        patient_line=_patient_line(source),
        facts=_facts(source),
        findings=_findings(content, counted, changes, source),
        lesion_unit="voxels" if study.spacing_mm is None else "mL",
        has_changes=any(one.change for one in lines),
        lesions=lines,
        comments=tuple(f"{one.number}: {one.comment}" for one in content.lesions if one.comment),
        pictures=source.pictures,
        chart=_chart(source.time_points),
        trust=_trust(source),
        cautions=content.result.cautions if content.result else (),
        notes="\n\n".join(filter(None, [decided.comment if decided else "", content.notes])),
        models=_models(content),
        amends=_amends(content),
        footer=_footer(content, signature),
        made_at=made_at.isoformat(timespec="seconds"),
        author=signature.author if signature else (decided.by.author if decided else ""),
        subject=", ".join(filter(None, [study.name, study.study_date])),
    )


def findings_text(report: Report) -> str:
    """The findings as plain text, for the clipboard."""
    parts = [f"{report.title}. {report.status}. {report.patient_line}."]
    if report.amends:
        parts.append(report.amends)
    parts += [" ".join(report.findings)]
    for line in report.lesions:
        cells = [line.volume and f"{line.volume} {report.lesion_unit}", line.diameters]
        cells += [line.slices and f"slices {line.slices}", line.source, line.change]
        parts.append(f"{line.name}: {', '.join(filter(None, cells))}")
    parts += [*report.comments, report.notes, *report.trust]
    parts += [f"Caution: {one}" for one in report.cautions]
    parts += [" ".join(report.models), f"{RESEARCH_USE}; not for diagnosis or treatment."]
    return "\n".join(filter(None, parts)) + "\n"


def _status(content: ReadContent, signature: Signature | None) -> str:
    if signature is None:
        return "DRAFT, not signed"
    kind = "Signed report" if content.amends is None else "Amended report"
    return f"{kind}, record {signature.number}"


def _patient_line(source: ReportSource) -> str:
    study, patient = source.content.study, source.patient
    names = [_person(patient.name) if patient else "", patient.patient_id if patient else ""]
    known = [one for one in names if one] or [study.patient or study.name]
    return ", ".join(dict.fromkeys(known))


def _person(name: str) -> str:
    """A DICOM name in reading order: "MAYER^ANNA" becomes "MAYER, ANNA"."""
    family, *others = [part.strip() for part in name.split("=")[0].split("^")]
    return ", ".join(filter(None, [family, " ".join(filter(None, others))]))


def _facts(source: ReportSource) -> tuple[tuple[str, str], ...]:
    content, patient, signature = source.content, source.patient, source.signature
    study, decided = content.study, content.decision
    born = ", ".join(filter(None, [patient.birth_date, patient.sex] if patient else []))
    comparison = content.comparison
    read_by = f"{decided.by.author}, {_moment(decided.by.at)}" if decided else "no decision yet"
    if signature:
        read_by = f"{signature.author}, {_moment(signature.at)}"
    verdict = _DECIDED[decided.verdict] if decided else "None recorded"
    if decided and decided.reason:
        verdict += f" ({decided.reason})"
    study_words = ", ".join(filter(None, [study.study_date, study.description]))
    return (
        ("Patient", _patient_line(source)),
        ("Born, sex", born or NOT_GIVEN),
        ("Study", study_words or study.name),
        ("Prior", (comparison.study_date or "without a date") if comparison else "none compared"),
        ("Signed by" if signature else "Decision by", read_by),
        ("Sequences", ", ".join(source.sequence_labels)),
        ("Decision on the AI result", verdict),
        ("Mask", _mask_words(source)),
    )


def _mask_words(source: ReportSource) -> str:
    content = source.content
    if source.is_unsaved:
        return "corrected, not saved"
    if content.mask_version is not None:
        return f"corrected, version {content.mask_version}"
    return "AI mask, unchanged" if content.result else "none"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _findings(
    content: ReadContent,
    counted: list[SignedLesion],
    changes: dict[int, str],
    source: ReportSource,
) -> tuple[str, ...]:
    decided = content.decision
    reason = f": {decided.reason}" if decided and decided.reason else ""
    if decided and decided.verdict is Verdict.CANNOT_ASSESS:
        shown = "; the lesions below are those of the AI result" if content.lesions else ""
        return (f"The images could not be assessed{reason}. No finding is reported{shown}.",)
    if decided and decided.verdict is Verdict.REJECT:
        shown = "; the lesions below are those of the rejected result" if content.lesions else ""
        return (f"The reader rejected the AI result{reason}. No finding is reported{shown}.",)
    words = []
    if not counted:
        words.append(NOTHING_FOUND)
    between = _range_words(source)
    alone = between if len(counted) == 1 else ""
    for at, lesion in enumerate(counted):
        words.append(_sentence(lesion, source, is_first=at == 0, between=alone))
    words += _total(content, counted, between)
    words += _gone(content.comparison)
    if any(one.source == "left out" and one.verdict is LesionVerdict.REMOVE for one in
           content.lesions):  # fmt: skip
        words.append("Small regions that the AI left out are listed below and are not counted.")
    return (*words, _NOT_ASSESSED)


def _range_words(source: ReportSource) -> str:
    """The expected range of the volume, where the AI's outline is the mask as read."""
    result = source.content.result
    is_changed = source.is_unsaved or source.content.mask_version is not None
    if source.range_ml is None or is_changed or result is None:
        return ""
    low, high = source.range_ml
    return f" (expected range {_ml(low)} to {_ml(high)} mL)"


def _sentence(
    lesion: SignedLesion, source: ReportSource, *, is_first: bool, between: str = ""
) -> str:
    """A lesion as a radiologist would dictate it, with the range of its volume, or ""."""
    place = _place(lesion)
    start = "FLAIR abnormality" if is_first else "Further FLAIR abnormality"
    parts = [f"{start}{f' {place}' if place else ''}: {_size(lesion)}{between}"]
    if lesion.longest is not None and lesion.perpendicular is not None:
        longest, across = f"{lesion.longest:.0f}", f"{lesion.perpendicular:.0f}"
        parts.append(f"longest diameter {longest} {lesion.unit}, perpendicular {across}"
                     f" {lesion.unit}")  # fmt: skip
    slices = lesion.last - lesion.first + 1
    number = "slice" if slices == 1 else "slices"
    parts.append(f"{number} {_slices(lesion, source)}")
    sentence = ", ".join(parts)
    if lesion.unit == "mm" and lesion.longest is not None and lesion.perpendicular is not None:
        measurable, _ = judge_diameters(
            (lesion.longest, lesion.perpendicular), slices=slices, in_mm=True
        )
        sentence += "; measurable by RANO 2.0" if measurable else "; not measurable by RANO 2.0"
    if lesion.source == "reader":
        sentence += ", added by the reader"
    return f"{sentence}. Edema is included." if is_first else f"{sentence}."


def _place(lesion: SignedLesion) -> str:
    location = LOCATIONS.get(lesion.location or "", "")
    if not location:
        return {"right": "on the right", "left": "on the left", "both sides": "on both sides"}.get(
            lesion.side, ""
        )
    words = location.lower()
    if not lesion.side:
        return f"in the {words}"
    if lesion.side == "both sides" or location in _MIDLINE:
        where = "on both sides" if lesion.side == "both sides" else f"on the {lesion.side}"
        return f"in the {words}, {where}"
    return f"in the {lesion.side} {words}"


def _size(lesion: SignedLesion) -> str:
    return _voxels(lesion.voxels) if lesion.volume_ml is None else f"{_ml(lesion.volume_ml)} mL"


def _voxels(count: int) -> str:
    return f"{count:,} voxels"


def _ml(volume: float) -> str:
    return f"{volume:.1f}" if volume >= 0.05 or volume == 0 else "<0.1"


def _slices(lesion: SignedLesion, source: ReportSource) -> str:
    first, last = (source.slice_numbers[k] if k < len(source.slice_numbers) else k + 1
                   for k in (lesion.first, lesion.last))  # fmt: skip
    return f"{first}" if first == last else f"{first} to {last}"


def _total(content: ReadContent, counted: list[SignedLesion], between: str) -> list[str]:
    words = []
    volume, comparison = content.volume_ml, content.comparison
    if volume is None and counted:
        words.append("No pixel spacing is known: sizes are in voxels and pixels.")
    elif len(counted) > 1 and volume is not None:
        words.append(f"Together {_ml(volume)} mL{between}.")
    if comparison is None:
        return words
    when = f"on {comparison.study_date}" if comparison.study_date else "in the prior study"
    before = comparison.prior_volume_ml
    if volume is None or before is None:
        words.append(f"Compared with the study {when}; a change of volume is not available.")
        return words
    how = _FROM.get(comparison.source, "")
    prior = f"{_ml(before)} mL {when}{f' ({how})' if how else ''}"
    change = volume - before
    if abs(change) < 0.05:
        words.append(f"Unchanged from {prior}.")
        return words
    share = f" ({100 * abs(change) / before:.0f}%)" if before else ""
    more = "more" if change > 0 else "less"
    words.append(f"{_ml(abs(change))} mL{share} {more} than {prior}.")
    if not comparison.registered:
        words.append("The prior was not registered; single lesions were not matched.")
    return words


def _gone(comparison: Comparison | None) -> list[str]:
    gone = [one for one in comparison.lesions if not one.lesions] if comparison else []
    if not gone:
        return []
    volumes = [one.prior_volume_ml for one in gone]
    known = [one for one in volumes if one is not None]
    size = f" ({_ml(sum(known))} mL)" if known and len(known) == len(volumes) else ""
    many = "A lesion" if len(gone) == 1 else f"{len(gone)} lesions"
    verb = "is" if len(gone) == 1 else "are"
    return [f"{many} of the prior study{size} {verb} no longer outlined."]


def _changes(comparison: Comparison | None) -> dict[int, str]:
    """What became of each lesion since the prior, by its number."""
    found: dict[int, str] = {}
    for change in comparison.lesions if comparison else ():
        if not change.lesions:
            continue
        if not change.prior_lesions:
            words = "new"
        elif change.volume_ml is None or change.prior_volume_ml is None:
            words = ""
        else:
            words = _signed(change.volume_ml - change.prior_volume_ml)
        if len(change.lesions) > 1:
            words += f" ({', '.join(map(str, change.lesions))} together)"
        elif len(change.prior_lesions) > 1:
            words += f" ({len(change.prior_lesions)} merged)"
        found |= dict.fromkeys(change.lesions, words.strip())
    return found


def _signed(change: float) -> str:
    if abs(change) < 0.05:
        return "unchanged"
    return f"{'+' if change > 0 else _MINUS}{abs(change):.1f} mL"


def _line(lesion: SignedLesion, changes: dict[int, str], source: ReportSource) -> LesionLine:
    counts = lesion.verdict is not LesionVerdict.REMOVE and not is_refused(source.content)
    location = LOCATIONS.get(lesion.location or "", "")
    place = f"{lesion.side} {location.lower()}".strip().capitalize()
    if location in _MIDLINE and lesion.side:
        place = f"{location}, {lesion.side}"
    measured = lesion.longest is not None and lesion.perpendicular is not None
    return LesionLine(
        name=f"{lesion.number} {place}".strip(),
        volume=f"{lesion.voxels:,}" if lesion.volume_ml is None else _ml(lesion.volume_ml),
        diameters=f"{lesion.longest:.0f} {_TIMES} {lesion.perpendicular:.0f} {lesion.unit}"
        if measured
        else _DASH,
        slices=_slices(lesion, source),
        source=_origin(lesion, source.content),
        change=changes.get(lesion.number, "") if counts else "",
        counts=counts,
    )


def _origin(lesion: SignedLesion, content: ReadContent) -> str:
    words = _SOURCES.get((lesion.source, lesion.verdict), str(lesion.verdict))
    if words != "AI" or content.decision is None:
        return words
    return f"{words}, {_JUDGED[content.decision.verdict]}"


def _trust(source: ReportSource) -> tuple[str, ...]:
    result = source.content.result
    if result is None:
        return ("The study was read without an AI result.",)
    words = [source.expected] if source.expected else []
    if not words and result.expected_dice is not None:
        words.append(f"Expected Dice of the AI outline {result.expected_dice:.2f}.")
    if result.volume_ml is not None:
        volume = f"The AI outline has {_ml(result.volume_ml)} mL"
        if source.range_ml:
            low, high = source.range_ml
            volume += f", expected range {_ml(low)} to {_ml(high)} mL"
        words.append(f"{volume}.")
        if source.range_ml and len(source.content.lesions) > 1:
            words.append(_NO_RANGE)
    if result.left_out_ml:
        words.append(f"{_ml(result.left_out_ml)} mL were left out of it as small.")
    return tuple(words)


def _models(content: ReadContent) -> tuple[str, ...]:
    result = content.result
    if result is None:
        return ()
    how = [_ENGINES.get(result.engine, result.engine),
           _PRECISIONS.get(result.precision, result.precision)]  # fmt: skip
    name = f"{result.network} {result.version} (SHA-256 {result.digest[:_DIGEST]})"
    points = f"Operating point {result.operating_point:.2f}, mask threshold"
    return (
        f"{', '.join(filter(None, [name, *how]))}.",
        f"{points} {result.mask_threshold:.2f}.",
    )


def _amends(content: ReadContent) -> str:
    if content.amends is None:
        return ""
    reason = f" Reason: {content.reason}" if content.reason else ""
    return f"This report amends record {content.amends} and replaces its report.{reason}"


def _footer(content: ReadContent, signature: Signature | None) -> str:
    if signature is None:
        return f"Overread {content.software} · draft"
    digest = f" · SHA-256 {signature.digest[:16]}" if signature.digest else ""
    return f"Overread {content.software} · record {signature.number}{digest}"


def _chart(points: tuple[TimePointVolume, ...]) -> tuple[ChartPoint, ...]:
    """Places of the points: time to the right, volume up, from 0."""
    found = [(day, one) for one in points if (day := _day(one.date)) is not None]
    if len(found) < 2:
        return ()
    dated = sorted(found, key=lambda one: one[0])
    width, height = CHART_SIZE
    left, right, top, bottom = 34.0, 34.0, 34.0, 26.0
    first, last = dated[0][0], dated[-1][0]
    most = max(one.volume_ml for _, one in dated) or 1.0
    return tuple(
        ChartPoint(
            x=round(left + (width - left - right) * (day - first) / max(last - first, 1), 1),
            y=round(top + (height - top - bottom) * (1 - one.volume_ml / most), 1),
            value=_ml(one.volume_ml),
            date=one.date,
            source=one.source,
        )
        for day, one in dated
    )


def _day(date: str) -> int | None:
    """A date of a file as a number of days; None where it is none."""
    try:
        return datetime.fromisoformat(date).toordinal()
    except ValueError:
        return None
