"""Folders of studies in each format, from the public data in ``../shared`` or made up."""

from __future__ import annotations

import io
import secrets
from collections.abc import Iterator
from pathlib import Path

import nibabel
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

from .study_maker import StudyMaker

_SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
_PATIENTS, _SERIES_PATIENTS = 10, 4
_SEQUENCES = ("T1", "FLAIR", "T1 post")


def make_folders(folder: Path) -> list[Path]:
    """Make folders of the same patients as TIFF, PNG, DICOM and NIfTI; one of photographs too.

    Returns:
        The folders, TIFF first.
    """
    tiff, png, dicom, nifti, jpeg = (
        folder / name for name in ("TIFF", "PNG", "DICOM", "NIfTI", "JPEG")
    )
    for number, (name, slices, masks) in enumerate(_patients()):
        for place, suffix in ((tiff, "tif"), (png, "png")):
            (place / name).mkdir(parents=True)
            for k, pixels in enumerate(slices, start=1):
                Image.fromarray(pixels).save(place / name / f"{name}_{k}.{suffix}")
                Image.fromarray(masks[k - 1]).save(place / name / f"{name}_{k}_mask.{suffix}")
        if number < _SERIES_PATIENTS:
            (dicom / name).mkdir(parents=True)
            for file, content in _dicom_files(name, slices):
                (dicom / name / file).write_bytes(content)
            (nifti / name).mkdir(parents=True)
            for c, sequence in enumerate(_SEQUENCES):
                volume = slices[..., c].transpose(2, 1, 0).astype(np.int16) * 3
                image = nibabel.Nifti1Image(volume, np.diag([-0.9, -0.9, 4.0, 1.0]))
                nibabel.save(image, nifti / name / f"{name}_{sequence.replace(' ', '_')}.nii.gz")
    jpeg.mkdir()
    for number, (_, slices, _) in enumerate(_patients()):
        for k, pixels in enumerate(slices[::2]):
            Image.fromarray(pixels).resize((512, 512)).save(
                jpeg / f"patient{number:02}slice{k}view.jpg", quality=90
            )
    return [tiff, png, dicom, nifti, jpeg]


def make_series(count: int) -> list[tuple[str, bytes]]:
    """A new DICOM series of slices of 256 x 256: names and contents."""
    noise = np.random.default_rng(secrets.randbits(64))
    slices = noise.integers(0, 300, (count, 256, 256, 1), dtype=np.uint16)
    name = f"series-{secrets.token_hex(4)}"
    return [(f"{name}/{file}", content) for file, content in _dicom_files(name, slices)]


def make_large_volume(megabytes: int) -> tuple[str, bytes]:
    """A new NIfTI volume of 512 x 512 slices: its name and content."""
    noise = np.random.default_rng(secrets.randbits(64))
    slice_ = noise.integers(0, 1000, (512, 512, 1), dtype=np.int16)
    volume = np.repeat(slice_, (megabytes << 20) // slice_.nbytes, axis=2)
    image = nibabel.Nifti1Image(volume, np.diag([-0.5, -0.5, 1.0, 1.0]))
    stream = io.BytesIO()
    image.to_file_map({"image": nibabel.FileHolder(fileobj=stream)})
    return f"volume-{secrets.token_hex(4)}/flair.nii", stream.getvalue()


def _patients() -> Iterator[tuple[str, NDArray[np.uint8], NDArray[np.uint8]]]:
    """Name, slices ``(n, h, w, 3)`` and masks ``(n, h, w)`` of each patient."""
    found = sorted(path for path in (_SHARED / "lgg").glob("*") if path.is_dir())[:_PATIENTS]
    for folder in found:
        images = sorted(folder.glob("*.webp"), key=lambda path: int(path.stem.rsplit("_", 1)[1]))
        slices = np.stack([np.asarray(Image.open(path).convert("RGB")) for path in images])
        masks = np.zeros(slices.shape[:3], np.uint8)
        for k, path in enumerate(images):
            mask = path.with_name(f"{path.stem}_mask.png")
            if mask.exists():
                masks[k] = np.asarray(Image.open(mask).convert("L"))
        yield folder.name, slices, masks
    for number in range(len(found), _PATIENTS):
        stream = io.BytesIO(StudyMaker(slices=24).make())
        holder = nibabel.FileHolder(fileobj=stream)
        volume = np.asarray(nibabel.Nifti1Image.from_file_map({"image": holder}).dataobj)
        grey = np.clip(volume / 4, 0, 255).astype(np.uint8).transpose(2, 1, 0)
        slices = np.stack([grey, grey // 2, grey // 3], axis=-1)
        yield f"patient_{number:02}", slices, np.where(grey > 150, 255, 0).astype(np.uint8)


def _dicom_files(name: str, slices: NDArray[np.unsignedinteger]) -> Iterator[tuple[str, bytes]]:
    """A study with a series for each channel of slices ``(n, h, w, c)``."""
    study, frame_of_reference = generate_uid(), generate_uid()
    for c, sequence in zip(range(slices.shape[-1]), _SEQUENCES, strict=False):
        series = generate_uid()
        for k, pixels in enumerate(slices[..., c]):
            one = Dataset()
            one.file_meta = FileMetaDataset()
            one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            one.SOPClassUID = one.file_meta.MediaStorageSOPClassUID = MRImageStorage
            one.SOPInstanceUID = one.file_meta.MediaStorageSOPInstanceUID = generate_uid()
            one.Modality, one.PatientID, one.PatientName = "MR", name, name
            one.StudyInstanceUID, one.SeriesInstanceUID = study, series
            one.FrameOfReferenceUID = frame_of_reference
            one.SeriesDescription, one.SeriesNumber, one.InstanceNumber = sequence, c + 1, k + 1
            one.ImagePositionPatient = [0, 0, 4.0 * k]
            one.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
            one.PixelSpacing, one.SliceThickness = [0.9, 0.9], 4
            one.Rows, one.Columns = pixels.shape
            one.SamplesPerPixel, one.PhotometricInterpretation = 1, "MONOCHROME2"
            one.BitsAllocated, one.BitsStored, one.HighBit = 16, 12, 11
            one.PixelRepresentation = 0
            one.PixelData = (pixels.astype("<u2") * 3).tobytes()
            stream = io.BytesIO()
            one.save_as(stream, enforce_file_format=True)
            yield f"{c}_{k:03}.dcm", stream.getvalue()
