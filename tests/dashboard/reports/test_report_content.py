"""What a report says of a study as read: a table of findings, checked by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from dashboard.reports.content import (
    ReportSource,
    TimePointVolume,
    describe_report,
    findings_text,
)
from dashboard.store.reading_content import (
    Comparison,
    Decision,
    LesionChange,
    LesionVerdict,
    ReadContent,
    Reason,
    SignedLesion,
    SignedResult,
    StudyFacts,
    Verdict,
)
from dashboard.store.stored_json import Entry, MaskBase, dump_json
from pipeline import Report

AT = datetime(2026, 11, 5, 9, 52, tzinfo=UTC)
BY = Entry(reader_id="r" * 32, author="Ada", at=AT)
LARGE = SignedLesion(
    number=1,
    key="ai-1",
    source="ai",
    verdict=LesionVerdict.KEEP,
    location="83251001",
    comment="",
    side="right",
    volume_ml=74.2,
    voxels=74_200,
    first=10,
    last=20,
    longest=60.2,
    perpendicular=44.8,
    unit="mm",
    score=0.9,
)
SMALL = replace(
    LARGE, number=2, key="reader-1", source="reader", verdict=LesionVerdict.ADD, location=None,
    side="left", volume_ml=0.9, voxels=900, first=14, last=14, longest=9.0, perpendicular=5.0,
)  # fmt: skip
REMOVED = replace(LARGE, number=3, key="ai-2", verdict=LesionVerdict.REMOVE, volume_ml=3.1)
FACTS = StudyFacts(
    study_id="0" * 16, case_id="case", name="DEMO-03", patient="DEMO-03", study_date="2026-11-05",
    description="", content_digest="a" * 64, data_digest="b" * 64, sequences=("flair",), slices=22,
    spacing_mm=(5.0, 1.0, 1.0), spacing_by=None,
)  # fmt: skip
PRIOR = Comparison(
    study_id="1" * 16,
    study_date="2026-06-03",
    registered=True,
    source="signed",
    volume_ml=75.1,
    prior_volume_ml=61.0,
    lesions=(
        LesionChange(lesions=(1,), prior_lesions=(1,), volume_ml=74.2, prior_volume_ml=61.0),
        LesionChange(lesions=(2,), prior_lesions=(), volume_ml=0.9, prior_volume_ml=None),
        LesionChange(lesions=(), prior_lesions=(2,), volume_ml=None, prior_volume_ml=0.4),
    ),
)


def report_of(**changes: Any) -> Report:
    points = changes.pop("time_points", ())
    range_ml = changes.pop("range_ml", None)
    verdict = changes.pop("verdict", Verdict.ACCEPT_WITH_CHANGES)
    reason = changes.pop("reason", None)
    content = ReadContent(
        study=FACTS,
        result=None,
        decision=Decision(verdict=verdict, reason=reason, by=BY),
        notes="",
        key_images=(),
        comparison=None,
        lesions=(LARGE, SMALL, REMOVED),
        volume_ml=75.1,
        based_on=MaskBase(),
        mask_version=1,
        measurements=(),
        open_s=1.0,
        software="1",
    )
    return describe_report(
        ReportSource(
            content=replace(content, **changes),
            signature=None,
            patient=None,
            slice_numbers=range(1, 23),
            sequence_labels=("FLAIR",),
            time_points=points,
            expected="",
            range_ml=range_ml,
            pictures=(),
            made_at=AT,
        )
    )


RESULT = SignedResult(
    key="k", network="n", version="1", digest="d" * 64, engine="keras", precision="f32",
    operating_point=0.5, mask_threshold=0.5, volume_ml=75.1, left_out_ml=None, expected_dice=0.9,
    cautions=(),
)  # fmt: skip


def test_a_record_of_an_earlier_version_keeps_its_digest() -> None:
    written = dump_json(SignedResult, RESULT)
    assert "unfit" not in written, "it would change what the digest is of"
    assert dump_json(SignedResult, replace(RESULT, unfit="Not FLAIR."))["unfit"] == "Not FLAIR."


def test_the_range_of_a_volume_is_that_of_the_whole_ai_outline() -> None:
    given: dict[str, Any] = {"result": RESULT, "range_ml": (66.0, 81.0)}
    unchanged = report_of(**given, mask_version=None, verdict=Verdict.ACCEPT)
    assert "Together 75.1 mL (expected range 66.0 to 81.0 mL)." in unchanged.findings
    assert any("Single lesions" in one for one in unchanged.trust)
    alone = report_of(**given, mask_version=None, verdict=Verdict.ACCEPT, lesions=(LARGE,))
    assert "74.2 mL (expected range 66.0 to 81.0 mL)" in alone.findings[0]
    assert not any("Single lesions" in one for one in alone.trust)
    corrected = report_of(**given)
    assert "expected range" not in " ".join(corrected.findings)
    assert any("expected range" in one for one in corrected.trust)


def test_findings_are_dictated_with_place_size_slices_and_change() -> None:
    words = " ".join(report_of(comparison=PRIOR).findings)
    assert (
        "FLAIR abnormality in the right frontal lobe: 74.2 mL, longest diameter 60 mm,"
        " perpendicular 45 mm, slices 11 to 21; measurable by RANO 2.0. Edema is included."
    ) in words
    assert "Further FLAIR abnormality on the left: 0.9 mL" in words
    assert "slice 15; not measurable by RANO 2.0, added by the reader." in words
    assert "Together 75.1 mL. 14.1 mL (23%) more than 61.0 mL on 2026-06-03 (as signed)." in words
    assert "A lesion of the prior study (0.4 mL) is no longer outlined." in words


def test_the_table_has_counted_and_removed_lesions_with_their_changes() -> None:
    report = report_of(comparison=PRIOR)
    assert [line.change for line in report.lesions] == ["+13.2 mL", "new", ""]
    assert [line.counts for line in report.lesions] == [True, True, False]
    assert [line.source for line in report.lesions][1:] == ["Reader", "AI, removed by the reader"]


@pytest.mark.parametrize(
    ("lesions", "verdict", "expected", "missing"),
    [
        ((), Verdict.ACCEPT, "does not mean normal", "Together"),
        ((LARGE,), Verdict.CANNOT_ASSESS, "could not be assessed: image quality", "74.2"),
        ((LARGE,), Verdict.REJECT, "rejected the AI result: image quality", "74.2"),
    ],
)
def test_decisions_decide_what_counts_as_a_finding(
    lesions: tuple[SignedLesion, ...], verdict: Verdict, expected: str, missing: str
) -> None:
    words = " ".join(report_of(lesions=lesions, verdict=verdict, reason=Reason.QUALITY).findings)
    assert expected in words
    assert missing not in words


def test_without_spacing_sizes_are_in_voxels_and_say_so() -> None:
    flat = replace(LARGE, volume_ml=None, unit="px")
    facts = replace(FACTS, spacing_mm=None)
    report = report_of(study=facts, lesions=(flat,), volume_ml=None, comparison=PRIOR)
    words = " ".join(report.findings)
    assert "74,200 voxels, longest diameter 60 px" in words
    assert "No pixel spacing is known" in words
    assert "RANO" not in words
    assert "a change of volume is not available" in words
    assert report.lesion_unit == "voxels"


def test_the_chart_needs_two_dated_volumes_and_starts_at_zero() -> None:
    def point(date: str, volume: float) -> TimePointVolume:
        return TimePointVolume(date=date, volume_ml=volume, source="signed")

    assert report_of(time_points=(point("2026-01-01", 5.0), point("no date", 6.0))).chart == ()
    dates = ("2026-01-01", "2026-07-02", "2026-12-31")
    found = report_of(
        time_points=tuple(point(date, ml) for date, ml in zip(dates, (5, 10, 0), strict=True))
    ).chart
    assert [one.x for one in found] == sorted(one.x for one in found)
    tops = [one.y for one in found]
    assert tops[1] < tops[0] < tops[2]
    assert tops[0] - tops[1] == pytest.approx(tops[2] - tops[0])


def test_copied_findings_have_every_line_and_say_what_they_are_for() -> None:
    text = findings_text(report_of(comparison=PRIOR, notes="look again"))
    assert text.startswith("Brain MRI: FLAIR abnormality. DRAFT, not signed. DEMO-03.")
    assert "3 Right frontal lobe" in text
    assert "look again" in text
    assert text.rstrip().endswith("Research use only; not for diagnosis or treatment.")


def test_what_the_reader_added_is_not_said_to_be_left_out() -> None:
    added = replace(SMALL, source="left out")
    result = replace(RESULT, left_out_ml=0.9)
    words = findings_text(report_of(lesions=(LARGE, added), result=result))
    assert "added by the reader" in words and "left out" not in words
    assert "slice 15," in words and "slices 11 to 21" in words
    kept = replace(added, verdict=LesionVerdict.REMOVE)
    assert "0.9 mL were left out" in findings_text(report_of(lesions=(LARGE, kept), result=result))
