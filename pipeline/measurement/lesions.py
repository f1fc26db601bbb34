"""Lesions of a mask: its connected components, found slice by slice.

Only the pieces of the lesions that are asked for are cut out: a mask of noise has millions, and a
volume of labels would take four times the mask's memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

#: A mask ``(n, h, w)`` bool, or its slices ``(h, w)`` by position, where those left out are empty.
Masks = NDArray[np.bool_] | Mapping[int, NDArray[np.bool_]]
#: Row and column at which a box begins, and the pixels in it, ``(h, w)`` bool.
Piece = tuple[int, int, NDArray[np.bool_]]


@dataclass(frozen=True, eq=False)
class Lesion:
    """Voxels that touch through faces, edges or corners.

    Attributes:
        voxels: How many they are.
        pieces: Its pixels on each of its slices, in order.
    """

    voxels: int
    pieces: dict[int, Piece]


def find_lesions(
    masks: Masks, *, most: int | None = None, before_slice: Callable[[], None] = lambda: None
) -> tuple[list[Lesion], int]:
    """Find the lesions of a mask.

    Args:
        masks: Axial slices in order.
        most: How many are cut out; by default all.
        before_slice: Called again and again; may raise to give up.

    Returns:
        The largest ones, of equal ones by slice, row and column; and how many there are in all.
    """
    slices: list[_Slice] = []
    pairs: list[NDArray[np.int64]] = []
    above: _Labelled | None = None
    for k, mask in _filled(masks):
        before_slice()
        below = _Labelled(_Slice.of(k, mask, first=slices[-1].end if slices else 0))
        if above is not None and above.slice.k + 1 == k:
            pairs.append(_touching(above, below))
        slices.append(below.slice)
        above = below
    if not slices:
        return [], 0
    root = _join(slices[-1].end, pairs)
    first, number = np.unique(root, return_inverse=True)
    area = np.concatenate([one.area for one in slices])
    voxels = np.bincount(number, area).astype(np.int64)
    chosen = np.lexsort((*_place(slices, first, number), -voxels))[:most]
    found = [Lesion(int(voxels[j]), {}) for j in chosen]
    rank = np.full(len(first), -1)
    rank[chosen] = np.arange(len(chosen))
    for one in slices:
        owner = rank[number[one.first : one.end]]
        if (owner >= 0).any():
            before_slice()
            labels = _Labelled(one).labels
            for j in np.unique(owner[owner >= 0]):
                found[j].pieces[one.k] = one.cut(labels, np.flatnonzero(owner == j))
    return found, len(first)


@dataclass(frozen=True, eq=False)
class _Slice:
    """Connected pieces of one slice, numbered on from ``first`` over all slices.

    Attributes:
        k: Its position.
        first: Number of its first piece.
        top, left: Where the box of all its pieces begins.
        mask: The pixels in that box.
        boxes: ``(pieces, 4)`` top, left, bottom and right of each piece, from the box's corner.
        area: ``(pieces,)`` pixels of each.
    """

    k: int
    first: int
    top: int
    left: int
    mask: NDArray[np.bool_]
    boxes: NDArray[np.int64]
    area: NDArray[np.int64]

    @classmethod
    def of(cls, k: int, mask: NDArray[np.bool_], *, first: int) -> _Slice:
        """The pieces of a slice ``(h, w)`` that is not empty."""
        rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
        top, left = int(rows[0]), int(columns[0])
        inside = mask[top : rows[-1] + 1, left : columns[-1] + 1]
        stats = cv2.connectedComponentsWithStats(inside.astype(np.uint8), connectivity=8)[2]
        x, y, w, h, area = np.asarray(stats[1:], np.int64).T
        return cls(k, first, top, left, inside, np.stack([y, x, y + h, x + w], axis=1), area)

    @property
    def end(self) -> int:
        """Number after that of its last piece."""
        return self.first + len(self.area)

    def cut(self, labels: NDArray[np.int32], own: NDArray[np.intp]) -> Piece:
        """Some of its pieces as one, from its labelled pixels."""
        y, x = (int(v) for v in self.boxes[own, :2].min(axis=0))
        bottom, right = self.boxes[own, 2:].max(axis=0)
        return self.top + y, self.left + x, np.isin(labels[y:bottom, x:right], own + 1)


class _Labelled:
    """A slice with its labelled pixels, 1 for its first piece: held for one slice at a time."""

    def __init__(self, own: _Slice) -> None:
        # OpenCV, which is loaded anyway: SciPy would cost the web process most of a second.
        found = cv2.connectedComponents(own.mask.astype(np.uint8), connectivity=8)[1]
        self.slice, self.labels = own, np.asarray(found, np.int32)

    def within(self, top: int, left: int, bottom: int, right: int) -> NDArray[np.int32]:
        """Labels of a part of the image, 0 beyond the slice's own box."""
        own, (height, width) = self.slice, self.labels.shape
        part = np.zeros((bottom - top, right - left), np.int32)
        y, x = max(top, own.top), max(left, own.left)
        end_y, end_x = min(bottom, own.top + height), min(right, own.left + width)
        part[y - top : end_y - top, x - left : end_x - left] = self.labels[
            y - own.top : end_y - own.top, x - own.left : end_x - own.left
        ]
        return part


def _filled(masks: Masks) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    """The slices that are not empty, in order."""
    slices = sorted(masks.items()) if isinstance(masks, Mapping) else enumerate(masks)
    for k, mask in slices:
        if mask.any():
            yield k, mask


def _touching(above: _Labelled, below: _Labelled) -> NDArray[np.int64]:
    """Numbers of pieces of two slices ``(pairs, 2)`` whose pixels touch, corners included."""
    one, other = above.slice, below.slice
    top, left = max(one.top, other.top) - 1, max(one.left, other.left) - 1
    bottom = min(one.top + one.mask.shape[0], other.top + other.mask.shape[0]) + 1
    right = min(one.left + one.mask.shape[1], other.left + other.mask.shape[1]) + 1
    if bottom <= top or right <= left:
        return np.zeros((0, 2), np.int64)
    a, b = (labelled.within(top, left, bottom, right) for labelled in (above, below))
    many = len(other.area) + 1
    direct = (a > 0) & (b > 0)
    codes = [a[direct].astype(np.int64) * many + b[direct]]
    # Neighbours of a pixel of the lower slice have its label: only beside it others are found.
    near = cv2.dilate((b > 0).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    y, x = np.nonzero((a > 0) & near & (b == 0))
    padded = np.pad(b, 1)
    for dy in range(3):
        for dx in range(3):
            beside = padded[y + dy, x + dx]
            codes.append(a[y, x].astype(np.int64) * many + beside)
    pairs = np.stack(np.divmod(np.unique(np.concatenate(codes)), many), axis=1)
    return pairs[pairs[:, 1] > 0] + np.array([one.first - 1, other.first - 1])


def _join(count: int, pairs: list[NDArray[np.int64]]) -> NDArray[np.intp]:
    """The least number ``(count,)`` of the pieces that each piece hangs together with."""
    root = np.arange(count)
    one, other = np.concatenate([np.zeros((0, 2), np.int64), *pairs]).T
    while True:
        lower = root.copy()
        least = np.minimum(root[one], root[other])
        for ends in (one, other):
            np.minimum.at(lower, root[ends], least)
        while (lower[lower] != lower).any():
            lower = lower[lower]
        if (lower == root).all():
            return root
        root = lower


def _place(
    slices: list[_Slice], first: NDArray[np.intp], number: NDArray[np.intp]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Column, row and slice at which each lesion begins on its first slice."""
    k = np.concatenate([np.full(len(one.area), one.k) for one in slices])
    corners = np.concatenate([one.boxes[:, :2] + (one.top, one.left) for one in slices])
    begins = k == k[first][number]
    place = np.full((len(first), 2), np.iinfo(np.int64).max)
    np.minimum.at(place, number[begins], corners[begins])
    return place[:, 1], place[:, 0], k[first]
