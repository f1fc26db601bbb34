"""DICOM SEG: the lesions of one mask, each as a segment or joined, on the images' own voxels."""

from __future__ import annotations

import numpy as np
from highdicom import AlgorithmIdentificationSequence
from highdicom.seg import Segmentation, SegmentDescription
from highdicom.sr import CodedConcept
from numpy.typing import NDArray
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
    origin = outlines.origin
    if is_joined:
        method = _method(study, origin, outlines.labels > 0, _sizes(study))
        return [_segment(study, origin, 1, None, method)]
    methods = drawn_by(study, outlines)
    return [_segment(study, origin, one.number, one, methods[one.number])
            for one in outlines.lesions]  # fmt: skip


def drawn_by(study: ExportedStudy, outlines: Outlines) -> dict[int, str]:
    """How each lesion was outlined, by its number, in the words of DICOM's Segment Algorithm Type.

    What a reader accepted unchanged is AUTOMATIC, what they corrected SEMIAUTOMATIC, and what the
    AI did not outline MANUAL.
    """
    sizes = _sizes(study)
    found = {}
    for one in outlines.lesions:
        slices = slice(one.first, one.last + 1)
        own = outlines.labels[slices] == one.number
        found[one.number] = _method(study, outlines.origin, own, sizes, slices)
    return found


def _sizes(study: ExportedStudy) -> NDArray[np.int64]:
    """Voxels of each lesion of the AI, by its number."""
    if study.ai is None:
        return np.zeros(1, np.int64)
    return np.bincount(study.ai.labels.ravel())


def _method(
    study: ExportedStudy,
    origin: Origin,
    own: NDArray[np.bool_],
    sizes: NDArray[np.int64],
    slices: slice = slice(None),
) -> str:
    """How some voxels were outlined, those of whole lesions.

    Args:
        study: What is exported.
        origin: Who drew them.
        own: ``(m, h, w)`` bool on ``slices``.
        sizes: Voxels of each lesion of the AI.
        slices: Which slices.
    """
    if study.algorithm is None:
        return "MANUAL"
    if origin is Origin.AI:
        return "AUTOMATIC"
    below = study.ai.labels[slices][own] if study.ai is not None else np.zeros(0, np.uint16)
    touched = np.unique(below[below > 0])
    if not touched.size:
        return "MANUAL"
    is_same = bool((below > 0).all()) and below.size == int(sizes[touched].sum())
    return "AUTOMATIC" if is_same else "SEMIAUTOMATIC"


def _segment(
    study: ExportedStudy, origin: Origin, number: int, lesion: ExportedLesion | None, method: str
) -> SegmentDescription:
    algorithm = study.algorithm
    identification = None
    if algorithm is not None and method != "MANUAL":
        identification = AlgorithmIdentificationSequence(
            name=short_text(algorithm.name),
            family=FAMILY,
            version=short_text(algorithm.version),
            source="Overread",
            parameters={"sha256": algorithm.digest},
        )
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
