"""DICOM SR by template TID 1500: each lesion's volume and diameters, who read it, and where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from highdicom.sr import (
    AlgorithmIdentification,
    CodeContentItem,
    CodedConcept,
    ComprehensiveSR,
    ContainerContentItem,
    ContentSequence,
    DeviceObserverIdentifyingAttributes,
    FindingSite,
    LanguageOfContentItemAndDescendants,
    Measurement,
    ObservationContext,
    ObserverContext,
    PersonObserverIdentifyingAttributes,
    ReferencedSegment,
    SourceImageForMeasurement,
    SourceImageForSegmentation,
    TextContentItem,
    TrackingIdentifier,
    VolumetricROIMeasurementsAndQualitativeEvaluations,
)
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from pipeline.errors import InputError
from pipeline.interchange.content import (
    NOTHING_FOUND,
    RESEARCH_USE,
    ExportedLesion,
    ExportedStudy,
    Judgement,
    Origin,
    Outlines,
    withheld_words,
)
from pipeline.interchange.identifiers import date_and_time, derive_uid, zoned_time
from pipeline.interchange.image_series import (
    ImageSeries,
    equipment,
    evidence_of,
    person_name,
    settle,
    short_text,
)
from pipeline.interchange.segmentations import (
    ABNORMAL,
    FAMILY,
    LESION,
    SIDES,
    drawn_by,
    site_of,
    tracking_uid,
)

_MILLILITRE = Code("mL", "UCUM", "milliliter")
_MILLIMETRE = Code("mm", "UCUM", "millimeter")
_VOLUME = Code("118565006", "SCT", "Volume")
_LONG_AXIS = Code("103339001", "SCT", "Long axis")
_SHORT_AXIS = Code("103340004", "SCT", "Short axis")
#: CID 100, which may be extended, has no code for MRI of the brain; it takes others from LOINC.
_PROCEDURE = Code("24590-2", "LN", "MR Brain")
_NOT_STATED = "Not stated"
_CONTAINS = "CONTAINS"
#: Row 12 of TID 1500: what holds for the study, not for one lesion.
_EVALUATIONS = Code("C0034375", "UMLS", "Qualitative Evaluations")
#: No standard has codes for what a reader decides on an AI result.
_SCHEME = "99OVERREAD"
_DECISION = CodedConcept("decision", _SCHEME, "Decision on the AI result")
_REASON = CodedConcept("reason", _SCHEME, "Reason of the decision")
_CODES = {
    Judgement.ACCEPTED: "accepted",
    Judgement.CHANGED: "accepted-with-changes",
    Judgement.REJECTED: "rejected",
    Judgement.NOT_ASSESSABLE: "not-assessable",
}

NOTHING_TO_MEASURE = (
    "No DICOM SR is written: it refers to a DICOM SEG, which this study does not have."
)


def build_measurement_report(
    study: ExportedStudy, series: ImageSeries, segmentations: Mapping[Origin, Dataset]
) -> Dataset:
    """The SR of a study: its reader's decision, and measurements of each lesion of each SEG.

    Args:
        study: What is exported.
        series: The images that it refers to.
        segmentations: SEG of `build_segmentation`, a segment for each lesion, by origin: those of
            which the SR vouches.

    Raises:
        InputError: Nothing is outlined, nothing was decided, and nothing is withheld.
    """
    groups, slices = [], set[int]()
    for origin, segmentation in segmentations.items():
        outlines = study.outlines(origin)
        assert outlines is not None  # its SEG was made of it
        methods = drawn_by(study, outlines)
        for lesion in outlines.lesions:
            method = methods[lesion.number]
            groups.append(_group(study, series, outlines, lesion, segmentation, method))
            slices.update(range(lesion.first, lesion.last + 1))
    if not groups and study.assessment is None and study.has_findings:
        raise InputError("", NOTHING_TO_MEASURE)
    images = evidence_of(series, sorted(slices) or range(len(series.images)))
    evidence = [*images, *(_named(one, images[0]) for one in segmentations.values())]
    signer = study.reader if study.is_signed else None
    made = ComprehensiveSR(
        evidence=evidence,
        content=_content(study, groups),
        series_instance_uid=derive_uid("series", study.digest, "sr"),
        series_number=903,
        sop_instance_uid=report_uid(study.digest),
        instance_number=1,
        series_description=short_text(f"Measurements - {RESEARCH_USE}"),
        is_complete=study.is_signed,
        is_final=study.is_signed,
        is_verified=signer is not None,
        verifying_observer_name=person_name(signer.name) if signer else None,
        verifying_organization=(signer.organisation or _NOT_STATED) if signer else None,
        previous_versions=_previous(study, images[0]),
        **equipment(),
    )
    for item in made.get("VerifyingObserverSequence") or ():
        item.VerificationDateTime = zoned_time(study.at)
    settle(made, series, date_and_time(study.at))
    return made


def _content(
    study: ExportedStudy, groups: Sequence[VolumetricROIMeasurementsAndQualitativeEvaluations]
) -> ContainerContentItem:
    """The tree of TID 1500, of which highdicom's class makes no report without measurements."""
    root = ContainerContentItem(name=codes.cid7021.ImagingMeasurementReport, template_id="1500")
    root.ContentSequence = ContentSequence()
    content = root.ContentSequence  # what the assignment made of it
    english = CodedConcept("en-US", "RFC5646", "English (United States)")
    content.extend(LanguageOfContentItemAndDescendants(english))
    content.extend(_observers(study))
    content.append(
        CodeContentItem(
            name=codes.DCM.ProcedureReported,
            value=_PROCEDURE,
            relationship_type="HAS CONCEPT MOD",
        )
    )
    if groups:
        measured = _container(codes.DCM.ImagingMeasurements)
        for group in groups:
            measured.ContentSequence.extend(group)
        content.append(measured)
    if study.assessment is not None or not study.has_findings:
        content.append(_evaluations(study, is_empty=not groups))
    return root


def _container(name: Code) -> ContainerContentItem:
    made = ContainerContentItem(name=name, relationship_type=_CONTAINS)
    made.ContentSequence = ContentSequence()
    return made


def _evaluations(study: ExportedStudy, *, is_empty: bool) -> ContainerContentItem:
    """What the reader decided, and why; and why there is no lesion."""
    made = _container(_EVALUATIONS)
    assessment = study.assessment
    texts = list[tuple[Code | CodedConcept, str]]()
    if assessment is not None:
        judgement = assessment.judgement
        value = CodedConcept(_CODES[judgement], _SCHEME, judgement.value)
        made.ContentSequence.append(
            CodeContentItem(name=_DECISION, value=value, relationship_type=_CONTAINS)
        )
        texts.append((_REASON, ": ".join(filter(None, (assessment.reason, assessment.comment)))))
    if not study.has_findings and study.withheld:
        texts.append((codes.DCM.Finding, withheld_words(study.withheld)))
    elif is_empty and study.has_findings:
        texts.append((codes.DCM.Finding, NOTHING_FOUND))
    for name, words in texts:
        if words:
            made.ContentSequence.append(
                TextContentItem(name=name, value=words, relationship_type=_CONTAINS)
            )
    return made


def report_uid(digest: str) -> str:
    """UID of the SR of a record."""
    return derive_uid("sr", digest)


def _named(made: Dataset, like: Dataset) -> Dataset:
    """A header of an object as evidence: highdicom reads patient and study of the first only."""
    header = Dataset()
    for element in like:
        header[element.tag] = element
    for keyword in ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"):
        header[keyword] = made[keyword]
    return header


def _previous(study: ExportedStudy, like: Dataset) -> Sequence[Dataset] | None:
    """The SR of the record that this one amends."""
    if study.amends is None:
        return None
    header = Dataset()
    header.SOPClassUID = "1.2.840.10008.5.1.4.1.1.88.33"
    header.SOPInstanceUID = report_uid(study.amends.digest)
    header.SeriesInstanceUID = derive_uid("series", study.amends.digest, "sr")
    header.StudyInstanceUID = like.StudyInstanceUID
    return [header]


def _observers(study: ExportedStudy) -> ObservationContext:
    """The program, and the reader where there is one."""
    person = None
    if study.reader is not None:
        person = ObserverContext(
            observer_type=codes.DCM.Person,
            observer_identifying_attributes=PersonObserverIdentifyingAttributes(
                name=person_name(study.reader.name),
                organization_name=short_text(study.reader.organisation) or None,
            ),
        )
    algorithm = study.algorithm
    device = ObserverContext(
        observer_type=codes.DCM.Device,
        observer_identifying_attributes=DeviceObserverIdentifyingAttributes(
            uid=derive_uid("device", algorithm.digest if algorithm else "none"),
            name=f"Overread {algorithm.name}" if algorithm else "Overread",
            manufacturer_name="Overread",
            model_name=algorithm.name if algorithm else "Overread",
            serial_number=algorithm.version if algorithm else equipment()["software_versions"],
        ),
    )
    return ObservationContext(observer_person_context=person, observer_device_context=device)


def _group(
    study: ExportedStudy,
    series: ImageSeries,
    outlines: Outlines,
    lesion: ExportedLesion,
    segmentation: Dataset,
    method: str,
) -> VolumetricROIMeasurementsAndQualitativeEvaluations:
    algorithm = study.algorithm
    seen = range(lesion.first, lesion.last + 1)
    identified = None
    if algorithm is not None and method != "MANUAL":
        identified = AlgorithmIdentification(
            name=algorithm.name,
            version=algorithm.version,
            parameters=[f"sha256={algorithm.digest}"],
            family=FAMILY,
            manufacturer="Overread",
        )
    return VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(
            uid=tracking_uid(lesion), identifier=short_text(lesion.tracking)
        ),
        referenced_segment=ReferencedSegment(
            sop_class_uid=segmentation.SOPClassUID,
            sop_instance_uid=segmentation.SOPInstanceUID,
            segment_number=lesion.number,
            source_images=_sources(series, seen),
        ),
        finding_category=ABNORMAL,
        finding_type=LESION,
        algorithm_id=identified,
        finding_sites=[FindingSite(site_of(lesion), laterality=SIDES.get(lesion.side))],
        measurements=_measurements(series, lesion) or None,
        session=f"{outlines.origin} outline, {method.lower()}",
    )


def _sources(series: ImageSeries, slices: Sequence[int]) -> list[SourceImageForSegmentation]:
    """Each object once, with the numbers of its frames."""
    frames: dict[str, list[int]] = {}
    classes: dict[str, str] = {}
    for k in slices:
        image = series.images[k]
        classes[image.sop_instance] = image.sop_class
        frames.setdefault(image.sop_instance, []).extend([image.frame] if image.frame else [])
    return [
        SourceImageForSegmentation(classes[uid], uid, numbers or None)
        for uid, numbers in frames.items()
    ]


def _measurements(series: ImageSeries, lesion: ExportedLesion) -> list[Measurement]:
    """Volume, and the diameters with the image on which they were taken."""
    found = []
    if lesion.volume_ml is not None:
        found.append(Measurement(name=_VOLUME, value=_value(lesion.volume_ml), unit=_MILLILITRE))
    images = None
    if lesion.measured_on is not None:
        image = series.images[lesion.measured_on]
        images = [
            SourceImageForMeasurement(
                image.sop_class, image.sop_instance, [image.frame] if image.frame else None
            )
        ]
    for name, length in (
        (_LONG_AXIS, lesion.longest_mm),
        (_SHORT_AXIS, lesion.perpendicular_mm),
    ):
        if length is not None:
            found.append(
                Measurement(
                    name=name, value=_value(length), unit=_MILLIMETRE, referenced_images=images
                )
            )
    return found


def _value(number: float) -> float:
    """A number with the digits that its element can hold."""
    return float(f"{number:.6g}")
