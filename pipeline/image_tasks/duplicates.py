"""Groups of images that must stay on one side of a split: copies, near-copies, one patient.

Every pair of images is compared, so that no hash is needed to find candidates: the contents of both
(dark margins cut off), locally normalised in contrast, are correlated as small squares, upright and
mirrored. Candidates are then registered (affine, ECC: Evangelidis and Psarakis 2008) and correlated
again. Registration is what separates: without it a copy cut differently reaches 0.79 and two
different heads 0.83; with it copies reach 0.95 and different heads 0.80.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.image_tasks.preprocessing import find_content

_COARSE_PX, _FINE_PX = 64, 96
#: A pair is registered where it correlates coarsely at most so much less than is asked for. The
#: lowest coarse correlation of a true pair (0.95 after registration) was 0.63.
_REGISTRATION_GAIN = 0.25
#: A registration that keeps less than this part of the image, or scales more, does not count.
_MIN_OVERLAP, _MAX_SCALING = 0.6, 0.6
_ECC_STEPS = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 60, 1e-5)


@dataclass(frozen=True)
class SimilarPair:
    """Two images that look alike: their indices and their correlation after registration."""

    first: int
    second: int
    ncc: float


def find_similar_pairs(
    images: Sequence[NDArray[np.float32]], *, at_least: float
) -> tuple[SimilarPair, ...]:
    """Find the pairs of grey images ``(h, w)`` that correlate at least so much, highest first."""
    contents = [_content(image) for image in images]
    coarse = np.stack([_unit(_normalise(c, _COARSE_PX)) for c in contents])
    mirrored = np.stack([_unit(_normalise(c[:, ::-1], _COARSE_PX)) for c in contents])
    likeness = np.maximum(coarse @ coarse.T, coarse @ mirrored.T)
    fine = [(_normalise(c, _FINE_PX), _normalise(c[:, ::-1], _FINE_PX)) for c in contents]
    pairs = []
    for i, j in zip(
        *np.nonzero(np.triu(likeness >= at_least - _REGISTRATION_GAIN, 1)), strict=True
    ):
        ncc = max(registered_ncc(fine[i][0], other) for other in fine[j])
        if ncc >= at_least:
            pairs.append(SimilarPair(int(i), int(j), ncc))
    return tuple(sorted(pairs, key=lambda pair: -pair.ncc))


def registered_ncc(fixed: NDArray[np.float32], moving: NDArray[np.float32]) -> float:
    """Correlation of two squares after affine registration, -1 where they cannot be registered."""
    warp: Any = np.eye(2, 3, dtype=np.float32)
    everywhere = np.ones(fixed.shape, np.uint8)
    try:
        _, warp = cv2.findTransformECC(
            fixed, moving, warp, cv2.MOTION_AFFINE, _ECC_STEPS, everywhere, 5
        )
    except cv2.error:  # OpenCV's way to say that the iterations do not converge
        return -1.0
    if abs(float(np.linalg.det(warp[:, :2])) - 1) > _MAX_SCALING:
        return -1.0
    size, flags = fixed.shape[::-1], cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(moving, warp, size, flags=flags | cv2.INTER_LINEAR)
    seen = cv2.warpAffine(
        np.ones(moving.shape, np.uint8), warp, size, flags=flags | cv2.INTER_NEAREST
    ).astype(bool)
    if seen.mean() < _MIN_OVERLAP or fixed[seen].std() == 0 or moved[seen].std() == 0:
        return -1.0
    return float(np.corrcoef(fixed[seen], moved[seen])[0, 1])


def join_groups(
    count: int, pairs: Sequence[SimilarPair], names: Sequence[str | None]
) -> NDArray[np.intp]:
    """Number the groups: images that a pair or an equal name joins, directly or over others.

    Args:
        count: Number of images.
        pairs: Pairs that belong together.
        names: Group named by each file, or None.

    Returns:
        ``(count,)`` group numbers from 0, in the order of first appearance.
    """
    parent = list(range(count))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    first: dict[str, int] = {}
    links = [(pair.first, pair.second) for pair in pairs]
    links += [(first.setdefault(name, i), i) for i, name in enumerate(names) if name is not None]
    for i, j in links:
        low, high = sorted((root(i), root(j)))
        parent[high] = low
    numbers: dict[int, int] = {}
    return np.array([numbers.setdefault(root(i), len(numbers)) for i in range(count)], np.intp)


def _content(image: NDArray[np.float32]) -> NDArray[np.float32]:
    top, left, h, w = find_content(image)
    return image[top : top + h, left : left + w]


def _normalise(image: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Local contrast: brightness and window of a copy may differ, its structure does not."""
    small = cv2.resize(np.ascontiguousarray(image), (size, size), interpolation=cv2.INTER_AREA)
    small = small * (255 / max(float(small.max()), 1e-6))
    wide = size / 10
    detail = cv2.GaussianBlur(small, (0, 0), size / 80) - cv2.GaussianBlur(small, (0, 0), wide)
    strength = np.sqrt(cv2.GaussianBlur(detail * detail, (0, 0), wide))
    return (detail / (strength + 6)).astype(np.float32)


def _unit(square: NDArray[np.float32]) -> NDArray[np.float32]:
    values = (square - square.mean()).ravel()
    return values / max(float(np.linalg.norm(values)), 1e-6)
