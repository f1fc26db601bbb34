"""What a report says: a pure function from a study as read to sentences, a table and figures.

`describe_report` knows no template, database or pixel: site templates, the page, the PDF and the
copied findings all show its `Report`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dashboard.decisions.locations import LOCATIONS
from dashboard.store.reading_content import (
    Comparison,
    LesionVerdict,
    ReadContent,
    SignedLesion,
    Verdict,
    is_refused,
)
from dashboard.store.stored_json import Measurement
from pipeline import (
    CHART_SIZE,
    NO_SPACING,
    NOT_ASSESSED,
    NOTHING_FOUND,
    REPORT_TITLE,
    RESEARCH_USE,
    ChartPoint,
    LesionLine,
    PatientIdentity,
    Picture,
    PixelValues,
    Report,
    birth_words,
    diameter_words,
    difference_words,
    expected_range,
    is_unchanged,
    lesion_sentence,
    measure_angle,
    measure_ellipse,
    measure_line,
    measure_pixels,
    measure_polygon,
    ml_words,
    model_sentences,
    number_words,
    other_cautions,
    patient_words,
    pixels_in_ellipse,
    pixels_in_polygon,
    share_words,
    side_words,
    size_words,
    slice_words,
    slices_phrase,
    trust_sentences,
    withheld_findings,
)

#: Places that are not on one side: these words are not "the right brainstem".
_MIDLINE: Final = frozenset({"Corpus callosum", "Ventricles", "Brainstem", "Pituitary", "Meninges"})
_SOURCES = {
    ("ai", LesionVerdict.KEEP): "AI",
    ("ai", LesionVerdict.REMOVE): "AI, removed by the reader",
    ("left out", LesionVerdict.ADD): "AI, added by the reader",
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
_NOT_ASSESSABLE = "The images could not be assessed"
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
    """

    date: str
    volume_ml: float
    source: str


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
        corrected: Numbers of the lesions of the AI whose outline the reader changed.
        withheld: Why nothing is said of the mask, or "".
        pixel_values: Of areas that the reader drew, by the measurement's id.
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
    corrected: frozenset[int] = frozenset()
    withheld: str = ""
    pixel_values: Mapping[str, tuple[SequenceValues, ...]] = field(default_factory=dict)


def describe_report(source: ReportSource) -> Report:
    """Say in words what a study as read holds."""
    content, signature = source.content, source.signature
    study = content.study
    decided = content.decision
    counted = [one for one in content.lesions if one.verdict is not LesionVerdict.REMOVE]
    changes = _changes(content.comparison)
    lines = tuple(_line(one, changes, source) for one in content.lesions if not source.withheld)
    made_at = signature.at if signature else source.made_at
    return Report(
        title=REPORT_TITLE,
        state="signed" if signature else "draft",
        status=_status(content, signature),
        patient_line=_patient_line(source),
        facts=_facts(source),
        findings=_findings(content, counted, changes, source),
        lesion_unit="voxels" if study.spacing_mm is None else "mL",
        has_changes=any(one.change for one in lines),
        lesions=lines,
        comments=_comments(source),
        measurements=_measurements(source),
        pictures=source.pictures,
        chart=_chart(source.time_points),
        trust=_trust(source),
        cautions=other_cautions(content.result.cautions if content.result else (), source.withheld),
        notes="\n\n".join(filter(None, [decided.comment if decided else "", content.notes])),
        models=_models(content),
        amends=_amends(content),
        footer=_footer(content, signature),
        made_at=made_at.isoformat(timespec="seconds"),
        author=signature.author if signature else (decided.by.author if decided else ""),
        subject=", ".join(filter(None, [study.name, study.study_date])),
    )


def _comments(source: ReportSource) -> tuple[str, ...]:
    """What the reader wrote of lesions; of those that are not listed the place they chose, too."""
    found = []
    for one in source.content.lesions:
        place = LOCATIONS.get(one.location or "", "") if source.withheld else ""
        words = ". ".join(filter(None, [place, one.comment]))
        found += [f"{one.number}: {words}"] if words else []
    return tuple(found)


def findings_text(report: Report) -> str:
    """The findings as plain text, for the clipboard."""
    parts = [f"{report.title}. {report.status}. {report.patient_line}."]
    if report.amends:
        parts.append(report.amends)
    parts += [" ".join(report.findings)]
    for line in report.lesions:
        cells = [line.volume and f"{line.volume} {report.lesion_unit}", line.diameters]
        cells += [line.slices and slices_phrase(line.slices), line.source, line.change]
        parts.append(f"{line.name}: {', '.join(filter(None, cells))}")
    parts += [*report.comments, *report.measurements, report.notes, *report.trust]
    parts += [f"Caution: {one}" for one in report.cautions]
    parts += [" ".join(report.models), f"{RESEARCH_USE}; not for diagnosis or treatment."]
    return "\n".join(filter(None, parts)) + "\n"


def _status(content: ReadContent, signature: Signature | None) -> str:
    if signature is None:
        return "DRAFT, not signed"
    kind = "Signed report" if content.amends is None else "Amended report"
    return f"{kind}, record {signature.number}"


def _patient_line(source: ReportSource) -> str:
    study = source.content.study
    return patient_words(source.patient, study.patient or study.name)


def _facts(source: ReportSource) -> tuple[tuple[str, str], ...]:
    content, signature = source.content, source.signature
    study, decided = content.study, content.decision
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
        ("Born, sex", birth_words(source.patient)),
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
    if decided and is_refused(content):
        is_rejected = decided.verdict is Verdict.REJECT
        refused = "The reader rejected the AI result" if is_rejected else _NOT_ASSESSABLE
        if source.withheld:
            return f"{refused}{reason}.", *withheld_findings(source.withheld)
        of = "rejected result" if is_rejected else "AI result"
        shown = f"; the lesions below are those of the {of}" if content.lesions else ""
        return (f"{refused}{reason}. No finding is reported{shown}.",)
    if source.withheld:
        return withheld_findings(source.withheld)
    words = []
    if not counted:
        words.append(NOTHING_FOUND)
    between = _read_range(source)
    alone = between if len(counted) == 1 else ""
    for at, lesion in enumerate(counted):
        words.append(_sentence(lesion, source, is_first=at == 0, between=alone))
    words += _total(content, counted, between)
    words += _gone(content.comparison)
    if any(one.source == "left out" and one.verdict is LesionVerdict.REMOVE for one in
           content.lesions):  # fmt: skip
        words.append("Small regions that the AI left out are listed below and are not counted.")
    return (*words, NOT_ASSESSED)


def _read_range(source: ReportSource) -> str:
    """The expected range of the volume, where the AI's outline is the mask as read."""
    result = source.content.result
    is_changed = source.is_unsaved or source.content.mask_version is not None
    if source.range_ml is None or is_changed or result is None:
        return ""
    return expected_range(source.range_ml)


def _sentence(
    lesion: SignedLesion, source: ReportSource, *, is_first: bool, between: str = ""
) -> str:
    """A lesion in a sentence, with the range of its volume, or ""."""
    return lesion_sentence(
        place=_place(lesion),
        size=f"{size_words(lesion.volume_ml, lesion.voxels)}{between}",
        diameters=_diameters(lesion),
        unit=lesion.unit,
        slices=slice_words(source.slice_numbers, lesion.first, lesion.last),
        n_slices=lesion.last - lesion.first + 1,
        is_first=is_first,
        is_readers=lesion.source == "reader",
    )


def _diameters(lesion: SignedLesion) -> tuple[float, float] | None:
    if lesion.longest is None or lesion.perpendicular is None:
        return None
    return lesion.longest, lesion.perpendicular


def _place(lesion: SignedLesion) -> str:
    location = LOCATIONS.get(lesion.location or "", "")
    if not location:
        return side_words(lesion.side)
    words = location.lower()
    if not lesion.side:
        return f"in the {words}"
    if lesion.side == "both sides" or location in _MIDLINE:
        where = "on both sides" if lesion.side == "both sides" else f"on the {lesion.side}"
        return f"in the {words}, {where}"
    return f"in the {lesion.side} {words}"


def _total(content: ReadContent, counted: list[SignedLesion], between: str) -> list[str]:
    words = []
    volume, comparison = content.volume_ml, content.comparison
    if volume is None and counted:
        words.append(NO_SPACING)
    elif len(counted) > 1 and volume is not None:
        words.append(f"Together {ml_words(volume)} mL{between}.")
    if comparison is None:
        return words
    when = f"on {comparison.study_date}" if comparison.study_date else "in the prior study"
    before = comparison.prior_volume_ml
    if volume is None or before is None:
        words.append(f"Compared with the study {when}; a change of volume is not available.")
        return words
    how = _FROM.get(comparison.source, "")
    prior = f"{ml_words(before)} mL {when}{f' ({how})' if how else ''}"
    if is_unchanged(volume, before):
        words.append(f"Unchanged from {prior}.")
        return words
    share = f" ({share_words(volume, before)})" if before else ""
    more = "more" if volume > before else "less"
    words.append(f"{ml_words(abs(volume - before))} mL{share} {more} than {prior}.")
    if not comparison.registered:
        words.append("The prior was not registered; single lesions were not matched.")
    return words


def _gone(comparison: Comparison | None) -> list[str]:
    gone = [one for one in comparison.lesions if not one.lesions] if comparison else []
    if not gone:
        return []
    volumes = [one.prior_volume_ml for one in gone]
    known = [one for one in volumes if one is not None]
    size = f" ({ml_words(sum(known))} mL)" if known and len(known) == len(volumes) else ""
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
            words = difference_words(change.volume_ml, change.prior_volume_ml)
        if len(change.lesions) > 1:
            words += f" ({', '.join(map(str, change.lesions))} together)"
        elif len(change.prior_lesions) > 1:
            words += f" ({len(change.prior_lesions)} merged)"
        found |= dict.fromkeys(change.lesions, words.strip())
    return found


def _line(lesion: SignedLesion, changes: dict[int, str], source: ReportSource) -> LesionLine:
    counts = lesion.verdict is not LesionVerdict.REMOVE and not is_refused(source.content)
    location = LOCATIONS.get(lesion.location or "", "")
    place = f"{lesion.side} {location.lower()}".strip().capitalize()
    if location in _MIDLINE and lesion.side:
        place = f"{location}, {lesion.side}"
    return LesionLine(
        name=f"{lesion.number} {place}".strip(),
        volume=f"{lesion.voxels:,}" if lesion.volume_ml is None else ml_words(lesion.volume_ml),
        diameters=diameter_words(_diameters(lesion), lesion.unit),
        slices=slice_words(source.slice_numbers, lesion.first, lesion.last),
        source=_origin(lesion, source),
        change=changes.get(lesion.number, "") if counts else "",
        counts=counts,
    )


def _origin(lesion: SignedLesion, source: ReportSource) -> str:
    decided = source.content.decision
    words = _SOURCES.get((lesion.source, lesion.verdict), str(lesion.verdict))
    if words != "AI":
        return words
    if lesion.number in source.corrected and not is_refused(source.content):
        return f"{words}, corrected by the reader"
    return f"{words}, {_JUDGED[decided.verdict]}" if decided else words


def arrow_words(item: Measurement) -> str:
    """What the reader wrote at an arrow, on one line; "" for other kinds."""
    return " ".join(item.text.split()) if item.kind == "arrow" else ""


@dataclass(frozen=True, kw_only=True)
class DrawnValues:
    """The numbers of what a reader drew; None where its kind has no such number.

    Attributes:
        length: Of a ruler, or the longest diameter, in mm, or in pixels without spacing.
        across: The perpendicular diameter, likewise.
        area: Inside a closed line or an ellipse, in mm², or in pixels.
        angle: In degrees; None too where a leg of the angle has no length.
    """

    length: float | None = None
    across: float | None = None
    area: float | None = None
    angle: float | None = None

    @property
    def has_unit(self) -> bool:
        """Whether a number depends on the spacing of the pixels."""
        return self.length is not None or self.area is not None


def values_of(item: Measurement, spacing_mm: tuple[float, float, float] | None) -> DrawnValues:
    """The numbers of a measurement."""
    points = item.points
    if item.kind == "ruler":
        return DrawnValues(length=measure_line(points[0], points[1], spacing_mm))
    if item.kind == "diameters":
        return DrawnValues(
            length=measure_line(points[0], points[1], spacing_mm),
            across=measure_line(points[2], points[3], spacing_mm),
        )
    if item.kind == "angle":
        return DrawnValues(angle=measure_angle(points, spacing_mm))
    if item.kind == "ellipse":
        return DrawnValues(area=measure_ellipse(points, spacing_mm))
    if item.kind == "area":
        return DrawnValues(area=measure_polygon(points, spacing_mm))
    return DrawnValues()


@dataclass(frozen=True)
class SequenceValues:
    """Values of the pixels inside an area: sequence, as it is named to readers, and values."""

    sequence: str
    values: PixelValues | None


def pixel_values_of(
    item: Measurement, pixels: NDArray[np.generic], labels: Sequence[str]
) -> tuple[SequenceValues, ...]:
    """Values of the pixels inside an area or an ellipse, by sequence; of other kinds nothing.

    Args:
        item: The measurement.
        pixels: ``(n, h, w, channels)``.
        labels: Of the channels; "" for those that are left out.
    """
    find = {"ellipse": pixels_in_ellipse, "area": pixels_in_polygon}.get(item.kind)
    if find is None or item.k >= len(pixels):
        return ()
    image = pixels[item.k]
    inside = find(item.points, (image.shape[0], image.shape[1]))
    return tuple(
        SequenceValues(label, measure_pixels(image[..., channel], inside))
        for channel, label in enumerate(labels)
        if label
    )


def _values_words(found: SequenceValues) -> str:
    """The values of pixels with the digits that the page shows."""
    values = found.values
    if values is None:
        return f"{found.sequence} no pixels inside"
    across = values.most - values.least
    digits = 0 if across >= 100 else 1 if across >= 10 else 2
    mean, deviation = (number_words(one, digits) for one in (values.mean, values.deviation))
    least, most = (
        number_words(one, 0 if one.is_integer() else digits) for one in (values.least, values.most)
    )
    return f"{found.sequence} mean {mean}, SD {deviation}, min {least}, max {most}"


def drawn_words(item: Measurement, spacing_mm: tuple[float, float, float] | None) -> str:
    """The main value of a measurement as the page labels it; "" where it has none."""
    found = values_of(item, spacing_mm)
    unit = "mm" if spacing_mm else "px"
    if found.across is not None:
        return f"long {found.length:.1f} \N{MULTIPLICATION SIGN} short {found.across:.1f} {unit}"
    if found.length is not None:
        return f"{found.length:.1f} {unit}"
    if found.angle is not None:
        return f"{found.angle:.1f}\N{DEGREE SIGN}"
    if found.area is None:
        return arrow_words(item)
    if not spacing_mm:
        return f"{found.area:,.0f} px"
    if found.area < 100:
        return f"{found.area:.1f} mm\N{SUPERSCRIPT TWO}"
    return f"{found.area / 100:.2f} cm\N{SUPERSCRIPT TWO}"


def _measurements(source: ReportSource) -> tuple[str, ...]:
    """What the reader drew, by slice, whether or not a key image shows it."""
    spacing = source.content.study.spacing_mm
    lines = []
    for item in sorted(source.content.measurements, key=lambda one: one.k):
        inside = source.pixel_values.get(item.id, ())
        words = "; ".join(filter(None, [drawn_words(item, spacing), *map(_values_words, inside)]))
        if words:
            where = slice_words(source.slice_numbers, item.k, item.k)
            lines.append(f"{item.kind.capitalize()}, slice {where}: {words}")
    return tuple(lines)


def _trust(source: ReportSource) -> tuple[str, ...]:
    result = source.content.result
    if result is None:
        return ("The study was read without an AI result.",)
    return trust_sentences(
        expected=source.expected,
        expected_dice=result.expected_dice,
        volume_ml=result.volume_ml,
        range_ml=source.range_ml,
        left_out_ml=_left_out_ml(result.left_out_ml, source.content.lesions),
        n_lesions=len(source.content.lesions),
    )


def _left_out_ml(left_out_ml: float | None, lesions: Sequence[SignedLesion]) -> float | None:
    """What is still left out as small: less the lesions that the reader added from it."""
    if left_out_ml is None:
        return None
    from_left_out = [one for one in lesions if one.source == "left out"]
    added = [one for one in from_left_out if one.verdict is LesionVerdict.ADD]
    rest = left_out_ml - sum(one.volume_ml or 0.0 for one in added)
    return rest if not added or rest >= 0.05 else 0.0  # the mask may differ by a few voxels


def _models(content: ReadContent) -> tuple[str, ...]:
    result = content.result
    if result is None:
        return ()
    return model_sentences(
        network=result.network,
        version=result.version,
        digest=result.digest,
        engine=result.engine,
        precision=result.precision,
        operating_point=result.operating_point,
        mask_threshold=result.mask_threshold,
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
            value=ml_words(one.volume_ml),
            date=one.date,
            source=one.source,
        )
        for day, one in dated
    )


def _day(date: str) -> int | None:
    """A date of a file as a number of days; None where it is not a date."""
    try:
        return datetime.fromisoformat(date).toordinal()
    except ValueError:
        return None
