"""Write one series of a demo study as DICOM MR files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, MRImageStorage, generate_uid

from pipeline.demo.geometry import SliceGrid
from pipeline.demo.plans import DEMO_SEED, DEMO_VERSION, SliceOrder, StudyPlan

#: In every file, so that it cannot be mistaken for a patient's.
IMAGE_COMMENT = "Synthetic demo study, not a patient"


@dataclass(frozen=True)
class SeriesKind:
    """Name of a series and the tags that identify its sequence.

    Attributes:
        folder: Name of its folder.
        number: SeriesNumber.
        description: SeriesDescription.
        image_type: ImageType.
        timing: TR, TE and TI in ms and the echo train, as DICOM keywords.
        sequence: ScanningSequence and SequenceVariant.
        contrast_agent: ContrastBolusAgent, "" for none.
    """

    folder: str
    number: int
    description: str
    image_type: tuple[str, ...]
    timing: tuple[tuple[str, float], ...]
    sequence: tuple[tuple[str, ...], str]
    contrast_agent: str = ""


_ORIGINAL = ("ORIGINAL", "PRIMARY", "M", "SE")
_FLAIR_TIMING = (
    ("RepetitionTime", 9000.0),
    ("EchoTime", 120.0),
    ("InversionTime", 2500.0),
    ("EchoTrainLength", 16),
    ("FlipAngle", 90.0),
)
_T1_TIMING = (
    ("RepetitionTime", 560.0),
    ("EchoTime", 12.0),
    ("EchoTrainLength", 1),
    ("FlipAngle", 90.0),
)
FLAIR = SeriesKind(
    "flair", 1, "FLAIR axial (synthetic)", _ORIGINAL, _FLAIR_TIMING, (("SE", "IR"), "SK")
)
PRE = SeriesKind(
    "t1_pre", 2, "T1 pre-contrast (synthetic)", _ORIGINAL, _T1_TIMING, (("SE",), "NONE")
)
POST = SeriesKind(
    "t1_post",
    3,
    "T1 post-contrast (synthetic)",
    _ORIGINAL,
    _T1_TIMING,
    (("SE",), "NONE"),
    contrast_agent="Gadolinium (simulated)",
)
MASK = SeriesKind(
    "reference_mask",
    100,
    "Reference mask (synthetic)",
    ("DERIVED", "SECONDARY", "MASK"),
    (),
    (("RM",), "NONE"),
)


def demo_uid(*parts: str) -> UID:
    """A UID that is the same on every machine for the same parts."""
    return generate_uid(entropy_srcs=["overread-demo", str(DEMO_SEED), str(DEMO_VERSION), *parts])


def write_series(
    pixels: NDArray[np.uint16] | NDArray[np.uint8],
    kind: SeriesKind,
    plan: StudyPlan,
    grid: SliceGrid,
    folder: Path,
) -> None:
    """Write ``pixels (slices, rows, columns)``, given as displayed, one file per slice.

    A reversed study is stored with its columns running to the patient's right and its highest slice
    first; its tags say so, and a reader that believes them shows it like any other.
    """
    target = folder / kind.folder
    target.mkdir(parents=True)
    slices = range(grid.shape[0])
    reverse = plan.order is SliceOrder.REVERSED
    for number, k in enumerate(reversed(slices) if reverse else slices, start=1):
        plane = pixels[k, :, ::-1] if reverse else pixels[k]
        data = _dataset(kind, plan, number)
        _add_geometry(data, plan, grid, k, reverse=reverse)
        _add_pixels(data, np.ascontiguousarray(plane), is_mask=kind is MASK)
        data.save_as(target / f"IM{number:04d}.dcm", enforce_file_format=True)


def _dataset(kind: SeriesKind, plan: StudyPlan, number: int) -> FileDataset:
    """Everything but geometry and pixels."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = MRImageStorage
    instance_uid = demo_uid(plan.patient_id, kind.folder, str(number))
    meta.MediaStorageSOPInstanceUID = instance_uid
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset("", Dataset(), file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID = MRImageStorage, instance_uid
    data.StudyInstanceUID = demo_uid(plan.patient_id)
    data.SeriesInstanceUID = demo_uid(plan.patient_id, kind.folder)
    data.FrameOfReferenceUID = demo_uid(plan.patient_id, "frame")
    data.PositionReferenceIndicator = ""
    _add_patient(data, plan)
    data.Modality, data.Manufacturer = "MR", "Overread (synthetic)"
    data.SeriesNumber, data.InstanceNumber, data.AcquisitionNumber = kind.number, number, 1
    data.SeriesDescription, data.ProtocolName = kind.description, kind.description
    data.ImageType = list(kind.image_type)
    data.BodyPartExamined, data.PatientPosition, data.Laterality = "BRAIN", "HFS", ""
    data.ImageComments = IMAGE_COMMENT
    data.BurnedInAnnotation = "NO" if kind is MASK else "YES"
    data.ScanningSequence, data.SequenceVariant = list(kind.sequence[0]), kind.sequence[1]
    data.ScanOptions, data.MRAcquisitionType, data.MagneticFieldStrength = "", "2D", 1.5
    data.RepetitionTime = data.EchoTime = data.EchoTrainLength = None
    for keyword, value in kind.timing:
        setattr(data, keyword, value)
    if kind.contrast_agent:
        data.ContrastBolusAgent = kind.contrast_agent
    return data


def _add_patient(data: Dataset, plan: StudyPlan) -> None:
    year = date.fromisoformat(plan.study_date).year
    data.PatientID, data.PatientName = plan.patient_id, plan.patient_id
    data.PatientSex, data.PatientAge = "O", f"{plan.age:03d}Y"
    data.PatientBirthDate = f"{year - plan.age}0101"
    data.StudyDate = data.SeriesDate = data.ContentDate = plan.study_date
    data.StudyTime = data.SeriesTime = data.ContentTime = "090000"
    data.StudyID, data.AccessionNumber = plan.patient_id, ""
    data.ReferringPhysicianName = ""
    data.StudyDescription = "Brain MRI (synthetic demo)"


def _add_geometry(
    data: Dataset, plan: StudyPlan, grid: SliceGrid, k: int, *, reverse: bool
) -> None:
    """Position and direction in DICOM's LPS+ millimetres (x to the left, y to the back)."""
    to_lps = np.array([-1.0, -1.0, 1.0])
    columns = grid.shape[2]
    first = grid.position_mm(k, 0, columns - 1 if reverse else 0) * to_lps
    along_row = grid.column_step_mm / np.linalg.norm(grid.column_step_mm) * to_lps
    down_column = grid.row_step_mm / np.linalg.norm(grid.row_step_mm) * to_lps
    if reverse:
        along_row = -along_row
    normal = np.cross(along_row, down_column)
    data.ImagePositionPatient = [round(float(v), 5) + 0.0 for v in first]
    data.ImageOrientationPatient = [round(float(v), 8) + 0.0 for v in (*along_row, *down_column)]
    data.SliceLocation = round(float(normal @ first), 5) + 0.0
    data.PixelSpacing = [plan.pixel_mm, plan.pixel_mm]
    data.SliceThickness = plan.thickness_mm
    data.SpacingBetweenSlices = plan.spacing_mm


def _add_pixels(
    data: Dataset, plane: NDArray[np.uint16] | NDArray[np.uint8], *, is_mask: bool
) -> None:
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.Rows, data.Columns = plane.shape
    bits = 8 * plane.dtype.itemsize
    data.BitsAllocated = data.BitsStored = bits
    data.HighBit, data.PixelRepresentation = bits - 1, 0
    data.WindowCenter, data.WindowWidth = (128, 255) if is_mask else DISPLAY_WINDOW
    data.PixelData = plane.tobytes()


#: WindowCenter and WindowWidth of the images: fluid black, lesions below white.
DISPLAY_WINDOW = (500, 1000)
