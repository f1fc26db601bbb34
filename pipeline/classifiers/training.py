"""The one training loop of all image classifiers.

`fit_classifier` takes a plan and labelled images. Where a plan freezes a base, the base sees every
image once (`features`) and epochs run over its features alone.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from pipeline.classifiers.bases.architecture import Architecture
from pipeline.classifiers.batches import FeatureBatches, ImageBatches
from pipeline.classifiers.features import FeatureCache
from pipeline.classifiers.images import (
    NONE,
    Augmentation,
    LabelledImages,
    Pixels,
    make_variant,
    resize_images,
)
from pipeline.classifiers.network import Head, Network, build_network
from pipeline.classifiers.strategies import Strategy, TrainedPart, choose_part
from pipeline.classifiers.weights import Coverage, WeightsSource, covered_layers, load_weights
from pipeline.errors import ProgressCallback
from pipeline.models.quiet_keras import has_gpu
from pipeline.models.saving import dtype_policy

_STEPS_AT_ONCE = 32
_ANSWERED_AT_ONCE = 32


@dataclass(frozen=True)
class ClassifierPlan:
    """How a classifier is trained.

    Attributes:
        architecture: Its base.
        strategy: What is frozen.
        weights: Where initial weights come from.
        side: Side of the square input, px; images of another size are resized.
        epochs, batch_size, seed: As their names say.
        learning_rate: Of the first step.
        cosine: Let the learning rate fall to zero along a cosine.
        optimizer: ``sgd`` or ``adam``.
        momentum: Of ``sgd``.
        head: The dense head.
        normalise: Whether ImageNet's mean and deviation are taken into account.
        augmentation: Random changes to training images.
        balanced: Weigh classes by the inverse of how frequent they are.
        freeze_normalisation: Keep batch normalisation as the weights brought it. False is for
            models that are passed on, all of whose layers are trained.
        patience: Epochs without a better validation loss until training stops, and the best
            weights are taken; None trains to the end and takes the last. Needs validation images.
        precision: Dtype policy of the training; the fitted model is float32 in any case.
        cache: Folder of features; None keeps them in memory alone.
    """

    architecture: Architecture
    strategy: Strategy
    weights: WeightsSource = field(default_factory=WeightsSource)
    side: int = 224
    epochs: int = 30
    batch_size: int = 8
    learning_rate: float = 1e-4
    cosine: bool = False
    optimizer: str = "sgd"
    momentum: float = 0.5
    head: Head = field(default_factory=Head)
    normalise: bool = True
    augmentation: Augmentation = NONE
    balanced: bool = False
    freeze_normalisation: bool = True
    patience: int | None = None
    precision: str = "float32"
    cache: Path | None = None
    seed: int = 20261121

    def __post_init__(self) -> None:
        if self.optimizer not in ("sgd", "adam"):
            raise ValueError(f"optimizer must be sgd or adam, got {self.optimizer}")
        if self.epochs < 1 or self.batch_size < 1:
            raise ValueError("epochs and batch_size must be 1 or more")


@dataclass(frozen=True, eq=False)
class FittedClassifier:
    """A trained classifier.

    Attributes:
        model: From RGB pixels ``(batch, side, side, 3)`` in [0, 255] to probabilities; float32.
        classes: Names of the classes.
        coverage: What it started from.
        history: Loss and accuracy after each epoch, also of the validation images.
        seconds_per_epoch: Mean, without the first epoch where there are more (it compiles).
    """

    model: keras.Model
    classes: tuple[str, ...]
    coverage: Coverage
    history: tuple[dict[str, float], ...]
    seconds_per_epoch: float
    _head: keras.Model
    _cache: FeatureCache | None

    def probabilities(self, images: Pixels) -> NDArray[np.float32]:
        """Probabilities ``(n, classes)`` of images ``(n, h, w, 3)`` uint8, RGB."""
        if not len(images):
            return np.zeros((0, len(self.classes)), np.float32)
        fitting = resize_images(images, int(self.model.input.shape[1]))
        if self._cache is not None:
            return _answer(self._head, self._cache.features(fitting))
        return _answer(self.model, fitting)


def fit_classifier(
    plan: ClassifierPlan,
    train: LabelledImages,
    validation: LabelledImages | None = None,
    *,
    progress: ProgressCallback | None = None,
) -> FittedClassifier:
    """Train a classifier.

    Args:
        plan: How.
        train: What it learns from.
        validation: What the history reports on, and `patience` chooses by.
        progress: Called with ``(done, total, message)`` after each epoch; may raise to cancel.

    Raises:
        NotRun: The plan would freeze layers without weights.
        InputError: The weights cannot be read.
        ValueError: There are no images, or `patience` has nothing to choose by.
    """
    if not len(train):
        raise ValueError("there must be training images")
    if plan.patience is not None and validation is None:
        raise ValueError("patience needs validation images")
    coverage = plan.weights.coverage(plan.architecture)
    part = choose_part(plan.strategy, plan.architecture, coverage)
    keras.utils.set_random_seed(plan.seed)
    with dtype_policy(plan.precision):
        network = build_network_for(plan, len(train.classes), part)
    load_weights(network.model, plan.architecture, plan.weights)
    if plan.freeze_normalisation:
        _freeze_normalisation(network.model, coverage)
    cache = _feature_cache(plan, network, part)
    batches, held = _batches(plan, cache, train, validation, progress)
    log = _EpochLog(plan, progress)
    _fit(plan, network.trained, batches, held, log)
    return FittedClassifier(
        model=_as_float32(plan, network, len(train.classes), part),
        classes=train.classes,
        coverage=coverage,
        history=tuple(log.epochs),
        seconds_per_epoch=float(np.mean(log.seconds[1:] or log.seconds)),
        _head=network.trained,
        _cache=cache,
    )


def build_network_for(plan: ClassifierPlan, classes: int, part: TrainedPart) -> Network:
    """The network of a plan, with random weights, under the dtype policy that is set."""
    return build_network(
        plan.architecture,
        classes,
        side=plan.side,
        part=part,
        head=plan.head,
        normalise=plan.normalise,
    )


def _feature_cache(
    plan: ClassifierPlan, network: Network, part: TrainedPart
) -> FeatureCache | None:
    if network.frozen is None:
        return None
    identity = f"{plan.architecture.name} {part.frozen_to} {plan.side} {plan.precision}"
    return FeatureCache(network.frozen, identity, plan.cache)


def _batches(
    plan: ClassifierPlan,
    cache: FeatureCache | None,
    train: LabelledImages,
    validation: LabelledImages | None,
    progress: ProgressCallback | None,
) -> tuple[keras.utils.PyDataset, Any]:
    """What the trained part is fed, and the validation arrays."""
    images = resize_images(train.images, plan.side)
    held = None if validation is None else resize_images(validation.images, plan.side)
    order = {"batch_size": plan.batch_size, "seed": plan.seed}
    weights = _class_weights(plan, train)
    if cache is None:
        batches = ImageBatches(images, train.labels, weights, plan.augmentation, **order)
        return batches, None if validation is None else (held, validation.labels)
    variants = [
        cache.features(make_variant(images, plan.augmentation, k, seed=plan.seed), progress)
        for k in range(1 if plan.augmentation.none else plan.augmentation.variants)
    ]
    if held is None or validation is None:
        return FeatureBatches(variants, train.labels, weights, **order), None
    features = cache.features(held, progress)
    return FeatureBatches(variants, train.labels, weights, **order), (features, validation.labels)


def _answer(model: keras.Model, inputs: NDArray[np.generic]) -> NDArray[np.float32]:
    """Answers to all inputs; not by ``predict``, which compiles: a fold holds few images."""
    parts = [
        np.asarray(model(inputs[k : k + _ANSWERED_AT_ONCE].astype(np.float32), training=False))
        for k in range(0, len(inputs), _ANSWERED_AT_ONCE)
    ]
    return np.concatenate(parts).astype(np.float32, copy=False)


def _class_weights(plan: ClassifierPlan, train: LabelledImages) -> NDArray[np.float32]:
    """A weight for each image, 1 on the mean."""
    counts = np.bincount(train.labels, minlength=len(train.classes))
    if not plan.balanced:
        return np.ones(len(train), np.float32)
    per_class = len(train) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    return per_class[train.labels].astype(np.float32)


def _fit(
    plan: ClassifierPlan,
    model: keras.Model,
    batches: keras.utils.PyDataset,
    held: Any,
    log: _EpochLog,
) -> None:
    rate: Any = plan.learning_rate
    if plan.cosine:
        steps = plan.epochs * batches.num_batches
        rate = keras.optimizers.schedules.CosineDecay(plan.learning_rate, steps)
    optimizer = (
        keras.optimizers.SGD(rate, momentum=plan.momentum)
        if plan.optimizer == "sgd"
        else keras.optimizers.Adam(rate)
    )
    # A step of a head takes less than starting one, so that many are started at once.
    at_once = 1 if plan.strategy is Strategy.ALL else min(_STEPS_AT_ONCE, batches.num_batches)
    model.compile(
        optimizer,
        "sparse_categorical_crossentropy",
        weighted_metrics=["accuracy"],
        steps_per_execution=at_once,
        jit_compile="auto" if has_gpu() else False,
    )
    callbacks: list[keras.callbacks.Callback] = [log]
    if plan.patience is not None:
        callbacks.append(
            keras.callbacks.EarlyStopping(
                monitor="val_loss", patience=plan.patience, restore_best_weights=True
            )
        )
    model.fit(batches, validation_data=held, epochs=plan.epochs, callbacks=callbacks, verbose=0)


def _freeze_normalisation(model: keras.Model, coverage: Coverage) -> None:
    for layer in covered_layers(model, coverage):
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False


def _as_float32(
    plan: ClassifierPlan, network: Network, classes: int, part: TrainedPart
) -> keras.Model:
    """The trained model, without traces of the precision that it was trained at."""
    if plan.precision == "float32":
        return network.model
    with dtype_policy("float32"):
        model = build_network_for(plan, classes, part).model
    for layer in model.layers:
        layer.set_weights(network.model.get_layer(layer.name).get_weights())
    return model


class _EpochLog(keras.callbacks.Callback):
    """Keeps what each epoch reported and took, and reports the progress."""

    def __init__(self, plan: ClassifierPlan, progress: ProgressCallback | None) -> None:
        super().__init__()
        self._plan, self._progress = plan, progress
        self._started = 0.0
        self.epochs: list[dict[str, float]] = []
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.seconds.append(time.perf_counter() - self._started)
        self.epochs.append({name: float(value) for name, value in (logs or {}).items()})
        if self._progress is not None:
            loss = self.epochs[-1]["loss"]
            self._progress(epoch + 1, self._plan.epochs, f"Epoch {epoch + 1}, loss {loss:.3f}")
