"""One pass over the slices of a case: stage one on each, stage two on those that pass the gate.

Stage one's features of a slice are what stage two starts from. They are large, and whether a slice
passes depends on its neighbours' scores: slices are therefore taken in order, each is decided as
soon as the scores around it are known, and its features are let go. However long a study is, the
features of a few slices are held.

Where mirror images are averaged, their differences are returned too: they cost nothing, and show
where the segmentation depends on the head's orientation (test-time augmentation as a measure of
uncertainty: Wang et al. 2019, doi 10.1016/j.neucom.2019.01.103).

A network may leave out what hardly matters (`pipeline.models.metadata.InferenceOptions`): slices
without a head, the air around it, mirror images of slices far below the gate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.postprocessing import smoothing_reach, smoothing_weights
from pipeline.analysis.regions import Box, head_boxes, whole_box
from pipeline.data.preprocessing import PreparedCase
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


@dataclass(frozen=True, eq=False)
class _View:
    """Stage one's features of neighbouring slices, as they are or mirrored.

    They are cut out where they lie, never copied: a slice's take 6 MB.

    Attributes:
        first, last: The slices.
        box: The part of them that was answered.
        features: The encoder's, ``(slices, h, w, c)`` each.
    """

    first: int
    last: int
    box: Box
    features: Arrays

    def cut(self, first: int, last: int) -> Arrays:
        """The features of some of the slices."""
        return [level[first - self.first : last + 1 - self.first] for level in self.features]


class SliceWalk:
    """One pass over a volume in which stage two follows stage one at a few slices' distance."""

    def __init__(
        self,
        stages: NetworkStages,
        network: ModelInfo,
        prepared: PreparedCase,
        positions: NDArray[np.float64],
        *,
        sigma: float,
    ) -> None:
        self._stages, self._network, self._volume = stages, network, prepared.volume
        options = network.inference
        self._flip = options.flip_average
        self._mirror_from = options.mirror_from if options.flip_average else 0.0
        self._weights = smoothing_weights(positions, sigma)
        self._reach = smoothing_reach(sigma)
        n, size = self._volume.shape[:2]
        self._whole = whole_box(size)
        boxes = head_boxes(prepared.foreground)
        self._empty = [options.skip_empty and box is None for box in boxes]
        self._boxes = [
            box if options.crop_to_head and box is not None else self._whole for box in boxes
        ]
        #: Scores of the slices alone, those with their mirror images, and the latter smoothed.
        self._alone, self._raw, self._scores = np.zeros(n), np.zeros(n), np.zeros(n)
        #: By slice: where its features are, and those of its mirror image.
        self._plain: dict[int, _View] = {}
        self._mirrored: dict[int, _View] = {}
        self._waiting: list[int] = []
        self._passed: list[int] = []
        self._maps: list[NDArray[np.float32]] = []
        self._differences: list[NDArray[np.float32]] = []
        self._saliency: list[NDArray[np.float32]] = []

    def run(self, report: ProgressCallback) -> Outlined:
        """Classify, gate and outline every slice."""
        n = len(self._volume)
        look = self._reach if self._mirror_from > 0 else 0
        mirrored = decided = 0
        for start in range(0, n, BATCH_SIZE):
            stop = min(start + BATCH_SIZE, n)
            report(start + decided, 2 * n, progress_words(start + decided, 2 * n))
            self._classify(start, stop)
            known = n if stop == n else max(stop - look, mirrored)
            self._mirror(mirrored, known)
            mirrored = known
            ready = n if mirrored == n else max(mirrored - self._reach, decided)
            for k in range(decided, ready):
                self._gate(k)
            while self._waiting and self._plain[self._waiting[0]].last < ready:
                report(stop + decided, 2 * n, progress_words(stop + decided, 2 * n))
                self._outline()
            self._forget(ready)
            decided = ready
        report(2 * n, 2 * n, f"{n} slices analysed")
        size = self._volume.shape[1:3]
        maps = np.concatenate(self._maps) if self._maps else np.zeros((0, *size), np.float32)
        differences = np.concatenate(self._differences) if self._differences else None
        saliency = np.concatenate(self._saliency) if self._saliency else None
        passed = np.array(self._passed, np.intp)
        return Outlined(self._scores, passed, maps, differences, saliency)

    def _classify(self, start: int, stop: int) -> None:
        """Answer the slices of a batch by themselves; those without a head score 0."""
        for first, last in _runs([k for k in range(start, stop) if not self._empty[k]]):
            box = self._boxes[first]
            for k in range(first + 1, last + 1):
                box = box.join(self._boxes[k])
            self._keep(self._plain, self._alone, self._cut(first, last, box), first, last, box)
        self._raw[start:stop] = self._alone[start:stop]

    def _mirror(self, start: int, stop: int) -> None:
        """Answer the mirror images of those slices for which they may matter."""
        if not self._flip:
            return
        scores = [float(self._weights[k] @ self._alone) for k in range(start, stop)]
        wanted = [
            k
            for k, score in zip(range(start, stop), scores, strict=True)
            if k in self._plain and score >= self._mirror_from
        ]
        mirrored = np.zeros_like(self._raw)
        for first, last in _runs(wanted, [self._plain[k] for k in wanted]):
            box = self._plain[first].box
            slices = self._cut(first, last, box)[:, :, ::-1]
            self._keep(self._mirrored, mirrored, slices, first, last, box)
            here = slice(first, last + 1)
            self._raw[here] = (self._alone[here] + mirrored[here]) / 2

    def _cut(self, first: int, last: int, box: Box) -> NDArray[np.float32]:
        return self._volume[(slice(first, last + 1), *box.here)]

    def _keep(
        self,
        views: dict[int, _View],
        scores: NDArray[np.float64],
        slices: NDArray[np.float32],
        first: int,
        last: int,
        box: Box,
    ) -> None:
        """Let stage one answer slices ``first`` to ``last``; keep scores and features."""
        score, *features = self._stages.first.predict([np.ascontiguousarray(slices)])
        scores[first : last + 1] = np.asarray(score)[:, 0]
        views.update(dict.fromkeys(range(first, last + 1), _View(first, last, box, features)))

    def _gate(self, k: int) -> None:
        self._scores[k] = np.clip(self._weights[k] @ self._raw, 0, 1)
        answered = k in (self._mirrored if self._flip else self._plain)
        if answered and self._scores[k] >= self._network.decision.gate:
            self._waiting.append(k)

    def _outline(self) -> None:
        """Outline the next slices that lie side by side in one batch."""
        first, last = next(_runs(self._waiting, [self._plain[k] for k in self._waiting]))
        views = [self._plain[first]]
        if self._flip:
            views.append(self._mirrored[first])
            last = min(last, views[1].last)
        box = views[0].box
        maps, looks = [], []
        for mirrored, view in enumerate(views):
            features = view.cut(first, last)
            (answer,) = self._stages.second.predict(features)
            maps.append(answer[:, :, ::-1, 0] if mirrored else answer[..., 0])
            if self._stages.heads is not None:
                look = compute_saliency(features, self._stages.heads)
                looks.append(look[:, :, ::-1] if mirrored else look)
        self._maps.append(self._place(np.mean(maps, axis=0, dtype=np.float32), box))
        if self._flip:
            plain, mirror = maps
            self._differences.append(self._place(plain - mirror, box))
        if looks:
            self._saliency.append(self._place(np.mean(looks, axis=0, dtype=np.float32), box))
        self._passed += range(first, last + 1)
        self._waiting = self._waiting[last - first + 1 :]

    def _place(self, part: NDArray[np.float32], box: Box) -> NDArray[np.float32]:
        """Maps ``(b, h, w)`` of a part of each slice, or of its cells, in the whole slice."""
        if box == self._whole:
            return part
        cell_px = (box.bottom - box.top) // part.shape[1]
        size = self._whole.bottom // cell_px
        whole = np.zeros((len(part), size, size), np.float32)
        whole[(slice(None), *box.divided(cell_px).here)] = part
        return whole

    def _forget(self, decided: int) -> None:
        """Let go of the features of slices that are decided and outlined."""
        for views in (self._plain, self._mirrored):
            for k in [k for k in views if k < decided and k not in self._waiting]:
                del views[k]


def progress_words(done: int, total: int) -> str:
    """What is shown while a case is analysed."""
    return f"Analysing, {100 * done // total}%"


def _runs(slices: Sequence[int], views: Sequence[_View] = ()) -> Iterator[tuple[int, int]]:
    """First and last of the slices that follow each other, within one view where they have any."""
    if not slices:
        return
    first = slices[0]
    for at, (one, following) in enumerate(pairwise(slices)):
        if following != one + 1 or (views and views[at] is not views[at + 1]):
            yield first, one
            first = following
    yield first, slices[-1]
