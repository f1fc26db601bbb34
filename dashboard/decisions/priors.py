"""Earlier studies of a study's patient: what was read of them, and what has changed since.

Of each study the signed mask counts, else the latest saved version, else the AI's. Of an AI mask
whose figures are withheld (`withheld_words`) none are given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from dashboard.decisions.lesions import ListedLesion, lesions_as_read
from dashboard.decisions.patients import Match, match_patients
from dashboard.masks.corrections import make_volume, shape_of
from dashboard.masks.encoding import MaskSlices, decode_mask
from dashboard.masks.references import load_case
from dashboard.store import StudyRow
from dashboard.store.corrections import list_versions, read_version
from dashboard.store.patients import PatientLink, list_links, list_same_id, read_patient
from dashboard.store.reading_content import (
    Comparison,
    LesionChange,
    LesionVerdict,
    is_refused,
)
from dashboard.store.readings import find_reading, list_records, read_record
from dashboard.store.registrations import read_registration
from dashboard.store.states import StudyState, shown_state
from dashboard.studies.analysis import withheld_words
from dashboard.workspace.services import Services
from pipeline import InputError, measure_lesions, volume_ml

#: How a prior is registered, in the record of a comparison.
METHOD: Final = "rigid, mutual information (SimpleITK)"
MaskSource = Literal["signed", "version", "ai", ""]
#: Priors that are measured, and for how long each at most.
_MOST_MEASURED, _LIMIT_S = 12, 3.0


@dataclass(frozen=True, eq=False)
class MaskAsRead:
    """The mask of a study that counts.

    Attributes:
        source: Where it is from; "" for a study without any mask.
        name: Of the signed record, the version or the AI's result: another mask has another name.
        mask: By slice.
    """

    source: MaskSource
    name: str
    mask: MaskSlices


@dataclass(frozen=True, eq=False)
class TimePoint:
    """A study of the patient.

    Attributes:
        row: The study.
        state: Where its reading stands.
        source, mask_name: Of its mask, as of `MaskAsRead`.
        volume_ml: None without spacing or mask.
        longest, perpendicular: Diameters of the largest lesion in ``unit``; None without one.
        unit: "mm" or "px".
        letters: At the left, right, top and bottom edges of its images; None where unknown.
        withheld: Why no figures of its AI mask are given, or "".
    """

    row: StudyRow
    state: StudyState
    source: MaskSource
    mask_name: str
    volume_ml: float | None
    longest: float | None
    perpendicular: float | None
    unit: Literal["mm", "px"]
    letters: tuple[str, str, str, str] | None = None
    withheld: str = ""


@dataclass(frozen=True, eq=False)
class PatientStudies:
    """The studies of a study's patient.

    Attributes:
        is_stated: Whether the study's files state a patient id.
        own: The study itself.
        priors: The earlier ones, the latest first.
        contradicted: Earlier studies with the same id that are not taken for the patient's, with
            what contradicts; nothing where a reader says so.
        links: What readers say of the studies, whatever their files state.
    """

    is_stated: bool
    own: TimePoint
    priors: tuple[TimePoint, ...]
    contradicted: tuple[tuple[StudyRow, tuple[str, ...]], ...]
    links: Mapping[str, PatientLink]


def list_patient_studies(
    services: Services, row: StudyRow, *, measured: bool = True
) -> PatientStudies:
    """List the studies of a study's patient before it.

    Args:
        services: The server's parts.
        row: The study.
        measured: Whether their diameters are measured, which takes up to seconds.
    """
    links = list_links(services.store, row.study_id)
    same, contradicted = _match(services, row, links)
    points = tuple(
        _describe(services, one, measured=measured and at < _MOST_MEASURED)
        for at, one in enumerate(same)
    )
    is_stated = read_patient(services.store, row.study_id) is not None
    own = _describe(services, row, measured=measured and bool(same), is_in_view=True)
    return PatientStudies(is_stated, own, points, contradicted, links)


def find_prior(services: Services, row: StudyRow, study_id: str) -> StudyRow | None:
    """An earlier study of the same patient; None where it is not."""
    own = read_patient(services.store, row.study_id)
    other = read_patient(services.store, study_id)
    if own is None or other is None or study_id == row.study_id:
        return None
    if own.patient_id != other.patient_id:
        return None
    link = list_links(services.store, row.study_id).get(study_id)
    found = link.is_same if link else match_patients(own, other).match is Match.SAME
    prior = services.store.study(study_id) if found else None
    return prior if prior is not None and is_earlier(services, prior, row) else None


def is_earlier(services: Services, one: StudyRow, other: StudyRow) -> bool:
    """Whether a study is known to be an earlier examination than another one.

    Series that share a StudyInstanceUID are one examination. On the same date the times decide,
    where both files state them.
    """
    if not "" < one.study_date <= other.study_date:
        return False
    (uid, time), (other_uid, other_time) = (_examination(services, row) for row in (one, other))
    if uid and uid == other_uid:
        return False
    if one.study_date < other.study_date:
        return True
    stated = min(len(time), len(other_time))  # a time may lack its seconds
    return bool(uid and other_uid) and time[:stated] < other_time[:stated]


def _examination(services: Services, row: StudyRow) -> tuple[str, str]:
    """StudyInstanceUID and time of a study, "" where its files do not state them."""
    try:
        source = services.load_stated(row).dicom
    except InputError:  # its files are damaged
        return "", ""
    return (source.study_uid, source.study_time.replace(":", "")) if source else ("", "")


def may_link(services: Services, row: StudyRow, study_id: str) -> bool:
    """Whether a reader may say of two studies that they are of one patient, or are not.

    Only of those with id and issuer in common.
    """
    own = read_patient(services.store, row.study_id)
    other = list_same_id(services.store, row.study_id).get(study_id)
    if own is None or other is None:
        return False
    return match_patients(own, other).match in (Match.SAME, Match.CONTRADICTED)


def _match(
    services: Services, row: StudyRow, links: Mapping[str, PatientLink]
) -> tuple[list[StudyRow], tuple[tuple[StudyRow, tuple[str, ...]], ...]]:
    same: list[StudyRow] = []
    contradicted: list[tuple[StudyRow, tuple[str, ...]]] = []
    own = read_patient(services.store, row.study_id)
    if own is None:
        return same, ()
    for study_id, patient in list_same_id(services.store, row.study_id).items():
        match = match_patients(own, patient)
        other = services.store.study(study_id)
        if other is None or not is_earlier(services, other, row):
            continue
        link = links.get(study_id)
        if link is not None and not link.is_same:
            contradicted.append((other, ()))
        elif link is not None or match.match is Match.SAME:
            same.append(other)
        elif match.match is Match.CONTRADICTED:
            contradicted.append((other, match.contradictions))
    return same, tuple(contradicted)


def mask_as_read(services: Services, row: StudyRow) -> MaskAsRead:
    """The mask of a study that counts; none where the reader rejected it or could not assess it."""
    store, shape = services.store, shape_of(row)
    for line in list_records(store, row.study_id)[:1]:
        if is_refused(line.content):
            return MaskAsRead("", "", {})
        record = read_record(store, row.study_id, line.number)
        if record is not None:
            name = f"signed-{line.number}"
            return MaskAsRead("signed", name, decode_mask(record[1], shape))
    for version in list_versions(store, row.study_id)[:1]:
        found = read_version(store, row.study_id, version.number)
        if found is not None:
            name = f"version-{version.number}"
            return MaskAsRead("version", name, decode_mask(found.content, shape))
    key = services.result_key(row.content_digest)
    outline = services.results.outline(key) if key else None
    if key is None or outline is None or outline.probability.shape != shape:
        return MaskAsRead("", "", {})
    return MaskAsRead("ai", f"ai-{key[:12]}", outline.mask_slices())


def _describe(
    services: Services, row: StudyRow, *, measured: bool, is_in_view: bool = False
) -> TimePoint:
    """Describe a study; withheld figures of the one in view are sent, for the reader may ask."""
    reading = find_reading(services.store, row.study_id)
    state = shown_state(reading.state, has_result=row.positive_slices is not None)
    try:
        found = mask_as_read(services, row)
        case = load_case(services, row)
        withheld = _withheld_words(services, row, found) if not is_in_view else ""
    except InputError:  # its files are damaged: it is listed without figures
        return TimePoint(row, state, "", "", None, None, None, "px")
    mask = {k: one for k, one in found.mask.items() if one.any()}
    areas = [int(mask[k].sum()) if k in mask else 0 for k in range(row.slices)]
    longest = perpendicular = None
    if measured and mask and not withheld:
        try:
            lesions = measure_lesions(mask, case.spacing_mm, limit_s=_LIMIT_S).lesions
        except InputError:  # too irregular to be measured
            lesions = ()
        if lesions:
            longest, perpendicular = lesions[0].longest.length, lesions[0].perpendicular.length
    return TimePoint(
        row=row,
        state=state,
        source=found.source,
        mask_name=found.name,
        volume_ml=volume_ml(areas, case.spacing_mm, case.slice_weights)
        if found.source and not withheld
        else None,
        longest=longest,
        perpendicular=perpendicular,
        unit="mm" if case.spacing_mm else "px",
        letters=(at.left, at.right, at.top, at.bottom) if (at := case.orientation) else None,
        withheld=withheld,
    )


def _withheld_words(services: Services, row: StudyRow, found: MaskAsRead) -> str:
    return withheld_words(services, row) if found.source == "ai" else ""


def find_matrix(services: Services, row: StudyRow, prior: StudyRow) -> NDArray[np.float64] | None:
    """How a prior lies on a study (`pipeline.Registration.matrix`); None where that is not known.

    A registration that is not reliable counts as unknown.
    """
    found = read_registration(services.store, row.content_digest, prior.content_digest)
    if found is None or found.problem:
        return None
    return np.array(found.matrix, np.float64).reshape(3, 4)


def compare_with_prior(
    services: Services, row: StudyRow, prior: StudyRow, mask: MaskSlices, *, registered: bool
) -> Comparison:
    """Compare a mask as read with a prior's.

    Args:
        services: The server's parts.
        row: The study.
        prior: A study of the same patient.
        mask: The mask as read, whole.
        registered: Whether the reader sees the prior registered.

    Raises:
        InputError: The files of one of them are damaged, or a mask is too irregular.
    """
    matrix = find_matrix(services, row, prior) if registered else None
    before = mask_as_read(services, prior)
    case, prior_case = load_case(services, row), load_case(services, prior)
    areas, prior_areas = (
        make_volume(one, shape_of(of)).sum(axis=(1, 2)).tolist()
        for one, of in ((mask, row), (before.mask, prior))
    )
    changes: tuple[LesionChange, ...] = ()
    is_known = before.source != "" and not _withheld_words(services, prior, before)
    if matrix is not None and is_known:
        now = _counted(lesions_as_read(services, row, case, mask).lesions)
        then = _counted(lesions_as_read(services, prior, prior_case, before.mask).lesions)
        changes = match_lesions(now, then, matrix, shape_of(prior))
    return Comparison(
        study_id=prior.study_id,
        study_date=prior.study_date,
        registered=matrix is not None,
        method=METHOD if matrix is not None else "",
        source=before.source,
        volume_ml=volume_ml(areas, case.spacing_mm, case.slice_weights),
        prior_volume_ml=volume_ml(prior_areas, prior_case.spacing_mm, prior_case.slice_weights)
        if is_known
        else None,
        lesions=changes,
    )


def _counted(lesions: tuple[ListedLesion, ...]) -> list[ListedLesion]:
    return [one for one in lesions if one.verdict is not LesionVerdict.REMOVE]


def match_lesions(
    now: list[ListedLesion],
    then: list[ListedLesion],
    matrix: NDArray[np.float64],
    shape: tuple[int, int, int],
) -> tuple[LesionChange, ...]:
    """Match the lesions of a study with those of its registered prior.

    Lesions that share a voxel belong together: one that has split, or several that have merged, are
    one change.

    Args:
        now: Counted lesions of the study.
        then: Counted lesions of the prior.
        matrix: As of `pipeline.Registration`.
        shape: Slices, rows and columns of the prior.
    """
    labels = np.zeros(shape, np.int32)
    for at, lesion in enumerate(then, start=1):
        for k, one in lesion.mask.items():
            labels[k][one] = at
    groups: list[tuple[set[int], set[int]]] = []
    for at, lesion in enumerate(now):
        own, others = {at}, _labels_under(lesion, labels, matrix)
        for group in [one for one in groups if one[1] & others]:
            groups.remove(group)
            own, others = own | group[0], others | group[1]
        groups.append((own, others))
    seen = {one for _, others in groups for one in others}
    groups += [(set(), {at}) for at in range(1, len(then) + 1) if at not in seen]
    return tuple(
        LesionChange(
            lesions=tuple(sorted(now[at].number for at in own)),
            prior_lesions=tuple(sorted(then[at - 1].number for at in others)),
            volume_ml=_total([now[at] for at in own]),
            prior_volume_ml=_total([then[at - 1] for at in others]),
        )
        for own, others in groups
    )


def _labels_under(
    lesion: ListedLesion, labels: NDArray[np.int32], matrix: NDArray[np.float64]
) -> set[int]:
    """Numbers of the prior's lesions at the voxels of a lesion."""
    found: set[int] = set()
    for k, one in lesion.mask.items():
        rows, columns = np.nonzero(one)
        points = np.stack([np.full(rows.size, k), rows, columns, np.ones(rows.size)])
        at = np.rint(matrix @ points).astype(int)
        inside = ((at >= 0) & (at < np.array(labels.shape)[:, None])).all(axis=0)
        found |= set(np.unique(labels[tuple(at[:, inside])]).tolist())
    return found - {0}


def _total(lesions: list[ListedLesion]) -> float | None:
    volumes = [one.volume_ml for one in lesions]
    known = [one for one in volumes if one is not None]
    return sum(known) if len(known) == len(volumes) else None
