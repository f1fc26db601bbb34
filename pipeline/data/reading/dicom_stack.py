"""Frames of a series to stacks: checked for agreement, sorted, with spacing and grid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.data.case import InputGrid
from pipeline.data.geometry import (
    Plane,
    case_affine,
    is_usable,
    lay_out,
    pixel_spacing_warnings,
    plane_of,
    slice_distance_warnings,
    slice_normal,
    spacing_of,
)
from pipeline.data.reading.dicom_files import Frame
from pipeline.data.reading.dicom_kinds import frame_order, order_unplaced
from pipeline.errors import InputError

#: LPS+ to RAS+.
_TO_RAS = np.diag([-1.0, -1.0, 1.0])
#: Positions closer than this are one place: scanners round to a hundredth of a millimetre.
_SAME_PLACE_MM = 0.02
#: Direction cosines that differ less are one direction.
_SAME_DIRECTION = 0.02
#: A distance that is this much longer than the usual one means that a slice is missing.
_GAP_FACTOR = 1.5
#: Distances that vary by more than this part of the usual one are reported.
_UNEVEN = 0.1

#: In what the slices of a series must agree, in a reader's words.
_AGREEING = {"shape": "size", "orientation": "direction", "pixel_spacing": "pixel size"}
#: So many slices, and more than this part of the series, are kept where the others are unlike them.
_MIN_MAJORITY = 3
_MAJORITY = 0.75
#: More file names than this are counted in a sentence, not named.
_MAX_NAMES = 3


@dataclass(frozen=True, eq=False)
class FrameStack:
    """Frames in the order of the input's array, before it is brought upright.

    Attributes:
        frames: Sorted along the normal of the slices (row direction x column direction).
        layout: How the array ``(column, row, slice)`` is brought upright, or None.
        grid: The same with its place in the patient, or None without positions.
        plane: Plane of the slices, or None where the orientation is unknown.
        spacing_mm: (z, y, x) of the case, or None.
        positions_mm: Of the case's slices, or None.
        warnings: What a reader must know of the stack.
        overlaid: Pairs of a frame that is left out and the one that lies at its place.
    """

    frames: tuple[Frame, ...]
    layout: InputGrid | None
    grid: InputGrid | None
    plane: Plane | None
    spacing_mm: tuple[float, float, float] | None
    positions_mm: tuple[float, ...] | None
    warnings: tuple[str, ...]
    overlaid: tuple[tuple[Frame, Frame], ...] = ()


def stack_frames(frames: Sequence[Frame], *, is_mask: bool = False) -> list[FrameStack]:
    """Sort the frames of one series into stacks.

    Args:
        frames: Its frames, in any order; they agree in size, direction and pixel size, and no two
            lie at one place unless they are parts of a mask.
        is_mask: Whether frames at one place are parts of one mask.

    Returns:
        One stack.
    """
    frames, warnings = _leave_out_absurd_spacing(frames)
    stacks = _sort_frames(frames, is_mask=is_mask)
    return [replace(stack, warnings=(*warnings, *stack.warnings)) for stack in stacks]


def _leave_out_absurd_spacing(
    frames: Sequence[Frame],
) -> tuple[list[Frame], tuple[str, ...]]:
    """Frames without a pixel spacing that cannot be right; reported where no other is left."""
    kept: list[Frame] = []
    warnings: tuple[str, ...] = ()
    for frame in frames:
        stated = frame.pixel_spacing
        found = pixel_spacing_warnings(*stated) if stated is not None else ()
        kept.append(replace(frame, pixel_spacing=None) if found else frame)
        warnings = warnings or found
    if any(frame.pixel_spacing is not None for frame in kept):
        warnings = ()
    return kept, warnings


def _sort_frames(frames: Sequence[Frame], *, is_mask: bool) -> list[FrameStack]:
    ordered = sorted(frames, key=frame_order)
    if any(frame.position is None or frame.orientation is None for frame in frames):
        return [_build_stack(ordered)]
    if not is_mask or not _has_doubles(ordered):
        return [_build_stack(ordered)]
    kept, overlaid = _first_of_each_place(ordered)
    return [replace(_build_stack(kept), overlaid=tuple(overlaid))]


def leave_out_odd(title: str, frames: Sequence[Frame]) -> tuple[frozenset[Path], list[InputError]]:
    """Find the files of a series that are unlike the great majority of its slices.

    Args:
        title: The series as a sentence names it.
        frames: Its frames, in any order.

    Returns:
        Those files, and one error per property in which they differ.

    Raises:
        InputError: If no great majority agrees in size, direction and pixel size.
    """
    kept, _ = _leave_out_absurd_spacing(frames)
    odd: set[Path] = set()
    errors: list[InputError] = []
    for attribute, name in _AGREEING.items():
        usual = _most_common(kept, attribute)
        files = {f.file.path: f.file for f in kept if not _agrees(f, attribute, usual)}
        if not files:
            continue
        unlike = [frame for frame in kept if frame.file.path in files]
        kept = [frame for frame in kept if frame.file.path not in files]
        if len(kept) < _MIN_MAJORITY or len(kept) <= _MAJORITY * len(frames):
            raise _disagreement(title, name, unlike, kept)
        odd.update(files)
        errors.append(_oddity(title, attribute, unlike, kept))
    return frozenset(odd), errors


def _most_common(frames: Sequence[Frame], attribute: str) -> tuple[float, ...] | None:
    counts = Counter(getattr(frame, attribute) for frame in frames)
    counts.pop(None, None)
    if not counts:
        return None
    values = np.array(list(counts), float)
    near = [np.abs(values - value).max(axis=1) <= _SAME_DIRECTION for value in values]
    shares = [np.array(list(counts.values()))[which].sum() for which in near]
    return tuple(values[int(np.argmax(shares))])


def _agrees(frame: Frame, attribute: str, usual: tuple[float, ...] | None) -> bool:
    value = getattr(frame, attribute)
    if value is None or usual is None:
        return True
    return bool(np.abs(np.subtract(value, usual)).max() <= _SAME_DIRECTION)


def _disagreement(
    title: str, name: str, unlike: Sequence[Frame], kept: Sequence[Frame]
) -> InputError:
    """The sentence that refuses a series."""
    sizes = sorted({frame.shape for frame in (*unlike, *kept)})
    if name == "size":
        words = " and ".join(f"{columns} x {rows}" for rows, columns in sizes[:2])
        why, remedy = f" ({words} pixels)", ". Export the series again."
    else:
        why, remedy = "", " (a localiser, or several series in one)."
    return InputError(
        unlike[0].file.source,
        f"{title}: its slices disagree in {name}{why}, so that they are no volume{remedy}",
    )


def _oddity(
    title: str, attribute: str, unlike: Sequence[Frame], kept: Sequence[Frame]
) -> InputError:
    """The sentence that leaves files of a series out."""
    names = list(dict.fromkeys(frame.file.name for frame in unlike))
    more = len(names) - _MAX_NAMES
    shown = [*names[:_MAX_NAMES], f"{more} more"] if more > 0 else names
    subject = " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))
    many = len(names) > 1
    others = f"the other {len(kept)} slices of {title.replace('Series ', 'series ', 1)}"
    sizes = [f"{columns} x {rows}" for rows, columns in (unlike[0].shape, kept[0].shape)]
    if attribute == "orientation":
        words = f"{'lie' if many else 'lies'} in another direction than {others}"
    elif attribute == "pixel_spacing":
        words = f"{'have' if many else 'has'} pixels of another size than {others}"
    elif len({frame.shape for frame in unlike}) > 1:
        words = f"are not {sizes[1]} pixels like {others}"
    else:
        words = f"{'are' if many else 'is'} {sizes[0]} pixels, {others} {sizes[1]}"
    end = "they are left out" if many else "it is left out"
    return InputError(unlike[0].file.source, f"{subject} {words}; {end}.")


def _axes_of(frame: Frame) -> NDArray[np.float64]:
    """Row direction, column direction and normal in LPS, as the rows of a 3x3 matrix."""
    row, column = np.array(frame.orientation, float).reshape(2, 3)
    row = row / max(float(np.linalg.norm(row)), 1e-9)
    column = column / max(float(np.linalg.norm(column)), 1e-9)
    return np.stack([row, column, np.cross(row, column)])


def _places(frames: Sequence[Frame]) -> NDArray[np.float64]:
    """Position of each frame along the normal of the first."""
    normal = _axes_of(frames[0])[2]
    return np.array([np.array(frame.position, float) @ normal for frame in frames])


def _has_doubles(frames: Sequence[Frame]) -> bool:
    places = np.sort(_places(frames))
    return bool((np.diff(places) < _SAME_PLACE_MM).any())


def _first_of_each_place(
    frames: Sequence[Frame],
) -> tuple[list[Frame], list[tuple[Frame, Frame]]]:
    """The first frame of each place, and the others paired with it."""
    kept: list[Frame] = []
    overlaid: list[tuple[Frame, Frame]] = []
    last = -np.inf
    places = _places(frames)
    for i in np.argsort(places, kind="stable"):
        if places[i] - last >= _SAME_PLACE_MM:
            kept.append(frames[i])
            last = float(places[i])
        else:
            overlaid.append((frames[i], kept[-1]))
    return kept, overlaid


def _build_stack(frames: Sequence[Frame]) -> FrameStack:
    if any(frame.position is None or frame.orientation is None for frame in frames):
        return _unplaced_stack(frames)
    places = _places(frames)
    order = np.argsort(places, kind="stable")
    ordered, places = tuple(frames[i] for i in order), places[order]
    gaps = np.diff(places)
    step = float(np.median(gaps)) if gaps.size else ordered[0].thickness or 0.0
    affine = _affine_of(ordered, places, step)
    if not is_usable(affine):
        return _unplaced_stack(frames)
    plane = plane_of(affine, 2)
    rows, columns = ordered[0].shape
    grid = lay_out(affine, (columns, rows, len(ordered)), plane)
    absurd = slice_distance_warnings(step) if step > 0 else ()
    if absurd:
        return FrameStack(ordered, grid, None, plane, None, None, absurd)
    spacing = spacing_of(grid) if _pixel_spacing(ordered) and step > 0 else None
    positions = _positions_of(ordered, grid)
    warnings = _gap_warnings(gaps, step) if gaps.size else _lone_warnings(spacing)
    return FrameStack(ordered, grid, grid, plane, spacing, positions, warnings)


def _pixel_spacing(frames: Sequence[Frame]) -> tuple[float, ...] | None:
    """What the first frame that states it says."""
    return next((frame.pixel_spacing for frame in frames if frame.pixel_spacing), None)


def _affine_of(
    frames: Sequence[Frame], places: NDArray[np.float64], step: float
) -> NDArray[np.float64]:
    """Affine of the ``(column, row, slice)`` array; a leaning stack keeps its lean."""
    row, column, normal = _axes_of(frames[0])
    between_rows, between_columns = _pixel_spacing(frames) or (1.0, 1.0)
    first, last = (np.array(frame.position, float) for frame in (frames[0], frames[-1]))
    along = (last - first) / (places[-1] - places[0]) if len(frames) > 1 else normal
    affine = np.eye(4)
    affine[:3, 0] = _TO_RAS @ (row * between_columns)
    affine[:3, 1] = _TO_RAS @ (column * between_rows)
    affine[:3, 2] = _TO_RAS @ (along * (step or 1.0))
    affine[:3, 3] = _TO_RAS @ first
    return affine


def _positions_of(frames: Sequence[Frame], grid: InputGrid) -> tuple[float, ...]:
    normal = slice_normal(case_affine(grid))
    positions = [float(_TO_RAS @ np.array(frame.position, float) @ normal) for frame in frames]
    return tuple(reversed(positions) if 0 in grid.flips else positions)


def _gap_warnings(gaps: NDArray[np.float64], step: float) -> tuple[str, ...]:
    if gaps.size < 2:
        return ()
    missing = int(np.rint(gaps[gaps > _GAP_FACTOR * step] / step - 1).sum())
    if missing:
        words = "1 slice is" if missing == 1 else f"about {missing} slices are"
        return (
            f"It seems that {words} missing: the distance is {step:.1f} mm, but up to"
            f" {gaps.max():.1f} mm in places. The volume does not count what lies in the gaps.",
        )
    if np.ptp(gaps) > _UNEVEN * step:
        return (
            f"The distance between slices varies from {gaps.min():.1f} to {gaps.max():.1f} mm;"
            " the volume is an estimate.",
        )
    return ()


def _lone_warnings(spacing: tuple[float, float, float] | None) -> tuple[str, ...]:
    if spacing is None:
        return ()
    return ("This is a single slice; its volume is its area times the stated slice thickness.",)


def _unplaced_stack(frames: Sequence[Frame]) -> FrameStack:
    """Frames whose place is not stated, in the best order that is known.

    Where at least their direction is stated, each is brought upright; their order is kept.
    """
    frames, distance, order_note = order_unplaced(frames)
    first = frames[0]
    stated = _pixel_spacing(frames)
    between_rows, between_columns = stated or (1.0, 1.0)
    spacing = None
    thickness = distance or first.thickness
    absurd = slice_distance_warnings(thickness) if thickness else ()
    if stated and thickness and not absurd:
        spacing = (thickness, between_rows, between_columns)
    layout, plane = None, None
    if first.orientation is not None:
        placed = replace(first, position=(0.0, 0.0, 0.0), pixel_spacing=stated)
        affine = _affine_of([placed], np.zeros(1), thickness or 1.0)
        if is_usable(affine):
            plane = plane_of(affine, 2)
            layout = lay_out(affine, (first.shape[1], first.shape[0], len(frames)), plane)
            layout = replace(layout, flips=tuple(axis for axis in layout.flips if axis))
            spacing = spacing_of(layout) if spacing else None
    warnings = _lone_warnings(spacing)
    if len(frames) > 1:
        warnings = (order_note,)
    return FrameStack(tuple(frames), layout, None, plane, spacing, None, (*absurd, *warnings))
