from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from tiny_classifiers import COMPLETE, SIDE, make_images

from pipeline.classifiers.features import FeatureCache
from pipeline.classifiers.network import Head, build_network
from pipeline.classifiers.strategies import TrainedPart

pytestmark = pytest.mark.slow


@pytest.fixture
def base() -> keras.Model:
    keras.utils.set_random_seed(1)
    part = TrainedPart(None, "features")
    network = build_network(COMPLETE, 2, side=SIDE, part=part, head=Head())
    assert network.frozen is not None
    return network.frozen


def test_features_are_those_of_the_base_in_the_images_order(base: keras.Model) -> None:
    images = make_images(6).images
    cache = FeatureCache(base, "tiny", None)
    expected = base.predict(images, verbose=0)
    np.testing.assert_allclose(cache.features(images), expected, rtol=1e-5)
    np.testing.assert_allclose(cache.features(images[[4, 1, 4]]), expected[[4, 1, 4]], rtol=1e-5)
    assert cache.computed == 6


def test_features_are_read_back_and_only_new_images_are_computed(
    base: keras.Model, tmp_path: Path
) -> None:
    images = make_images(6).images
    before = FeatureCache(base, "tiny", tmp_path).features(images)
    cache = FeatureCache(base, "tiny", tmp_path)
    np.testing.assert_array_equal(cache.features(images), before)
    assert cache.computed == 0
    cache.features(np.concatenate([images, make_images(2, seed=5).images]))
    assert cache.computed == 2


def test_a_changed_pixel_a_changed_weight_or_another_input_is_computed_anew(
    base: keras.Model, tmp_path: Path
) -> None:
    images = make_images(2).images
    FeatureCache(base, "tiny", tmp_path).features(images)
    changed = images.copy()
    changed[0, 3, 3, 0] += 1
    cache = FeatureCache(base, "tiny", tmp_path)
    cache.features(changed)
    assert cache.computed == 1
    other = FeatureCache(base, "tiny, not normalised", tmp_path)
    other.features(images)
    assert other.computed == 2
    kernel, bias = base.get_layer("conv2").get_weights()
    base.get_layer("conv2").set_weights([kernel, bias + 1])
    retrained = FeatureCache(base, "tiny", tmp_path)
    retrained.features(images)
    assert (retrained.computed, retrained.digest != cache.digest) == (2, True)


@pytest.mark.parametrize("damage", ["cut", "shape", "nan", "pickle"])
def test_damaged_files_are_computed_anew(base: keras.Model, tmp_path: Path, damage: str) -> None:
    images = make_images(3).images
    first = FeatureCache(base, "tiny", tmp_path)
    expected = first.features(images)
    (path,) = tmp_path.glob("*/*.npz")
    with np.load(path) as file:
        digests, features = file["digests"], file["features"]
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:100])
    elif damage == "shape":
        np.savez(path, digests=digests, features=features[:, :2])
    elif damage == "nan":
        np.savez(path, digests=digests, features=features * np.nan)
    else:
        np.savez(path, digests=digests, features=np.array([{}, {}, {}], object))
    again = FeatureCache(base, "tiny", tmp_path)
    np.testing.assert_array_equal(again.features(images), expected)
    assert again.computed == 3
