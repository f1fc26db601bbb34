"""The evaluation document: rows from cases, figures from rows."""

import json
from pathlib import Path

import numpy as np
import pytest
from fake_models import FakeStage, bright_pixels, bright_slice, make_case, write_metadata

from pipeline.data.case import Case
from pipeline.evaluation.evaluate import (
    build_evaluation,
    count_lesions,
    evaluate_cases,
    format_figures,
)
from pipeline.inference import Analyser

ROW = {"case_id", "institution", "dice", "volume_px", "reference_px", "slices"}
SLICE_ROW = {
    "case_id", "index", "reference_tumor", "score", "called", "dice", "mask_px", "reference_px",
}  # fmt: skip


@pytest.fixture
def analyser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Analyser:
    write_metadata(tmp_path)
    stages = {"classifier": FakeStage(bright_slice), "segmenter": FakeStage(bright_pixels)}
    monkeypatch.setattr("pipeline.inference.open_stage", lambda info, **_: stages[info.stage])
    return Analyser(tmp_path, engine_dir=tmp_path)


def make_patients() -> list[Case]:
    """Two patients: one outlined exactly, one whose reference is twice what is outlined."""
    exact = make_case(masks=True, case_id="TCGA_CS_4942_19970222")
    twice = np.zeros_like(exact.masks)
    twice[1:, 8:24, 8:16] = True
    return [exact, make_case(masks=twice, case_id="TCGA_HT_0001_20000101"), make_case()]


def test_rows_tell_each_patient_over_the_volume(analyser: Analyser) -> None:
    rows = evaluate_cases(make_patients(), analyser)
    first, second = rows.patients
    assert (first.institution, first.dice, first.iou) == ("CS", 1.0, 1.0)
    assert second.dice == pytest.approx(2 / 3)
    assert second.iou == pytest.approx(1 / 2)
    assert (second.volume_px, second.reference_px, second.slices) == (192, 384, 4)
    assert [row.dice for row in rows.slices[:2]] == [None, 1.0]
    assert len(rows.slices) == 8, "the case without reference masks is passed over"


def test_document_has_the_promised_shape(analyser: Analyser) -> None:
    rows = evaluate_cases(make_patients(), analyser)
    document = build_evaluation(
        rows, analyser.models, split="held-out", engine="openvino f32", command="x", draws=50
    )
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert document["schema"] == 1
    assert document["split"] == "held-out"
    assert document["counts"] == {"patients": 2, "slices": 8, "tumor_slices": 6}
    assert document["models"] == {"classifier": "0" * 64, "segmenter": "0" * 64}
    assert document["confusion"] == {"tp": 6, "fn": 0, "fp": 0, "tn": 2}
    assert all(set(figure) == {"value", "low", "high"} for figure in document["figures"].values())
    assert document["figures"]["patient_dice_mean"]["value"] == pytest.approx(5 / 6)
    assert document["figures"]["slice_auc"]["value"] == 1.0
    assert set(document["roc"][0]) == {"threshold", "sensitivity", "false_positive_rate"}
    assert ROW <= set(document["patients"][0])
    assert set(document["slices_rows"][0]) == SLICE_ROW
    assert {"cpu", "engine", "date", "command"} <= set(document["environment"])


def test_figures_are_told_as_a_table(analyser: Analyser) -> None:
    rows = evaluate_cases(make_patients()[:1], analyser)
    document = build_evaluation(
        rows, analyser.models, split="given folder", engine="x", command="x", draws=10
    )
    told = format_figures(document)
    assert told.startswith("1 patients, 4 slices, 3 of them with tumor (given folder)")
    assert "Slice AUC" in told


def test_lesions_are_counted_one_by_one(analyser: Analyser) -> None:
    case = make_case(masks=True)
    reference = case.masks.copy()
    reference[0, 28:30, 28:30] = True
    case = make_case(masks=reference)
    assert count_lesions(case, analyser.analyse(case)) == (1, 2)
    with pytest.raises(ValueError, match="no reference masks"):
        count_lesions(make_case(), analyser.analyse(make_case()))
