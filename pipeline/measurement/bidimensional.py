"""Bidimensional measurement of the FLAIR abnormality: what a reader would set by hand, from a mask.

Per lesion (voxels that touch through faces, edges or corners), on the axial slice where the product
is largest, the longest diameter and the longest perpendicular to it (`pipeline.measurement.chords`)
are what RANO measures. This is a measurement, not an assessment: there is no response category, and
what it is not is told in words with it.

Criteria of measurability: Wen et al. 2023, RANO 2.0, Journal of Clinical Oncology 41(33).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.measurement.chords import (
    Chord,
    longest_diameters,
    longest_perpendicular,
    most_product,
    widest_extent,
)

#: Both diameters of a measurable lesion reach this.
MEASURABLE_MM = 10.0
#: Slices on which a measurable lesion is seen.
MEASURABLE_SLICES = 2
#: Beyond this distance of slices RANO asks for more.
_USUAL_DISTANCE_MM = 5.0
#: Products that differ by rounding only are the same.
_SAME = 1e-9
#: Lesions that are measured, the largest first.
MOST_LESIONS = 16

NOT_WITHOUT_THE_READER = (
    "Cysts, cavities and surgical changes are to be left out by the reader: the mask does not know"
    " them."
)
NOT_ENHANCING = (
    "This is the FLAIR abnormality, which takes in oedema and treatment change. Enhancing disease"
    " is measured on post-contrast T1, which is another matter."
)
IN_PIXELS = "The input states no pixel spacing: lengths are in pixels, and RANO cannot be applied."


@dataclass(frozen=True)
class LesionMeasurement:
    """One lesion's two diameters.

    Attributes:
        number: From 1, the largest lesion first.
        voxels: Of the lesion.
        slices: Number of slices on which it is seen.
        position: Slice on which it is measured, from 0.
        longest: Longest diameter in plane.
        perpendicular: Longest perpendicular to it.
        product: Of both lengths.
        measurable: Whether it is by RANO 2.0; None without spacing.
        reason: Why, in one sentence.
        boxes: Where it is on its slices: (slice, left, top, right, bottom), in pixels from 0, right
            and bottom beyond the last.
    """

    number: int
    voxels: int
    slices: int
    position: int
    longest: Chord
    perpendicular: Chord
    product: float
    measurable: bool | None
    reason: str
    boxes: tuple[tuple[int, int, int, int, int], ...]


@dataclass(frozen=True)
class BidimensionalMeasurement:
    """All lesions of a mask.

    Attributes:
        unit: ``mm``, or ``px`` without spacing.
        lesions: The largest first.
        not_measured: Smaller lesions beyond `MOST_LESIONS`.
        notes: Plain sentences that belong to the figures.
        cautions: Those of them that would hold for any mask of this study.
    """

    unit: str
    lesions: tuple[LesionMeasurement, ...]
    not_measured: int
    notes: tuple[str, ...]
    cautions: tuple[str, ...]


def measure_lesions(
    masks: NDArray[np.bool_], spacing_mm: tuple[float, float, float] | None
) -> BidimensionalMeasurement:
    """Measure every lesion of a mask.

    Args:
        masks: ``(n, h, w)`` bool, axial slices in order.
        spacing_mm: (z, y, x), or None where it is not known.

    Raises:
        ValueError: The masks have no three axes, or a spacing is not above 0.
    """
    if masks.ndim != 3:
        raise ValueError(f"masks must be (n, h, w), got shape {masks.shape}")
    if spacing_mm is not None and not all(np.isfinite(mm) and mm > 0 for mm in spacing_mm):
        raise ValueError(f"spacing must be above 0, got {spacing_mm}")
    lesions = find_lesions(masks)
    measured = [
        _measure_lesion(number, lesion, spacing_mm)
        for number, lesion in enumerate(lesions[:MOST_LESIONS], start=1)
    ]
    notes = [] if spacing_mm is not None else [IN_PIXELS]
    if spacing_mm is not None and spacing_mm[0] > _USUAL_DISTANCE_MM:
        notes.append(
            f"The slices lie {spacing_mm[0]:.1f} mm apart; RANO prefers 5 mm or less without gaps,"
            " and asks for larger lesions otherwise."
        )
    cautions = (*notes, NOT_WITHOUT_THE_READER, NOT_ENHANCING)
    left = len(lesions) - len(measured)
    if left:
        notes.append(f"{left} smaller lesions were not measured.")
    if measured:
        notes += [NOT_WITHOUT_THE_READER, NOT_ENHANCING]
    unit = "px" if spacing_mm is None else "mm"
    return BidimensionalMeasurement(unit, tuple(measured), left, tuple(notes), cautions)


@dataclass(frozen=True, eq=False)
class _Lesion:
    """Pixels of a lesion: slice -> (row and column of the box, ``(h, w)`` bool in it)."""

    pieces: dict[int, tuple[int, int, NDArray[np.bool_]]]

    @property
    def voxels(self) -> int:
        return sum(int(np.count_nonzero(shape)) for _, _, shape in self.pieces.values())


def find_lesions(masks: NDArray[np.bool_]) -> list[_Lesion]:
    """Connected components, the largest first; voxels touch through faces, edges and corners."""
    filled = np.flatnonzero(masks.any(axis=(1, 2)))
    if not filled.size:
        return []
    rows = np.flatnonzero(masks.any(axis=(0, 2)))
    columns = np.flatnonzero(masks.any(axis=(0, 1)))
    y, x = int(rows[0]), int(columns[0])
    box = masks[:, y : rows[-1] + 1, x : columns[-1] + 1]
    labels = {int(k): _label_slice(box[k]) for k in filled}
    group = _join_slices(labels)
    pieces: dict[tuple[int, int], dict[int, tuple[int, int, NDArray[np.bool_]]]] = {}
    for k, labelled in labels.items():
        roots = np.array([-1] + [group[k, j] for j in range(1, int(labelled.max()) + 1)], object)
        for root in dict.fromkeys(roots[1:]):
            own = [j for j in range(1, len(roots)) if roots[j] == root]
            shape = np.isin(labelled, own)
            h, w = (np.flatnonzero(shape.any(axis=axis)) for axis in (1, 0))
            cut = shape[h[0] : h[-1] + 1, w[0] : w[-1] + 1]
            pieces.setdefault(root, {})[k] = (y + int(h[0]), x + int(w[0]), cut)
    return sorted((_Lesion(own) for own in pieces.values()), key=_order)


def _order(lesion: _Lesion) -> tuple[int, int, int, int]:
    """The largest first; of equal ones by slice, row and column."""
    first = min(lesion.pieces)
    y, x, _ = lesion.pieces[first]
    return -lesion.voxels, first, y, x


def _label_slice(shape: NDArray[np.bool_]) -> NDArray[np.int32]:
    # OpenCV, which is loaded anyway: SciPy would cost the web process most of a second.
    return np.asarray(cv2.connectedComponents(shape.astype(np.uint8), connectivity=8)[1], np.int32)


def _join_slices(labels: dict[int, NDArray[np.int32]]) -> dict[tuple[int, int], tuple[int, int]]:
    """The first piece (slice, label) of the lesion that each piece belongs to."""
    parent = {(k, j): (k, j) for k, own in labels.items() for j in range(1, int(own.max()) + 1)}

    def root(piece: tuple[int, int]) -> tuple[int, int]:
        while parent[piece] != piece:
            parent[piece] = parent[parent[piece]]
            piece = parent[piece]
        return piece

    for k, above in labels.items():
        if k + 1 not in labels:
            continue
        for a, b in _touching(above, labels[k + 1]):
            one, other = sorted((root((k, a)), root((k + 1, b))))
            parent[other] = one
    return {piece: root(piece) for piece in parent}


def _touching(above: NDArray[np.int32], below: NDArray[np.int32]) -> list[tuple[int, int]]:
    """Labels of two slices whose pixels touch, corners included."""
    inside = above > 0
    table = np.zeros((int(above.max()) + 1, int(below.max()) + 1), bool)
    table[above[inside], below[inside]] = True
    # Neighbours of a pixel of the lower slice have its label: only beside it others are found.
    near = cv2.dilate((below > 0).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    y, x = np.nonzero(inside & near & (below == 0))
    padded = np.pad(below, 1)
    for dy in range(3):
        for dx in range(3):
            table[above[y, x], padded[y + dy, x + dx]] = True
    table[:, 0] = False
    return [(int(a), int(b)) for a, b in np.argwhere(table)]


def _measure_lesion(
    number: int, lesion: _Lesion, spacing_mm: tuple[float, float, float] | None
) -> LesionMeasurement:
    spacing = (1.0, 1.0) if spacing_mm is None else (spacing_mm[1], spacing_mm[2])
    bounds = {k: most_product(shape, spacing) for k, (_, _, shape) in lesion.pieces.items()}
    best: tuple[float, int, Chord, Chord] | None = None
    for k in sorted(bounds, key=lambda k: (-bounds[k], k)):
        if best is not None and bounds[k] < best[0] * (1 - _SAME):
            break
        y, x, shape = lesion.pieces[k]
        for longest in longest_diameters(shape, spacing):
            limit = longest.length * widest_extent(shape, longest, spacing)
            if best is not None and limit < best[0] * (1 - _SAME):
                continue
            across = longest_perpendicular(shape, longest, spacing)
            product = longest.length * across.length
            if best is None or _is_better(product, k, best[0], best[1]):
                best = (product, k, _moved(longest, y, x), _moved(across, y, x))
    assert best is not None
    product, position, longest, across = best
    slices = len(lesion.pieces)
    measurable, reason = _judge(longest, across, slices, in_mm=spacing_mm is not None)
    return LesionMeasurement(
        number=number,
        voxels=lesion.voxels,
        slices=slices,
        position=position,
        longest=longest,
        perpendicular=across,
        product=product,
        measurable=measurable,
        reason=reason,
        boxes=tuple(
            (k, x, y, x + shape.shape[1], y + shape.shape[0])
            for k, (y, x, shape) in sorted(lesion.pieces.items())
        ),
    )


def _is_better(product: float, k: int, best: float, best_k: int) -> bool:
    """Whether a product is larger, or the same on an earlier slice."""
    if product > best * (1 + _SAME):
        return True
    return product >= best * (1 - _SAME) and k < best_k


def _moved(chord: Chord, y: int, x: int) -> Chord:
    return Chord(chord.x1 + x, chord.y1 + y, chord.x2 + x, chord.y2 + y, chord.length)


def _judge(longest: Chord, across: Chord, slices: int, *, in_mm: bool) -> tuple[bool | None, str]:
    """Whether a lesion is measurable by RANO 2.0, and why."""
    if not in_mm:
        return None, "Whether it is measurable is not known without a pixel spacing."
    short = [chord.length for chord in (longest, across) if chord.length < MEASURABLE_MM - 1e-9]
    if short:
        return False, f"Not measurable: {min(short):.1f} mm is below 10 mm."
    if slices < MEASURABLE_SLICES:
        return False, "Not measurable: it is seen on one slice only, two are asked for."
    return True, f"Measurable: both diameters reach 10 mm, and it is seen on {slices} slices."
