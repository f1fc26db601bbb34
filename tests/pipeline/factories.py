"""Tiny files of every kind, made in a test's own folder; other tests may use them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import (
    EnhancedMRImageStorage,
    ExplicitVRLittleEndian,
    MRImageStorage,
    generate_uid,
)

#: Upright axial slices: rows run to the patient's left, columns to posterior.
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def write_image(path: Path, pixels: NDArray[Any], **options: Any) -> Path:
    """Write a PNG, JPEG, TIFF or WebP, by suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return path


def grey(height: int = 12, width: int = 10, *, seed: int = 0) -> NDArray[np.uint8]:
    """Grey noise."""
    return np.random.default_rng(seed).integers(0, 255, (height, width), np.uint8)


def colour(height: int = 12, width: int = 10, *, seed: int = 0) -> NDArray[np.uint8]:
    """Three differing channels."""
    return np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8)


@dataclass
class SeriesFactory:
    """Writes a DICOM series; every attribute may be changed before `write`."""

    volume: NDArray[Any]  # (slices, rows, columns) as stored
    study: str = field(default_factory=generate_uid)
    series: str = field(default_factory=generate_uid)
    frame_of_reference: str = "1.2.3.4"
    description: str = "AX FLAIR"
    orientation: Sequence[float] = AXIAL
    origin: Sequence[float] = (-10.0, -20.0, 30.0)
    spacing: tuple[float, float, float] = (5.0, 0.9, 0.8)  # slices, rows, columns
    positions: Sequence[Sequence[float]] | None = None
    tags: dict[str, Any] = field(default_factory=dict)
    patient: str = "P1"

    def place(self, k: int) -> list[float]:
        """Position of slice ``k``: along row x column."""
        if self.positions is not None:
            return [float(x) for x in self.positions[k]]
        row, column = np.array(self.orientation, float).reshape(2, 3)
        point = np.array(self.origin, float) + k * self.spacing[0] * np.cross(row, column)
        return [round(float(x), 6) for x in point]

    def header(self, sop_class: str = MRImageStorage) -> FileDataset:
        """Data set without pixels and place."""
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = sop_class
        meta.MediaStorageSOPInstanceUID = generate_uid()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
        ds.SOPClassUID, ds.SOPInstanceUID = sop_class, meta.MediaStorageSOPInstanceUID
        ds.StudyInstanceUID, ds.SeriesInstanceUID = self.study, self.series
        ds.FrameOfReferenceUID = self.frame_of_reference
        ds.Modality, ds.PatientID, ds.PatientName = "MR", self.patient, "Doe^Jane"
        ds.StudyDate, ds.StudyDescription = "20240131", "Brain"
        ds.SeriesDescription, ds.SeriesNumber = self.description, 3
        ds.ImageType = ["ORIGINAL", "PRIMARY", "M", "SE"]
        ds.Rows, ds.Columns = self.volume.shape[1:]
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
        ds.BitsAllocated = ds.BitsStored = 8 * self.volume.dtype.itemsize
        ds.HighBit = ds.BitsStored - 1
        ds.PixelRepresentation = int(self.volume.dtype.kind == "i")
        return ds

    def dataset(self, k: int) -> FileDataset:
        """One slice."""
        ds = self.header()
        ds.InstanceNumber = k + 1
        ds.ImageOrientationPatient = [float(x) for x in self.orientation]
        ds.ImagePositionPatient = self.place(k)
        ds.PixelSpacing = [self.spacing[1], self.spacing[2]]
        ds.SliceThickness = 4.0
        ds.PixelData = _even(self.volume[k].tobytes())
        self._apply(ds)
        return ds

    def multi_frame(self, *, enhanced: bool = True) -> FileDataset:
        """All slices in one file."""
        ds = self.header(EnhancedMRImageStorage if enhanced else MRImageStorage)
        ds.InstanceNumber, ds.NumberOfFrames = 1, len(self.volume)
        ds.PixelData = _even(self.volume.tobytes())
        if enhanced:
            shared, measures, direction = Dataset(), Dataset(), Dataset()
            measures.PixelSpacing = [self.spacing[1], self.spacing[2]]
            measures.SliceThickness = 4.0
            direction.ImageOrientationPatient = [float(x) for x in self.orientation]
            shared.PixelMeasuresSequence = DicomSequence([measures])
            shared.PlaneOrientationSequence = DicomSequence([direction])
            ds.SharedFunctionalGroupsSequence = DicomSequence([shared])
            ds.PerFrameFunctionalGroupsSequence = DicomSequence(
                [self._frame(k) for k in range(len(self.volume))]
            )
        self._apply(ds)
        return ds

    def _frame(self, k: int) -> Dataset:
        place, group = Dataset(), Dataset()
        place.ImagePositionPatient = self.place(k)
        group.PlanePositionSequence = DicomSequence([place])
        return group

    def _apply(self, ds: Dataset) -> None:
        for keyword, value in self.tags.items():
            if value is None:
                delattr(ds, keyword)
            else:
                setattr(ds, keyword, value)

    def write(self, folder: Path, *, order: Sequence[int] | None = None) -> Path:
        """Write the slices; file names follow ``order``, so that names and places disagree."""
        folder.mkdir(parents=True, exist_ok=True)
        numbers = range(len(self.volume)) if order is None else order
        for name, k in enumerate(numbers):
            self.dataset(k).save_as(folder / f"im{name:03d}", enforce_file_format=True)
        return folder


def _even(data: bytes) -> bytes:
    return data + b"\0" * (len(data) % 2)


def write_nifti(
    path: Path,
    volume: NDArray[Any],
    *,
    orientation: str = "RAS",
    spacing: tuple[float, float, float] = (1.0, 1.5, 4.0),
    stated: bool = True,
) -> Path:
    """Write a volume given in RAS+ order ``(x, y, z)`` in any orientation on disk.

    Args:
        path: ``.nii`` or ``.nii.gz``.
        volume: Its first index grows to the patient's right, the others to anterior and superior.
        orientation: Letters of the growing directions on disk, such as ``LPI``.
        spacing: Millimetres along x, y and z of the RAS+ volume.
        stated: Whether sform and qform say how it lies.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = (-7.0, -9.0, 11.0)
    image = nib.Nifti1Image(volume, affine)
    start = nib.orientations.io_orientation(affine)
    wanted = nib.orientations.axcodes2ornt(orientation)
    image = image.as_reoriented(nib.orientations.ornt_transform(start, wanted))
    image.header.set_xyzt_units("mm")
    if not stated:
        image = nib.Nifti1Image(np.asarray(image.dataobj), None, image.header)
        image.header["sform_code"] = image.header["qform_code"] = 0
    nib.save(image, path)
    return path


def marked_volume(shape: tuple[int, int, int] = (10, 12, 6)) -> NDArray[np.int16]:
    """RAS+ ``(x, y, z)`` volume with a bright block on the patient's right, in front and on top."""
    volume = np.full(shape, 10, np.int16)
    volume[-shape[0] // 3 :, -shape[1] // 3 :, -shape[2] // 3 :] = 900
    return volume
