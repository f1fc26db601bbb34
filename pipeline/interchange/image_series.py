"""The images that exported objects refer to: the study's own, or a series derived from its pixels.

A study that was read from DICOM is referred to as it is. For a volume of another format, and for
DICOM whose files do not name their images, an MR series is written from the case; its identifiers
depend on the pixels and their place alone, so that all objects of a study refer to one series.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from highdicom.base import SOPClass
from numpy.typing import NDArray
from pydicom import dcmwrite
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage
from pydicom.valuerep import PersonName, format_number_as_ds

import pipeline
from pipeline.data.case import Case
from pipeline.data.dicom_source import SourceImage
from pipeline.data.geometry import case_affine, slots_of
from pipeline.errors import InputError
from pipeline.interchange.content import RESEARCH_USE
from pipeline.interchange.identifiers import derive_uid

#: RAS+ to LPS+.
_TO_LPS = np.array([-1.0, -1.0, 1.0])
#: Cosine of rows and columns that are half a degree off a right angle.
_MOST_SKEW = 0.0088
_UNICODE = "ISO_IR 192"
_DATE = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")
_TIME = re.compile(r"([01]\d|2[0-3])([0-5]\d([0-5]\d(\.\d{1,6})?)?)?")
_LONGEST_LO, _LONGEST_SH, _LONGEST_PN = 64, 16, 64

NO_SPACING = (
    "No DICOM objects are written: the images do not state a pixel spacing and where they lie."
)
SKEWED = "No DICOM objects are written: rows and columns of the images are not at a right angle."


@dataclass(frozen=True, eq=False)
class ImageSeries:
    """Images with the places of a case's slices, and the study that they belong to.

    Attributes:
        study_uid, series_uid, frame_of_reference: UIDs.
        header: Patient and study, as elements of DICOM.
        orientation: ImageOrientationPatient.
        pixel_spacing: Between rows and between columns, in millimetres.
        thickness: In millimetres.
        size: Rows and columns.
        images: One for each of the case's slices, in their order.
        to_images: Brings ``(n, h, w)`` arrays of the case to the images' rows and columns.
        is_derived: Whether the images are not the input's own and must be written.
    """

    study_uid: str
    series_uid: str
    frame_of_reference: str
    header: Dataset
    orientation: tuple[float, ...]
    pixel_spacing: tuple[float, float]
    thickness: float
    size: tuple[int, int]
    images: tuple[SourceImage, ...]
    to_images: Callable[[NDArray[Any]], NDArray[Any]]
    is_derived: bool


def find_images(case: Case) -> ImageSeries:
    """The images that objects of a case refer to.

    Raises:
        InputError: Nothing states their size and place, or no DICOM image can have it.
    """
    if case.dicom is None:
        return _derived_series(case)
    source = case.dicom

    def to_images(volume: NDArray[Any]) -> NDArray[Any]:
        back = np.flip(volume, tuple(axis for axis in source.flips if axis > 0))
        return np.swapaxes(back, 1, 2) if source.axes[1] == 0 else back

    return ImageSeries(
        study_uid=source.study_uid,
        series_uid=source.series_uid,
        frame_of_reference=source.frame_of_reference,
        header=_header(
            case,
            StudyInstanceUID=source.study_uid,
            StudyDate=source.study_date,
            StudyTime=source.study_time,
            StudyID=source.study_id,
            AccessionNumber=source.accession_number,
            ReferringPhysicianName=source.referring_physician,
        ),
        orientation=source.orientation,
        pixel_spacing=source.pixel_spacing,
        thickness=source.thickness or _distance(case),
        size=source.size,
        images=source.images,
        to_images=to_images,
        is_derived=False,
    )


def _derived_series(case: Case) -> ImageSeries:
    grid = case.grid
    if grid is None or case.spacing_mm is None or not grid.is_stated:
        raise InputError(case.sources[0], NO_SPACING)
    affine = case_affine(grid)
    row, column = affine[:3, 2] * _TO_LPS, affine[:3, 1] * _TO_LPS
    spacing = float(np.linalg.norm(column)), float(np.linalg.norm(row))
    row, column = row / spacing[1], column / spacing[0]
    if abs(float(row @ column)) > _MOST_SKEW:
        raise InputError(case.sources[0], SKEWED)
    column = column - (row @ column) * row
    column /= np.linalg.norm(column)
    places = (affine[:3, 3] + slots_of(grid)[:, None] * affine[:3, 0]) * _TO_LPS
    content = case.content_digest()
    lies = repr([affine.round(6).tolist(), slots_of(grid).round(6).tolist()])
    study = derive_uid("study", content, _patient_id(case))
    series = derive_uid("images", study, lies)
    return ImageSeries(
        study_uid=study,
        series_uid=series,
        frame_of_reference=derive_uid("place", study, lies),
        header=_header(
            case,
            StudyInstanceUID=study,
            StudyDate=case.labels.study_date.replace("-", ""),
            StudyTime="",
            StudyID="",
            AccessionNumber="",
            ReferringPhysicianName="",
        ),
        orientation=tuple(map(_rounded, (*row, *column))),
        pixel_spacing=(_rounded(spacing[0]), _rounded(spacing[1])),
        thickness=_rounded(_distance(case)),
        size=(case.pixels.shape[1], case.pixels.shape[2]),
        images=tuple(
            SourceImage(
                str(MRImageStorage),
                derive_uid("image", series, k),
                None,
                (_rounded(place[0]), _rounded(place[1]), _rounded(place[2])),
            )
            for k, place in enumerate(places)
        ),
        to_images=lambda volume: volume,
        is_derived=True,
    )


def _rounded(number: float) -> float:
    """A number as 16 characters of a decimal string hold it."""
    return float(format_number_as_ds(float(number))) + 0.0


def _distance(case: Case) -> float:
    return 1.0 if case.spacing_mm is None else float(case.spacing_mm[0])


def _patient_id(case: Case) -> str:
    """The patient's id, else what the input is called: archives tell patients apart by it."""
    name = case.sources[0].rsplit("/", 1)[-1].split(".")[0]
    return (case.patient.patient_id or case.labels.patient or name)[:_LONGEST_LO]


def _header(case: Case, **study: str) -> Dataset:
    """Patient and study; what DICOM does not allow in an element is cut or left out."""
    patient = case.patient
    header = Dataset()
    header.SpecificCharacterSet = _UNICODE
    header.PatientID = short_text(_patient_id(case))
    header.PatientName = _stated_name(patient.name) or person_name(
        case.labels.patient or _patient_id(case)
    )
    if patient.issuer:
        header.IssuerOfPatientID = short_text(patient.issuer)
    header.PatientBirthDate = _matching(_DATE, patient.birth_date.replace("-", ""))
    header.PatientSex = patient.sex if patient.sex in {"M", "F", "O"} else ""
    if case.labels.description:
        header.StudyDescription = short_text(case.labels.description)
    header.StudyInstanceUID = study["StudyInstanceUID"]
    header.StudyDate = _matching(_DATE, study["StudyDate"])
    header.StudyTime = _matching(_TIME, study["StudyTime"])
    header.StudyID = short_text(study["StudyID"], longest=_LONGEST_SH)
    header.AccessionNumber = short_text(study["AccessionNumber"], longest=_LONGEST_SH)
    header.ReferringPhysicianName = _stated_name(study["ReferringPhysicianName"])
    return header


def _matching(pattern: re.Pattern[str], text: str) -> str:
    return text if pattern.fullmatch(text) else ""


def _stated_name(text: str) -> str:
    """A person name as files state it, each of its three forms as long as DICOM allows."""
    forms = [short_text(form) for form in text.split("=")[:3]]
    return "=".join(forms).rstrip("=")


def short_text(text: str, *, longest: int = _LONGEST_LO) -> str:
    """A text as an element of DICOM holds it: one line, no backslash, not too long."""
    line = " ".join("".join(c if c.isprintable() and c != "\\" else " " for c in text).split())
    return line[:longest]


def person_name(text: str) -> str:
    """A name as it is on screen as a person name of DICOM: all of it is the family name.

    highdicom takes a name of one component with a caret at its end only; `settle` removes it.
    """
    return short_text(text.replace("=", " ").replace("^", " "), longest=_LONGEST_PN - 1) + "^"


def new_object(
    series: ImageSeries,
    *,
    sop_class: str,
    sop_instance: str,
    series_uid: str,
    series_number: int,
    instance_number: int,
    modality: str,
    description: str,
    date: tuple[str, str] | None,
) -> Dataset:
    """A data set with the patient, the study and the equipment, to which an object adds its own."""
    made = SOPClass(
        study_instance_uid=series.study_uid,
        series_instance_uid=series_uid,
        series_number=series_number,
        sop_instance_uid=sop_instance,
        sop_class_uid=sop_class,
        instance_number=instance_number,
        modality=modality,
        transfer_syntax_uid=ExplicitVRLittleEndian,
        series_description=description,
        **equipment(),
    )
    settle(made, series, date)
    return made


def equipment() -> dict[str, Any]:
    """What made an object."""
    return {
        "manufacturer": "Overread",
        "manufacturer_model_name": "Overread",
        "software_versions": pipeline.__version__,
        "device_serial_number": "0",
    }


def settle(made: Dataset, series: ImageSeries, date: tuple[str, str] | None) -> None:
    """Give an object the study's header and its date: nothing of the clock or the machine stays.

    Args:
        made: The object.
        series: The images that it refers to.
        date: Date and time of the object; None where it has none.
    """
    for element in made.iterall():
        if element.VR == "PN" and isinstance(element.value, PersonName):
            element.value = str(element.value).rstrip("^")
    _put(series.header, made)
    for item in made.get("ContributingEquipmentSequence") or ():
        item.ContributionDateTime = "".join(date or ()) + "+0000"
    organization = derive_uid("dimensions", made.SOPInstanceUID)
    for keyword in ("DimensionOrganizationSequence", "DimensionIndexSequence"):
        for item in made.get(keyword) or ():
            item.DimensionOrganizationUID = organization
    for day, moment in (
        ("InstanceCreationDate", "InstanceCreationTime"),
        ("ContentDate", "ContentTime"),
    ):
        if date is not None and (day in made or day.startswith("Instance")):
            setattr(made, day, date[0])
            setattr(made, moment, date[1])
        else:
            for keyword in (day, moment):
                made.pop(keyword, None)


def _put(header: Dataset, made: Dataset) -> None:
    """Give an object elements of its own with the values of a header's."""
    for element in header:
        made.add_new(element.tag, element.VR, element.value)


def stand_ins(series: ImageSeries) -> list[Dataset]:
    """Headers of single-frame images at the places of the series' images, for highdicom.

    It refers to each by its UID; `refer_to_frames` changes the references where the images are
    frames of one object.
    """
    return [_stand_in(series, k, image) for k, image in enumerate(series.images)]


def _stand_in(series: ImageSeries, k: int, image: SourceImage) -> Dataset:
    header = Dataset()
    _put(series.header, header)
    # highdicom warns of names that it does not like; `settle` gives back those of the study.
    header.PatientName = header.ReferringPhysicianName = "Name^"
    header.SOPClassUID = MRImageStorage
    header.SOPInstanceUID = image.sop_instance if image.frame is None else f"2.25.{k + 1}"
    header.SeriesInstanceUID = series.series_uid
    header.FrameOfReferenceUID = series.frame_of_reference
    header.Modality = "MR"
    header.Rows, header.Columns = series.size
    header.ImagePositionPatient = list(map(_rounded, image.position))
    header.ImageOrientationPatient = list(map(_rounded, series.orientation))
    header.PixelSpacing = list(map(_rounded, series.pixel_spacing))
    header.SliceThickness = _rounded(series.thickness)
    return header


def refer_to_frames(made: Dataset, series: ImageSeries) -> None:
    """Put the images' own classes, UIDs and frame numbers where an object refers to stand-ins."""
    images = {
        image.sop_instance if image.frame is None else f"2.25.{k + 1}": image
        for k, image in enumerate(series.images)
    }
    for group in made.get("PerFrameFunctionalGroupsSequence") or ():
        for derivation in group.get("DerivationImageSequence") or ():
            for item in derivation.get("SourceImageSequence") or ():
                image = images[item.ReferencedSOPInstanceUID]
                item.ReferencedSOPClassUID = image.sop_class
                item.ReferencedSOPInstanceUID = image.sop_instance
                if image.frame is not None:
                    item.ReferencedFrameNumber = image.frame
    for referred in made.get("ReferencedSeriesSequence") or ():
        referred.ReferencedInstanceSequence = list(_instances(series))


def _instances(series: ImageSeries) -> Iterator[Dataset]:
    """A reference to each object of the series, once."""
    for uid, sop_class in {one.sop_instance: one.sop_class for one in series.images}.items():
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, uid
        yield item


def build_images(series: ImageSeries, case: Case, *, channel: int = 0) -> Iterator[Dataset]:
    """The images of a derived series.

    Args:
        series: Of `find_images`; derived.
        case: Its case.
        channel: Channel of the pixels.
    """
    volume, note = _stored_values(case.pixels[..., channel])
    what = short_text(f"{case.sequences[channel].value.upper()} derived - {RESEARCH_USE}")
    for k, (image, pixels) in enumerate(zip(series.images, volume, strict=True)):
        made = new_object(
            series,
            sop_class=image.sop_class,
            sop_instance=image.sop_instance,
            series_uid=series.series_uid,
            series_number=900,
            instance_number=k + 1,
            modality="MR",
            description=what,
            date=None,
        )
        made.ImageType = ["DERIVED", "SECONDARY", "OTHER"]
        made.DerivationDescription = note
        made.FrameOfReferenceUID, made.PositionReferenceIndicator = series.frame_of_reference, ""
        made.BodyPartExamined, made.PatientPosition = "BRAIN", None
        made.ScanningSequence, made.SequenceVariant = "RM", "NONE"
        for keyword in ("ScanOptions", "MRAcquisitionType", "EchoTime", "EchoTrainLength"):
            setattr(made, keyword, None)
        made.RepetitionTime = None
        made.ImagePositionPatient = list(image.position)
        made.ImageOrientationPatient = list(series.orientation)
        made.PixelSpacing = list(series.pixel_spacing)
        made.SliceThickness = series.thickness
        made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
        made.Rows, made.Columns = series.size
        made.BitsAllocated = made.BitsStored = 16
        made.HighBit, made.PixelRepresentation = 15, int(pixels.dtype.kind == "i")
        made.PixelData = np.ascontiguousarray(pixels).tobytes()
        yield made


def _stored_values(volume: NDArray[np.generic]) -> tuple[NDArray[np.generic], str]:
    """Pixels as 16 bits, and what was done to them."""
    if volume.dtype.kind == "u":
        return volume.astype("<u2"), "Pixels of the input as they are"
    if volume.dtype.kind == "i":
        return volume.astype("<i2"), "Pixels of the input as they are"
    values = np.asarray(volume, np.float64)
    low, high = float(values.min()), float(values.max())
    if low >= 0 and high <= 65535 and (values == np.round(values)).all():
        return values.astype("<u2"), "Pixels of the input as they are"
    scale = 65535 / (high - low) if high > low else 1.0
    note = f"Pixels of the input from {low:.6g} to {high:.6g}, scaled to 0 to 65535"
    return np.round((values - low) * scale).astype("<u2"), note


def encode(made: Dataset) -> bytes:
    """An object as a DICOM file, the same bytes for the same object."""
    if "PixelData" in made:
        made["PixelData"].VR = "OW" if made.BitsAllocated > 8 else "OB"
    buffer = io.BytesIO()
    dcmwrite(buffer, made, enforce_file_format=True)
    return buffer.getvalue()


def evidence_of(series: ImageSeries, slices: Sequence[int]) -> list[Dataset]:
    """Headers of the objects that hold some slices, once each, for highdicom's evidence."""
    chosen = {series.images[k].sop_instance: series.images[k] for k in slices}
    found = []
    for image in chosen.values():
        header = _stand_in(series, 0, replace(image, frame=None))
        header.SOPClassUID = image.sop_class
        found.append(header)
    return found
