"""Where the classifier looked, against real gradients and by hand."""

from __future__ import annotations

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from tiny_images import SIZE, build_network

from pipeline.classifiers.network import with_activations
from pipeline.engine.grad_cam import (
    HeadWeights,
    compute_saliency,
    load_heads,
    read_heads,
    save_heads,
    scale_map,
)
from pipeline.engine.keras_engine import KerasStage
from pipeline.errors import InputError
from pipeline.models.resunet import build_resunet, split_stages

HEADS = HeadWeights(np.array([1.0, -2.0], np.float32), np.array([0.5], np.float32))


@pytest.fixture(scope="module")
def network() -> keras.Model:
    keras.utils.set_random_seed(3)
    return build_resunet(64)


def test_both_heads_are_added_where_they_speak_for_the_score() -> None:
    fine = np.zeros((1, 4, 4, 2), np.float32)
    fine[0, 0, 0] = 3, 1  # 3 - 2: for it
    fine[0, 0, 1] = 1, 1  # 1 - 2: against it
    coarse = np.zeros((1, 2, 2, 1), np.float32)
    coarse[0, 1, 1] = 4  # 2, over four cells

    expected = np.zeros((4, 4))
    expected[0, 0] = 1
    expected[2:, 2:] = 2
    assert compute_saliency([fine, coarse], HEADS)[0] == pytest.approx(expected)


def test_it_is_grad_cam(network: keras.Model) -> None:
    """The mean gradient of the score's logit, at the layers that the heads look at."""
    import tensorflow as tf

    rng = np.random.default_rng(1)
    slices = rng.normal(size=(1, 64, 64, 5)).astype(np.float32)
    names = ("stage3_block1_relu", "stage4_block0_relu")
    heads = read_heads(network)
    fine, coarse = (
        keras.Model(network.inputs, network.get_layer(name).output)([slices]) for name in names
    )
    evidence, whole = (network.get_layer(name) for name in ("evidence", "whole"))
    with tf.GradientTape() as tape:
        tape.watch(fine)
        tape.watch(coarse)
        near = tf.reduce_max(evidence(fine))
        logit = near + whole(tf.reduce_max(coarse, axis=(1, 2)))[0, 0]
    gradients = tape.gradient(logit, [fine, coarse])
    cams = []
    for features, gradient in zip((fine, coarse), gradients, strict=True):
        weights = tf.reduce_mean(gradient, axis=(1, 2))[0]
        cells = features.shape[1] * features.shape[2]
        cams.append(cells * np.maximum(features.numpy()[0] @ weights.numpy(), 0))
    expected = cams[0] + np.kron(cams[1], np.ones((2, 2)))

    stage_one, _ = split_stages(network)
    _, *features = stage_one.predict_on_batch([slices])
    assert compute_saliency(features, heads)[0] == pytest.approx(expected, rel=1e-4, abs=1e-5)
    assert expected.max() > 0


@pytest.mark.parametrize("answered", range(3))
def test_a_class_activation_map_is_grad_cam(answered: int) -> None:
    """The mean gradient of the class's logit, at the maps that are averaged."""
    import tensorflow as tf

    model = build_network(classes=3)
    kernel = np.random.default_rng(7).normal(size=(4, 4, 3, 2))
    model.get_layer("maps").set_weights([kernel, np.zeros(2)])
    dense = model.layers[-1]
    dense.set_weights([np.array([[1, -1, 0.5], [-0.5, 1, 0.3]]), np.zeros(3)])
    image = np.random.default_rng(1).uniform(0, 255, (1, SIZE, SIZE, 3)).astype(np.float32)
    tail = keras.Model(model.get_layer("maps").output, model.get_layer("features").output)
    maps = keras.Model(model.input, model.get_layer("maps").output)(image)
    with tf.GradientTape() as tape:
        tape.watch(maps)
        score = (tf.matmul(tail(maps), dense.kernel) + dense.bias)[0, answered]
    weights = tf.reduce_mean(tape.gradient(score, maps), axis=(1, 2))
    grad_cam = np.maximum(np.einsum("hwf,f->hw", maps[0], weights[0]), 0)
    probabilities, activations = KerasStage(with_activations(model)).predict([image])
    assert probabilities.shape == (1, 3)
    assert grad_cam.max() > 0
    np.testing.assert_allclose(
        scale_map(activations[0, ..., answered]),
        grad_cam / grad_cam.max(),
        rtol=1e-4,
        atol=1e-5,
    )


@pytest.mark.parametrize(
    ("activation", "shown"),
    [([[-1.0, 2.0, 4.0]], [[0, 0.5, 1]]), ([[-1.0, -2.0]], [[0, 0]]), ([[0.0]], [[0]])],
)
def test_what_speaks_against_an_answer_is_not_shown(activation, shown) -> None:
    np.testing.assert_allclose(scale_map(np.array(activation)), shown)


def test_heads_come_back_from_the_export(network: keras.Model, tmp_path: Path) -> None:
    heads = read_heads(network)
    assert heads.evidence.shape == (256,)
    save_heads(heads, tmp_path / "heads.json")
    again = load_heads(tmp_path / "heads.json")
    assert (again.evidence == heads.evidence).all()
    assert (again.whole == heads.whole).all()


@pytest.mark.parametrize(
    "content", [None, {}, {"evidence": []}, {"evidence": ["1"]}, {"evidence": [float("nan")]}]
)
def test_damaged_heads_are_reported(content: dict[str, object] | None, tmp_path: Path) -> None:
    path = tmp_path / "heads.json"
    if content is not None:
        path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match=r"heads\.json"):
        load_heads(path)
