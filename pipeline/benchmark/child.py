"""One route in its own process: runs what it is asked to, and reports how long it took.

``python -m pipeline.benchmark.child JSON``; speaks JSON lines with `pipeline.benchmark.children`.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.benchmark.children import in_mb
from pipeline.benchmark.routes import ROUTES
from pipeline.engine.base import Arrays, NetworkStages, StageModel
from pipeline.models.registry import TaskInfo, read_model_info


class TimedStage:
    """A stage that adds up the seconds that its runtime takes."""

    def __init__(self, stage: StageModel) -> None:
        self.engine, self.precision = stage.engine, stage.precision
        self.seconds = 0.0
        self._stage = stage

    def predict(self, inputs: Sequence[NDArray[np.float32]]) -> Arrays:
        """Answer a batch; see `pipeline.engine.base.StageModel`."""
        began = time.perf_counter()
        try:
            return self._stage.predict(inputs)
        finally:
            self.seconds += time.perf_counter() - began


class RouteRunner:
    """The whole way from files to encoded masks, on one route.

    Args:
        route: Name in `ROUTES`.
        models, engine_dir: As for `pipeline.Analyser`.
        threads: CPU threads; None leaves it to the runtime.
    """

    def __init__(self, route: str, *, models: Path, engine_dir: Path, threads: int | None) -> None:
        chosen = ROUTES[route]
        info = read_model_info(models)
        if not chosen.saves:
            info = info.keep_savings(())
        stages = chosen.open(info.network, engine_dir, threads)
        first, second = TimedStage(stages.first), TimedStage(stages.second)
        self._timed = (first, second)
        self._stages = NetworkStages(first, second)
        self._study = self._analyser(info, chosen.precision, engine_dir)
        # A single slice is to pass both stages with its mirror image, whatever the first says.
        every = info.keep_savings({"crop_to_head"} & {*info.network.savings})
        open_gate = replace(every.network, decision=replace(every.network.decision, gate=0.0))
        self._slice = self._analyser(
            replace(every, network=open_gate), chosen.precision, engine_dir
        )

    def answer(self, path: Path, *, single: bool) -> dict[str, float]:
        """Decode, analyse and encode; ``single`` takes both stages whatever the gate says.

        Returns:
            ``seconds`` of it all, ``engine_seconds`` of them inside the runtime, ``slices`` and
            ``called``, those with a mask.
        """
        from pipeline.data.reading.isolated import read_cases

        for stage in self._timed:
            stage.seconds = 0.0
        began = time.perf_counter()
        (case,) = read_cases([path]).cases
        result = (self._slice if single else self._study).analyse(case)
        masks = [mask for mask, s in zip(result.masks(), result.slices, strict=True) if s.tumor]
        for mask in masks:
            cv2.imencode(".png", mask.astype(np.uint8) * 255)
        seconds = time.perf_counter() - began
        return {
            "seconds": seconds,
            "engine_seconds": sum(stage.seconds for stage in self._timed),
            "slices": case.n_slices,
            "called": len(masks),
        }

    def _analyser(self, info: TaskInfo, precision: str, engine_dir: Path) -> Any:
        from pipeline.analysis.analyser import Analyser

        stages = self._stages

        class RouteAnalyser(Analyser):
            """Answers with the route's stages."""

            def load(self) -> None:
                """Nothing to load: the stages are open."""
                self._stages = stages

        return RouteAnalyser(
            info, engine="openvino", precision=precision, engine_dir=engine_dir, unproven=True
        )


def peak_memory_mb() -> float:
    """Most memory that this process ever held, in MB."""
    return in_mb(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def main(arguments: Sequence[str]) -> int:
    """Carry out requests from standard input until it ends."""
    plan = json.loads(arguments[0])
    if plan["kind"] == "training":
        from pipeline.benchmark.training import TrainingRunner

        trainer = TrainingRunner(plan["route"], study=Path(plan["study"]))
        return _obey(lambda order: trainer.steps(int(order["steps"])))
    if plan["kind"] == "baseline":
        from pipeline.benchmark.baseline import make_baseline

        make_baseline(Path(plan["models"]), Path(plan["folder"]))
        return _obey(lambda _: {})
    runner = RouteRunner(
        plan["route"],
        models=Path(plan["models"]),
        engine_dir=Path(plan["engine_dir"]),
        threads=plan["threads"],
    )
    return _obey(lambda order: runner.answer(Path(order["path"]), single=bool(order["single"])))


def _obey(answer: Any) -> int:
    answers = sys.stdout
    sys.stdout = sys.stderr  # what a runtime prints is no answer
    for line in sys.stdin:
        report = answer(json.loads(line)) | {"memory_mb": peak_memory_mb()}
        answers.write(json.dumps(report) + "\n")
        answers.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
