"""The agreement gate: what counts as shown, for which weights, and what ``auto`` makes of it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fake_models import write_metadata

from pipeline.engine import selection
from pipeline.engine.precision import (
    PrecisionCheck,
    agrees,
    ranges_of,
    read_precision_checks,
    write_precision_check,
)
from pipeline.engine.selection import choose_precision
from pipeline.errors import InputError
from pipeline.models.int8_ranges import RANGES_FILE, Int8Ranges, write_ranges
from pipeline.models.registry import ModelInfo, read_model_info, read_network

GOOD = PrecisionCheck(
    engine="openvino",
    precision="bf16",
    patients=18,
    slices=600,
    mask_dice_mean=0.9997,
    mask_dice_lowest=0.99,
    auc=0.991,
    reference_auc=0.992,
    largest_score_difference=0.01,
    cpu="a CPU",
    date="2026-11-21",
    savings=(),
)


@pytest.fixture
def info(tmp_path: Path) -> ModelInfo:
    write_metadata(tmp_path)
    return read_model_info(tmp_path).network


@pytest.mark.parametrize(
    ("changes", "passed"),
    [
        ({}, True),
        ({"mask_dice_mean": 0.995, "auc": 0.9901, "reference_auc": 0.992}, True),
        ({"mask_dice_mean": 0.9949}, False),
        ({"auc": 0.9899}, False),
        ({"auc": 0.999}, True),
        ({"patients": 4}, False),
    ],
)
def test_limits_of_the_gate(changes: dict[str, Any], passed: bool) -> None:
    assert replace(GOOD, **changes).passes() is passed


def test_what_was_shown_is_kept_for_these_weights_only(info: ModelInfo) -> None:
    assert not agrees(info, engine="openvino", precision="bf16")
    write_precision_check(info, replace(GOOD, auc=0.9))
    assert not agrees(info, engine="openvino", precision="bf16")
    write_precision_check(info, GOOD)
    assert read_precision_checks(info) == [GOOD]
    assert agrees(info, engine="openvino", precision="bf16")
    assert not agrees(info, engine="onnxruntime", precision="bf16")
    retrained = replace(info, digest="1" * 64)
    assert read_precision_checks(retrained) == []
    assert choose_precision(retrained, "auto") == "f32"


def test_a_precision_shown_with_the_savings_in_use_counts_first(info: ModelInfo) -> None:
    inference = replace(info.inference, crop_to_head=True)
    saving = replace(info, inference=inference)
    write_precision_check(info, GOOD)
    assert agrees(saving, engine="openvino", precision="bf16")
    write_precision_check(info, replace(GOOD, savings=("crop_to_head",), mask_dice_mean=0.9))
    assert len(read_precision_checks(info)) == 2
    assert not agrees(saving, engine="openvino", precision="bf16")
    assert agrees(info, engine="openvino", precision="bf16")


@pytest.mark.parametrize(
    "content",
    [
        "[",
        "[]",
        "{}",
        {"schema": 1},
        {"checks": {}},
        {"checks": [{"engine": "openvino", "precision": "bf16", "passed": True}]},
        {"checks": [vars(GOOD) | {"mask_dice_mean": "1"}]},
        {"checks": [vars(GOOD) | {"mask_dice_mean": 7}]},
    ],
)
def test_a_file_that_does_not_fit_shows_nothing(info: ModelInfo, content: Any) -> None:
    path = write_precision_check(info, GOOD)
    if isinstance(content, dict):
        content = json.dumps(json.loads(path.read_text()) | content)
    path.write_text(content)
    assert not agrees(info, engine="openvino", precision="bf16")
    assert choose_precision(info, "auto") == "f32"


@pytest.mark.parametrize(
    ("wanted", "engine", "shown", "chosen"),
    [
        ("auto", "auto", True, "bf16"),
        ("auto", "auto", False, "f32"),
        ("auto", "openvino", True, "bf16"),
        ("auto", "onnxruntime", True, "f32"),
        ("auto", "keras", True, "f32"),
        ("f32", "auto", True, "f32"),
        ("bf16", "auto", True, "bf16"),
    ],
)
def test_precision_follows_what_was_shown(
    info: ModelInfo, wanted: str, engine: str, shown: bool, chosen: str
) -> None:
    if shown:
        write_precision_check(info, GOOD)
    assert choose_precision(info, wanted, engine=engine) == chosen


@pytest.mark.parametrize(
    ("wanted", "engine", "named"),
    [
        ("bf16", "auto", "bf16"),
        ("bf16", "keras", "keras"),
        ("int4", "auto", "int4"),
        ("auto", "cuda", "cuda"),
    ],
)
def test_a_precision_that_cannot_be_is_refused(
    info: ModelInfo, wanted: str, engine: str, named: str
) -> None:
    with pytest.raises(InputError) as refused:
        choose_precision(info, wanted, engine=engine)
    assert named in refused.value.message


def write_ranges_of(info: ModelInfo, largest: float) -> ModelInfo:
    ranges = Int8Ranges(
        keras_digest=info.digest, patients=9, slices=9, date="now", largest={"conv": largest}
    )
    write_ranges(info.folder, ranges)
    return read_network(info.folder, task=info.task)


@pytest.mark.parametrize(
    ("instructions", "chosen"),
    [
        (("avx2", "fma"), "int8"),
        (("avx2", "avx512f", "avx512_vnni"), "int8"),
        (("avx2", "avx512_vnni", "avx512_bf16"), "bf16"),
        (("avx2", "amx_bf16"), "bf16"),
        ((), "bf16"),
    ],
)
def test_auto_is_what_the_processor_is_fast_at(
    info: ModelInfo, monkeypatch: pytest.MonkeyPatch, instructions: tuple[str, ...], chosen: str
) -> None:
    monkeypatch.setattr(selection, "instruction_sets", lambda: list(instructions))
    ranged = write_ranges_of(info, 2.5)
    write_precision_check(ranged, GOOD)
    write_precision_check(ranged, replace(GOOD, precision="int8", ranges=ranges_of(ranged, "int8")))
    assert choose_precision(ranged, "auto") == chosen


def test_int8_is_shown_for_exactly_these_ranges(
    info: ModelInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selection, "instruction_sets", lambda: ["avx2"])
    ranged = write_ranges_of(info, 2.5)
    write_precision_check(ranged, replace(GOOD, precision="int8", ranges=ranges_of(ranged, "int8")))
    assert choose_precision(ranged, "auto") == "int8"
    assert choose_precision(write_ranges_of(info, 2.6), "auto") == "f32"
    (info.folder / RANGES_FILE).write_text('{"largest": {"conv": -1}}')
    altered = read_network(info.folder, task=info.task)
    assert altered.ranges is None
    assert choose_precision(altered, "auto") == "f32"
    with pytest.raises(InputError, match="int8"):
        choose_precision(altered, "int8")


def test_without_openvino_nothing_answers_at_less_than_float32(
    info: ModelInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_precision_check(info, GOOD)
    find = selection.find_spec
    monkeypatch.setattr(
        selection, "find_spec", lambda name: None if name == "openvino" else find(name)
    )
    assert choose_precision(info, "auto") == "f32"
    assert selection.fastest_engine("auto") == "onnxruntime"
