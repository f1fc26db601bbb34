"""DICOM SEG: the lesions of one mask, each as a segment or joined, on the images' own voxels."""

from __future__ import annotations

import numpy as np
from highdicom import AlgorithmIdentificationSequence
from highdicom.seg import Segmentation, SegmentDescription
from highdicom.sr import CodedConcept
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code
from pydicom.uid import ExplicitVRLittleEndian

from pipeline.errors import InputError, ProgressCallback
from pipeline.interchange.content import (
    RESEARCH_USE,
    ExportedLesion,
    ExportedStudy,
    Origin,
    Outlines,
    Side,
)
from pipeline.interchange.identifiers import date_and_time, derive_uid
from pipeline.interchange.image_series import (
    ImageSeries,
    equipment,
    person_name,
    refer_to_frames,
    settle,
    short_text,
    stand_ins,
)

ABNORMAL = Code("49755003", "SCT", "Morphologically Abnormal Structure")
LESION = Code("52988006", "SCT", "Lesion")
BRAIN = Code("12738006", "SCT", "Brain")
FAMILY = Code("123110", "DCM", "Artificial Intelligence")
SIDES = {
    Side.RIGHT: Code("24028007", "SCT", "Right"),
    Side.LEFT: Code("7771000", "SCT", "Left"),
    Side.BOTH: Code("51440002", "SCT", "Right and left"),
}
#: Steps of `build_segmentation` for a progress bar.
SEGMENTATION_STEPS = 3
_SERIES_NUMBERS = {Origin.AI: 901, Origin.READER: 902}
_WORDS = {Origin.AI: "FLAIR abnormality (AI)", Origin.READER: "FLAIR abnormality (reader)"}


def site_of(lesion: ExportedLesion | None) -> Code:
    """Where a lesion lies: the reader's choice, else the brain."""
    if lesion is None or lesion.location is None:
        return BRAIN
    return Code(lesion.location.code, "SCT", lesion.location.meaning)


def tracking_uid(lesion: ExportedLesion) -> str:
    """The lesion's identifier in all objects and at all time points."""
    return derive_uid("lesion", lesion.tracking)


def build_segmentation(
    study: ExportedStudy,
    series: ImageSeries,
    origin: Origin,
    *,
    is_joined: bool = False,
    progress: ProgressCallback = lambda *_: None,
) -> Dataset:
    """The SEG of the AI's mask or of the mask as read.

    Args:
        study: What is exported.
        series: The images that it refers to.
        origin: Whose mask.
        is_joined: Whether all lesions are one segment.
        progress: Called with (done, total, what is being done).

    Raises:
        InputError: The mask is empty or missing.
        Cancelled: The progress callback raised it.
    """
    outlines = study.outlines(origin)
    if outlines is None or not outlines.labels.any():
        raise InputError("", f"No DICOM SEG of the {origin} mask is written: the mask is empty.")
    what = f"Writing the DICOM SEG of the {origin} mask"
    progress(0, SEGMENTATION_STEPS, what)
    labels = series.to_images(outlines.labels)
    if is_joined:
        labels = (labels > 0).astype(np.uint8)
    elif len(outlines.lesions) < 256:
        labels = labels.astype(np.uint8)
    filled = np.flatnonzero(labels.any(axis=(1, 2)))
    sources = stand_ins(series)
    progress(1, SEGMENTATION_STEPS, what)
    description = short_text(f"{_WORDS[origin]} - {RESEARCH_USE}")
    made = Segmentation(
        source_images=[sources[k] for k in filled],
        pixel_array=np.ascontiguousarray(labels[filled]),
        segmentation_type="BINARY",
        segment_descriptions=_segments(study, outlines, is_joined=is_joined),
        series_instance_uid=derive_uid("series", study.digest, "seg", origin, int(is_joined)),
        series_number=_SERIES_NUMBERS[origin],
        sop_instance_uid=segmentation_uid(study.digest, origin, is_joined=is_joined),
        instance_number=1,
        content_label=f"FLAIR_{origin}".upper(),
        content_description=description,
        content_creator_name=_creator(study, origin),
        series_description=description,
        transfer_syntax_uid=ExplicitVRLittleEndian,
        omit_empty_frames=True,
        **equipment(),
    )
    progress(2, SEGMENTATION_STEPS, what)
    refer_to_frames(made, series)
    settle(made, series, date_and_time(study.at))
    made.pop("ReferringPhysicianIdentificationSequence", None)
    progress(SEGMENTATION_STEPS, SEGMENTATION_STEPS, what)
    return made


def segmentation_uid(digest: str, origin: Origin, *, is_joined: bool) -> str:
    """UID of the SEG of a record."""
    return derive_uid("seg", digest, origin, int(is_joined))


def _creator(study: ExportedStudy, origin: Origin) -> str:
    if origin is Origin.READER and study.reader is not None:
        return person_name(study.reader.name)
    return person_name("Overread")


def _segments(
    study: ExportedStudy, outlines: Outlines, *, is_joined: bool
) -> list[SegmentDescription]:
    """One for each lesion, or one for all."""
    if is_joined:
        return [_segment(study, outlines.origin, 1, None)]
    return [_segment(study, outlines.origin, one.number, one) for one in outlines.lesions]


def _segment(
    study: ExportedStudy, origin: Origin, number: int, lesion: ExportedLesion | None
) -> SegmentDescription:
    algorithm = study.algorithm
    by_ai = origin is Origin.AI and algorithm is not None
    identification = None
    if algorithm is not None:
        identification = AlgorithmIdentificationSequence(
            name=short_text(algorithm.name),
            family=FAMILY,
            version=short_text(algorithm.version),
            source="Overread",
            parameters={"sha256": algorithm.digest},
        )
    method = "AUTOMATIC" if by_ai else "MANUAL" if identification is None else "SEMIAUTOMATIC"
    described = SegmentDescription(
        segment_number=number,
        segment_label=f"{_WORDS[origin]} {number}" if lesion else _WORDS[origin],
        segmented_property_category=ABNORMAL,
        segmented_property_type=LESION,
        algorithm_type=method,
        algorithm_identification=identification,
        tracking_uid=None if lesion is None else tracking_uid(lesion),
        tracking_id=None if lesion is None else short_text(lesion.tracking),
        anatomic_regions=[site_of(lesion)],
    )
    if lesion is not None and lesion.side in SIDES:
        region = described.AnatomicRegionSequence[0]
        region.AnatomicRegionModifierSequence = [CodedConcept.from_code(SIDES[lesion.side])]
    return described
