from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny_classifiers import COMPLETE, FILE, PARTLY, SIDE, write_weights

from pipeline.classifiers.bases.architecture import Architecture
from pipeline.classifiers.network import Head, build_network
from pipeline.classifiers.strategies import (
    Strategy,
    TrainedPart,
    choose_part,
    strategy_label,
)
from pipeline.classifiers.weights import FEATURES, NotRun, WeightsSource, load_weights
from pipeline.errors import InputError


def build_whole(architecture: Architecture = COMPLETE):  # type: ignore[no-untyped-def]
    part = TrainedPart(None, None)
    return build_network(architecture, 2, side=SIDE, part=part, head=Head()).model


def test_weights_are_set_layer_by_layer(tmp_path: Path) -> None:
    write_weights(tmp_path)
    model = build_whole()
    assert load_weights(model, COMPLETE, WeightsSource(tmp_path)).label == "ImageNet, all layers"
    with np.load(tmp_path / FILE) as file:
        for name in ("conv1", "conv2"):
            kernel, _ = model.get_layer(name).get_weights()
            np.testing.assert_array_equal(kernel, file[f"{name}/kernel"].astype(np.float32))
    assert model.get_layer("conv1_bn").get_weights()[0].tolist() == [2, 2, 2, 2]


def test_a_part_is_loaded_to_its_last_layer_and_no_further(tmp_path: Path) -> None:
    write_weights(tmp_path, parts=("conv1",))
    model = build_whole(PARTLY)
    before = model.get_layer("conv2").get_weights()[0].copy()
    coverage = load_weights(model, PARTLY, WeightsSource(tmp_path))
    assert (coverage.label, coverage.complete) == ("ImageNet, conv1", False)
    assert model.get_layer("conv1_bn").get_weights()[0].tolist() == [2, 2, 2, 2]
    np.testing.assert_array_equal(model.get_layer("conv2").get_weights()[0], before)


def test_without_a_file_a_base_is_random(tmp_path: Path) -> None:
    assert load_weights(build_whole(), COMPLETE, WeightsSource(tmp_path)).label == "random"
    assert load_weights(build_whole(), COMPLETE, WeightsSource()).random


def test_a_file_that_lacks_what_it_should_hold_is_refused(tmp_path: Path) -> None:
    write_weights(tmp_path, parts=("conv1",))
    with pytest.raises(InputError) as raised:
        load_weights(build_whole(), COMPLETE, WeightsSource(tmp_path))
    assert raised.value.source == "conv2/kernel"


def test_weights_of_another_shape_or_not_finite_are_refused(tmp_path: Path) -> None:
    write_weights(tmp_path)
    with np.load(tmp_path / FILE) as file:
        arrays = dict(file)
    for kernel in (np.zeros((1, 1, 3, 4)), np.full((3, 3, 3, 4), np.nan)):
        np.savez(tmp_path / FILE, **(arrays | {"conv1/kernel": kernel}))
        with pytest.raises(InputError, match=r"conv1/kernel must be \(3, 3, 3, 4\) finite"):
            load_weights(build_whole(), COMPLETE, WeightsSource(tmp_path))


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"not weights")
    with pytest.raises(InputError, match=r"tiny\.npz cannot be read as weights"):
        load_weights(build_whole(), COMPLETE, WeightsSource(tmp_path))


@pytest.mark.parametrize(
    ("architecture", "strategy", "expected", "label"),
    [
        (COMPLETE, Strategy.HEAD, TrainedPart(None, FEATURES), "1"),
        (COMPLETE, Strategy.ALL, TrainedPart(None, None), "2"),
        (PARTLY, Strategy.CUT, TrainedPart("conv1_out", FEATURES), "1, without conv2"),
        (PARTLY, Strategy.REST, TrainedPart(None, "conv1_out"), "1, conv2 trained"),
        (PARTLY, Strategy.ALL, TrainedPart(None, None), "2"),
    ],
)
def test_what_is_frozen(
    tmp_path: Path,
    architecture: Architecture,
    strategy: Strategy,
    expected: TrainedPart,
    label: str,
) -> None:
    write_weights(tmp_path)
    coverage = WeightsSource(tmp_path).coverage(architecture)
    assert choose_part(strategy, architecture, coverage) == expected
    assert strategy_label(strategy, architecture) == label


@pytest.mark.parametrize(
    ("architecture", "strategy", "weights", "named"),
    [
        (COMPLETE, Strategy.HEAD, False, COMPLETE.title),
        (PARTLY, Strategy.CUT, False, PARTLY.title),
        (PARTLY, Strategy.HEAD, True, "conv2"),
        (COMPLETE, Strategy.REST, True, COMPLETE.title),
    ],
)
def test_nothing_random_is_ever_frozen(
    tmp_path: Path, architecture: Architecture, strategy: Strategy, weights: bool, named: str
) -> None:
    if weights:
        write_weights(tmp_path)
    with pytest.raises(NotRun, match=re.escape(named)):
        choose_part(strategy, architecture, WeightsSource(tmp_path).coverage(architecture))


def test_a_download_that_fails_is_not_run() -> None:
    def offline() -> None:
        raise Exception("URL fetch failure")

    architecture = replace(COMPLETE, published=offline)
    source = WeightsSource(download=True)
    assert source.coverage(architecture).label == "ImageNet, all layers"
    with pytest.raises(NotRun, match="weights of Tiny could not be downloaded"):
        load_weights(build_whole(), architecture, source)


def test_downloaded_weights_are_taken_by_layer() -> None:
    model, published = build_whole(), build_whole()
    architecture = replace(COMPLETE, published=lambda: published)
    assert load_weights(model, architecture, WeightsSource(download=True)).complete
    for name in ("conv1", "conv1_bn", "conv2"):
        for ours, theirs in zip(
            model.get_layer(name).get_weights(),
            published.get_layer(name).get_weights(),
            strict=True,
        ):
            np.testing.assert_array_equal(ours, theirs)
