"""A report as an encapsulated PDF, and the key object that rejects what an amendment replaces."""

from __future__ import annotations

from collections.abc import Sequence

from highdicom.ko import KeyObjectSelection, KeyObjectSelectionDocument
from highdicom.sr import CodeContentItem, CodedConcept
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import EncapsulatedPDFStorage

from pipeline.interchange.content import RESEARCH_USE, ExportedStudy
from pipeline.interchange.identifiers import date_and_time, derive_uid
from pipeline.interchange.image_series import (
    ImageSeries,
    equipment,
    new_object,
    settle,
    short_text,
)

_REPORT = ("18748-4", "LN", "Diagnostic imaging report")
_LONGEST_ST = 1024


def build_pdf_document(study: ExportedStudy, series: ImageSeries, pdf: bytes) -> Dataset:
    """The PDF of the report as a DICOM object.

    Raises:
        ValueError: The bytes are no PDF.
    """
    if not pdf.startswith(b"%PDF-"):
        raise ValueError("a PDF is needed")
    made = new_object(
        series,
        sop_class=EncapsulatedPDFStorage,
        sop_instance=derive_uid("pdf", study.digest),
        series_uid=derive_uid("series", study.digest, "pdf"),
        series_number=905,
        instance_number=1,
        modality="DOC",
        description=short_text(f"Report - {RESEARCH_USE}"),
        date=date_and_time(study.at),
    )
    made.ConversionType = "WSD"
    made.ContentDate, made.ContentTime = date_and_time(study.at)
    made.AcquisitionDateTime = None
    made.BurnedInAnnotation = "YES"
    made.DocumentTitle = "Brain MRI report, research use only"
    made.ConceptNameCodeSequence = [CodedConcept(_REPORT[0], _REPORT[1], _REPORT[2])]
    made.VerificationFlag = "VERIFIED" if study.is_signed else "UNVERIFIED"
    made.MIMETypeOfEncapsulatedDocument = "application/pdf"
    made.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)
    made.EncapsulatedDocumentLength = len(pdf)
    return made


def build_rejection(
    study: ExportedStudy, series: ImageSeries, rejected: Sequence[Dataset], *, reason: str
) -> Dataset:
    """The key object by which an archive hides the objects of the amended record (IHE IOCM).

    Args:
        study: The amendment.
        series: The images that it refers to.
        rejected: The objects of the record that it amends, as they were sent.
        reason: Why it was amended, in the reader's words.

    Raises:
        ValueError: There is nothing to reject.
    """
    if study.amends is None or not rejected:
        raise ValueError("an amendment and the objects that it replaces are needed")
    evidence = [_header_of(one, rejected[0]) for one in rejected]
    content = KeyObjectSelection(
        document_title=codes.cid7010.RejectedForQualityReasons,
        referenced_objects=evidence,
        description=short_text(reason, longest=_LONGEST_ST) or None,
    )
    modifier = CodeContentItem(
        name=CodedConcept("113011", "DCM", "Document Title Modifier"),
        value=codes.cid7011.OtherFailure,
        relationship_type="HAS CONCEPT MOD",
    )
    content[0].ContentSequence.insert(0, modifier)
    made: Dataset = KeyObjectSelectionDocument(
        evidence=evidence,
        content=content,
        series_instance_uid=derive_uid("series", study.digest, "ko"),
        series_number=906,
        sop_instance_uid=derive_uid("ko", study.digest, *(one.SOPInstanceUID for one in rejected)),
        instance_number=1,
        series_description=short_text(f"Replaced results - {RESEARCH_USE}"),
        **equipment(),
    )
    settle(made, series, date_and_time(study.at))
    return made


def _header_of(made: Dataset, first: Dataset) -> Dataset:
    """A header of an object as evidence, without its names, which highdicom may not like."""
    header = Dataset()
    for keyword in (
        "SOPClassUID",
        "SOPInstanceUID",
        "StudyInstanceUID",
        "SeriesInstanceUID",
        "PatientID",
        "PatientBirthDate",
        "PatientSex",
        "AccessionNumber",
        "StudyID",
        "StudyDate",
        "StudyTime",
        "SpecificCharacterSet",
    ):
        setattr(header, keyword, made[keyword].value)
    header.PatientName = "Name^"
    if "Rows" in made:  # an image, which the key object refers to as one
        header.Rows, header.Columns = made.Rows, made.Columns
    return header
