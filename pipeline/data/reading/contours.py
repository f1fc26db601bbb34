"""Closed contours in the patient's space to a mask on an image's pixels.

A pixel is inside where its centre is. Contours of one region on one slice: one that lies inside of
another is a hole, one inside of a hole an island; others are united. Those that say so are combined
by exclusive or. A keyhole, which enters a hole by a channel without width, needs no rule: pixels
are counted by the edges to their left.

Developer notes: scikit-image tests each pixel against each edge, so that a contour of a hundred
thousand points takes minutes; here each edge marks the rows that it crosses.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.data.case import Case
from pipeline.data.geometry import case_affine, slots_of
from pipeline.errors import InputError

#: LPS+ to RAS+.
_TO_RAS = np.array([-1.0, -1.0, 1.0])
#: How far a contour may lie off a slice, in steps between slices.
_OFF_SLICE = 0.25
#: Rows that the edges of all contours may cross: a few seconds of work.
_MOST_CROSSINGS = 20_000_000
#: Slices with contours, from which on their steps say how a region was drawn.
_LEAST_SLICES = 3


@dataclass(frozen=True, eq=False)
class Ring:
    """A closed contour.

    Attributes:
        points: ``(n, 3)`` LPS millimetres, n at least 3.
        region: Number of the region that it is of.
        is_xor: Whether the contours of a slice are combined by exclusive or.
    """

    points: NDArray[np.float64]
    region: int
    is_xor: bool = False


@dataclass(frozen=True, eq=False)
class Contours:
    """Contours of one file that together are a reference.

    Attributes:
        source: The file.
        rings: At least one.
        frame_of_reference: UID of the space that they are in, or "".
    """

    source: str
    rings: tuple[Ring, ...]
    frame_of_reference: str

    @property
    def name(self) -> str:
        """The file's own name."""
        return self.source.rsplit("/", 1)[-1]


@dataclass(frozen=True, eq=False)
class _Flat:
    """A contour on a slice, in pixels, where a pixel's centre has whole numbers."""

    rows: NDArray[np.float64]
    columns: NDArray[np.float64]
    is_xor: bool


def place_contours(contours: Contours, image: Case) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    """The mask of contours on an image's slices.

    Args:
        contours: The contours.
        image: The image.

    Returns:
        ``(n, h, w)`` bool, and sentences on what was left out.

    Raises:
        InputError: They do not lie on the image, with the reason.
    """
    name, grid = contours.name, image.grid
    if grid is None or image.orientation is None or not grid.is_stated:
        raise _refusal(
            contours,
            f"{name} holds contours in millimetres, but these images do not state where they lie in"
            " the patient. Save the contours as a mask.",
        )
    stated = image.dicom.frame_of_reference if image.dicom else ""
    if stated and contours.frame_of_reference and stated != contours.frame_of_reference:
        raise _refusal(
            contours,
            f"{name} was drawn in another frame of reference than these images: on another"
            " examination, or before the patient moved. It is left out.",
        )
    shape = image.pixels.shape[:3]
    flat, notes = _flatten(
        contours, np.asarray(np.linalg.inv(case_affine(grid)), np.float64), slots_of(grid), shape
    )
    placed = np.zeros(shape, bool)
    for (k, _), rings in flat.items():
        placed[k] |= _fill(rings, (shape[1], shape[2]))
    if not placed.any():
        raise _refusal(contours, f"{name} holds no contour that surrounds a pixel of these images.")
    return placed, notes


def _flatten(
    contours: Contours,
    to_index: NDArray[np.float64],
    slots: NDArray[np.float64],
    shape: tuple[int, ...],
) -> tuple[dict[tuple[int, int], list[_Flat]], tuple[str, ...]]:
    """Contours by slice and region, and sentences on those that lie on no slice.

    Raises:
        InputError: Most of them lie elsewhere.
    """
    flat: dict[tuple[int, int], list[_Flat]] = defaultdict(list)
    tilted = between = outside = cut = crossings = 0
    last = np.array(shape[1:]) - 0.5
    for ring in contours.rings:
        at = (to_index[:3, :3] @ (ring.points * _TO_RAS).T) + to_index[:3, 3:]
        place = float(np.median(at[0]))
        k = int(np.abs(slots - place).argmin())
        in_plane = at[1:]
        if np.ptp(at[0]) > 2 * _OFF_SLICE:
            tilted += 1
        elif not -0.5 <= place <= slots[-1] + 0.5 or _misses(in_plane, last):
            outside += 1
        elif np.abs(at[0] - slots[k]).max() > _OFF_SLICE:
            between += 1
        else:
            cut += bool((in_plane.min(axis=1) < -0.5).any() or (in_plane.max(axis=1) > last).any())
            ends = np.clip(np.append(at[1], at[1, :1]), 0, shape[1])
            crossings += int(np.abs(np.diff(ends)).sum()) + len(at[1])
            flat[(k, ring.region)].append(_Flat(at[1], at[2], ring.is_xor))
        if crossings > _MOST_CROSSINGS:
            raise _refusal(
                contours,
                f"The contours of {contours.name} are more intricate than any lesion's. Check where"
                " the file came from.",
            )
    if not flat:
        raise _refusal(contours, _elsewhere(contours.name, tilted=tilted, between=between))
    _check_steps(contours, flat)
    counted = (
        (tilted, "lie in another plane than the slices", "they are left out"),
        (between, "lie between the slices", "they are left out"),
        (outside, "lie outside of the images", "they are left out"),
        (cut, "reach beyond the edge of the images", "what is outside is left out"),
    )
    of = f"of {len(contours.rings):,} contours of {contours.name}"
    return flat, tuple(f"{n:,} {of} {where}; {end}." for n, where, end in counted if n)


def _misses(in_plane: NDArray[np.float64], last: NDArray[np.float64]) -> bool:
    """Whether a contour is outside of the image."""
    return bool((in_plane.max(axis=1) < -0.5).any() or (in_plane.min(axis=1) > last).any())


def _elsewhere(name: str, *, tilted: int, between: int) -> str:
    if tilted or between:
        return (
            f"{name} was drawn on other slices than those of these images. Attach it to the series"
            " on which it was drawn."
        )
    return f"The contours of {name} lie outside of these images."


def _check_steps(contours: Contours, flat: dict[tuple[int, int], list[_Flat]]) -> None:
    """Refuse contours that were drawn on slices further apart than those of the image.

    Raises:
        InputError: They skip slices regularly.
    """
    for region in {region for _, region in flat}:
        steps = np.diff(sorted(k for k, of in flat if of == region))
        if len(steps) >= _LEAST_SLICES - 1 and steps.min() == steps.max() > 1:
            raise _refusal(
                contours,
                f"{contours.name} was drawn on slices {steps[0]} times as far apart as those of"
                " these images. Attach it to the series on which it was drawn.",
            )


def _fill(rings: Sequence[_Flat], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """The pixels of one region on one slice."""
    patches = [(ring.is_xor, *fill_polygon(ring.rows, ring.columns, shape)) for ring in rings]
    patches.sort(key=lambda patch: -int(patch[2].sum()))
    page, apart = np.zeros(shape, bool), np.zeros(shape, bool)
    seen: set[tuple[int, int, bytes]] = set()
    for is_xor, (row, column), patch in patches:
        height, width = patch.shape
        window = np.s_[row : row + height, column : column + width]
        if is_xor:
            apart[window] ^= patch
            continue
        key = (row, column, np.packbits(patch).tobytes())
        if key in seen:  # drawn twice
            continue
        seen.add(key)
        if page[window][patch].all():
            page[window] &= ~patch
        else:
            page[window] |= patch
    return page | apart


def fill_polygon(
    rows: NDArray[np.float64], columns: NDArray[np.float64], shape: tuple[int, int]
) -> tuple[tuple[int, int], NDArray[np.bool_]]:
    """Pixels whose centres lie inside of a polygon, by the even-odd rule.

    Args:
        rows: ``(n,)`` of its corners; centres of pixels have whole numbers.
        columns: ``(n,)`` of its corners.
        shape: Of the image.

    Returns:
        First row and column of a window of the image, and the pixels inside in it.
    """
    height, width = shape
    next_rows, next_columns = np.roll(rows, -1), np.roll(columns, -1)
    first, last = (
        np.ceil(np.clip(end, -1, height)).clip(0).astype(np.int64)
        for end in (np.minimum(rows, next_rows), np.maximum(rows, next_rows))
    )
    counts = last - first  # rows from the upper end of each edge to before its lower end
    edge = np.repeat(np.arange(len(rows)), counts)
    at = np.arange(len(edge)) - np.repeat(np.cumsum(counts) - counts, counts) + first[edge]
    share = (at - rows[edge]) / (next_rows - rows)[edge]
    crossed = columns[edge] + share * (next_columns - columns)[edge]
    start = np.ceil(np.clip(crossed, -1, width)).clip(0).astype(np.int64)
    if not len(edge):
        return (0, 0), np.zeros((0, 0), bool)
    top, left = int(at.min()), int(start.min())
    size = (int(at.max()) - top + 1, int(start.max()) - left + 1)
    flat = (at - top) * size[1] + (start - left)
    turns = np.bincount(flat, minlength=size[0] * size[1]).reshape(size) % 2
    inside = np.bitwise_xor.accumulate(turns.astype(bool), axis=1)
    return (top, left), inside[:, : width - left]


def _refusal(contours: Contours, message: str) -> InputError:
    return InputError(contours.source, message)
