"""OpenVINO graphs written layer by layer: Keras's answers, for slices of any size."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.engine.base import StageSettings
from pipeline.engine.openvino_engine import OpenVinoStage, convert
from pipeline.engine.openvino_graph import UnknownLayerError, build_graph

# Keras and TensorFlow warn of their own and NumPy's coming changes when they are imported.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
    pytest.mark.slow,
]


@pytest.fixture(scope="module")
def stages() -> Any:
    """Both stages with random weights, those of batch normalisation too."""
    import keras

    from pipeline.models.resunet import build_resunet, split_stages

    keras.utils.set_random_seed(1)
    model = build_resunet(None)
    rng = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            shape = layer.gamma.shape
            layer.set_weights([rng.uniform(0.5, 1.5, shape) for _ in range(4)])
        elif getattr(layer, "use_bias", False):
            kernel, bias = layer.get_weights()
            layer.set_weights([kernel, rng.normal(size=bias.shape)])
    return split_stages(model)


@pytest.mark.parametrize("shape", [(1, 32, 32), (2, 64, 96)])
def test_a_written_graph_answers_as_keras_does(
    stages: Any, shape: tuple[int, int, int], tmp_path: Path
) -> None:
    written = []
    for name, stage in zip(("first", "second"), stages, strict=True):
        convert(stage, tmp_path / f"{name}.xml")
        written.append(OpenVinoStage(tmp_path / f"{name}.xml"))
    slices = np.random.default_rng(2).normal(size=(*shape, 5)).astype(np.float32)
    score, *features = written[0].predict([slices])
    (mask,) = written[1].predict(features)
    expected, *maps = (np.asarray(part) for part in stages[0]([slices]))
    np.testing.assert_allclose(score, expected, atol=1e-5)
    for given, right in zip(features, maps, strict=True):
        assert given.shape == right.shape
        np.testing.assert_allclose(given, right, rtol=1e-3, atol=1e-3 * np.abs(right).max())
    np.testing.assert_allclose(mask, np.asarray(stages[1](maps)), atol=1e-4)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_parts_of_a_batch_that_are_answered_at_once_keep_their_order(
    stages: Any, tmp_path: Path, count: int
) -> None:
    path = tmp_path / "first.xml"
    convert(stages[0], path)
    slices = np.random.default_rng(3).normal(size=(count, 32, 64, 5)).astype(np.float32)
    expected = OpenVinoStage(path).predict([slices])
    stage = OpenVinoStage(path, StageSettings(threads=2, streams=2))
    for _ in range(2):
        for given, right in zip(stage.predict([slices]), expected, strict=True):
            np.testing.assert_allclose(given, right, rtol=1e-4, atol=1e-4)


def make_unknown(kind: str) -> Any:
    """A network with one layer that cannot be written without a change of its answers."""
    import keras
    from keras import layers

    slices = keras.Input((32, 32, 3))
    answer = {
        "another layer": lambda: layers.DepthwiseConv2D(3)(slices),
        "an activation": lambda: layers.Conv2D(2, 3, activation="relu")(slices),
        "padding by size": lambda: layers.Conv2D(2, 3, strides=2, padding="same")(slices),
        "other enlarging": lambda: layers.Conv2D(2, 3, padding="same")(
            layers.UpSampling2D(2, interpolation="bilinear")(slices)
        ),
        "negative maximum": lambda: layers.MaxPooling2D(2)(layers.ZeroPadding2D(1)(slices)),
        "padding of the answer": lambda: layers.ReLU()(layers.ZeroPadding2D(1)(slices)),
    }[kind]()
    return keras.Model(slices, answer)


@pytest.mark.parametrize(
    "kind",
    [
        "another layer",
        "an activation",
        "padding by size",
        "other enlarging",
        "negative maximum",
        "padding of the answer",
    ],
)
def test_what_cannot_be_written_is_refused(kind: str) -> None:
    with pytest.raises(UnknownLayerError):
        build_graph(make_unknown(kind))
