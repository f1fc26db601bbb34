"""One pass over the slices of a case: stage one on each, stage two on those that pass the gate.

Stage one's features of a slice are what stage two starts from. They are large, and whether a slice
passes depends on its neighbours' scores: slices are therefore taken in order, each is decided as
soon as the scores around it are known, and its features are let go. However long a study is, the
features of a few slices are held.

Where mirror images are averaged, what they disagree by is kept: it costs nothing, and tells where
the outline hangs on which way the head happens to lie (test-time augmentation as a measure of
uncertainty: Wang et al. 2019, doi 10.1016/j.neucom.2019.01.103).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.engine.base import Arrays, NetworkStages
from pipeline.models.registry import ModelInfo
from pipeline.postprocessing import smoothing_reach, smoothing_weights
from pipeline.results import ProgressCallback

#: Slices answered at once. More are no faster on a CPU, and make progress and cancelling coarser.
BATCH_SIZE = 4


@dataclass(frozen=True, eq=False)
class Outlined:
    """Both stages' answers on the network's grid.

    Attributes:
        classifier: ``(n,)`` classifier scores, smoothed.
        passed: ``(m,)`` positions of the slices that passed the gate.
        maps: ``(m, size, size)`` their probability maps.
        differences: ``(m, size, size)`` the slice's map less that of its mirror image, turned back;
            None where mirror images are not answered.
    """

    classifier: NDArray[np.float64]
    passed: NDArray[np.intp]
    maps: NDArray[np.float32]
    differences: NDArray[np.float32] | None


class SliceWalk:
    """One pass over a volume in which stage two follows stage one at a few slices' distance."""

    def __init__(
        self,
        stages: NetworkStages,
        network: ModelInfo,
        volume: NDArray[np.float32],
        positions: NDArray[np.float64],
        *,
        sigma: float,
    ) -> None:
        self._stages, self._network, self._volume = stages, network, volume
        self._flip = network.inference.flip_average
        self._weights = smoothing_weights(positions, sigma)
        self._reach = smoothing_reach(sigma)
        n = len(volume)
        self._raw, self._scores = np.zeros(n), np.zeros(n)
        #: Features of slices that are not decided yet: one list, or two with the mirror image's.
        self._features: dict[int, list[Arrays]] = {}
        self._waiting: list[int] = []
        self._passed: list[int] = []
        self._maps: list[NDArray[np.float32]] = []
        self._differences: list[NDArray[np.float32]] = []

    def run(self, report: ProgressCallback) -> Outlined:
        """Classify, gate and outline every slice."""
        n = len(self._volume)
        decided = 0
        for start in range(0, n, BATCH_SIZE):
            stop = min(start + BATCH_SIZE, n)
            report(start + decided, 2 * n, f"Classifying slice {start + 1} of {n}")
            self._classify(start, stop)
            ready = n if stop == n else max(stop - self._reach, decided)
            for k in range(decided, ready):
                self._gate(k)
            while len(self._waiting) >= BATCH_SIZE or (stop == n and self._waiting):
                report(stop + decided, 2 * n, f"Outlining slice {self._waiting[0] + 1} of {n}")
                self._outline()
            decided = ready
        report(2 * n, 2 * n, f"{n} slices answered")
        size = self._volume.shape[1:3]
        maps = np.concatenate(self._maps) if self._maps else np.zeros((0, *size), np.float32)
        differences = np.concatenate(self._differences) if self._differences else None
        return Outlined(self._scores, np.array(self._passed, np.intp), maps, differences)

    def _classify(self, start: int, stop: int) -> None:
        batch = self._volume[start:stop]
        answers = [self._stages.first.predict([batch])]
        if self._flip:
            mirrored = np.ascontiguousarray(batch[:, :, ::-1])
            answers.append(self._stages.first.predict([mirrored]))
        self._raw[start:stop] = np.mean([score[:, 0] for score, *_ in answers], axis=0)
        for k in range(start, stop):
            self._features[k] = [[f[k - start] for f in features] for _, *features in answers]

    def _gate(self, k: int) -> None:
        self._scores[k] = np.clip(self._weights[k] @ self._raw, 0, 1)
        if self._scores[k] >= self._network.decision.gate:
            self._waiting.append(k)
        else:
            del self._features[k]

    def _outline(self) -> None:
        chosen, self._waiting = self._waiting[:BATCH_SIZE], self._waiting[BATCH_SIZE:]
        views = zip(*(self._features.pop(k) for k in chosen), strict=True)
        maps = []
        for mirrored, view in enumerate(views):
            features = [np.stack(level) for level in zip(*view, strict=True)]
            (answer,) = self._stages.second.predict(features)
            maps.append(answer[:, :, ::-1, 0] if mirrored else answer[..., 0])
        self._maps.append(np.mean(maps, axis=0, dtype=np.float32))
        if self._flip:
            plain, mirror = maps
            self._differences.append(plain - mirror)
        self._passed += chosen
