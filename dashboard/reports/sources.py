"""What leaves of a study: what was read of it, signed or not, with its pictures and priors.

Of a draft the mask is the reader's own unsaved correction, else what counts for a prior: the
latest saved version, else the AI's. What pages withhold of an AI result is left out here, once for
everything that leaves.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import pipeline
from dashboard.decisions.lesions import LesionList, lesions_as_read, list_lesions
from dashboard.decisions.priors import list_patient_studies
from dashboard.decisions.signing import describe_reading, is_intact
from dashboard.jobs.claims import find_dice_model
from dashboard.masks import corrections
from dashboard.masks.corrections import shape_of
from dashboard.masks.encoding import MaskSlices, decode_mask
from dashboard.masks.references import load_case
from dashboard.reports.content import (
    ReportSource,
    SequenceValues,
    Signature,
    TimePointVolume,
    pixel_values_of,
)
from dashboard.reports.pictures import draw_key_images
from dashboard.store import StudyRow
from dashboard.store.corrections import list_versions, read_draft, read_version
from dashboard.store.patients import read_patient
from dashboard.store.reading_content import (
    LesionVerdict,
    ReadContent,
    SignedLesion,
    StudyFacts,
    is_refused,
)
from dashboard.store.readings import SignedLine, find_reading, read_record
from dashboard.store.stored_json import MaskBase, Measurement
from dashboard.studies.analysis import find_result
from dashboard.studies.display import sequence_label
from dashboard.workspace.received import NotThere
from dashboard.workspace.services import Services
from pipeline import Case, InputError, estimate_dice


@dataclass(frozen=True, eq=False)
class StudyAsRead:
    """A study as it leaves Overread.

    Attributes:
        content: What is recorded of it, but for what is withheld.
        signature: None where it is not signed.
        case: The study's pixels.
        mask: The mask as read.
        ai: The AI mask; None without a result.
        lesions: The lesion list of the mask; of a record without what the AI left out.
        is_unsaved: Whether the mask is a correction that is not saved as a version.
        withheld: Why nothing is said of the mask, which no reader drew or accepted, or "".
    """

    content: ReadContent
    signature: Signature | None
    case: Case
    mask: MaskSlices
    ai: MaskSlices | None
    lesions: LesionList
    is_unsaved: bool = False
    withheld: str = ""

    @property
    def corrected(self) -> frozenset[int]:
        """Numbers of the lesions of the AI whose outline the reader changed.

        They come from the masks. Counted lesions are the components of the mask as read, the
        largest first, so a number means the same in the record's list and in the one made of its
        masks.
        """
        by_ai = {
            one.number
            for one in self.content.lesions
            if (one.source, one.verdict) == ("ai", LesionVerdict.KEEP)
        }
        equal = {
            one.number
            for one in self.lesions.lesions
            if one.verdict is LesionVerdict.KEEP and not one.is_corrected
        }
        return frozenset(by_ai - equal)


def withhold(read: StudyAsRead) -> StudyAsRead:
    """Leave out the AI's figures where its images are unlike the training data.

    The rule is that of the pages (`dashboard.studies.analysis.withheld_words`): a mask that a
    reader drew or accepted is the reader's, and its volume and lesions leave. Of any other mask
    no lesion leaves but for what the reader wrote of it. Slice scores, expected Dice, and what is
    not in the mask are the AI's in either case.
    """
    content = read.content
    result = content.result
    if result is None or not result.unfit:
        return read
    result = replace(result, volume_ml=None, left_out_ml=None, expected_dice=None)
    is_readers = read.is_unsaved or content.mask_version is not None
    is_accepted = read.signature is not None and not is_refused(content)
    if is_readers or is_accepted:
        counted = [one for one in content.lesions if one.verdict is not LesionVerdict.REMOVE]
        lesions = tuple(replace(one, score=None) for one in counted)
        return replace(read, content=replace(content, result=result, lesions=lesions))
    written = [one for one in content.lesions if one.location or one.comment]
    bare = replace(
        content,
        result=result,
        lesions=tuple(_without_figures(one) for one in written),
        volume_ml=None,
        comparison=content.comparison and replace(content.comparison, volume_ml=None, lesions=()),
    )
    return replace(read, content=bare, lesions=LesionList((), 0), withheld=result.unfit)


def _without_figures(lesion: SignedLesion) -> SignedLesion:
    return replace(
        lesion, volume_ml=None, voxels=0, longest=None, perpendicular=None, score=None, side=""
    )


def find_draft(services: Services, row: StudyRow, reader_id: str) -> StudyAsRead:
    """A study as a reader would sign it now.

    Args:
        services: The server's parts.
        row: The study.
        reader_id: Whose unsaved correction and measurements count; "" for nobody's.

    Raises:
        InputError: The study's files are damaged.
    """
    case = load_case(services, row)
    ai = _ai_mask(services, row)
    mask, based_on, version = _unsigned_mask(services, row, reader_id, ai)
    lesions = lesions_as_read(services, row, case, mask)
    content = describe_reading(
        services,
        row,
        find_reading(services.store, row.study_id).content,
        mask,
        case=case,
        lesions=lesions,
        reader_id=reader_id,
        based_on=based_on or MaskBase(),
        mask_version=version,
    )
    is_unsaved = version is None and based_on is not None
    return withhold(StudyAsRead(content, None, case, mask, ai, lesions, is_unsaved))


def find_record(services: Services, row: StudyRow, number: int) -> StudyAsRead:
    """A study as it was signed: of its record and its files alone.

    A later result, reference or spacing changes nothing.

    Raises:
        NotThere: No record has this number.
        InputError: The study's files are damaged, or the record is not what was signed.
    """
    line, mask, ai = read_intact_record(services, row, number)
    shape = shape_of(row)
    read = decode_mask(mask, shape)
    case = _load_signed(services, row, line.content.study)
    ai_mask = None if ai is None else decode_mask(ai, shape)
    return withhold(
        StudyAsRead(
            content=line.content,
            signature=Signature(
                number=line.number, author=line.author, at=line.signed_at, digest=line.digest
            ),
            case=case,
            mask=read,
            ai=ai_mask,
            lesions=list_lesions(
                case, read, ai=ai_mask, left_out=None, scores=None, channel=row.start_channel
            ),
        )
    )


def read_intact_record(
    services: Services, row: StudyRow, number: int
) -> tuple[SignedLine, bytes, bytes | None]:
    """A signed record with its mask and the AI's, as `dashboard.masks.encoding` writes them.

    Raises:
        NotThere: No record has this number.
        InputError: It is not what was signed.
    """
    found = read_record(services.store, row.study_id, number)
    if found is None:
        raise NotThere(f"No record {number} of this study exists.")
    if not is_intact(*found):
        raise InputError(
            "",
            f"Record {number} of this study does not match its digest: it was altered in the"
            " database and is not exported. Its administrator finds the original in a backup.",
        )
    return found


def _load_signed(services: Services, row: StudyRow, facts: StudyFacts) -> Case:
    """A study's case with the spacing with which it was signed."""
    case = services.load_stated(row)
    if facts.spacing_mm is None or facts.spacing_by is None:
        return case
    return pipeline.enter_spacing(case, facts.spacing_mm, entered_by=facts.spacing_by.author)


def pixel_values(row: StudyRow, read: StudyAsRead, item: Measurement) -> tuple[SequenceValues, ...]:
    """Values of the pixels inside an area that the reader drew, of each sequence."""
    known = zip(row.sequences, row.display.same_as, strict=True)
    labels = ["" if same is not None else sequence_label(one) for one, same in known]
    return pixel_values_of(item, read.case.pixels, labels)


def make_source(
    services: Services, row: StudyRow, read: StudyAsRead, *, at: datetime
) -> ReportSource:
    """Collect what the report of a study as read shows.

    A report that is made after the signature, because the template was broken or the record is of
    an earlier version, shows what was known at the signature: the prior in the record, and no
    estimate of today's models.

    Args:
        services: The server's parts.
        row: The study.
        read: The study as read.
        at: When the report is made, UTC.

    Raises:
        InputError: The study's files are damaged.
    """
    content = read.content
    is_late = read.signature is not None and at > read.signature.at
    model, result = find_dice_model(services), find_result(services, row)
    is_same = bool(content.result and content.result.key == services.result_key(row.content_digest))
    is_same = is_same and not is_late
    estimate = estimate_dice(model, result) if model and result and is_same else None
    volume = model.volume if model and estimate else None
    return ReportSource(
        content=content,
        signature=read.signature,
        patient=read_patient(services.store, row.study_id),
        slice_numbers=row.indices,
        sequence_labels=tuple(sequence_label(one) for one in content.study.sequences),
        time_points=_time_points(
            services, row, content, is_signed=read.signature is not None, is_late=is_late
        ),
        expected=estimate.sentence if estimate else "",
        range_ml=volume.range_ml(result.volume_ml) if volume and result else None,
        pictures=draw_key_images(
            row,
            read.case,
            marked=content.key_images,
            read=read.mask,
            ai=read.ai,
            lesions=read.lesions.lesions,
            measurements=content.measurements,
            is_refused=is_refused(content),
        ),
        is_unsaved=read.is_unsaved,
        corrected=read.corrected,
        withheld=read.withheld,
        pixel_values={one.id: pixel_values(row, read, one) for one in content.measurements},
        made_at=at,
    )


def _time_points(
    services: Services, row: StudyRow, content: ReadContent, *, is_signed: bool, is_late: bool
) -> tuple[TimePointVolume, ...]:
    """Volumes of the study and of those before it, the earliest first.

    Of a late report those in the record: its own and that of the prior.
    """
    date = content.study.study_date
    if content.volume_ml is None or is_refused(content) or not date:
        return ()
    source = "signed" if is_signed else "version" if content.mask_version else "ai"
    points = [TimePointVolume(date=date, volume_ml=content.volume_ml, source=source)]
    prior = content.comparison
    if is_late and prior and prior.study_date and prior.prior_volume_ml is not None:
        points.append(
            TimePointVolume(
                date=prior.study_date,
                volume_ml=prior.prior_volume_ml,
                source=prior.source,
            )
        )
    found = () if is_late else list_patient_studies(services, row, measured=False).priors
    points += [
        TimePointVolume(date=one.row.study_date, volume_ml=one.volume_ml, source=one.source)
        for one in found
        if one.volume_ml is not None and one.row.study_date and one.row.study_date < date
    ]
    return tuple(sorted(points, key=lambda one: one.date))


def _ai_mask(services: Services, row: StudyRow) -> MaskSlices | None:
    key = services.result_key(row.content_digest)
    outline = services.results.outline(key) if key else None
    if outline is None or outline.probability.shape != shape_of(row):
        return None
    return outline.mask_slices()


def _unsigned_mask(
    services: Services, row: StudyRow, reader_id: str, ai: MaskSlices | None
) -> tuple[MaskSlices, MaskBase | None, int | None]:
    """The mask that a reader has in view, its base (None: the AI's as it is), its version."""
    store, shape = services.store, shape_of(row)
    draft = read_draft(store, row.study_id, reader_id) if reader_id else None
    if draft is not None:
        base = corrections.find_base(services, row, draft.based_on, draft=draft)
        mask = corrections.merge(base.slices, decode_mask(draft.content, shape))
        return mask, base.described, None
    for line in list_versions(store, row.study_id)[:1]:
        version = read_version(store, row.study_id, line.number)
        if version is not None:
            return decode_mask(version.content, shape), line.based_on, line.number
    return ai or {}, None, None
