"""The page of a report, and that of a result that nobody has read."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from factories import SeriesFactory
from readings import read_one

from pipeline.analysis.outline_facts import OutlineFacts
from pipeline.analysis.results import CaseResult, ModelReference
from pipeline.data.cautions import Caution, InputAspect, Severity
from pipeline.interchange.content import (
    NOTHING_FOUND,
    Algorithm,
    ExportedStudy,
    Origin,
    outline_lesions,
)
from pipeline.reports.page import Report, css_string, render_page
from pipeline.reports.predicted import describe_result

MOMENT = datetime(2026, 3, 4, tzinfo=UTC)
NETWORK = Algorithm("resunet", "3", "cd" * 32)
UNFIT = Caution("Not MRI (CT).", InputAspect.SEQUENCE, Severity.UNFIT)


@pytest.mark.parametrize("text", ['"}</style><script>', "\\", "a\nb", "漢字 é"])
def test_texts_of_margin_boxes_cannot_leave_their_string(text: str) -> None:
    written = str(css_string(text))
    assert not set(written) & set("\"<>'\n;{}")
    assert written.isascii()


def report_of(
    tmp_path: Any, *, outlined: bool = True, spacing: bool = True, **changes: Any
) -> Report:
    pixels = np.random.default_rng(2).integers(0, 900, (4, 24, 20)).astype(np.uint16)
    case = read_one(SeriesFactory(pixels).write(tmp_path / "a"))
    if not spacing:
        case = replace(case, spacing_mm=None)
    mask = np.zeros(case.pixels.shape[:3], bool)
    mask[1:3, 4:12, 2:8] = mask[3, 20, 15:17] = outlined
    outlines = outline_lesions(Origin.AI, mask, case, study="s")
    volumes = [one.volume_ml for one in outlines.lesions if one.volume_ml is not None]
    result = CaseResult(
        case_id="a",
        network=ModelReference(NETWORK.name, NETWORK.version, NETWORK.digest, "keras", "f32"),
        slices=(),
        probability=np.zeros(mask.shape, np.uint8),
        uncertainty=np.zeros(mask.shape, np.uint8),
        facts=OutlineFacts(None, None, 0, 0, None, None, 0, None, 0.5),
        operating_point=0.5,
        mask_threshold=0.5,
        spacing_mm=case.spacing_mm,
        volume_ml=sum(volumes) if spacing else None,
        left_out_ml=None,
        dice=None,
    )
    result = replace(result, **changes)
    study = ExportedStudy(
        case=case, digest="ab" * 32, at=MOMENT, algorithm=NETWORK, ai=outlines,
        withheld=result.unfit.sentence if result.unfit else "",
    )  # fmt: skip
    return describe_result(study, result, model=None, channel=0)


def test_an_unread_result_is_a_draft_in_the_words_of_all_reports(tmp_path: Any) -> None:
    report = report_of(tmp_path)
    first, second, together, *_ = report.findings
    assert first.startswith("FLAIR abnormality on the right: 0.3 mL, longest diameter")
    assert second.startswith("Further FLAIR abnormality on the left: <0.1 mL")
    assert together == "Together 0.4 mL."
    assert [one.name for one in report.lesions] == ["1 Right", "2 Left"]
    assert len(report.pictures) == 2
    page = render_page(report).decode()
    assert page.count("DRAFT: AI result, not read") >= 2
    assert 'class="mark"' in page
    assert "data:image/png" in page


def test_a_result_of_which_nothing_is_claimed_has_no_finding(tmp_path: Any) -> None:
    unfit = report_of(tmp_path / "1", input_findings=(UNFIT,))
    assert (unfit.lesions, unfit.pictures) == ((), ())
    assert UNFIT.sentence in " ".join(unfit.findings) and unfit.cautions == ()
    assert "mL" not in " ".join((*unfit.findings, *unfit.trust))
    assert NOTHING_FOUND in report_of(tmp_path / "2", outlined=False).findings
    bare = report_of(tmp_path / "3", spacing=False)
    assert "96 voxels" in bare.findings[0]
    assert bare.lesion_unit == "voxels"
