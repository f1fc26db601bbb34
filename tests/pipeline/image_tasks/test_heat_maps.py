import io

import numpy as np
import pytest
from PIL import Image
from tiny_images import SIZE, build_network

from pipeline.image_tasks.heat_maps import display_grey, draw_overlay, encode_png, scale_activation
from pipeline.image_tasks.runtimes import KerasNetwork
from pipeline.models.quiet_keras import import_keras


@pytest.mark.parametrize("answered", range(3))
def test_the_map_is_grad_cam_as_real_gradients_give_it(answered: int) -> None:
    """Selvaraju et al. 2017: maps weighted by the class score's mean gradient, then ReLU."""
    keras = import_keras()
    import tensorflow as tf

    keras.utils.set_random_seed(4)
    model = build_network(classes=3)
    kernel = np.random.default_rng(7).normal(size=(4, 4, 3, 2))
    model.get_layer("maps").set_weights([kernel, np.zeros(2)])
    model.layers[-1].set_weights([np.array([[1, -1, 0.5], [-0.5, 1, 0.3]]), np.zeros(3)])
    image = np.random.default_rng(1).uniform(0, 255, (1, SIZE, SIZE, 3)).astype(np.float32)
    dense = model.layers[-1]
    tail = keras.Model(model.get_layer("maps").output, model.get_layer("features").output)
    maps = keras.Model(model.input, model.get_layer("maps").output)(image)
    with tf.GradientTape() as tape:
        tape.watch(maps)
        scores = tf.matmul(tail(maps), dense.kernel) + dense.bias
        score = scores[0, answered]
    weights = tf.reduce_mean(tape.gradient(score, maps), axis=(1, 2))
    grad_cam = np.maximum(np.einsum("hwf,f->hw", maps[0], weights[0]), 0)
    activations = KerasNetwork(model).answer(image).activations[0, ..., answered]
    assert grad_cam.max() > 0
    np.testing.assert_allclose(
        scale_activation(activations), grad_cam / grad_cam.max(), rtol=1e-4, atol=1e-5
    )


def test_activations_are_scaled_to_their_peak_and_negative_ones_are_nothing() -> None:
    np.testing.assert_allclose(scale_activation(np.array([[-1.0, 2.0, 4.0]])), [[0, 0.5, 1]])
    np.testing.assert_array_equal(scale_activation(np.array([[-1.0, -2.0]])), [[0, 0]])


def test_the_overlay_leaves_the_image_where_nothing_speaks() -> None:
    grey = np.array([[10, 200]], np.uint8)
    drawn = draw_overlay(grey, np.array([[0.0, 1.0]], np.float32))
    assert drawn[0, 0].tolist() == [10, 10, 10]
    assert drawn[0, 1].tolist() != [200, 200, 200]
    decoded = np.asarray(Image.open(io.BytesIO(encode_png(drawn))))
    np.testing.assert_array_equal(decoded, drawn)


def test_any_range_is_shown() -> None:
    assert display_grey(np.zeros((3, 3), np.float32)).max() == 0
    ramp = np.linspace(-500, 3000, 1000, dtype=np.float32)[None]
    shown = display_grey(ramp)
    assert (shown.min(), shown.max()) == (0, 255)
