"""A worker that outlines what is bright and takes as long as it is asked to, without a model.

It stands in for workers on other machines, so that the web process is measured alone. Seconds of a
slice: ``OVERREAD_LOAD_SLICE_S``, 0.05 by default.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

import numpy as np

from dashboard.jobs.execution import Worker
from dashboard.processes.logs import set_up_logging
from dashboard.workspace.services import Services, build_services
from dashboard.workspace.settings import read_settings
from pipeline import Case, CaseResult, ProgressCallback
from pipeline.analysis.answer import Answer, bind_answer, reference

_SLICE_S = float(os.environ.get("OVERREAD_LOAD_SLICE_S", "0.05"))


class RuleAnalyser:
    """Calls a slice by its brightness; asks before each slice whether to go on.

    Args:
        services: The server's parts.
        slice_s: Seconds of a slice.
    """

    def __init__(self, services: Services, *, slice_s: float = _SLICE_S) -> None:
        self._services, self._slice_s = services, slice_s

    def analyse(self, case: Case, *, progress: ProgressCallback | None = None) -> CaseResult:
        """Answer a case."""
        models = self._services.models
        key = self._services.result_key(case.content_digest())
        if models is None or key is None or progress is None:
            raise RuntimeError("there are no models to speak for")
        for k in range(case.n_slices):
            progress(k, case.n_slices, f"Slice {k + 1} of {case.n_slices}")
            time.sleep(self._slice_s)
        pixels = np.asarray(case.pixels[..., 0], np.float32)
        bright = pixels > 0.6 * max(float(pixels.max()), 1.0)
        called = [bool(slice_.mean() > 0.002) for slice_ in bright]
        answer = Answer(
            network=reference(models.network, engine="rule", precision="f32"),
            scores=tuple(0.9 if found else 0.01 for found in called),
            classifier_scores=tuple(0.9 if found else 0.01 for found in called),
            outline_evidence=tuple(0.9 if found else None for found in called),
            decided_by=tuple("both" if found else "gate" for found in called),
            probability=bright.astype(np.uint8) * np.uint8(240),
            uncertainty=bright.astype(np.uint8) * np.uint8(20),
            operating_point=0.5,
            mask_threshold=0.5,
        )
        self._services.results.put(key, answer)
        return bind_answer(answer, case)


def main() -> int:
    """Work until SIGTERM."""
    set_up_logging()

    def make(services: Services, stopping: threading.Event) -> RuleAnalyser:
        return RuleAnalyser(services)

    worker = Worker(build_services(read_settings()), make_analyser=make)
    signal.signal(signal.SIGTERM, lambda *_: worker.stopping.set())
    worker.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
