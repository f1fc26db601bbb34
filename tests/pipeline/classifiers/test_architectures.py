from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

import pipeline.classifiers.bases as bases
from pipeline.classifiers.bases.architecture import InputKind, channel_map
from pipeline.classifiers.bases.registry import ARCHITECTURES, find_architecture
from pipeline.classifiers.network import Head, build_network, feature_layer
from pipeline.classifiers.strategies import Strategy, TrainedPart, choose_part
from pipeline.classifiers.weights import WeightsSource, covered_layers, load_weights
from pipeline.errors import InputError
from pipeline.models.registry import load_keras_model, read_model_info

pytestmark = pytest.mark.slow

WHOLE = TrainedPart(None, None)
MODELS = Path(__file__).resolve().parents[3] / "models"
WEIGHTS = Path(__file__).resolve().parents[4] / "shared" / "weights"


def test_the_registry_holds_every_file_of_bases() -> None:
    files = {path.stem for path in Path(bases.__path__[0]).glob("*.py")}
    assert set(ARCHITECTURES) == files - {"__init__", "architecture", "registry"}
    wanted = {"resnet18", "resnet50", "resnet50v2", "vgg16", "vgg19", "densenet169"}
    assert wanted <= set(ARCHITECTURES)


def test_an_unknown_architecture_is_reported_with_those_that_are_known() -> None:
    with pytest.raises(InputError, match="resnet9"):
        find_architecture("resnet9")


@pytest.mark.parametrize("name", ["resnet18", "mobilenetv2"])
def test_a_network_answers_probabilities_and_names_where_it_looks(name: str) -> None:
    architecture = find_architecture(name)
    network = build_network(architecture, 3, side=32, part=WHOLE, head=Head())
    answer = np.asarray(network.model(np.zeros((2, 32, 32, 3), np.float32)))
    assert answer.shape == (2, 3)
    np.testing.assert_allclose(answer.sum(axis=1), 1, rtol=1e-5)
    maps = feature_layer(network.model).output
    assert len(maps.shape) == 4
    assert network.model.get_layer("features").output.shape[-1] == maps.shape[-1]


def test_the_encoder_pair_computes_what_the_shipped_encoders_compute() -> None:
    architecture = find_architecture("encoderpair")
    model = build_network(architecture, 2, side=256, part=WHOLE, head=Head()).model
    coverage = load_weights(model, architecture, WeightsSource())
    assert coverage.complete
    pixels = np.random.default_rng(3).integers(0, 80, (1, 256, 256, 1)).astype(np.float32)
    pixels[:, :40] = 0
    features = keras.Model(model.input, model.get_layer("features").output)
    given = np.asarray(features(np.repeat(pixels, 3, axis=-1)))
    assert given.shape == (1, sum(architecture.parts))
    head = pixels[pixels > 10]
    standardised = (pixels - head.mean()) / head.std()
    shipped = load_keras_model(read_model_info(MODELS).network)
    stage = keras.Model(shipped.input, shipped.get_layer("stage2_block1_relu").output)
    expected = np.asarray(stage(np.repeat(standardised, 5, axis=-1))).max(axis=(1, 2))
    np.testing.assert_allclose(given[:, :128], expected, rtol=1e-3, atol=1e-3)


def test_resnet18_ends_at_512_features_and_its_covered_part_at_256() -> None:
    model = build_network(find_architecture("resnet18"), 2, side=64, part=WHOLE, head=Head()).model
    assert model.get_layer("stage4_block1_relu").output.shape[1:] == (2, 2, 512)
    assert model.get_layer("stage3_block1_relu").output.shape[1:] == (4, 4, 256)


@pytest.mark.parametrize(
    ("kind", "normalise", "pixel", "expected"),
    [
        (InputKind.CAFFE, True, (123.68, 116.779, 104.939), (1.0, 0.0, 0.0)),
        (InputKind.CAFFE, False, (1.0, 2.0, 3.0), (3.0, 2.0, 1.0)),
        (InputKind.TORCH, True, (0.485 * 255, 0.68 * 255, 0.406 * 255), (0.0, 1.0, 0.0)),
        (InputKind.TORCH, False, (255.0, 0.0, 51.0), (1.0, 0.0, 0.2)),
        (InputKind.TF, True, (255.0, 0.0, 127.5), (1.0, -1.0, 0.0)),
        (InputKind.TF, False, (255.0, 0.0, 51.0), (1.0, 0.0, 0.2)),
    ],
)
def test_channel_map(
    kind: InputKind,
    normalise: bool,
    pixel: tuple[float, ...],
    expected: tuple[float, ...],
) -> None:
    matrix, offset = channel_map(kind, normalise=normalise)
    np.testing.assert_allclose(np.array(pixel) @ np.array(matrix) + offset, expected, atol=1e-5)


@pytest.mark.parametrize(("kind", "mode"), [(k, k.value) for k in InputKind])
def test_channel_map_is_that_of_keras(kind: InputKind, mode: str) -> None:
    from keras.src.applications.imagenet_utils import preprocess_input

    pixels = np.random.default_rng(0).uniform(0, 255, (1, 4, 4, 3)).astype(np.float32)
    matrix, offset = channel_map(kind, normalise=True)
    expected = preprocess_input(pixels.copy(), mode=mode)
    np.testing.assert_allclose(pixels @ np.array(matrix) + offset, expected, atol=1e-3)


@pytest.mark.data
@pytest.mark.skipif(not WEIGHTS.is_dir(), reason="needs the public weights beside the checkout")
@pytest.mark.parametrize("name", ["resnet18", "resnet50", "densenet169", "mobilenetv2"])
def test_the_public_weights_reach_as_far_as_the_registry_says(name: str) -> None:
    architecture, source = find_architecture(name), WeightsSource(WEIGHTS)
    coverage = source.coverage(architecture)
    strategy = Strategy.HEAD if coverage.complete else Strategy.REST
    part = choose_part(strategy, architecture, coverage)
    model = build_network(architecture, 2, side=32, part=part, head=Head()).model
    before = {layer.name: layer.get_weights() for layer in model.layers if layer.variables}
    load_weights(model, architecture, source)
    changed = {
        name
        for name, arrays in before.items()
        if any(map(np.any, map(np.not_equal, arrays, model.get_layer(name).get_weights())))
    }
    assert changed == {layer.name for layer in covered_layers(model, coverage)}
    kinds = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)
    covered = [layer for layer in covered_layers(model, coverage) if isinstance(layer, kinds)]
    assert len(covered) == {"resnet18": 15, "resnet50": 43, "densenet169": 168}.get(name, 52)
