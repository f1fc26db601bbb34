"""How much an epoch gains from features that were computed once, against running the frozen base.

Both ways train the same head on the same images, in turn within one process.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace

import keras
import numpy as np
from numpy.typing import NDArray

from pipeline.classifiers.batches import FeatureBatches, ImageBatches
from pipeline.classifiers.features import FeatureCache
from pipeline.classifiers.images import NONE
from pipeline.classifiers.strategies import choose_part
from pipeline.classifiers.training import ClassifierPlan, build_network_for
from pipeline.classifiers.weights import load_weights
from pipeline.errors import ProgressCallback
from pipeline.evaluation.intervals import Estimate
from pipeline.experiments.configuration import PlannedRow
from pipeline.experiments.documents import Measurement
from pipeline.experiments.plans import RunContext, TimingExperiment, make_plan

_CLASSES = 2


class FeatureSpeed(TimingExperiment):
    """An epoch of one head, with its base and from features."""

    def measure(self, row: PlannedRow, progress: ProgressCallback) -> Measurement:
        """Time one architecture; ``epochs`` is how often each way takes its turn."""
        plan = replace(make_plan(row, self.context), cache=None)
        images = int(row.options["images"])
        coverage = plan.weights.coverage(plan.architecture)
        with_base, cached = time_epochs(plan, images, progress)
        return Measurement(
            initial_weights=coverage.label,
            figures=speed_figures(with_base, cached),
            seconds_per_epoch=round(float(np.median(cached)), 3),
            details={"images": images, "load_average": round(os.getloadavg()[0], 1)},
        )


def open_experiment(name: str, context: RunContext) -> FeatureSpeed:
    """Nothing is read."""
    return FeatureSpeed(context)


def time_epochs(
    plan: ClassifierPlan, count: int, progress: ProgressCallback
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Seconds of each epoch with the base, and from features.

    Raises:
        NotRun: The plan would freeze layers without weights.
    """
    part = choose_part(plan.strategy, plan.architecture, plan.weights.coverage(plan.architecture))
    keras.utils.set_random_seed(plan.seed)
    network = build_network_for(plan, _CLASSES, part)
    load_weights(network.model, plan.architecture, plan.weights)
    assert network.frozen is not None
    network.frozen.trainable = False
    for model in (network.model, network.trained):
        model.compile(keras.optimizers.SGD(plan.learning_rate), "sparse_categorical_crossentropy")
    pixels = np.random.default_rng(plan.seed).integers(0, 256, (count, plan.side, plan.side, 3))
    images, labels = pixels.astype(np.uint8), np.arange(count) % _CLASSES
    cache = FeatureCache(network.frozen, plan.architecture.name, None)
    order = {"batch_size": plan.batch_size, "seed": plan.seed}
    ones = np.ones(count, np.float32)
    slow = ImageBatches(images, labels, ones, NONE, **order)
    fast = FeatureBatches([cache.features(images)], labels, ones, **order)
    times: list[tuple[float, float]] = []
    # The first turn compiles and does not count.
    for turn in range(plan.epochs + 1):
        progress(turn, plan.epochs + 1, "Timing epochs")
        times.append(
            (
                _seconds(lambda: network.model.fit(slow, verbose=0)),
                _seconds(lambda: network.trained.fit(fast, verbose=0)),
            )
        )
    with_base, cached = np.array(times[1:]).T
    return with_base, cached


def speed_figures(
    with_base: NDArray[np.float64], cached: NDArray[np.float64]
) -> dict[str, Estimate]:
    """Median seconds of an epoch both ways, and their ratio with its range over the turns."""
    ratios = with_base / cached
    return {
        "epoch_with_base_s": Estimate(float(np.median(with_base)), None, None),
        "epoch_from_features_s": Estimate(float(np.median(cached)), None, None),
        "times_faster": Estimate(
            float(np.median(ratios)), float(ratios.min()), float(ratios.max())
        ),
    }


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
