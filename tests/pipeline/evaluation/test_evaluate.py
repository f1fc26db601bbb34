"""The evaluation document: rows from cases, figures from rows."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fake_models import fake_stages, make_case, write_metadata
from invented_rows import make_evaluation

from pipeline.analysis.analyser import Analyser
from pipeline.data.case import Case
from pipeline.evaluation.computing import describe_calibration
from pipeline.evaluation.document import dump_evaluation
from pipeline.evaluation.evaluate import (
    count_lesions,
    describe_environment,
    evaluate_cases,
    measure_case,
)
from pipeline.evaluation.rows import pool_rows
from pipeline.models.metadata import PlattScaling

ROW = {
    "case_id", "institution", "fold", "dice", "iou", "hd95_px", "hd95_mm", "surface_dice",
    "surface_dice_mm", "detected", "volume_px", "reference_px", "slices",
    "expected_dice", "border_stability", "area_low_px", "area_high_px", "mean_disagreement",
    "log_volume", "called_slices", "largest_score_gap", "mask_threshold",
}  # fmt: skip
SLICE_ROW = {
    "case_id", "index", "reference_tumor", "score", "classifier_score", "uncalibrated_score",
    "outline_evidence", "decided_by", "called", "dice", "mask_px", "reference_px",
}  # fmt: skip


@pytest.fixture
def analyser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Analyser:
    write_metadata(tmp_path)
    monkeypatch.setattr("pipeline.analysis.analyser.open_stages", lambda info, **_: fake_stages())
    return Analyser(tmp_path, engine_dir=tmp_path)


def make_patients() -> list[Case]:
    """Two patients: one outlined exactly, one whose reference is twice what is outlined."""
    exact = make_case(masks=True, case_id="TCGA_CS_4942_19970222")
    assert exact.masks is not None
    twice = np.zeros_like(exact.masks)
    twice[1:, 8:24, 8:16] = True
    return [exact, make_case(masks=twice, case_id="TCGA_HT_0001_20000101"), make_case()]


def test_rows_tell_each_patient_over_the_volume(analyser: Analyser) -> None:
    rows = evaluate_cases(make_patients(), analyser, fold="fold 1")
    first, second = rows.patients
    assert (first.institution, first.fold, first.dice, first.iou) == ("CS", "fold 1", 1.0, 1.0)
    assert (first.hd95_px, first.surface_dice, first.detected) == (0.0, 1.0, True)
    assert second.dice == pytest.approx(2 / 3)
    assert second.iou == pytest.approx(1 / 2)
    assert (second.volume_px, second.reference_px, second.slices) == (192, 384, 4)
    # The reference's lower edge lies eight rows below the outline's.
    assert second.hd95_px == 8.0
    assert [row.dice for row in rows.slices[:2]] == [None, 1.0]
    assert len(rows.slices) == 8, "the case without reference masks is passed over"


def test_rows_tell_what_a_call_rests_on(analyser: Analyser) -> None:
    rows = evaluate_cases(make_patients()[:1], analyser, calibration=PlattScaling(2.0, 0.0))
    nothing, tumor = rows.slices[:2]
    assert (nothing.decided_by, nothing.outline_evidence) == ("gate", None)
    assert (tumor.decided_by, tumor.classifier_score) == ("both", pytest.approx(0.9))
    # Odds of 9 are odds of 3 where the calibration doubled the logit.
    assert tumor.uncalibrated_score == pytest.approx(0.75, abs=1e-6)
    plain = evaluate_cases(make_patients()[:1], analyser)
    assert plain.slices[1].uncalibrated_score is None


def test_millimetres_stand_where_spacing_exists(analyser: Analyser) -> None:
    patient = make_patients()[1]
    result = analyser.analyse(patient)
    row, _ = measure_case(replace(patient, spacing_mm=(5.0, 0.5, 0.5)), result)
    assert (row.hd95_px, row.hd95_mm) == (8.0, 4.0)
    assert row.surface_dice is not None
    assert row.surface_dice_mm is not None
    assert row.surface_dice_mm > row.surface_dice, "2 mm are four pixels here"


def test_document_has_the_promised_shape(analyser: Analyser) -> None:
    calibration = PlattScaling(1.0, 0.0)
    rows = evaluate_cases(make_patients(), analyser, calibration=calibration)
    environment = describe_environment("openvino f32", command="x", draws=50)
    document = dump_evaluation(make_evaluation(rows, draws=50, environment=environment))
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert document["schema"] == 2
    assert document["split"] == "held-out"
    assert document["network"] == {
        "name": "resunet-resnet18",
        "version": "2.0.0",
        "digest": "0" * 64,
    }
    assert document["counts"] == {"patients": 2, "slices": 8, "tumor_slices": 6}
    assert document["confusion"] == {"tp": 6, "fn": 0, "fp": 0, "tn": 2}
    assert all(set(figure) == {"value", "low", "high"} for figure in document["figures"].values())
    assert document["figures"]["patient_dice_mean"]["value"] == pytest.approx(5 / 6)
    assert document["figures"]["slice_auc"]["value"] == 1.0
    assert set(document["roc"][0]) == {"threshold", "sensitivity", "false_positive_rate"}
    assert set(document["precision_recall"][0]) == {"recall", "precision", "threshold"}
    assert [group["code"] for group in document["institutions"]] == ["CS", "HT"]
    assert document["institutions"][0]["figures"]["patient_dice_mean"]["value"] == 1.0
    assert set(document["patients"][0]) == ROW
    assert set(document["slices_rows"][0]) == SLICE_ROW
    assert {"cpu", "engine", "date", "command"} <= set(document["environment"])


def test_calibration_is_reported_before_and_after(analyser: Analyser) -> None:
    rows = evaluate_cases(make_patients()[:1], analyser, calibration=PlattScaling(2.0, 0.0))
    found = describe_calibration(rows)
    assert found.after is not None
    assert found.before is not None
    # Three slices with tumor at 0.9, one without at 0.1; odds of 3 and of a third before.
    assert found.after.ece == pytest.approx(0.1)
    assert found.before.ece == pytest.approx(0.25, abs=1e-6)
    assert found.before.brier == pytest.approx(0.25**2, abs=1e-6)
    assert [one.slices for one in found.after.bins] == [1, 3]
    assert "approximation" in found.explanation


def test_a_calibration_of_a_part_of_the_rows_is_not_reported(analyser: Analyser) -> None:
    known = evaluate_cases(make_patients()[:1], analyser, calibration=PlattScaling(2.0, 0.0))
    other = evaluate_cases(make_patients()[1:2], analyser)
    assert describe_calibration(pool_rows([known, other])).before is None


def test_lesions_are_counted_one_by_one(analyser: Analyser) -> None:
    case = make_case(masks=True)
    assert case.masks is not None
    reference = case.masks.copy()
    reference[0, 28:30, 28:30] = True
    case = make_case(masks=reference)
    assert count_lesions(case, analyser.analyse(case)) == (1, 2)
    with pytest.raises(ValueError, match="no reference masks"):
        count_lesions(make_case(), analyser.analyse(make_case()))
