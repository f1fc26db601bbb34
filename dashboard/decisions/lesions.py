"""The lesion list of a study: each component of the mask as read, and what was removed from it.

A lesion comes from the AI mask, from the small components that the AI left out of it, or from the
reader. Its key names that component, so that what a reader records of it (`LesionReading`) stays
with it while they correct its outline.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dashboard.masks.encoding import MaskSlices
from dashboard.store import StudyRow
from dashboard.store.reading_content import LesionSource, LesionVerdict, Side
from dashboard.workspace.services import Services
from pipeline import (
    AnswerMap,
    Case,
    Lesion,
    LesionMeasurement,
    find_lesions,
    measure_lesions,
    side_of,
    volume_ml,
)

#: Lesions of each source that are listed, the largest first.
MOST_LESIONS = 64
#: Lesions whose diameters are measured, and for how long at most: more is noise.
_MOST_MEASURED, _LIMIT_S = 16, 5.0


@dataclass(frozen=True, eq=False)
class ListedLesion:
    """A lesion of the list.

    Attributes:
        number: From 1: counted lesions first, then removed ones, the largest of each first.
        key: The lesion's; see `dashboard.store.reading_content.LesionReading`.
        source: The AI mask, what the AI left out of it, or the reader.
        verdict: "keep" or "add" for those that count, "remove" for the others.
        voxels: Of its mask.
        volume_ml: None without spacing.
        largest: Slice on which its area is largest, from 0.
        first, last: Its slices, from 0.
        side: Of the patient; "" where the orientation does not say.
        score: Highest slice score on its slices; None without a result, and for a lesion that the
            reader added, about which the AI states nothing.
        measured: Diameters; None for those that are too many.
        mask: ``(h, w)`` bool by slice.
        is_corrected: Whether it continues a component of the AI that has another outline.
    """

    number: int
    key: str
    source: LesionSource
    verdict: LesionVerdict
    voxels: int
    volume_ml: float | None
    largest: int
    first: int
    last: int
    side: Side
    score: float | None
    measured: LesionMeasurement | None
    mask: MaskSlices
    is_corrected: bool = False


@dataclass(frozen=True, eq=False)
class LesionList:
    """All listed lesions of a study.

    Attributes:
        lesions: Counted ones first.
        not_listed: Smaller ones beyond `MOST_LESIONS` of each source.
    """

    lesions: tuple[ListedLesion, ...]
    not_listed: int


def list_lesions(
    case: Case,
    mask: MaskSlices,
    *,
    ai: MaskSlices | None,
    left_out: MaskSlices | None,
    scores: Sequence[float] | None,
    channel: int,
) -> LesionList:
    """List the lesions of a mask as read, beside those of the AI that it does not contain.

    Args:
        case: The study.
        mask: The mask as read: the AI mask or a correction.
        ai: The AI mask; None without a result.
        left_out: Components that the AI left out of its mask as small; None without any.
        scores: Slice scores in [0, 1]; None without a result.
        channel: Channel whose pixels show the head.
    """
    found, beyond = zip(*(_find(one) for one in (mask, ai, left_out)), strict=True)
    read, from_ai, small = found
    known = [("ai", one) for one in from_ai] + [("left out", one) for one in small]
    taken: set[int] = set()
    listed: list[tuple[LesionSource, LesionVerdict, str, Lesion, bool]] = []
    for lesion in read:  # the largest first, so that it has the key of the component it continues
        of = _continues(lesion, known, taken)
        if of is None:
            key = _key("reader", lesion, case)
            listed.append(("reader", LesionVerdict.ADD, key, lesion, False))
            continue
        taken.add(of)
        source, origin = known[of]
        verdict = LesionVerdict.KEEP if source == "ai" else LesionVerdict.ADD
        is_corrected = source == "ai" and not _equal(lesion, origin)
        listed.append((_source(source), verdict, _key(source, origin, case), lesion, is_corrected))
    within = [_overlaps(one, read) for _, one in known]
    for at, (source, lesion) in enumerate(known):
        if at not in taken and not within[at]:
            key = _key(source, lesion, case)
            listed.append((_source(source), LesionVerdict.REMOVE, key, lesion, False))
    pixels = case.pixels[..., channel]
    return LesionList(
        tuple(
            _describe(number, *one, case=case, scores=scores, pixels=pixels)
            for number, one in enumerate(listed, start=1)
        ),
        not_listed=sum(beyond),
    )


def _find(mask: MaskSlices | None) -> tuple[list[Lesion], int]:
    lesions, count = find_lesions(mask or {}, most=MOST_LESIONS)
    return lesions, count - len(lesions)


def _source(name: str) -> LesionSource:
    return "ai" if name == "ai" else "left out"


def _continues(lesion: Lesion, known: list[tuple[str, Lesion]], taken: set[int]) -> int | None:
    """The component with most voxels in common, of those that no larger lesion continues."""
    shared = {at: _shared(lesion, one) for at, (_, one) in enumerate(known) if at not in taken}
    best = max(shared, key=lambda at: (shared[at], -at), default=None)
    return best if best is not None and shared[best] else None


def _overlaps(lesion: Lesion, others: list[Lesion]) -> bool:
    return any(_shared(lesion, one) for one in others)


def _shared(one: Lesion, other: Lesion) -> int:
    """Voxels that two lesions have in common."""
    count = 0
    for k in one.pieces.keys() & other.pieces.keys():
        (top, left, a), (y, x, b) = one.pieces[k], other.pieces[k]
        rows = slice(max(top, y), min(top + a.shape[0], y + b.shape[0]))
        columns = slice(max(left, x), min(left + a.shape[1], x + b.shape[1]))
        if rows.start < rows.stop and columns.start < columns.stop:
            mine = a[_moved(rows, top), _moved(columns, left)]
            count += int(np.count_nonzero(mine & b[_moved(rows, y), _moved(columns, x)]))
    return count


def _equal(one: Lesion, other: Lesion) -> bool:
    return one.voxels == other.voxels == _shared(one, other)


def _moved(part: slice, by: int) -> slice:
    return slice(part.start - by, part.stop - by)


def _key(source: str, lesion: Lesion, case: Case) -> str:
    """A component's name: its source, and the place of its first voxel."""
    k = min(lesion.pieces)
    top, left, pixels = lesion.pieces[k]
    row, column = np.argwhere(pixels)[0]
    return component_key(source, k, top + row, left + column)


def component_key(source: str, k: int, row: int, column: int) -> str:
    """The key of a component of a mask: its source, and its first slice, row and column."""
    return f"{source.replace(' ', '-')}-{k}-{row}-{column}"


def _describe(
    number: int,
    source: LesionSource,
    verdict: LesionVerdict,
    key: str,
    lesion: Lesion,
    is_corrected: bool,
    *,
    case: Case,
    scores: Sequence[float] | None,
    pixels: NDArray[np.generic],
) -> ListedLesion:
    shape = pixels.shape[1:]
    mask = {k: _whole(*piece, shape=shape) for k, piece in sorted(lesion.pieces.items())}
    areas = {k: int(np.count_nonzero(one)) for k, one in mask.items()}
    by_slice = [areas.get(k, 0) for k in range(case.n_slices)]
    measured = (
        measure_lesions(mask, case.spacing_mm, limit_s=_LIMIT_S).lesions
        if number <= _MOST_MEASURED
        else ()
    )
    return ListedLesion(
        number=number,
        key=key,
        source=source,
        verdict=verdict,
        voxels=lesion.voxels,
        volume_ml=volume_ml(by_slice, case.spacing_mm, case.slice_weights),
        largest=max(areas, key=lambda k: (areas[k], -k)),
        first=min(mask),
        last=max(mask),
        side=side_of(mask, pixels, case.orientation),
        score=None if scores is None or source == "reader" else max(scores[k] for k in mask),
        measured=measured[0] if measured else None,
        mask=mask,
        is_corrected=is_corrected,
    )


def _whole(
    top: int, left: int, piece: NDArray[np.bool_], *, shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    found = np.zeros(shape, bool)
    found[top : top + piece.shape[0], left : left + piece.shape[1]] = piece
    return found


def lesions_as_read(services: Services, row: StudyRow, case: Case, mask: MaskSlices) -> LesionList:
    """List the lesions of a mask as read, beside those of the study's AI result.

    Args:
        services: The server's parts.
        row: The study.
        case: Its case.
        mask: The mask as read.

    Raises:
        InputError: The mask is too irregular to be measured.
    """
    key = services.result_key(row.content_digest)
    outline = services.results.outline(key) if key else None
    if key is None or outline is None or outline.probability.shape != case.pixels.shape[:3]:
        return list_lesions(
            case, mask, ai=None, left_out=None, scores=None, channel=row.start_channel
        )
    ai = outline.mask_slices()
    small = {k: services.results.map_slice(key, k, AnswerMap.LEFT_OUT) for k in ai}
    return list_lesions(
        case,
        mask,
        ai=ai,
        left_out={k: one > 0 for k, one in small.items() if one is not None},
        scores=outline.scores,
        channel=row.start_channel,
    )
