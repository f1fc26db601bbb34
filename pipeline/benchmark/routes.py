"""The ways in which the network can answer: one table row each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.engine.base import Arrays, NetworkStages
from pipeline.engine.selection import open_stages
from pipeline.models.registry import ModelInfo, load_keras_model

#: Opens the stages: network, folder of exports, threads.
Opener = Callable[[ModelInfo, Path, int | None], NetworkStages]


@dataclass(frozen=True)
class Route:
    """One way.

    Attributes:
        name: As the command line and the document know it.
        label: As it is shown.
        package: What must be installed for it.
        precision: Of its arithmetic.
        open: Opens the stages.
        saves: Whether it leaves out what the network's metadata allows
            (`pipeline.models.metadata.SAVINGS`), as our engines do.
    """

    name: str
    label: str
    package: str
    precision: str
    open: Opener
    saves: bool = True


class PublishedStage:
    """A stage as the published systems call it: ``model.predict``, one slice after the other."""

    engine, precision = "keras", "f32"

    def __init__(self, model: Any) -> None:
        self._model = model

    def predict(self, inputs: Sequence[NDArray[np.float32]]) -> Arrays:
        """Answer a batch; see `pipeline.engine.base.StageModel`."""
        answers = []
        for k in range(len(inputs[0])):
            answer = self._model.predict([part[k : k + 1] for part in inputs], verbose=0)
            answers.append(answer if isinstance(answer, list) else [answer])
        return [np.concatenate(parts) for parts in zip(*answers, strict=True)]


class TracedStage:
    """A stage as a traced ``tf.function``: TensorFlow's fastest way on a CPU."""

    engine, precision = "tensorflow", "f32"

    def __init__(self, model: Any) -> None:
        from pipeline.engine.tracing import trace

        self._function = trace(model)

    def predict(self, inputs: Sequence[NDArray[np.float32]]) -> Arrays:
        """Answer a batch; see `pipeline.engine.base.StageModel`."""
        import tensorflow as tf

        answer = self._function(*[tf.constant(part) for part in inputs])
        parts = answer if isinstance(answer, list | tuple) else [answer]
        return [part.numpy() for part in parts]


def _open_keras(stage: Callable[[Any], Any]) -> Opener:
    def open_route(info: ModelInfo, engine_dir: Path, threads: int | None) -> NetworkStages:
        import tensorflow as tf

        if threads is not None:
            tf.config.threading.set_intra_op_parallelism_threads(threads)
            tf.config.threading.set_inter_op_parallelism_threads(1)
        from pipeline.models.resunet import split_stages

        return NetworkStages(*(stage(part) for part in split_stages(load_keras_model(info))))

    return open_route


def _open_engine(engine: str, precision: str) -> Opener:
    def open_route(info: ModelInfo, engine_dir: Path, threads: int | None) -> NetworkStages:
        return open_stages(
            info, engine=engine, precision=precision, engine_dir=engine_dir, threads=threads
        )

    return open_route


PUBLISHED = "published"
TENSORFLOW = "tensorflow"
#: `pipeline.benchmark.baseline`.
BASELINE = "openvino-traced"
ROUTES: dict[str, Route] = {
    route.name: route
    for route in (
        Route(
            PUBLISHED,
            "Published method: model.predict, slice by slice",
            "tensorflow",
            "f32",
            _open_keras(PublishedStage),
            saves=False,
        ),
        Route(
            TENSORFLOW,
            "TensorFlow, traced, in batches",
            "tensorflow",
            "f32",
            _open_keras(TracedStage),
            saves=False,
        ),
        Route(
            "onnxruntime",
            "ONNX Runtime",
            "onnxruntime",
            "f32",
            _open_engine("onnxruntime", "f32"),
        ),
        Route(
            BASELINE,
            "OpenVINO, float32, traced, everything computed",
            "tensorflow",
            "f32",
            _open_engine("openvino", "f32"),
            saves=False,
        ),
        Route(
            "openvino-f32",
            "OpenVINO, float32",
            "openvino",
            "f32",
            _open_engine("openvino", "f32"),
        ),
        Route(
            "openvino-bf16",
            "OpenVINO, bfloat16",
            "openvino",
            "bf16",
            _open_engine("openvino", "bf16"),
        ),
        Route(
            "openvino-int8",
            "OpenVINO, int8",
            "openvino",
            "int8",
            _open_engine("openvino", "int8"),
        ),
    )
}
