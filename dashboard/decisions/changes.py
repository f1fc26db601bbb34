"""How a volume has changed since the patient's study before, for the worklist.

The volumes are those that the worklist shows. Review compares what was read (`priors`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final

from sqlalchemy import RowMapping

from dashboard.decisions.patients import Match, is_id, match_patients
from dashboard.store import Store
from dashboard.store.patients import (
    DatedVolume,
    PatientLink,
    list_all_links,
    list_patients,
    list_volumes,
)

#: Studies of one statement.
_BATCH: Final = 500


@dataclass(frozen=True)
class Change:
    """The change of a volume.

    Attributes:
        percent: Of the volume before; None where that was 0.
        before_ml: The volume before.
        since: Date of that study, as "YYYY-MM-DD".
    """

    percent: float | None
    before_ml: float
    since: str


def find_changes(store: Store, study_ids: Collection[str]) -> dict[str, Change]:
    """Find how the volumes of some studies have changed since the latest study before each.

    Two studies are of one patient as in Review: by what their files state (`match_patients`),
    unless a reader says otherwise. Both need a date and a volume.

    Args:
        store: The review database.
        study_ids: The studies, such as those of one page of the worklist.

    Returns:
        The changes by study; studies without one before are left out.
    """
    patients = list_patients(store, study_ids)
    known = {one.patient_id for one in patients.values() if is_id(one.patient_id)}
    if not known:
        return {}
    same_id: defaultdict[str, list[DatedVolume]] = defaultdict(list)
    for one in list_volumes(store, known):
        same_id[one.patient.patient_id].append(one)
    links = list_all_links(store, patients.keys())
    found = {}
    for studies in same_id.values():
        for at, own in enumerate(studies):
            if own.study_id not in patients or own.volume_ml is None:
                continue
            before = _find_before(own, studies[at + 1 :], links)
            if before is not None and before.volume_ml is not None:
                found[own.study_id] = _compare(own.volume_ml, before.volume_ml, before.study_date)
    return found


def add_changes(
    store: Store, lines: Iterable[RowMapping]
) -> Iterator[tuple[RowMapping, Change | None]]:
    """Exported lines of the worklist, each with its change."""
    rest = iter(lines)
    while batch := list(islice(rest, _BATCH)):
        changes = find_changes(store, [line["study_id"] for line in batch])
        for line in batch:
            yield line, changes.get(line["study_id"])


def _find_before(
    own: DatedVolume, others: list[DatedVolume], links: Mapping[tuple[str, str], PatientLink]
) -> DatedVolume | None:
    """The latest study before another one; ``others`` are in order, the latest first."""
    for other in others:
        if other.volume_ml is None or not "" < other.study_date < own.study_date:
            continue
        pair = (min(own.study_id, other.study_id), max(own.study_id, other.study_id))
        link = links.get(pair)
        is_same = match_patients(own.patient, other.patient).match is Match.SAME
        if link.is_same if link else is_same:
            return other
    return None


def _compare(volume_ml: float, before_ml: float, since: str) -> Change:
    if before_ml == 0:
        return Change(0.0 if volume_ml == 0 else None, before_ml, since)
    return Change(100 * (volume_ml / before_ml - 1), before_ml, since)
