import keras
import numpy as np
import pytest

from pipeline.models.resnet_classifier import build_resnet18, load_imagenet_weights
from pipeline.models.resunet import build_resunet


@pytest.fixture(autouse=True)
def seeded():
    keras.utils.set_random_seed(0)


def batch(size):
    return np.random.default_rng(0).normal(size=(2, size, size, 3)).astype(np.float32)


@pytest.mark.parametrize(
    ("build", "shape"),
    [(lambda: build_resnet18(32), (2, 1)), (lambda: build_resunet(32, features=2), (2, 32, 32, 1))],
)
def test_a_tiny_model_answers_the_same_after_saving(build, shape, tmp_path):
    model = build()
    answer = model(batch(32), training=False).numpy()
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", compile=False, safe_mode=True)
    assert answer.shape == shape
    assert np.all((answer >= 0) & (answer <= 1))
    np.testing.assert_allclose(loaded(batch(32), training=False).numpy(), answer, atol=1e-6)


def test_the_location_output_exists_in_training_only():
    answer = build_resnet18(64, with_location=True)(batch(64), training=False)
    assert answer["location"].shape == (2, 4, 4, 1)
    assert "location" not in [layer.name for layer in build_resnet18(64).layers]


def test_features_double_down_to_the_bottleneck():
    model = build_resunet(64, features=4)
    features = [model.get_layer(f"encoder{k}_relu").output.shape[-1] for k in range(4)]
    assert features == [4, 8, 16, 32]
    assert model.get_layer("bottleneck_relu").output.shape[1:] == (4, 4, 64)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: build_resnet18(40), "input_size must be a positive multiple of 32, got 40"),
        (lambda: build_resunet(20), "input_size must be a positive multiple of 16, got 20"),
        (lambda: build_resunet(32, features=0), "features must be positive, got 0"),
    ],
)
def test_wrong_arguments_state_the_rule_and_the_value(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_imagenet_weights_reach_their_convolutions(tmp_path):
    model = build_resnet18(32)
    kernel = np.full((3, 3, 64, 64), 0.5, np.float16)
    bias = np.arange(64, dtype=np.float32)
    np.savez(
        tmp_path / "w.npz",
        **{
            "layer1/0/conv2/kernel": kernel,
            "layer1/0/conv2/bias": bias,
            "layer4/0/conv1/bias": np.zeros(512, np.float32),
        },
    )
    before = model.get_layer("stage4_block0_1_conv").get_weights()[0]
    assert load_imagenet_weights(model, tmp_path / "w.npz") == 1
    stored_kernel, stored_bias = model.get_layer("stage1_block0_2_conv").get_weights()
    np.testing.assert_array_equal(stored_kernel, kernel)
    np.testing.assert_array_equal(stored_bias, bias)
    np.testing.assert_array_equal(model.get_layer("stage4_block0_1_conv").get_weights()[0], before)
