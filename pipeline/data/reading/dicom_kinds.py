"""Which frames of a series are one volume: one kind of slice, at one time, once at each place.

Developer notes: what slices show (echo, b-value, inversion time, magnitude or phase, kind of image)
divides them wherever it differs. When they were taken divides them only where several lie at one
place, and only into whole stacks: scanners number passes, and even single slices, as acquisitions.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.data.reading.dicom_files import Frame
from pipeline.data.reading.names import join_words

#: Positions closer than this are one place: scanners round to a hundredth of a millimetre.
SAME_PLACE_MM = 0.02
#: A few slices that lie this far beside all others in their plane have a wrong position.
_ASTRAY_MM = 1.0
#: Direction cosines and pixel sizes that differ less agree.
SAME_DIRECTION = 0.02
#: Times and b-values that differ by less than this part are one value: scanners round them.
_SAME_VALUE = 0.05
#: A stack is whole where it covers this part of the places.
_WHOLE = 0.9
#: So many frames make a stack of their own plane or size; fewer are odd slices.
MIN_STACK = 3
#: Above this part of a series, frames of one plane and size are the series, the others are odd.
MAJORITY = 0.75
#: More contrasts than this are the steps of a measurement (T2 mapping): the first one is shown.
_MAX_CONTRASTS = 4
#: Groups this much smaller than the largest one, and of fewer frames than a stack, are strays.
_STRAY_FACTOR = 4

#: More b-values than this are counted in a sentence.
_MAX_B_VALUES = 4

_COMPONENT_WORDS = {"P": "phase", "R": "real", "I": "imaginary"}
#: Words of ImageType for maps that are computed from a diffusion series.
_MAP_WORDS = frozenset({"ADC", "FA", "EADC", "EXP", "ADC_UNSPECIFIED"})
_DIGITS = re.compile(r"(\d{1,15})")


@dataclass(frozen=True, eq=False)
class FrameGroup:
    """Frames of one kind that make one volume.

    Attributes:
        frames: In the order of their numbers.
        label: Distinguishes the group from others of its series, such as ``echo 2``, or "".
        is_diffusion: Whether it is of a series of several b-values.
        notes: Sentences on the parts of the series that are left out.
    """

    frames: tuple[Frame, ...]
    label: str = ""
    notes: tuple[str, ...] = ()
    is_diffusion: bool = False


def natural_key(name: str) -> tuple[tuple[int, str], ...]:
    """Key that sorts names as people count: IM2 before IM10."""
    return tuple(
        (int(part), "") if part.isdecimal() else (-1, part.lower()) for part in _DIGITS.split(name)
    )


def frame_order(frame: Frame) -> tuple[Hashable, ...]:
    """Key by which frames are sorted where nothing else is known: number, then name."""
    return frame.instance, natural_key(frame.file.source), frame.number


def order_unplaced(frames: Sequence[Frame]) -> tuple[list[Frame], float | None, str]:
    """Order frames of one kind whose positions are not stated.

    Returns:
        The frames by their slice locations, else by their numbers, else by their names as people
        count; the distance between them in millimetres where locations state it; and the sentence
        on the order.
    """
    stated = [frame.slice_location for frame in frames if frame.slice_location is not None]
    if len(frames) > 1 and len(stated) == len(frames) and len(set(stated)) == len(stated):
        ordered = sorted(frames, key=lambda frame: frame.slice_location or 0.0)
        return ordered, float(np.median(np.diff(sorted(stated)))), BY_LOCATION
    ordered = sorted(frames, key=frame_order)
    if len({frame.file.source for frame in frames}) == 1:
        return ordered, None, BY_NUMBER
    numbers = {frame.instance for frame in frames}
    if len(numbers) == len(frames) and 0 not in numbers:
        return ordered, None, BY_NUMBER
    by_name = sorted(frames, key=lambda frame: (natural_key(frame.file.source), frame.number))
    return by_name, None, BY_NAME


BY_LOCATION = (
    "The files do not state where the slices lie in the patient; they are shown in the order of"
    " their slice locations."
)
BY_NUMBER = (
    "The file does not say where the slices lie; they are shown in the order of their numbers,"
    " which may run from head to neck."
)
BY_NAME = (
    "The files state neither where the slices lie nor their numbers; they are shown in the order of"
    " the file names, which may be wrong."
)


def divide(
    frames: Sequence[Frame], value_of: Callable[[Frame], Hashable | None]
) -> list[list[Frame]]:
    """Divide frames by a property that slices of one volume share.

    Those in which it is missing join the others where each of them fills a place of its own, and
    are a group where not. What differs from slice to slice divides nothing.

    Args:
        frames: What to divide.
        value_of: The property; None where it is missing. Floats are compared with tolerance.

    Returns:
        The frames of each group, in their order; groups by value.
    """
    places = place_numbers(frames)
    labels = _labels_of([value_of(frame) for frame in frames])
    groups: dict[int, list[int]] = defaultdict(list)
    unknown: list[int] = []
    for k, label in enumerate(labels):
        (unknown if label is None else groups[label]).append(k)
    known = [groups[label] for label in sorted(groups)]
    if not known or _differs_by_slice(known, places):
        return [list(frames)]
    if unknown:
        home = max(known, key=len)
        if _has_doubles([places[k] for k in (*home, *unknown)]) or (
            len(known) > 1 and len(unknown) >= MIN_STACK
        ):
            known.insert(0, unknown)
        else:
            home.extend(unknown)
            home.sort()
    return [[frames[k] for k in group] for group in known]


def _labels_of(values: Sequence[Hashable | None]) -> list[int | None]:
    """Number of each value's cluster, in sorted order; None where it is missing."""
    found: dict[Hashable, int] = {}
    label, last = -1, None
    for value in sorted({value for value in values if value is not None}, key=_sort_key):
        is_same = (
            isinstance(value, float)
            and isinstance(last, float)
            and value - last <= _SAME_VALUE * max(abs(value), 1.0)
        )
        label += 0 if is_same else 1
        found[value], last = label, value
    return [None if value is None else found[value] for value in values]


def _sort_key(value: Hashable) -> tuple[float, tuple[tuple[int, str], ...]]:
    """Numbers in their order, then all others as text."""
    if isinstance(value, (int, float)):
        return float(value), ()
    return np.inf, natural_key(value if isinstance(value, str) else repr(value))


def _differs_by_slice(groups: Sequence[Sequence[int]], places: Sequence[int | None]) -> bool:
    """Whether most values belong to one slice only, of several."""
    if len(groups) <= 2 or float(np.median([len(group) for group in groups])) > 1:
        return False
    known = {place for place in places if place is not None}
    return not known or len(known) > 1


def place_numbers(frames: Sequence[Frame]) -> list[int | None]:
    """Number of the place of each frame: equal where frames lie on each other.

    Places are positions along the normal of the slices, else the stated slice locations, else
    instance numbers where those repeat; None where a frame's place is not known.
    """
    turned = next((frame.orientation for frame in frames if frame.orientation is not None), None)
    along: list[float | None]
    if turned is not None and any(frame.position is not None for frame in frames):
        row, column = np.array(turned, float).reshape(2, 3)
        normal = np.cross(row, column)
        normal = normal / max(float(np.linalg.norm(normal)), 1e-9)
        along = _along(frames, np.stack([row, column, normal]))
    elif any(frame.slice_location is not None for frame in frames):
        along = [frame.slice_location for frame in frames]
    else:
        along = [float(frame.instance) if frame.instance else None for frame in frames]
        stated = [number for number in along if number is not None]
        if len(set(stated)) == len(stated) or any(frame.number for frame in frames):
            along = [None] * len(frames)
    found: dict[float, int] = {}
    number, last = -1, -np.inf
    for place in sorted({place for place in along if place is not None}):
        number += 1 if place - last >= SAME_PLACE_MM else 0
        found[place], last = number, place
    return [None if place is None else found[place] for place in along]


def _along(frames: Sequence[Frame], axes: NDArray[np.float64]) -> list[float | None]:
    """Positions along the last of three axes; None for those astray in the plane of all others."""
    which = [k for k, frame in enumerate(frames) if frame.position is not None]
    points = np.array([frames[k].position for k in which], float) @ axes.T
    in_plane = points[:, :2]
    rounded = [tuple(corner) for corner in np.rint(in_plane / _ASTRAY_MM).tolist()]
    corner, n = Counter(rounded).most_common(1)[0]
    usual = np.median(in_plane[[one == corner for one in rounded]], axis=0)
    astray = np.abs(in_plane - usual).max(axis=1) > _ASTRAY_MM
    few = n < len(which) and 0 < astray.sum() <= max(1, (1 - MAJORITY) * len(which) / 2)
    along: list[float | None] = [None] * len(frames)
    for k, place, is_astray in zip(which, points[:, 2].tolist(), astray.tolist(), strict=True):
        along[k] = None if few and is_astray else place
    return along


def _has_doubles(places: Sequence[int | None]) -> bool:
    known = [place for place in places if place is not None]
    return len(set(known)) < len(known)


def divide_stacks(frames: Sequence[Frame]) -> list[tuple[Frame, ...]]:
    """Divide frames by the stack that an enhanced object names, by direction and by size.

    A few odd slices stay with the others, so that they can be named; so do all where no two groups
    are stacks.
    """
    stacks = divide(sorted(frames, key=frame_order), lambda frame: frame.kind.stack or None)
    return [plane for stack in stacks for plane in _divide_planes(stack)]


def _divide_planes(frames: Sequence[Frame]) -> list[tuple[Frame, ...]]:
    clusters: list[list[Frame]] = []
    for frame in frames:
        home = next((group for group in clusters if _is_like(frame, group[0])), None)
        if home is None:
            clusters.append([frame])
        else:
            home.append(frame)
    clusters.sort(key=len, reverse=True)
    large = [group for group in clusters if len(group) >= MIN_STACK]
    if len(large) < 2 or len(large[0]) > MAJORITY * len(frames):
        return [tuple(frames)]
    strays = [frame for group in clusters[len(large) :] for frame in group]
    return [(*large[0], *strays), *(tuple(group) for group in large[1:])]


def _is_like(frame: Frame, other: Frame) -> bool:
    if frame.shape != other.shape:
        return False
    pairs = (
        (frame.orientation, other.orientation),
        (frame.pixel_spacing, other.pixel_spacing),
    )
    for mine, theirs in pairs:
        if mine is None or theirs is None:
            continue
        difference = np.abs(np.subtract(mine, theirs))
        if np.isfinite(difference).all() and float(difference.max()) > SAME_DIRECTION:
            return False
    return True


def group_frames(frames: Sequence[Frame]) -> list[FrameGroup]:
    """Divide the frames of one stack of places into the volumes that are shown.

    Contrasts (echoes, inversion times, kinds of image) are groups of their own, unless they are
    many. Of several b-values the lowest is shown, of several time points the first.

    Args:
        frames: In any order; they agree in direction and size.

    Returns:
        One group per volume.
    """
    kept, component_notes = _choose_component(sorted(frames, key=frame_order))
    kept, diffusion_notes = _choose_b_value(kept)
    contrasts, names, contrast_notes = _choose_contrasts(kept)
    notes = (*component_notes, *diffusion_notes, *contrast_notes)
    groups = []
    for contrast, name in zip(contrasts, names, strict=True):
        shown, time_notes = choose_time_point(contrast)
        all_notes = (*notes, *time_notes)
        groups.append(FrameGroup(tuple(shown), name, all_notes, is_diffusion=bool(diffusion_notes)))
    return groups


def _choose_component(frames: Sequence[Frame]) -> tuple[Sequence[Frame], tuple[str, ...]]:
    """Magnitude images, where there are any: phase and the like are no pictures of tissue."""
    groups = divide(frames, lambda frame: frame.kind.component or None)
    if len(groups) == 1:
        word = _COMPONENT_WORDS.get(_commonest(frame.kind.component for frame in frames))
        return frames, (no_magnitude_note(word),) if word else ()
    found = [_commonest(frame.kind.component for frame in group) for group in groups]
    order = {"M": 0, "": 1, "R": 2, "P": 3, "I": 4}
    best = min(range(len(groups)), key=lambda k: order.get(found[k], 5))
    others = [_COMPONENT_WORDS.get(word, "other") for k, word in enumerate(found) if k != best]
    n = len(frames) - len(groups[best])
    return groups[best], (component_note(n, others),)


def _choose_b_value(frames: Sequence[Frame]) -> tuple[Sequence[Frame], tuple[str, ...]]:
    """Images of the lowest b-value of a diffusion series: those that show anatomy best."""
    groups = divide(frames, lambda frame: frame.kind.b_value)
    if len(groups) == 1:
        return frames, ()
    values = [_b_of(group) for group in groups]
    widest = max(_n_places(group) for group in groups)

    def merit(k: int) -> tuple[bool, bool, float]:
        is_map = any(_MAP_WORDS & set(frame.kind.image_type) for frame in groups[k])
        return is_map, _n_places(groups[k]) < _WHOLE * widest, values[k] or 0.0

    best = min(range(len(groups)), key=merit)
    return groups[best], (b_value_note(len(frames) - len(groups[best]), values, values[best]),)


def _b_of(frames: Sequence[Frame]) -> float | None:
    """The b-value of frames that agree in it; where it is missing, it is 0 as a rule."""
    stated = [frame.kind.b_value for frame in frames if frame.kind.b_value is not None]
    return float(np.median(stated)) if stated else None


def _n_places(frames: Sequence[Frame]) -> int:
    places = place_numbers(frames)
    known = {place for place in places if place is not None}
    return len(known) or len(places)


_CONTRASTS: tuple[tuple[str, Callable[[Frame], Hashable | None]], ...] = (
    ("type", lambda frame: frame.kind.image_type[1:] or None),
    ("inversion time", lambda frame: frame.kind.timing.inversion),
    ("echo", lambda frame: frame.kind.echo),
    ("echo", lambda frame: frame.kind.timing.echo),
)
_PLURALS = {
    "type": "kinds of image",
    "inversion time": "inversion times",
    "echo": "echoes",
    "contrast": "contrasts",
}


def _choose_contrasts(
    frames: Sequence[Frame],
) -> tuple[list[list[Frame]], list[str], tuple[str, ...]]:
    """Groups of one contrast, their labels, and sentences on what is left out."""
    groups, properties = [list(frames)], []
    for name, value_of in _CONTRASTS:
        divided = [part for group in groups for part in divide(group, value_of)]
        if len(divided) > len(groups) and name not in properties:
            properties.append(name)
        groups = divided
    divided = [part for group in groups for part in _by_contrast_agent(group)]
    if len(divided) > len(groups):
        properties.append("contrast")
        groups = divided
    if len(groups) == 1:
        return groups, [""], ()
    word = properties[0] if len(properties) == 1 else "contrast"
    largest = max(len(group) for group in groups)
    is_stray = [
        len(group) < MIN_STACK and len(group) * _STRAY_FACTOR <= largest for group in groups
    ]
    notes: list[str] = []
    if any(is_stray):
        n = sum(len(group) for group, stray in zip(groups, is_stray, strict=True) if stray)
        groups = [group for group, stray in zip(groups, is_stray, strict=True) if not stray]
        notes.append(stray_note(n, word))
    if len(groups) > 1:
        shown_alone = len(groups) > _MAX_CONTRASTS
        notes.append(contrasts_note(len(groups), word, shown_alone=shown_alone))
        groups = groups[:1] if shown_alone else groups
    names = [f"{word} {k}" if len(groups) > 1 else "" for k in range(1, len(groups) + 1)]
    return groups, names, tuple(notes)


def _by_contrast_agent(frames: Sequence[Frame]) -> list[list[Frame]]:
    """Before and after the contrast agent, where both are whole stacks."""
    groups = _by_value(frames, lambda frame: frame.kind.with_contrast)
    whole = _WHOLE * _n_places(frames)
    if all(_n_places(group) >= whole for group in groups) and _has_doubles(place_numbers(frames)):
        return groups
    return [list(frames)]


#: When slices were taken: what may number whole stacks.
_MOMENTS: tuple[Callable[[Frame], Hashable | None], ...] = (
    lambda frame: frame.moment.temporal,
    lambda frame: frame.kind.image_type or None,
    lambda frame: frame.moment.trigger,
    lambda frame: frame.moment.acquisition,
    lambda frame: frame.moment.clock,
)
#: Where whole stacks may be stored, each apart from the others.
_STORES: tuple[Callable[[Frame], Hashable | None], ...] = (
    lambda frame: frame.file.source,
    lambda frame: frame.file.folder,
)


def choose_time_point(frames: Sequence[Frame]) -> tuple[list[Frame], tuple[str, ...]]:
    """The first whole stack of frames that lie several to a place.

    Args:
        frames: Of one kind.

    Returns:
        Frames of which no two lie at one place, and the sentence on the others.
    """
    ordered = sorted(frames, key=frame_order)
    stacks = _whole_stacks(ordered, _MOMENTS)
    stored = [part for stack in stacks for part in _whole_stacks(stack, _STORES)]
    divided = [_stacks_by_order(stack) for stack in stored]
    by_time = len(stacks) > 1 or any(is_time for _, is_time in divided)
    stacks = [part for parts, _ in divided for part in parts]
    if len(stacks) == 1:
        return ordered, ()
    widest = max(_n_places(stack) for stack in stacks)
    first = next(k for k, stack in enumerate(stacks) if _n_places(stack) >= _WHOLE * widest)
    kept = stacks[first]
    n_others = len(ordered) - len(kept)
    if by_time:
        return kept, (time_note(len(stacks), complete=first == 0),)
    if 2 * n_others < len(kept):
        return kept, (doubles_note(n_others, len(ordered)),)
    counts = Counter(place for place in place_numbers(ordered) if place is not None)
    depth = max(counts.values(), default=len(stacks))
    is_diffusion = any(frame.kind.b_value for frame in kept)
    return kept, (repeats_note(depth, is_diffusion=is_diffusion),)


def _whole_stacks(
    frames: Sequence[Frame], properties: Sequence[Callable[[Frame], Hashable | None]]
) -> list[list[Frame]]:
    """Stacks by the first property that numbers whole ones, and so on within each."""
    places = place_numbers(frames)
    if all(place is None for place in places):
        groups = _by_value(frames, properties[0])
        sizes = {len(group) for group in groups}
        return groups if len(sizes) == 1 and sizes != {1} else [list(frames)]
    if not _has_doubles(places):
        return [list(frames)]
    place_of = dict(zip(map(id, frames), places, strict=True))
    whole = _WHOLE * len(set(places) - {None})
    for value_of in properties:
        groups = _by_value(frames, value_of)
        widest = max(len({place_of[id(frame)] for frame in group} - {None}) for group in groups)
        if len(groups) > 1 and widest >= whole:
            return [stack for group in groups for stack in _whole_stacks(group, properties)]
    return [list(frames)]


def _by_value(
    frames: Sequence[Frame], value_of: Callable[[Frame], Hashable | None]
) -> list[list[Frame]]:
    """Frames of equal values, in the order of these; those without one come first."""
    groups: dict[Hashable | None, list[Frame]] = defaultdict(list)
    for frame in frames:
        groups[value_of(frame)].append(frame)
    ordered = sorted(groups, key=lambda value: (-np.inf, ()) if value is None else _sort_key(value))
    return [groups[value] for value in ordered]


#: Times by which images of one place follow each other, the surest first.
_TIMES: tuple[Callable[[Frame], float | None], ...] = (
    lambda frame: frame.moment.clock,
    lambda frame: frame.moment.trigger,
)


def _stacks_by_order(frames: Sequence[Frame]) -> tuple[list[list[Frame]], bool]:
    """Stacks of frames by the order of their times or numbers, and whether by times."""
    places = place_numbers(frames)
    if not _has_doubles(places):
        return [list(frames)], False
    order, by_time = list(range(len(frames))), False
    for time_of in _TIMES:
        times = [time_of(frame) for frame in frames]
        at_place = [pair for pair in zip(places, times, strict=True) if pair[0] is not None]
        if None not in times and len(set(at_place)) == len(at_place):
            keys = [(time, frame_order(frame)) for time, frame in zip(times, frames, strict=True)]
            order.sort(key=keys.__getitem__)
            by_time = True
            break
    return _runs_or_ranks([frames[k] for k in order], [places[k] for k in order]), by_time


def _runs_or_ranks(frames: Sequence[Frame], places: Sequence[int | None]) -> list[list[Frame]]:
    """Stacks of frames in the order in which they were taken.

    Images run through one stack after the other, or through all of a place before those of the next
    one: then the first, second and so on of every place make a stack.
    """
    depth = max(Counter(place for place in places if place is not None).values())
    runs: list[list[Frame]] = [[]]
    ranks: list[list[Frame]] = [[] for _ in range(depth)]
    seen: set[int] = set()
    widest = 0
    counts: Counter[int] = Counter()
    for frame, place in zip(frames, places, strict=True):
        if place is None:
            runs[-1].append(frame)
            ranks[0].append(frame)
            continue
        if place in seen:
            runs.append([])
            seen = set()
        seen.add(place)
        widest = max(widest, len(seen))
        runs[-1].append(frame)
        ranks[counts[place]].append(frame)
        counts[place] += 1
    are_whole = widest >= _WHOLE * len(counts) and len(runs) <= depth + depth // 2
    return runs if are_whole else ranks


def _commonest(values: Iterable[str]) -> str:
    return Counter(values).most_common(1)[0][0]


def component_note(n: int, others: Sequence[str]) -> str:
    """The sentence on phase images and the like that are left out."""
    words = " and ".join(dict.fromkeys(others))
    images = "1 image" if n == 1 else f"{n} images"
    return f"{images} of the series ({words}) {_is_left_out(n)}; the magnitude is shown."


def no_magnitude_note(word: str) -> str:
    """The sentence on a series of phase images and the like alone."""
    return f"These are {word} images, not magnitude; they do not show tissue as an MR image does."


def b_value_note(n: int, values: Sequence[float | None], shown: float | None) -> str:
    """The sentence on the b-values of a diffusion series."""
    known = sorted(value for value in values if value is not None)
    words = [f"{value:g}" for value in known]
    if len(words) < len(values):
        words.insert(0, "one that is not stated")
    listed = join_words(words)
    if len(words) > _MAX_B_VALUES:
        listed = f"{len(words)} b-values from {known[0]:g} to {known[-1]:g}"
    else:
        listed = f"b-values of {listed}"
    of_shown = "without a stated b-value" if shown is None else f"with b = {shown:g}"
    others = "1 other image" if n == 1 else f"{n} other images"
    return (
        f"This is a diffusion series with {listed} s/mm²; the images {of_shown} are shown and"
        f" analysed, {others} {_is_left_out(n)}."
    )


def stray_note(n: int, word: str) -> str:
    """The sentence on a few images of another contrast than the series."""
    images = "1 image" if n == 1 else f"{n} images"
    return f"{images} of another {word} than the others of the series {_is_left_out(n)}."


def stacks_note(n: int) -> str:
    """The sentence on a series of several stacks, by direction, size or name."""
    return f"The series holds {n} stacks of slices; they are kept apart."


def contrasts_note(n: int, word: str, *, shown_alone: bool) -> str:
    """The sentence on a series of several contrasts.

    Args:
        n: How many.
        word: What differs, such as ``echo``.
        shown_alone: Whether only the first is shown.
    """
    end = "only the first is shown and analysed" if shown_alone else "they are kept apart"
    return f"The series holds {n} {_PLURALS[word]}; {end}."


def time_note(n: int, *, complete: bool) -> str:
    """The sentence on the time points of a series.

    Args:
        n: How many.
        complete: Whether the first one is complete, so that it is shown.
    """
    shown = "the first" if complete else "the first complete one"
    return f"The series holds {n} time points; only {shown} is shown and analysed."


def repeats_note(n: int, *, is_diffusion: bool = False) -> str:
    """The sentence on images that repeat at each place, for a reason that is not stated."""
    why = "directions of diffusion" if is_diffusion else "time points or repetitions"
    return (
        f"The series has {n} images at each position ({why}); only the first of each is shown and"
        " analysed."
    )


def doubles_note(n: int, total: int) -> str:
    """The sentence on some images that lie on others."""
    verb = "is" if n == 1 else "are"
    return (
        f"{n} of {total} images {verb} at the position of another one; the first of each position"
        " is shown."
    )


def _is_left_out(n: int) -> str:
    return "is left out" if n == 1 else "are left out"
