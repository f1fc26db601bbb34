"""Fits the head of a network whose base is shipped already: regularised logistic regression.

Each part of the base gets a head of its own on its standardised features; the logits of the heads
are averaged. How strongly each is regularised is chosen by inner folds of the images that it learns
from, so that no held-out image takes part in any choice. Imports Keras.
"""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from pipeline.classifiers.bases.registry import find_architecture
from pipeline.classifiers.calibration import cross_entropy, join_mirrored
from pipeline.classifiers.cross_validation import Answer
from pipeline.classifiers.features import FeatureCache
from pipeline.classifiers.images import Augmentation, LabelledImages, Pixels, make_variant
from pipeline.classifiers.network import Head, Network, build_network
from pipeline.classifiers.strategies import TrainedPart
from pipeline.classifiers.weights import FEATURES, WeightsSource, load_weights
from pipeline.image_tasks.dataset import ImageSet
from pipeline.image_tasks.task import HeadRecipe

#: Inverse strengths of regularisation that are tried.
STRENGTHS = (10.0, 30.0, 100.0)
_INNER_FOLDS = 4
_STEPS = 200
_AUGMENTATION = Augmentation(flips=True, rotation_degrees=15, scale=0.15, shift=0.08, contrast=0.2)


@dataclass(frozen=True, eq=False)
class FittedHead:
    """A head: ``(features, classes)`` and ``(classes,)``, to logits."""

    kernel: NDArray[np.float64]
    bias: NDArray[np.float64]

    def probabilities(self, features: NDArray[np.floating]) -> NDArray[np.float64]:
        """Probabilities ``(n, classes)`` of features ``(n, features)``."""
        logits = features @ self.kernel + self.bias
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        found: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
        return found


@dataclass(frozen=True, eq=False)
class FittedNetwork:
    """The whole network with its head.

    Attributes:
        model: From pixels to probabilities.
        history: Cross-entropy and accuracy on the training images, one entry.
        initial_weights: What the base is.
        seconds: What fitting the head took.
    """

    model: keras.Model
    history: tuple[dict[str, float], ...]
    initial_weights: str
    seconds: float


class HeadTrainer:
    """Fits heads on the features of one base, which sees each image and its variants once.

    Args:
        image_set: The images of the task, whose recipe must be a `HeadRecipe`.
        folder: Where features are kept; None keeps them in memory alone.
    """

    def __init__(self, image_set: ImageSet, folder: Path | None) -> None:
        recipe = image_set.task.recipe
        if not isinstance(recipe, HeadRecipe):
            raise ValueError(f"{image_set.task.name} trains more than a head")
        self._recipe, self._images = recipe, image_set.labelled
        self._mirrored = image_set.task.mirrored
        self._architecture = find_architecture(recipe.architecture)
        self._network = self._build()
        assert self._network.frozen is not None
        identity = f"{recipe.architecture} {FEATURES} {self._side}"
        self._cache = FeatureCache(self._network.frozen, identity, folder)

    def learn(self, chosen: NDArray[np.intp]) -> Answer:
        """Fit a head to the images at some places; it answers images of the same size."""
        head = self.fit(chosen)

        def answer(images: Pixels) -> NDArray[np.float64]:
            upright = head.probabilities(self._cache.features(images))
            if not self._mirrored:
                return upright
            return join_mirrored(upright, head.probabilities(self._features_mirrored(images)))

        return answer

    def fit(self, chosen: NDArray[np.intp]) -> FittedHead:
        """Fit a head to the images at some places."""
        learned = self._images.pick(chosen)
        variants = [features[chosen] for features in self._variants]
        parts = self._architecture.parts or (variants[0].shape[1],)
        kernels, biases = [], []
        for start, end in itertools.pairwise((0, *np.cumsum(parts).tolist())):
            part = [features[:, start:end] for features in variants]
            kernel, bias = _fit_part(part, learned, seed=self._recipe.seed)
            kernels.append(kernel / len(parts))
            biases.append(bias / len(parts))
        return FittedHead(np.concatenate(kernels), np.sum(biases, axis=0))

    def fit_network(self, chosen: NDArray[np.intp]) -> FittedNetwork:
        """Fit the head to the images at some places, and put it into the network."""
        began = time.perf_counter()
        head = self.fit(chosen)
        seconds = time.perf_counter() - began
        self._network.model.layers[-1].set_weights([head.kernel, head.bias])
        labels = self._images.labels[chosen]
        found = head.probabilities(self._cache.features(self._images.images[chosen]))
        entry = {
            "loss": cross_entropy(found, labels),
            "accuracy": float((found.argmax(axis=1) == labels).mean()),
        }
        return FittedNetwork(self._network.model, (entry,), self._label, seconds)

    @property
    def _side(self) -> int:
        return int(self._images.images.shape[1])

    def _build(self) -> Network:
        part = TrainedPart(None, FEATURES)
        classes = len(self._images.classes)
        network = build_network(
            self._architecture, classes, side=self._side, part=part, head=Head(dropout=0.0)
        )
        self._label = load_weights(network.model, self._architecture, WeightsSource()).label
        return network

    @cached_property
    def _variants(self) -> list[NDArray[np.floating]]:
        """Features of the images, of their mirror images, and of changed copies."""
        images, recipe = self._images.images, self._recipe
        changed = [
            make_variant(images, _AUGMENTATION, number + 1, seed=recipe.seed)
            for number in range(recipe.variants)
        ]
        upright = [self._cache.features(pixels) for pixels in (images, *changed)]
        return [*upright, self._features_mirrored(images)]

    def _features_mirrored(self, images: Pixels) -> NDArray[np.floating]:
        return self._cache.features(np.ascontiguousarray(images[:, :, ::-1]))


def _fit_part(
    variants: list[NDArray[np.floating]], learned: LabelledImages, *, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Kernel and bias of the head of a part, as strongly regularised as inner folds choose."""
    from sklearn.model_selection import StratifiedGroupKFold

    splitter = StratifiedGroupKFold(_INNER_FOLDS, shuffle=True, random_state=seed)
    everything = np.zeros(len(learned))
    folds = list(splitter.split(everything, learned.labels, learned.groups))

    def loss(strength: float) -> float:
        total = 0.0
        for train, held in folds:
            fitted = FittedHead(
                *_regress([v[train] for v in variants], learned.labels[train], strength)
            )
            total += len(held) * cross_entropy(
                fitted.probabilities(variants[0][held]), learned.labels[held]
            )
        return total

    return _regress(variants, learned.labels, min(STRENGTHS, key=loss))


def _regress(
    variants: list[NDArray[np.floating]], labels: NDArray[np.intp], strength: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Logistic regression on standardised features, in terms of the features themselves."""
    from sklearn.linear_model import LogisticRegression

    features = np.concatenate(variants).astype(np.float64)
    middle, spread = features.mean(axis=0), features.std(axis=0)
    # Features that hardly vary would be blown up; together all have a length of about 1.
    scale = (spread + 1e-3 * max(float(spread.max()), 1e-6)) * np.sqrt(features.shape[1])
    regression = LogisticRegression(
        C=2 * strength / len(variants), class_weight="balanced", max_iter=_STEPS
    )
    regression.fit((features - middle) / scale, np.tile(labels, len(variants)))
    weights, offset = regression.coef_, regression.intercept_
    if len(weights) == 1:  # two classes: one logit, halved between them
        weights, offset = np.concatenate([-weights, weights]) / 2, np.array([-1, 1]) * offset / 2
    kernel = (weights / scale).T
    return kernel, offset - middle @ kernel
