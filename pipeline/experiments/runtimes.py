"""ONNX Runtime and TensorFlow on the CPU: time for one image, and whether they agree.

Both answer the same images in turn within one process, so that whatever else the machine does falls
on both. TensorFlow runs as a traced function, its fast way, and also as Keras's ``predict``, which
is what is mostly called.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipeline.classifiers.bases.registry import find_architecture
from pipeline.classifiers.strategies import TrainedPart
from pipeline.classifiers.weights import FEATURES, NotRun
from pipeline.errors import ProgressCallback
from pipeline.evaluation.intervals import Estimate
from pipeline.experiments.configuration import PlannedRow
from pipeline.experiments.documents import Measurement
from pipeline.experiments.plans import RunContext, TimingExperiment

if TYPE_CHECKING:
    import keras

_WARM_UP = 3
_DRAWS = 2000
_AGREEMENT_IMAGES = 4

Image = NDArray[np.float32]
Answer = Callable[[Image], NDArray[np.float32]]


class Runtimes(TimingExperiment):
    """One image through one network, on each runtime."""

    def measure(self, row: PlannedRow, progress: ProgressCallback) -> Measurement:
        """Time one architecture."""
        from pipeline.classifiers.network import Head, build_network
        from pipeline.classifiers.weights import load_weights

        architecture = find_architecture(row.architecture)
        side, rounds = int(row.options["side"]), int(row.options["rounds"])
        network = build_network(
            architecture, 2, side=side, part=TrainedPart(None, None), head=Head()
        )
        coverage = load_weights(network.model, architecture, self.context.weights)
        answers = open_runtimes(network.model)
        times = time_in_turn(answers, make_image(side), rounds, progress)
        return Measurement(
            initial_weights=coverage.label,
            figures=latency_figures(times) | {"feature_difference": disagreement(answers, side)},
            details={
                "parameters": int(network.model.count_params()),
                "threads": os.cpu_count() or 1,
                "load_average": round(os.getloadavg()[0], 1),
            },
        )


def open_experiment(name: str, context: RunContext) -> Runtimes:
    """Nothing is read."""
    return Runtimes(context)


def open_runtimes(model: keras.Model) -> dict[str, Answer]:
    """The same model in each runtime, with as many threads; each answers the pooled features too.

    The features are there to be compared: probabilities of a random head are 0 and 1 in any case.

    Raises:
        NotRun: A package is missing, as on machines that only use the shipped models.
    """
    import keras
    import tensorflow as tf

    from pipeline.engine.onnx_engine import OnnxStage, convert
    from pipeline.engine.tracing import trace

    model = keras.Model(model.inputs, [model.output, model.get_layer(FEATURES).output])
    traced = trace(model)
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.onnx"
            convert(model, path)
            stage = OnnxStage(path)
    except ImportError as error:
        raise NotRun(
            f"The package {error.name} is missing; install requirements-dev.txt."
        ) from None
    return {
        "onnxruntime": lambda image: stage.predict([image])[1],
        "tensorflow": lambda image: traced(tf.constant(image))[1].numpy(),
        "keras_predict": lambda image: model.predict([image], verbose=0)[1],
    }


def make_image(side: int, seed: int = 0) -> Image:
    """Random pixels ``(1, side, side, 3)`` in [0, 255]."""
    pixels = np.random.default_rng(seed).uniform(0, 255, (1, side, side, 3))
    return pixels.astype(np.float32)


def time_in_turn(
    answers: Mapping[str, Answer], image: Image, rounds: int, progress: ProgressCallback
) -> dict[str, NDArray[np.float64]]:
    """Milliseconds ``(rounds,)`` that each runtime takes for one image; they take turns."""
    times: dict[str, list[float]] = {name: [] for name in answers}
    for done in range(-_WARM_UP, rounds):
        for name, answer in answers.items():
            started = time.perf_counter()
            answer(image)
            if done >= 0:
                times[name].append((time.perf_counter() - started) * 1000)
        progress(max(done, 0), rounds, "Timing")
    return {name: np.array(values) for name, values in times.items()}


def latency_figures(times: Mapping[str, NDArray[np.float64]]) -> dict[str, Estimate]:
    """Median and 95th percentile of each runtime, and how many times faster ONNX Runtime is.

    Args:
        times: ``onnxruntime``, ``tensorflow`` and ``keras_predict``, milliseconds per round.
    """
    rounds = len(times["tensorflow"])
    drawn = np.random.default_rng(0).integers(rounds, size=(_DRAWS, rounds))
    figures = {}
    for name, values in times.items():
        for share in (50, 95):
            figures[f"{name}_p{share}_ms"] = _with_interval(
                float(np.percentile(values, share)), np.percentile(values[drawn], share, axis=1)
            )
    for other in ("tensorflow", "keras_predict"):
        ours, theirs = times["onnxruntime"], times[other]
        figures[f"times_faster_than_{other}"] = _with_interval(
            float(np.median(theirs) / np.median(ours)),
            np.median(theirs[drawn], axis=1) / np.median(ours[drawn], axis=1),
        )
    return figures


def disagreement(answers: Mapping[str, Answer], side: int) -> Estimate:
    """Largest difference of a feature between TensorFlow and ONNX Runtime on some images.

    As a part of the image's largest feature, since the scale of features is arbitrary.
    """
    differences = []
    for seed in range(1, 1 + _AGREEMENT_IMAGES):
        image = make_image(side, seed)
        ours, theirs = answers["onnxruntime"](image), answers["tensorflow"](image)
        largest = max(float(np.abs(theirs).max()), 1e-30)
        differences.append(float(np.abs(ours - theirs).max()) / largest)
    return Estimate(max(differences), None, None)


def _with_interval(value: float, drawn: NDArray[np.float64]) -> Estimate:
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Estimate(value, float(low), float(high))
