"""Cases in the making, as the readers of single files and series return them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipeline.data.case import Case
from pipeline.data.cautions import ReadingAspect, cautions_of
from pipeline.data.reading.names import MAX_CASE_ID, safe_name

if TYPE_CHECKING:  # the web process imports no nibabel
    from pipeline.data.reading.contours import Contours


@dataclass(frozen=True, eq=False)
class PendingCase:
    """A case that may still be combined with others and has no unique name yet.

    Attributes:
        case: The case; its ``case_id`` is not final.
        names: What it may be called, best first; the later ones divide cases of equal names.
        study: Key by which the studies of one folder's images are ordered; "" for volumes.
        study_names: What it may be called when it was combined from several volumes.
        is_mask: Whether its pixels are a reference mask (above 0) and not an image.
        mask_notes: Sentences on a mask that stay with the case of its image.
        contours: Of a mask that has no pixels of its own, which are then none.
    """

    case: Case
    names: tuple[str, ...]
    study: str = ""
    study_names: tuple[str, ...] = ()
    is_mask: bool = False
    mask_notes: tuple[str, ...] = ()
    contours: Contours | None = None


def with_cautions(one: PendingCase, aspect: ReadingAspect, *sentences: str) -> PendingCase:
    """The same with cautions added whose sentences it does not have yet."""
    known = one.case.warnings
    added = cautions_of(aspect, (words for words in sentences if words not in known))
    return replace(one, case=replace(one.case, cautions=(*one.case.cautions, *added)))


def name_cases(pending: Iterable[PendingCase]) -> tuple[Case, ...]:
    """Give every case a name that is safe for a file system and unique within the call."""
    listed = list(pending)
    names = choose_names([one.names for one in listed])
    return tuple(replace(one.case, case_id=name) for one, name in zip(listed, names, strict=True))


def choose_names(offered: Sequence[tuple[str, ...]]) -> list[str]:
    """Choose a name for each of several cases, of those that it may have (`PendingCase.names`).

    Names that differ in upper and lower case only count as equal: some file systems hold them so.

    Returns:
        Names that are safe for a file system, and unique.
    """
    chosen = [safe_name(names[0]) for names in offered]
    alike: dict[str, list[int]] = defaultdict(list)
    for i, name in enumerate(chosen):
        alike[name.lower()].append(i)
    for members in alike.values():
        if len(members) > 1:
            for i, name in zip(members, _tell_apart([offered[i] for i in members]), strict=True):
                chosen[i] = name
    taken: dict[str, int] = {}
    return [take_name(name, taken) for name in chosen]


def take_name(name: str, taken: dict[str, int]) -> str:
    """Make a safe name unique, and add it to those that are ``taken``.

    Args:
        name: The name.
        taken: Names in lower case, each with the number that its next namesake tries first.
    """
    unique, number = name, taken.get(name.lower(), 2)
    while unique.lower() in taken:
        suffix = f"-{number}"
        unique, number = name[: MAX_CASE_ID - len(suffix)] + suffix, number + 1
    taken[name.lower()] = number
    taken.setdefault(unique.lower(), 2)
    return unique


def _tell_apart(offered: Sequence[tuple[str, ...]]) -> list[str]:
    """Names of the first kind that differ among cases whose first names are equal."""
    for level in range(1, max(len(names) for names in offered)):
        chosen = [safe_name(names[min(level, len(names) - 1)]) for names in offered]
        if len({name.lower() for name in chosen}) == len(chosen):
            return chosen
    return [safe_name(names[0]) for names in offered]
