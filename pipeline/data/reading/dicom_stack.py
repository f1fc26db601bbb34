"""Frames of a series to stacks: checked for agreement, sorted, with spacing and grid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.data.case import InputGrid
from pipeline.data.cautions import Caution, InputAspect, ReadingAspect, cautions_of
from pipeline.data.geometry import (
    AREAS_IN_PIXELS,
    Plane,
    case_affine,
    is_usable,
    lay_out,
    pixel_spacing_warnings,
    plane_of,
    shear_warnings,
    slice_distance_warnings,
    slice_normal,
    spacing_of,
)
from pipeline.data.reading.dicom_files import Frame
from pipeline.data.reading.dicom_kinds import (
    MAJORITY,
    MIN_STACK,
    SAME_DIRECTION,
    SAME_PLACE_MM,
    frame_order,
    order_unplaced,
)
from pipeline.data.reading.names import join_words
from pipeline.errors import InputError

#: LPS+ to RAS+.
_TO_RAS = np.diag([-1.0, -1.0, 1.0])
#: Largest distance of a slice from the line of the others.
_OFF_LINE_MM = 0.1
#: Fewest slices among which one can be recognised as odd.
_MIN_FOR_ODD = 4
#: Largest share of slices whose place may differ from the one that their numbers state.
_MOST_MISPLACED = 0.1
#: Most slices that may be missing before one whose number shows no gap: numbers may be renewed.
_NEAR_STEPS = 3.0
#: Largest share of the distances that may be gaps; with more, the distances are uneven.
_MOST_GAPS = 0.25
#: Largest size of a grid with its empty slices, as a multiple of the slices.
_MOST_EMPTY = 8

NO_PIXEL_SPACING = (
    f"The files do not state a pixel spacing that can be read: {AREAS_IN_PIXELS}, and there is no"
    " NIfTI mask."
)
NOT_STRAIGHT = (
    "The slices do not lie on one line: part of the stack is shifted against the rest. Reformats"
    " and the 3D view do not allow for it, and there is no NIfTI mask."
)
#: Attributes in which the slices of a series must agree, in a reader's words.
_AGREEING = {"shape": "size", "orientation": "direction", "pixel_spacing": "pixel size"}
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
        cautions: What a reader must know of the stack.
        overlaid: Pairs of a frame that is left out and the one at the same place.
    """

    frames: tuple[Frame, ...]
    layout: InputGrid | None
    grid: InputGrid | None
    plane: Plane | None
    spacing_mm: tuple[float, float, float] | None
    positions_mm: tuple[float, ...] | None
    cautions: tuple[Caution, ...]
    overlaid: tuple[tuple[Frame, Frame], ...] = ()


def stack_frames(frames: Sequence[Frame], *, is_mask: bool = False) -> FrameStack:
    """Sort the frames of one series into a stack.

    Args:
        frames: Its frames, in any order; they agree in size, direction and pixel size, and no two
            lie at one place unless they are parts of a mask.
        is_mask: Whether frames at one place are parts of one mask.
    """
    frames, absurd = _leave_out_absurd_spacing(frames)
    missing = () if absurd or _pixel_spacing(frames) else (NO_PIXEL_SPACING,)
    before, after = (cautions_of(ReadingAspect.NO_SPACING, words) for words in (absurd, missing))
    stack = _sort_frames(frames, is_mask=is_mask)
    return replace(stack, cautions=(*before, *stack.cautions, *after))


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


def _sort_frames(frames: Sequence[Frame], *, is_mask: bool) -> FrameStack:
    ordered = sorted(frames, key=frame_order)
    if any(frame.position is None or frame.orientation is None for frame in frames):
        return _build_stack(ordered, is_mask=is_mask)
    if not is_mask or not _has_doubles(ordered):
        return _build_stack(ordered, is_mask=is_mask)
    kept, overlaid = _first_of_each_place(ordered)
    return replace(_build_stack(kept, is_mask=is_mask), overlaid=tuple(overlaid))


def forget_blank_positions(frames: Sequence[Frame]) -> list[Frame]:
    """Frames without positions that programs fill in with zeros, as some do that anonymise.

    Args:
        frames: Of one series.

    Returns:
        The frames; the position 0, 0, 0 is missing where several have it, and more than any other.
    """
    counts = Counter(frame.position for frame in frames if frame.position is not None)
    blank = counts.pop((0.0, 0.0, 0.0), 0)
    if blank < 2 or blank <= max(counts.values(), default=0):
        return list(frames)
    return [
        replace(frame, position=None) if frame.position == (0.0, 0.0, 0.0) else frame
        for frame in frames
    ]


def leave_out_odd(title: str, frames: Sequence[Frame]) -> tuple[frozenset[Frame], list[InputError]]:
    """Find the frames of a series that are unlike the great majority of its slices.

    Args:
        title: The series as a sentence names it.
        frames: Its frames, in any order.

    Returns:
        Those frames, and one error per property in which they differ.

    Raises:
        InputError: If no great majority agrees in size, direction and pixel size.
    """
    stated, _ = _leave_out_absurd_spacing(frames)
    kept = list(zip(frames, stated, strict=True))
    odd: set[Frame] = set()
    errors: list[InputError] = []
    for attribute, name in _AGREEING.items():
        usual = _most_common([frame for _, frame in kept], attribute)
        unlike = [given for given, frame in kept if not _agrees(frame, attribute, usual)]
        if not unlike:
            continue
        odd.update(unlike)
        kept = [pair for pair in kept if pair[0] not in odd]
        others = [given for given, _ in kept]
        if len(kept) < MIN_STACK or len(kept) <= MAJORITY * len(frames):
            raise _disagreement(title, name, unlike, others)
        errors.append(_oddity(title, attribute, unlike, others))
    return frozenset(odd), errors


def _most_common(frames: Sequence[Frame], attribute: str) -> tuple[float, ...] | None:
    counts = Counter(getattr(frame, attribute) for frame in frames)
    counts.pop(None, None)
    if not counts:
        return None
    values = np.array(list(counts), float)
    near = [np.abs(values - value).max(axis=1) <= SAME_DIRECTION for value in values]
    shares = [np.array(list(counts.values()))[which].sum() for which in near]
    return tuple(values[int(np.argmax(shares))])


def _agrees(frame: Frame, attribute: str, usual: tuple[float, ...] | None) -> bool:
    value = getattr(frame, attribute)
    if value is None or usual is None:
        return True
    return bool(np.abs(np.subtract(value, usual)).max() <= SAME_DIRECTION)


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
        f"{title}: its slices disagree in {name}{why}, and do not form a volume{remedy}",
        n_files=len({frame.file.path for frame in (*unlike, *kept)}),
    )


def _oddity(
    title: str, attribute: str, unlike: Sequence[Frame], kept: Sequence[Frame]
) -> InputError:
    """The sentence that leaves files of a series out, or some frames of a file."""
    files = {frame.file.path for frame in unlike}
    within = files & {frame.file.path for frame in kept}
    subject = _name_files(unlike)
    many = len({frame.file.name for frame in unlike}) > 1
    if within:
        many = len(unlike) > 1
        subject = f"{len(unlike)} {'frames' if many else 'frame'} of {subject}"
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
    message = f"{subject} {words}; {end}."
    return InputError(unlike[0].file.source, message, n_files=len(files - within))


def _name_files(frames: Sequence[Frame]) -> str:
    """The files of frames as the subject of a sentence."""
    names = list(dict.fromkeys(frame.file.name for frame in frames))
    more = len(names) - _MAX_NAMES
    shown = [*names[:_MAX_NAMES], f"{more} more"] if more > 0 else names
    return join_words(shown)


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
    return bool((np.diff(places) < SAME_PLACE_MM).any())


def _first_of_each_place(
    frames: Sequence[Frame],
) -> tuple[list[Frame], list[tuple[Frame, Frame]]]:
    """The first frame of each place, and the others paired with it."""
    kept: list[Frame] = []
    overlaid: list[tuple[Frame, Frame]] = []
    last = -np.inf
    places = _places(frames)
    for i in np.argsort(places, kind="stable"):
        if places[i] - last >= SAME_PLACE_MM:
            kept.append(frames[i])
            last = float(places[i])
        else:
            overlaid.append((frames[i], kept[-1]))
    return kept, overlaid


def _build_stack(frames: Sequence[Frame], *, is_mask: bool) -> FrameStack:
    """Frames in the order of their numbers to a stack.

    Positions decide. A frame whose position is missing or contradicts all others is put where its
    number puts it, if that is an empty place between others, or is left out.
    """
    found = _find_line(frames, is_mask=is_mask)
    if found is None:
        return _unplaced_stack(frames)
    line, ordered = found, found.frames
    step = line.step or ordered[0].thickness or 0.0
    stated = _pixel_spacing(ordered)
    affine = _affine_of(line.axes, line.origin, line.along * (step or 1.0), stated)
    if not is_usable(affine):
        return _unplaced_stack(frames)
    plane = plane_of(affine, 2)
    rows, columns = ordered[0].shape
    grid = lay_out(affine, (columns, rows, len(ordered)), plane)
    slots = tuple(float(slot) for slot in line.slots)
    whole = slots == tuple(range(len(slots)))
    is_stated = stated is not None and step > 0
    grid = replace(grid, slots=None if whole else slots, is_stated=is_stated)
    notes = cautions_of(ReadingAspect.PLACE, line.notes)
    absurd = slice_distance_warnings(step) if step > 0 else ()
    if absurd:
        cautions = (*notes, *cautions_of(ReadingAspect.NO_SPACING, absurd))
        return FrameStack(ordered, grid, None, plane, None, None, cautions)
    spacing = spacing_of(grid) if is_stated else None
    lone = _lone_warnings(spacing) if len(ordered) == 1 else ()
    cautions = (
        *notes,
        *cautions_of(InputAspect.SLICE_COUNT, lone),
        *cautions_of(InputAspect.GAPS, _gap_warnings(line)),
        *cautions_of(ReadingAspect.PLACE, shear_warnings(grid) if line.is_straight else ()),
    )
    placed = grid if line.is_straight else None
    positions = _positions_of(ordered, grid)
    return FrameStack(ordered, grid, placed, plane, spacing, positions, cautions)


@dataclass(frozen=True, eq=False)
class _Line:
    """Where the slices of a stack lie.

    Attributes:
        frames: Those of the stack, along the normal of the slices.
        axes: Row direction, column direction and normal in LPS, as rows.
        origin: Position of the first one, LPS millimetres.
        along: From slice to slice for each millimetre along the normal, LPS.
        step: Millimetres along the normal between neighbours, as a rule; 0 for a single slice.
        slots: Place of each frame along the normal in steps, from 0.
        is_straight: Whether all lie on one line.
        notes: Sentences on frames that do not.
    """

    frames: tuple[Frame, ...]
    axes: NDArray[np.float64]
    origin: NDArray[np.float64]
    along: NDArray[np.float64]
    step: float
    slots: NDArray[np.float64]
    is_straight: bool
    notes: tuple[str, ...] = ()


def _find_line(frames: Sequence[Frame], *, is_mask: bool) -> _Line | None:
    """The line that a stack's slices lie on, without those that do not fit; None where unknown.

    A mask may lie on slices far apart, whose numbers say nothing.
    """
    oriented = next((frame for frame in frames if frame.orientation is not None), None)
    known = [frame for frame in frames if frame.position is not None]
    if oriented is None or len(known) < _most_odd_leave(len(frames)):
        return None
    axes = _axes_of(oriented)
    row, column, normal = axes
    points = np.array([frame.position for frame in known], float)
    places = points @ normal
    lean, off = _lean_of(points @ np.stack([row, column], axis=1), places)
    on_line = off <= _OFF_LINE_MM
    fitting = np.flatnonzero(on_line)
    is_straight = len(fitting) >= _most_odd_leave(len(frames))
    if not is_straight:
        fitting = np.arange(len(known))
    elif len(frames) >= _MIN_FOR_ODD and not is_mask:
        numbers = _numbers_of(known)[fitting]
        fitting = fitting[~_misplaced(places[fitting], numbers)]
    fitting = fitting[np.argsort(places[fitting], kind="stable")]
    kept = [known[i] for i in fitting]
    step, slots = _slots_along(places[fitting])
    line = _Line(
        frames=tuple(kept),
        axes=axes,
        origin=points[fitting[0]],
        along=normal + lean[0] * row + lean[1] * column,
        step=step,
        slots=slots,
        is_straight=is_straight,
        notes=() if is_straight else (NOT_STRAIGHT,),
    )
    chosen = set(kept)
    odd = [frame for frame in frames if frame not in chosen]
    return _settle_odd(line, odd) if odd else line


def _most_odd_leave(n: int) -> int:
    """How many of ``n`` slices must fit, so that the others are odd ones."""
    return n if n < _MIN_FOR_ODD else int(np.ceil(MAJORITY * n))


def _lean_of(
    in_plane: NDArray[np.float64], places: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How far most slices shift in plane for each millimetre, and how far each is off that line.

    Args:
        in_plane: ``(n, 2)`` positions along a row and along a column.
        places: ``(n,)`` positions along the normal.
    """
    order, half = np.argsort(places, kind="stable"), max(1, len(places) // 2)
    lower, upper = order[: len(order) - half], order[half:]
    apart = places[upper] - places[lower]
    lean = np.zeros(2)
    if (far := apart >= SAME_PLACE_MM).any():
        # Slices half a stack apart: rounded positions of neighbours say little of the lean.
        lean = np.median((in_plane[upper] - in_plane[lower])[far] / apart[far, None], axis=0)
    upright = in_plane - places[:, None] * lean
    near = np.linalg.norm(upright - np.median(upright, axis=0), axis=1) <= 2 * _OFF_LINE_MM
    if near.sum() < 3 or np.ptp(places[near]) < SAME_PLACE_MM:
        return lean, np.linalg.norm(upright - np.median(upright, axis=0), axis=1)
    centre = places[near].mean()
    lean, start = np.polynomial.polynomial.polyfit(places[near] - centre, in_plane[near], 1)[::-1]
    return lean, np.linalg.norm(in_plane - start - (places[:, None] - centre) * lean, axis=1)


def _misplaced(places: NDArray[np.float64], numbers: NDArray[np.int_]) -> NDArray[np.bool_]:
    """Which slices lie elsewhere along the normal than their numbers say, all others agreeing.

    Slices after a gap whose numbers run on are no such slices: they keep their order.
    """
    none = np.zeros(len(places), bool)
    if len(set(numbers.tolist())) < len(numbers) or len(numbers) < _MIN_FOR_ODD - 1:
        return none
    order = np.argsort(numbers)
    rates = np.diff(places[order]) / np.diff(numbers[order])
    step = float(np.median(rates))
    if abs(step) < SAME_PLACE_MM:
        return none
    starts = places - step * numbers
    off = np.abs(starts - np.median(starts)) > _tolerance(abs(step))
    if not off.any() or off.sum() > max(1, _MOST_MISPLACED * len(places)):
        return none
    in_order = (np.diff(places[order]) * np.sign(step) > SAME_PLACE_MM).all()
    near = np.abs(starts - np.median(starts)).max() <= _NEAR_STEPS * abs(step)
    return none if in_order and near else off


def _tolerance(step: float) -> float:
    """How far a slice may lie off its place on an even grid, in millimetres."""
    return min(max(_OFF_LINE_MM, 0.05 * step), 0.25 * step)


def _slots_along(places: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """Usual distance of rising places, and each place in such steps: whole numbers where even."""
    if len(places) < 2:
        return 0.0, np.zeros(len(places))
    gaps = np.diff(places)
    step = float(np.median(gaps))
    if step < SAME_PLACE_MM:
        return 0.0, np.arange(len(places), dtype=float)
    counts = np.rint(gaps / step)
    slots = np.concatenate([[0.0], np.cumsum(counts)])
    few_gaps = (counts > 1).sum() <= max(1, _MOST_GAPS * len(gaps))
    if (counts >= 1).all() and few_gaps and slots[-1] < _MOST_EMPTY * len(places):
        even = float(np.polynomial.polynomial.polyfit(slots, places - places[0], 1)[1])
        if np.abs(places - places[0] - even * slots).max() <= _tolerance(even):
            return even, slots
    is_usual = np.abs(gaps - step) <= _tolerance(step)
    step = step if is_usual.mean() >= 1 - _MOST_GAPS else float(gaps.mean())
    return step, (places - places[0]) / step


def _settle_odd(line: _Line, odd: Sequence[Frame]) -> _Line:
    """Put odd frames where their numbers put them, or leave them out; each with a sentence.

    At the ends of the stack only a frame without a position is taken at its number's word: one with
    another position may be another picture.
    """
    frames, slots = list(line.frames), list(line.slots)
    numbers = _numbers_of((*frames, *odd))
    kept: list[Frame] = []
    for frame, number in zip(odd, numbers[len(frames) :], strict=True):
        slot = _slot_by_number(numbers[: len(line.frames)], line.slots, int(number))
        ends = len(odd) if frame.position is None else -1
        if slot is None or slot in slots or not line.is_straight:
            continue
        if not -ends <= slot <= line.slots[-1] + ends:
            continue
        position = line.origin + line.along * line.step * slot
        place = sum(other < slot for other in slots)
        frames.insert(place, replace(frame, position=tuple(position.tolist())))
        slots.insert(place, slot)
        kept.append(frame)
    left_out = [frame for frame in odd if frame not in kept]
    notes = [*line.notes]
    if kept:
        notes.append(odd_position_warning(kept, len(frames) - len(kept), is_kept=True))
    if left_out:
        notes.append(odd_position_warning(left_out, len(frames), is_kept=False))
    return replace(
        line,
        frames=tuple(frames),
        origin=line.origin + line.along * line.step * slots[0],
        slots=np.array(slots) - slots[0],
        notes=tuple(notes),
    )


def _numbers_of(frames: Sequence[Frame]) -> NDArray[np.int_]:
    """Numbers of slices in their series; the frames of one file are counted in it."""
    if len({frame.file.path for frame in frames}) == 1:
        return np.array([frame.number for frame in frames])
    return np.array([frame.instance for frame in frames])


def _slot_by_number(
    numbers: NDArray[np.int_], slots: NDArray[np.float64], number: int
) -> float | None:
    """Place that a slice's number says, if all others' numbers say theirs."""
    for sign in (1, -1):
        starts = slots - sign * numbers
        slot = float(starts[0] + sign * number)
        if np.ptp(starts) == 0 and slot == round(slot):
            return slot
    return None


def odd_position_warning(odd: Sequence[Frame], others: int, *, is_kept: bool) -> str:
    """The sentence on slices whose position is missing or contradicts the others.

    Args:
        odd: The slices.
        others: How many others there are.
        is_kept: Whether they are shown where their numbers put them, and not left out.
    """
    many = len(odd) > 1
    if all(frame.position is None for frame in odd):
        words = f"{'state' if many else 'states'} no position"
    else:
        words = f"{'state positions' if many else 'states a position'} off the line of the"
        words += f" {others} others"
    if is_kept:
        end = "they are" if many else "it is"
        end += f" shown where {'their numbers put them' if many else 'its number puts it'}"
    else:
        end = f"{len(odd)} of {len(odd) + others} slices {'are' if many else 'is'} left out"
    return f"{_name_files(odd)} {words}; {end}."


def _pixel_spacing(frames: Sequence[Frame]) -> tuple[float, ...] | None:
    """What the first frame that states it says."""
    return next((frame.pixel_spacing for frame in frames if frame.pixel_spacing), None)


def _affine_of(
    axes: NDArray[np.float64],
    origin: NDArray[np.float64],
    step: NDArray[np.float64],
    pixel_spacing: tuple[float, ...] | None,
) -> NDArray[np.float64]:
    """Affine of the ``(column, row, slice)`` array to RAS+; a leaning stack keeps its lean.

    Args:
        axes: Row direction, column direction and normal, as rows.
        origin: First pixel's centre in millimetres.
        step: From slice to slice in millimetres.
        pixel_spacing: (between rows, between columns), 1 mm where it is not known.
    """
    between_rows, between_columns = pixel_spacing or (1.0, 1.0)
    affine = np.eye(4)
    affine[:3, 0] = _TO_RAS @ (axes[0] * between_columns)
    affine[:3, 1] = _TO_RAS @ (axes[1] * between_rows)
    affine[:3, 2] = _TO_RAS @ step
    affine[:3, 3] = _TO_RAS @ origin
    return affine


def _positions_of(frames: Sequence[Frame], grid: InputGrid) -> tuple[float, ...]:
    normal = slice_normal(case_affine(grid))
    positions = [float(_TO_RAS @ np.array(frame.position, float) @ normal) for frame in frames]
    return tuple(reversed(positions) if 0 in grid.flips else positions)


def _gap_warnings(line: _Line) -> tuple[str, ...]:
    gaps = np.diff(line.slots) * line.step
    if gaps.size < 2:
        return ()
    if (line.slots == np.rint(line.slots)).all():
        missing = int(line.slots[-1]) + 1 - len(line.slots)
        if not missing:
            return ()
        words = "1 slice is" if missing == 1 else f"{missing} slices are"
        return (
            f"It seems that {words} missing: the distance is {line.step:.1f} mm, but up to"
            f" {gaps.max():.1f} mm in places. The mask file is empty there, and the volume does not"
            " count what lies in the gaps.",
        )
    return (
        f"The distance between slices varies from {gaps.min():.1f} to {gaps.max():.1f} mm. The"
        " volume counts each slice by its own distances; there is no NIfTI mask, which needs even"
        " ones.",
    )


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
        axes = _axes_of(first)
        affine = _affine_of(axes, np.zeros(3), axes[2] * (thickness or 1.0), stated)
        if is_usable(affine):
            plane = plane_of(affine, 2)
            layout = lay_out(affine, (first.shape[1], first.shape[0], len(frames)), plane)
            layout = replace(layout, flips=tuple(axis for axis in layout.flips if axis))
            spacing = spacing_of(layout) if spacing else None
    cautions = cautions_of(InputAspect.SLICE_COUNT, _lone_warnings(spacing))
    if len(frames) > 1:
        cautions = (Caution(order_note, ReadingAspect.STACK),)
    cautions = (*cautions_of(ReadingAspect.NO_SPACING, absurd), *cautions)
    return FrameStack(tuple(frames), layout, None, plane, spacing, None, cautions)
