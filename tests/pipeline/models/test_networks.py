import keras
import numpy as np
import pytest

from pipeline.errors import InputError
from pipeline.models.resnet_classifier import load_imagenet_weights
from pipeline.models.resunet import build_resunet, make_sample_slices, split_stages


@pytest.fixture(autouse=True)
def seeded():
    keras.utils.set_random_seed(0)


def batch(size, channels=5):
    return np.random.default_rng(0).normal(size=(2, size, size, channels)).astype(np.float32)


def test_a_tiny_network_answers_the_same_after_saving(tmp_path):
    model = build_resunet(32)
    answer = model(batch(32), training=False)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", compile=False, safe_mode=True)
    again = loaded(batch(32), training=False)
    assert answer["score"].shape == (2, 1)
    assert answer["mask"].shape == (2, 32, 32, 1)
    for name in ("score", "mask"):
        assert np.all((answer[name] >= 0) & (answer[name] <= 1))
        np.testing.assert_allclose(again[name].numpy(), answer[name].numpy(), atol=1e-6)


def test_both_stages_together_are_the_network():
    model = build_resunet(64)
    whole = model(batch(64), training=False)
    first, second = split_stages(model)
    score, *features = first([batch(64)], training=False)
    assert [tuple(f.shape[1:]) for f in features] == [
        (32, 32, 64),
        (16, 16, 64),
        (8, 8, 128),
        (4, 4, 256),
        (2, 2, 256),
    ]
    np.testing.assert_allclose(score.numpy(), whole["score"].numpy(), atol=1e-6)
    mask = second(features, training=False)
    np.testing.assert_allclose(mask.numpy(), whole["mask"].numpy(), atol=1e-6)


def test_the_location_output_exists_in_training_only():
    answer = build_resunet(64, with_location=True)(batch(64), training=False)
    assert answer["location"].shape == (2, 4, 4, 1)
    assert "location" not in [layer.name for layer in build_resunet(64).layers]


def test_a_score_does_not_hang_on_the_empty_border():
    model = build_resunet(None)
    small = np.zeros((1, 64, 64, 5), np.float32)
    small[0, 16:48, 16:48] = batch(32)[0]
    large = np.pad(small, ((0, 0), (32, 32), (32, 32), (0, 0)))
    one, other = (float(model(x, training=False)["score"][0, 0]) for x in (small, large))
    assert one == pytest.approx(other, abs=0.02)


@pytest.mark.parametrize("size", [40, 0, -32])
def test_wrong_sizes_state_the_rule_and_the_value(size):
    with pytest.raises(
        ValueError, match=f"input_size must be a positive multiple of 32, got {size}"
    ):
        build_resunet(size)


def test_imagenet_weights_reach_their_convolutions(tmp_path):
    model = build_resunet(32)
    kernel = np.full((3, 3, 64, 64), 0.5, np.float16)
    stem = np.random.default_rng(0).normal(size=(7, 7, 3, 64)).astype(np.float16)
    bias = np.arange(64, dtype=np.float32)
    np.savez(
        tmp_path / "w.npz",
        **{
            "conv1/kernel": stem,
            "conv1/bias": bias,
            "layer1/0/conv2/kernel": kernel,
            "layer1/0/conv2/bias": bias,
            "layer4/0/conv1/kernel": np.zeros((3, 3, 256, 512), np.float16),
        },
    )
    before = model.get_layer("stage4_block0_1_conv").get_weights()[0]
    load_imagenet_weights(model, tmp_path / "w.npz")
    stored_kernel, stored_bias = model.get_layer("stage1_block0_2_conv").get_weights()
    np.testing.assert_array_equal(stored_kernel, kernel)
    np.testing.assert_array_equal(stored_bias, bias)
    np.testing.assert_array_equal(model.get_layer("stage4_block0_1_conv").get_weights()[0], before)
    stored_stem = model.get_layer("stem_conv").get_weights()[0]
    np.testing.assert_array_equal(stored_stem[:, :, :3], stem)
    assert not stored_stem[:, :, 3:].any(), "training begins with the slice alone"
    np.savez(tmp_path / "other.npz", **{"conv2/kernel": kernel})
    np.savez(tmp_path / "shape.npz", **{"conv1/kernel": bias, "conv1/bias": bias})
    (tmp_path / "damaged.npz").write_bytes(b"PK")
    for name in ("other.npz", "shape.npz", "damaged.npz"):
        with pytest.raises(InputError, match=f"{name} does not hold"):
            load_imagenet_weights(model, tmp_path / name)


def test_runtimes_are_compared_on_slices_that_differ():
    samples = make_sample_slices(32)
    assert samples.shape == (6, 32, 32, 5)
    assert samples.dtype == np.float32
    assert len(np.unique(samples.reshape(6, -1), axis=0)) == 6
    assert (samples == make_sample_slices(32)).all()
