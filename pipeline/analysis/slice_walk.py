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
from pipeline.analysis.regions import Box, find_heads, fit_boxes, whole_box
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
        saliency: Of each of them, where the classifier looked (`pipeline.engine.grad_cam`), mean of
            slice and mirror image, mirrored back: cells ``(g, g)``, and the part of the slice that
            they cover; None where it is not computed.
    """

    classifier: NDArray[np.float64]
    passed: NDArray[np.intp]
    maps: NDArray[np.float32]
    differences: NDArray[np.float32] | None
    saliency: list[tuple[NDArray[np.float32], Box]] | None


@dataclass(frozen=True, eq=False)
class _View:
    """Stage one's features of neighbouring slices, as they are or mirrored.

    They are cut out where they lie, never copied: a slice's take 6 MB.

    Attributes:
        first, last: The slices.
        boxes: The part of each that was answered, all of one height and width.
        features: The encoder's, ``(slices, h, w, c)`` each.
    """

    first: int
    last: int
    boxes: Sequence[Box]
    features: Arrays

    def cut(self, first: int, last: int) -> Arrays:
        """The features of some of the slices."""
        return [level[self._some(first, last)] for level in self.features]

    def parts(self, first: int, last: int) -> Sequence[Box]:
        """The parts of some of the slices."""
        return self.boxes[self._some(first, last)]

    def _some(self, first: int, last: int) -> slice:
        return slice(first - self.first, last + 1 - self.first)


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
        self._mirrors_all = options.flip_average and options.mirror_from <= 0
        self._weights = smoothing_weights(positions, sigma)
        self._reach = smoothing_reach(sigma)
        n, size = self._volume.shape[:2]
        self._size, whole = size, whole_box(size)
        heads = find_heads(prepared.foreground)
        self._empty = [options.skip_empty and head is None for head in heads]
        self._heads = [
            head if options.crop_to_head and head is not None else whole for head in heads
        ]
        #: Scores of the slices alone, of their mirror images alone, of both, and these smoothed.
        self._alone, self._reflected = np.zeros(n), np.zeros(n)
        self._raw, self._scores = np.zeros(n), np.zeros(n)
        #: By slice: where its features are, and those of its mirror image.
        self._plain: dict[int, _View] = {}
        self._mirrored: dict[int, _View] = {}
        self._waiting: list[int] = []
        self._passed: list[int] = []
        self._maps: list[NDArray[np.float32]] = []
        self._differences: list[NDArray[np.float32]] = []
        self._saliency: list[tuple[NDArray[np.float32], Box]] = []

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
        saliency = self._saliency or None
        passed = np.array(self._passed, np.intp)
        return Outlined(self._scores, passed, maps, differences, saliency)

    def _classify(self, start: int, stop: int) -> None:
        """Answer the slices of a batch by themselves; those without a head score 0."""
        for first, last in _runs([k for k in range(start, stop) if not self._empty[k]]):
            boxes = fit_boxes(self._heads[first : last + 1], self._size)
            slices, n = self._cut(first, boxes), len(boxes)
            if self._mirrors_all and n == 1:
                # Both at once: a slice alone does not keep two cores busy.
                both = self._stages.first.predict([np.concatenate([slices, slices[:, :, ::-1]])])
                self._keep(self._plain, self._alone, [part[:n] for part in both], first, boxes)
                self._keep(self._mirrored, self._reflected, [p[n:] for p in both], first, boxes)
            else:
                answer = self._stages.first.predict([slices])
                self._keep(self._plain, self._alone, answer, first, boxes)
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
        missing = [k for k in wanted if k not in self._mirrored]
        for first, last in _runs(missing, [self._plain[k] for k in missing]):
            boxes = self._plain[first].parts(first, last)
            slices = np.ascontiguousarray(self._cut(first, boxes)[:, :, ::-1])
            answer = self._stages.first.predict([slices])
            self._keep(self._mirrored, self._reflected, answer, first, boxes)
        self._raw[wanted] = (self._alone[wanted] + self._reflected[wanted]) / 2

    def _cut(self, first: int, boxes: Sequence[Box]) -> NDArray[np.float32]:
        """The parts of slices from ``first`` on."""
        return np.stack([self._volume[(k, *box.here)] for k, box in enumerate(boxes, first)])

    def _keep(
        self,
        views: dict[int, _View],
        scores: NDArray[np.float64],
        answer: Arrays,
        first: int,
        boxes: Sequence[Box],
    ) -> None:
        """Keep stage one's scores and features of parts of slices from ``first`` on."""
        score, *features = answer
        last = first + len(boxes) - 1
        scores[first : last + 1] = np.asarray(score)[:, 0]
        views.update(dict.fromkeys(range(first, last + 1), _View(first, last, boxes, features)))

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
        boxes = views[0].parts(first, last)
        maps, looks = [], []
        cuts = [view.cut(first, last) for view in views]
        answers = self._decode(cuts)
        for mirrored, (features, answer) in enumerate(zip(cuts, answers, strict=True)):
            maps.append(answer[:, :, ::-1, 0] if mirrored else answer[..., 0])
            if self._stages.heads is not None:
                look = compute_saliency(features, self._stages.heads)
                looks.append(look[:, :, ::-1] if mirrored else look)
        self._maps.append(self._place(np.mean(maps, axis=0, dtype=np.float32), boxes))
        if self._flip:
            plain, mirror = maps
            self._differences.append(self._place(plain - mirror, boxes))
        if looks:
            cells = np.asarray(np.mean(looks, axis=0, dtype=np.float32))
            self._saliency += zip(cells, boxes, strict=True)
        self._passed += range(first, last + 1)
        self._waiting = self._waiting[last - first + 1 :]

    def _decode(self, cuts: Sequence[Arrays]) -> Arrays:
        """Stage two's maps of the same slices' features, as they are and mirrored."""
        n = len(cuts[0][0])
        if len(cuts) == 1 or n % 2 == 0:
            return [self._stages.second.predict(features)[0] for features in cuts]
        # An odd number leaves one of two cores idle; both together are even.
        joined = [np.concatenate(levels) for levels in zip(*cuts, strict=True)]
        (answer,) = self._stages.second.predict(joined)
        return [answer[:n], answer[n:]]

    def _place(self, parts: NDArray[np.float32], boxes: Sequence[Box]) -> NDArray[np.float32]:
        """Maps ``(b, h, w)`` of parts of slices, in the whole slices."""
        if parts.shape[1:] == (self._size, self._size):
            return parts
        whole = np.zeros((len(parts), self._size, self._size), np.float32)
        for k, box in enumerate(boxes):
            whole[(k, *box.here)] = parts[k]
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
