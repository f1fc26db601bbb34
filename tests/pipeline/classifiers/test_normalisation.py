import numpy as np
from tiny_classifiers import COMPLETE

from pipeline.classifiers.normalisation import refresh_normalisation
from pipeline.models.quiet_keras import import_keras


def test_running_means_become_those_of_the_images() -> None:
    keras = import_keras()
    pixels = keras.Input((32, 32, 3))
    model = keras.Model(pixels, COMPLETE.build(pixels))
    images = np.random.default_rng(1).integers(0, 255, (12, 32, 32, 3), dtype=np.uint8)
    convolved = keras.Model(pixels, model.get_layer("conv1").output)(images.astype(np.float32))
    kernel = model.get_layer("conv1").get_weights()[0]
    refresh_normalisation(model, images, batch_size=4, seed=0)
    gamma, beta, mean, variance = model.get_layer("conv1_bn").get_weights()
    np.testing.assert_allclose(mean, np.mean(convolved, axis=(0, 1, 2)), rtol=1e-3)
    batches = np.asarray(convolved).var(axis=(0, 1, 2))
    np.testing.assert_allclose(variance, batches, rtol=0.05)
    np.testing.assert_array_equal(gamma, 1)
    np.testing.assert_array_equal(beta, 0)
    np.testing.assert_array_equal(model.get_layer("conv1").get_weights()[0], kernel)
    assert model.get_layer("conv1_bn").momentum == 0.99
