"""Answers at a lower precision held against the reference's, with networks that answer by rule."""

from pathlib import Path

import numpy as np
import pytest
from fake_models import bright_pixels, bright_slice, fake_stages, make_case, write_metadata

from pipeline.analysis.analyser import Analyser
from pipeline.data.case import Case
from pipeline.engine.precision import PrecisionCheck, write_precision_check
from pipeline.errors import InputError
from pipeline.evaluation.precision import measure_precision
from pipeline.models.registry import read_model_info


@pytest.fixture
def analysers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Analyser, Analyser]:
    """The reference outlines the bright square, the candidate the left 6 of its 8 columns."""

    def cut(batch: np.ndarray) -> np.ndarray:
        answer = bright_pixels(batch)
        answer[:, :, 14:16] = 0.1
        return answer

    def open_stages(info: object, *, precision: str, **_: object) -> object:
        if precision == "f32":
            return fake_stages()
        return fake_stages(lambda batch: bright_slice(batch) - 0.05, cut)

    monkeypatch.setattr("pipeline.analysis.analyser.open_stages", open_stages)
    write_metadata(tmp_path)
    return (
        Analyser(tmp_path, engine="keras", precision="f32", engine_dir=tmp_path),
        Analyser(tmp_path, engine="openvino", precision="bf16", engine_dir=tmp_path, unproven=True),
    )


def measure(cases: list[Case], analysers: tuple[Analyser, Analyser]) -> PrecisionCheck:
    reference, candidate = analysers
    (check,) = measure_precision(cases, reference, [candidate])
    return check


def test_each_candidate_is_measured_with_what_it_leaves_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.analysis.analyser.open_stages", lambda *_, **__: fake_stages())
    write_metadata(tmp_path, inference={"crop_to_head": True, "skip_empty": True})
    info = read_model_info(tmp_path)
    kinds = [("skip_empty", "crop_to_head"), ("crop_to_head",), ()]
    reference, *candidates = (
        Analyser(info.keep_savings(kind), engine="openvino", engine_dir=tmp_path)
        for kind in [(), *kinds]
    )
    checks = measure_precision([make_case(masks=True)], reference, candidates)
    assert [check.savings for check in checks] == kinds
    assert {check.mask_dice_mean for check in checks} == {1.0}


def test_masks_are_held_against_masks_and_scores_against_the_reference_outline(
    analysers: tuple[Analyser, Analyser],
) -> None:
    cases = [make_case(masks=True, case_id=name) for name in "ab"]
    check = measure(cases, analysers)
    assert (check.engine, check.precision) == ("openvino", "bf16")
    assert (check.patients, check.slices) == (2, 8)
    # 6 of 8 columns on each slice: Dice 2 x 48 / (64 + 48).
    assert check.mask_dice_mean == pytest.approx(96 / 112)
    assert check.mask_dice_lowest == pytest.approx(96 / 112)
    assert check.auc == check.reference_auc == 1.0
    assert check.largest_score_difference == pytest.approx(0.05)
    assert not check.passes()


def test_cases_without_any_outline_are_left_out_of_the_mean(
    analysers: tuple[Analyser, Analyser],
) -> None:
    reference = np.zeros((4, 32, 32), bool)
    reference[1, 8:16, 8:16] = True
    dark = make_case(pixels=np.full((4, 32, 32, 1), 40, np.uint8), masks=reference)
    check = measure([make_case(masks=True), dark], analysers)
    assert check.patients == 2
    assert check.mask_dice_mean == check.mask_dice_lowest == pytest.approx(96 / 112)
    with pytest.raises(InputError):
        measure([dark], analysers)


def test_a_precision_that_was_not_shown_is_only_measured(
    analysers: tuple[Analyser, Analyser], tmp_path: Path
) -> None:
    with pytest.raises(InputError):
        Analyser(tmp_path, precision="bf16", engine_dir=tmp_path)
    check = measure([make_case(masks=True)], analysers)
    write_precision_check(analysers[0].network, check)
    assert Analyser(tmp_path, engine_dir=tmp_path).precision == "f32"


@pytest.mark.parametrize(
    ("case", "sentence"),
    [
        (make_case(), "case has no reference masks"),
        (make_case(masks=np.zeros((4, 32, 32), bool)), "with and without tumor are needed"),
    ],
)
def test_cases_that_show_nothing_are_refused(
    analysers: tuple[Analyser, Analyser], case: Case, sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        measure([case], analysers)
