"""What the readers of single files and series hand on: cases in the making."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pipeline.data.case import Case
from pipeline.data.names import MAX_CASE_ID, safe_name


@dataclass(frozen=True, eq=False)
class Draft:
    """A case that may still be combined with others and has no unique name yet.

    Attributes:
        case: The case; its ``case_id`` is not final.
        names: What it may be called, best first; the later ones tell equal names apart.
        study: Key of the study; only drafts of one study are combined.
        study_names: What it may be called when it was combined from several drafts.
        is_mask: Whether its pixels are a reference mask (above 0) and not an image.
    """

    case: Case
    names: tuple[str, ...]
    study: str
    study_names: tuple[str, ...] = ()
    is_mask: bool = False


def name_cases(drafts: Iterable[Draft]) -> tuple[Case, ...]:
    """Give every case a name that is safe for a file system and unique within the call.

    Upper and lower case do not tell names apart: some file systems do not.
    """
    listed = list(drafts)
    chosen = [safe_name(draft.names[0]) for draft in listed]
    alike: dict[str, list[int]] = defaultdict(list)
    for i, name in enumerate(chosen):
        alike[name.lower()].append(i)
    for members in alike.values():
        if len(members) > 1:
            for i, name in zip(members, _tell_apart([listed[i] for i in members]), strict=True):
                chosen[i] = name
    taken: set[str] = set()
    cases = []
    for draft, name in zip(listed, chosen, strict=True):
        unique, number = name, 2
        while unique.lower() in taken:
            suffix = f"-{number}"
            unique, number = name[: MAX_CASE_ID - len(suffix)] + suffix, number + 1
        taken.add(unique.lower())
        cases.append(replace(draft.case, case_id=unique))
    return tuple(cases)


def _tell_apart(drafts: Sequence[Draft]) -> list[str]:
    """Names of the first kind that differ among drafts whose first names are equal."""
    for level in range(1, max(len(draft.names) for draft in drafts)):
        names = [safe_name(draft.names[min(level, len(draft.names) - 1)]) for draft in drafts]
        if len({name.lower() for name in names}) == len(names):
            return names
    return [safe_name(draft.names[0]) for draft in drafts]
