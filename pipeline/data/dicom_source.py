"""Which images of a DICOM series a case's slices are: what derived objects refer to."""

from __future__ import annotations

from dataclasses import dataclass

Point = tuple[float, float, float]


@dataclass(frozen=True)
class SourceImage:
    """The image, or the frame of one, that a slice of a case is.

    Attributes:
        sop_class: SOPClassUID.
        sop_instance: SOPInstanceUID.
        frame: Number of the frame from 1; None for an image of one frame.
        position: ImagePositionPatient of it, in LPS millimetres.
    """

    sop_class: str
    sop_instance: str
    frame: int | None
    position: Point


@dataclass(frozen=True)
class DicomSource:
    """The series that a case was read from, as far as a derived object repeats it.

    Attributes:
        study_uid, series_uid, frame_of_reference: UIDs.
        study_date, study_time, study_id, accession_number, referring_physician: As stated, or "".
        orientation: ImageOrientationPatient.
        pixel_spacing: Between rows and between columns, in millimetres.
        thickness: Of slices in millimetres, or None.
        size: Rows and columns of the images as stored.
        axes, flips: How the stored images, as an array (column, row, slice), became the case's
            volume, as of `pipeline.data.case.InputGrid`.
        images: One for each of the case's slices, in their order.
    """

    study_uid: str
    series_uid: str
    frame_of_reference: str
    study_date: str
    study_time: str
    study_id: str
    accession_number: str
    referring_physician: str
    orientation: tuple[float, float, float, float, float, float]
    pixel_spacing: tuple[float, float]
    thickness: float | None
    size: tuple[int, int]
    axes: tuple[int, int, int]
    flips: tuple[int, ...]
    images: tuple[SourceImage, ...]
