"""One pass over the slices of a case: stage one on each, stage two on those that pass the gate.

Stage one's features of a slice are what stage two starts from. They are large, and whether a slice
passes depends on its neighbours' scores: slices are therefore taken in order, each is decided as
soon as the scores around it are known, and its features are let go. However long a study is, the
features of a few slices are held.

Where mirror images are averaged, their differences are returned too: they cost nothing, and show
where the segmentation depends on the head's orientation (test-time augmentation as a measure of
uncertainty: Wang et al. 2019, doi 10.1016/j.neucom.2019.01.103).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.postprocessing import smoothing_reach, smoothing_weights
from pipeline.engine.base import Arrays, NetworkStages
from pipeline.engine.grad_cam import compute_saliency
from pipeline.errors import ProgressCallback
from pipeline.models.registry import ModelInfo

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
        saliency: ``(m, g, g)`` where the classifier looked (`pipeline.engine.grad_cam`), mean of
            slice and mirror image, mirrored back; None where it is not computed.
    """

    classifier: NDArray[np.float64]
    passed: NDArray[np.intp]
    maps: NDArray[np.float32]
    differences: NDArray[np.float32] | None
    saliency: NDArray[np.float32] | None


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
        #: By the first slice of a batch: its features, and those of the mirror images. They are
        #: cut out where they lie, never copied: a slice's take 6 MB.
        self._features: dict[int, list[Arrays]] = {}
        self._waiting: list[int] = []
        self._passed: list[int] = []
        self._maps: list[NDArray[np.float32]] = []
        self._differences: list[NDArray[np.float32]] = []
        self._saliency: list[NDArray[np.float32]] = []

    def run(self, report: ProgressCallback) -> Outlined:
        """Classify, gate and outline every slice."""
        n = len(self._volume)
        decided = 0
        for start in range(0, n, BATCH_SIZE):
            stop = min(start + BATCH_SIZE, n)
            report(start + decided, 2 * n, progress_words(start + decided, 2 * n))
            self._classify(start, stop)
            ready = n if stop == n else max(stop - self._reach, decided)
            for k in range(decided, ready):
                self._gate(k)
            while self._waiting and min(_batch_of(self._waiting[0]) + BATCH_SIZE, n) <= ready:
                report(stop + decided, 2 * n, progress_words(stop + decided, 2 * n))
                self._outline()
            self._forget(ready)
            decided = ready
        report(2 * n, 2 * n, f"{n} slices analysed")
        size = self._volume.shape[1:3]
        maps = np.concatenate(self._maps) if self._maps else np.zeros((0, *size), np.float32)
        differences = np.concatenate(self._differences) if self._differences else None
        passed = np.array(self._passed, np.intp)
        saliency = np.concatenate(self._saliency)[passed] if self._saliency else None
        return Outlined(self._scores, passed, maps, differences, saliency)

    def _classify(self, start: int, stop: int) -> None:
        batch = self._volume[start:stop]
        answers = [self._stages.first.predict([batch])]
        if self._flip:
            mirrored = np.ascontiguousarray(batch[:, :, ::-1])
            answers.append(self._stages.first.predict([mirrored]))
        self._raw[start:stop] = np.mean([score[:, 0] for score, *_ in answers], axis=0)
        self._features[start] = [features for _, *features in answers]
        if self._stages.heads is not None:
            looks = [
                compute_saliency(features, self._stages.heads) for features in self._features[start]
            ]
            turned = [look[:, :, ::-1] if mirrored else look for mirrored, look in enumerate(looks)]
            self._saliency.append(np.mean(turned, axis=0, dtype=np.float32))

    def _gate(self, k: int) -> None:
        self._scores[k] = np.clip(self._weights[k] @ self._raw, 0, 1)
        if self._scores[k] >= self._network.decision.gate:
            self._waiting.append(k)

    def _outline(self) -> None:
        """Outline the next slices that lie side by side in one batch."""
        start, first = _batch_of(self._waiting[0]), self._waiting[0]
        last = first
        while last + 1 in self._waiting and _batch_of(last + 1) == start:
            last += 1
        here = slice(first - start, last - start + 1)
        maps = []
        for mirrored, view in enumerate(self._features[start]):
            (answer,) = self._stages.second.predict([level[here] for level in view])
            maps.append(answer[:, :, ::-1, 0] if mirrored else answer[..., 0])
        self._maps.append(np.mean(maps, axis=0, dtype=np.float32))
        if self._flip:
            plain, mirror = maps
            self._differences.append(plain - mirror)
        self._passed += range(first, last + 1)
        self._waiting = self._waiting[last - first + 1 :]

    def _forget(self, decided: int) -> None:
        """Let go of the features of batches whose slices are all decided and outlined."""
        waiting = {_batch_of(k) for k in self._waiting}
        for start in [s for s in self._features if s + BATCH_SIZE <= decided and s not in waiting]:
            del self._features[start]


def progress_words(done: int, total: int) -> str:
    """What is shown while a case is analysed."""
    return f"Analysing, {100 * done // total}%"


def _batch_of(k: int) -> int:
    """First slice of the batch that holds slice ``k``."""
    return k - k % BATCH_SIZE
