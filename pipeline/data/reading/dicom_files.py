"""Headers of one DICOM file and its frames, read without pixels: a long series fits in memory."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileDataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from pipeline.data.reading.format_kinds import InputFile
from pipeline.data.reading.limits import MAX_CASE_BYTES, check_shape, gigabytes
from pipeline.errors import InputError

#: Elements that are read of a header; skipping the others halves the time of a long series.
_HEADER_KEYWORDS = tuple(
    """SpecificCharacterSet ImageType SOPClassUID SOPInstanceUID StudyDate SeriesDate Modality
    StudyDescription SeriesDescription PatientName PatientID PatientComments ContrastBolusAgent
    SequenceName SliceThickness RepetitionTime EchoTime InversionTime SpacingBetweenSlices
    ProtocolName ImagerPixelSpacing StudyInstanceUID SeriesInstanceUID SeriesNumber
    AcquisitionNumber InstanceNumber ImagePositionPatient ImageOrientationPatient
    FrameOfReferenceUID TemporalPositionIdentifier ImageComments SamplesPerPixel
    PhotometricInterpretation NumberOfFrames Rows Columns PixelSpacing BitsAllocated WindowCenter
    WindowWidth SharedFunctionalGroupsSequence PerFrameFunctionalGroupsSequence""".split()
)
#: Elements that decoding takes.
_PIXEL_KEYWORDS = tuple(
    """SpecificCharacterSet SOPClassUID SamplesPerPixel PhotometricInterpretation
    PlanarConfiguration NumberOfFrames Rows Columns BitsAllocated BitsStored HighBit
    PixelRepresentation PixelPaddingValue RescaleIntercept RescaleSlope
    SharedFunctionalGroupsSequence PerFrameFunctionalGroupsSequence ExtendedOffsetTable
    ExtendedOffsetTableLengths FloatPixelData DoubleFloatPixelData PixelData""".split()
)
#: Storage classes without pixels, in a reader's words.
_WITHOUT_PIXELS = {
    "1.2.840.10008.1.3.10": "a DICOMDIR, the index of a disc",
    "1.2.840.10008.5.1.4.1.1.481.3": "an RT structure set",
    "1.2.840.10008.5.1.4.1.1.481.5": "an RT plan",
    "1.2.840.10008.5.1.4.1.1.104.1": "a PDF document in DICOM",
    "1.2.840.10008.5.1.4.1.1.4.2": "an MR spectrum",
    "1.2.840.10008.5.1.4.1.1.66": "a raw data file of the scanner",
}
_WITHOUT_PIXELS_PREFIXES = {
    "1.2.840.10008.5.1.4.1.1.88.": "a structured report",
    "1.2.840.10008.5.1.4.1.1.11.": "a presentation state",
    "1.2.840.10008.5.1.4.1.1.66.": "a registration or surface",
    "1.2.840.10008.5.1.4.1.1.9.": "a waveform",
}
SEGMENTATION_CLASS = "1.2.840.10008.5.1.4.1.1.66.4"


@dataclass(frozen=True)
class Frame:
    """One slice of a DICOM file.

    Attributes:
        file: The file it is in.
        number: Its frame number in the file, from 0.
        instance: Instance number, for the order where there are no positions.
        shape: (rows, columns).
        position: First pixel's centre in LPS millimetres, or None.
        orientation: Direction cosines along a row, then along a column, or None.
        pixel_spacing: (between rows, between columns) in millimetres as stated, or None.
        thickness: Stated distance between slices, else slice thickness, in millimetres, or None.
        window: (low, high) in pixel values, or None.
        variant: What differs between volumes of one series: echo, time point, kind of image.
    """

    file: InputFile
    number: int
    instance: int
    shape: tuple[int, int]
    position: tuple[float, ...] | None
    orientation: tuple[float, ...] | None
    pixel_spacing: tuple[float, ...] | None
    thickness: float | None
    window: tuple[float, float] | None
    variant: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class DicomFile:
    """Headers of one file: the data set without pixels, and its frames."""

    file: InputFile
    header: FileDataset
    frames: tuple[Frame, ...]

    @property
    def is_segmentation(self) -> bool:
        """Whether it is a DICOM segmentation object."""
        return str(self.header.get("SOPClassUID", "")) == SEGMENTATION_CLASS


def read_dicom_headers(file: InputFile) -> DicomFile:
    """Read the headers of one file.

    Raises:
        InputError: If it is damaged, holds no pixels, or states absurd dimensions.
    """
    try:
        header = read_dataset(file, with_pixels=False)
        _drop_unreadable(header)
        _check_has_pixels(header, file)
        n_frames = int(header.get("NumberOfFrames", 1) or 1)
        rows, columns = int(header.Rows), int(header.Columns)
        bytes_px = max(1, int(header.get("BitsAllocated", 16)) // 8) * int(
            header.get("SamplesPerPixel", 1)
        )
        check_shape(
            file.source, height=rows, width=columns, slices=n_frames, bytes_px=max(bytes_px, 2)
        )
        frames = tuple(_read_frame(header, file, k) for k in range(n_frames))
    except InputError:
        raise
    except Exception:
        raise InputError(
            file.source,
            f"{file.name} is damaged or cut short: its DICOM header cannot be read."
            " Export it again.",
        ) from None
    return DicomFile(file=file, header=header, frames=frames)


def read_dataset(file: InputFile, *, with_pixels: bool) -> FileDataset:
    """Read the elements that a header or decoding takes, whether there is a preamble or none."""
    _check_deflated(file)
    dataset = pydicom.dcmread(
        file.path,
        force=True,
        stop_before_pixels=not with_pixels,
        specific_tags=list(_PIXEL_KEYWORDS if with_pixels else _HEADER_KEYWORDS),
    )
    if "TransferSyntaxUID" not in dataset.file_meta:
        implicit, little = dataset.original_encoding
        syntax = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else syntax
    return dataset


def _drop_unreadable(header: Dataset) -> None:
    """Leave out damaged elements: pydicom converts a value, and may fail, only when it is asked."""
    for tag in list(header.keys()):
        try:
            header[tag]
        except Exception:
            del header[tag]


def _check_deflated(file: InputFile) -> None:
    """Refuse a deflated data set that unpacks to gigabytes, before pydicom unpacks it whole."""
    with file.path.open("rb") as stream:
        head = stream.read(4096)
        if DeflatedExplicitVRLittleEndian.encode() not in head or head[128:132] != b"DICM":
            return
        stream.seek(0)
        pydicom.filereader.read_preamble(stream, force=False)
        pydicom.filereader._read_file_meta_info(stream)
        unpacker, unpacked = zlib.decompressobj(-zlib.MAX_WBITS), 0
        while chunk := stream.read(1 << 16):
            while chunk:
                unpacked += len(unpacker.decompress(chunk, 1 << 22))
                chunk = unpacker.unconsumed_tail
                if unpacked > MAX_CASE_BYTES:
                    raise InputError(
                        file.source,
                        f"{file.name} unpacks to more than {gigabytes(MAX_CASE_BYTES)}."
                        " Export it without compression.",
                    )


def _check_has_pixels(header: Dataset, file: InputFile) -> None:
    uid = str(header.get("SOPClassUID", "") or header.file_meta.get("MediaStorageSOPClassUID", ""))
    kind = _WITHOUT_PIXELS.get(uid)
    if kind is None and uid != SEGMENTATION_CLASS:
        prefixes = _WITHOUT_PIXELS_PREFIXES.items()
        kind = next((word for start, word in prefixes if uid.startswith(start)), None)
    if kind is not None:
        raise InputError(file.source, f"{file.name} is {kind}, not an image.")
    if len(header) == 0:
        raise InputError(
            file.source,
            f"{file.name} is cut short: nothing follows its DICOM mark. Export it again.",
        )
    if "Rows" not in header or "Columns" not in header:
        raise InputError(
            file.source,
            f"{file.name} is DICOM but holds no image, or is cut short. Export it again.",
        )


def _read_frame(header: Dataset, file: InputFile, k: int) -> Frame:
    groups = _functional_groups(header, k)

    def find(sequence: str, keyword: str) -> Any:
        for group in groups:
            items = group.get(sequence)
            if items and items[0].get(keyword) is not None:
                return items[0].get(keyword)
        return header.get(keyword)

    position = find("PlanePositionSequence", "ImagePositionPatient")
    if int(header.get("NumberOfFrames", 1) or 1) > 1 and not groups:
        position = None  # the first frame's alone: it says nothing of the others
    variant = [
        str(find("MREchoSequence", "EffectiveEchoTime") or header.get("EchoTime", "")),
        str(find("FrameContentSequence", "TemporalPositionIndex") or ""),
        str(header.get("TemporalPositionIdentifier", "") or ""),
        str(header.get("AcquisitionNumber", "") or ""),
        str(find("MRDiffusionSequence", "DiffusionBValue") or ""),
        "/".join(str(word) for word in header.get("ImageType", []) or []),
    ]
    window = _window_of(
        find("FrameVOILUTSequence", "WindowCenter"), find("FrameVOILUTSequence", "WindowWidth")
    )
    return Frame(
        file=file,
        number=k,
        instance=int(header.get("InstanceNumber", 0) or 0),
        shape=(int(header.Rows), int(header.Columns)),
        position=_numbers(position, 3),
        orientation=_numbers(find("PlaneOrientationSequence", "ImageOrientationPatient"), 6),
        pixel_spacing=_numbers(
            find("PixelMeasuresSequence", "PixelSpacing") or header.get("ImagerPixelSpacing"),
            2,
            finite=False,
        ),
        thickness=_positive(find("PixelMeasuresSequence", "SpacingBetweenSlices"))
        or _positive(find("PixelMeasuresSequence", "SliceThickness")),
        window=window,
        variant=tuple(variant),
    )


def _functional_groups(header: Dataset, k: int) -> list[Dataset]:
    """The frame's own functional groups, then the ones that all frames share."""
    own = header.get("PerFrameFunctionalGroupsSequence")
    shared = header.get("SharedFunctionalGroupsSequence")
    groups = [own[k]] if own and k < len(own) else []
    return groups + ([shared[0]] if shared else [])


def _numbers(value: Any, length: int, *, finite: bool = True) -> tuple[float, ...] | None:
    """Exactly ``length`` numbers, or None."""
    try:
        numbers = tuple(float(number) for number in value)
    except (TypeError, ValueError):
        return None
    if len(numbers) != length or (finite and not np.isfinite(numbers).all()):
        return None
    return numbers


def _positive(value: Any) -> float | None:
    numbers = _numbers((value,), 1)
    return numbers[0] if numbers and numbers[0] > 0 else None


def _window_of(center: Any, width: Any) -> tuple[float, float] | None:
    try:
        middle = float(center if not hasattr(center, "__len__") else center[0])
        extent = float(width if not hasattr(width, "__len__") else width[0])
    except (TypeError, ValueError, IndexError):
        return None
    if extent <= 0 or not np.isfinite((middle, extent)).all():
        return None
    return middle - extent / 2, middle + extent / 2
