"""Headers of one DICOM file and its frames, read without pixels: a long series fits in memory."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileDataset
from pydicom.tag import BaseTag, Tag
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from pipeline.data.reading.dicom_bounds import (
    TooManyElements,
    allowed_elements,
    read_until_pixels,
    read_within_limits,
    too_many_elements_error,
)
from pipeline.data.reading.dicom_mosaic import Mosaic, is_mosaic, place_slices, read_mosaic
from pipeline.data.reading.format_kinds import InputFile
from pipeline.data.reading.limits import check_memory, check_shape
from pipeline.data.sequences import Timing
from pipeline.errors import InputError, PassedOver

#: Elements that are read of a header; skipping the others halves the time of a long series.
_HEADER_KEYWORDS = tuple(
    """SpecificCharacterSet ImageType SOPClassUID SOPInstanceUID StudyDate SeriesDate
    AcquisitionDateTime AcquisitionTime Modality AcquisitionContrast
    StudyDescription SeriesDescription PatientName PatientID PatientComments
    IssuerOfPatientID PatientSex PatientBirthDate
    StudyTime StudyID AccessionNumber ReferringPhysicianName
    ContrastBolusAgent ScanningSequence SequenceName SliceThickness RepetitionTime
    EchoTime InversionTime EchoNumbers SpacingBetweenSlices ProtocolName TriggerTime
    ImagerPixelSpacing NominalScannedPixelSpacing ComplexImageComponent
    DiffusionBValue StudyInstanceUID SeriesInstanceUID SeriesNumber
    AcquisitionNumber InstanceNumber ImagePositionPatient ImageOrientationPatient
    FrameOfReferenceUID TemporalPositionIdentifier SliceLocation ImageComments
    SamplesPerPixel PhotometricInterpretation NumberOfFrames Rows Columns
    PixelSpacing BitsAllocated BitsStored WindowCenter WindowWidth SegmentationType
    SegmentSequence MaximumFractionalValue ReferencedSeriesSequence
    SharedFunctionalGroupsSequence PerFrameFunctionalGroupsSequence""".split()
)
#: The vendors' own elements for the b-value, each with the block's owner.
_B_VALUE_TAGS = {
    (0x0019, 0x100C): "SIEMENS MR HEADER",
    (0x0043, 0x1039): "GEMS_PARM_01",
    (0x2001, 0x1003): "Philips Imaging DD 001",
    (0x0065, 0x1009): "Image Private Header",  # United Imaging
}
#: GE adds a multiple of this to the b-value where a series holds several directions.
_GE_B_VALUE_MODULUS = 100_000
#: GE's kind of raw data: magnitude, phase, real, imaginary.
_GE_COMPONENT_TAG = (0x0043, 0x102F)
_GE_COMPONENTS = ("M", "P", "R", "I")
_PRIVATE_TAGS = tuple(
    (group << 16) | element
    for tag in (*_B_VALUE_TAGS, _GE_COMPONENT_TAG)
    for group, element in ((tag[0], tag[1] >> 8), tag)
)
#: Siemens' names of diffusion sequences, such as ``*ep_b1000t``.
_B_VALUE_NAME = re.compile(r"\*?ep_b(\d+)")
#: Offset from universal time, after a date and time.
_ZONE = re.compile(r"[+-]\d{4}$")
#: Words for the parts of a complex image, in ImageType and in its own element.
_COMPONENT_WORDS = {
    "M": "M",
    "MAG": "M",
    "MAGNITUDE": "M",
    "P": "P",
    "PHASE": "P",
    "PHASE MAP": "P",
    "R": "R",
    "REAL": "R",
    "I": "I",
    "IMAG": "I",
    "IMAGINARY": "I",
}
#: Elements that decoding takes.
_PIXEL_KEYWORDS = tuple(
    """SpecificCharacterSet SOPClassUID SamplesPerPixel PhotometricInterpretation
    PlanarConfiguration NumberOfFrames Rows Columns BitsAllocated BitsStored HighBit
    PixelRepresentation PixelPaddingValue PixelPaddingRangeLimit RescaleIntercept RescaleSlope
    RedPaletteColorLookupTableDescriptor GreenPaletteColorLookupTableDescriptor
    BluePaletteColorLookupTableDescriptor RedPaletteColorLookupTableData
    GreenPaletteColorLookupTableData BluePaletteColorLookupTableData ModalityLUTSequence
    SharedFunctionalGroupsSequence PerFrameFunctionalGroupsSequence ExtendedOffsetTable
    ExtendedOffsetTableLengths FloatPixelData DoubleFloatPixelData PixelData""".split()
)
_PIXEL_TAGS = tuple(map(Tag, _PIXEL_KEYWORDS))
_HEADER_TAGS = (*map(Tag, _HEADER_KEYWORDS), *map(Tag, _PRIVATE_TAGS))
#: Storage classes that are no images of a patient, in a reader's words.
_NO_IMAGES = {
    "1.2.840.10008.1.3.10": "a DICOMDIR, the index of a disc",
    "1.2.840.10008.5.1.4.1.1.481.2": "an RT dose map",
    "1.2.840.10008.5.1.4.1.1.481.3": "an RT structure set",
    "1.2.840.10008.5.1.4.1.1.481.4": "an RT treatment record",
    "1.2.840.10008.5.1.4.1.1.481.5": "an RT plan",
    "1.2.840.10008.5.1.4.1.1.481.8": "an RT ion plan",
    "1.2.840.10008.5.1.4.1.1.104.1": "a PDF document in DICOM",
    "1.2.840.10008.5.1.4.1.1.104.2": "a CDA document (a clinical report)",
    "1.2.840.10008.5.1.4.1.1.104.3": "an STL surface model",
    "1.2.840.10008.5.1.4.1.1.104.4": "an OBJ surface model",
    "1.2.840.10008.5.1.4.1.1.104.5": "an MTL material of a surface model",
    "1.2.840.10008.5.1.4.1.1.4.2": "an MR spectrum",
    "1.2.840.10008.5.1.4.1.1.30": "a parametric map",
    "1.2.840.10008.5.1.4.1.1.66": "a raw data file of the scanner",
    "1.2.840.10008.5.1.4.1.1.66.1": "a spatial registration",
    "1.2.840.10008.5.1.4.1.1.66.2": "a set of spatial fiducials",
    "1.2.840.10008.5.1.4.1.1.66.3": "a deformable spatial registration",
    "1.2.840.10008.5.1.4.1.1.66.5": "a surface segmentation",
    "1.2.840.10008.5.1.4.1.1.66.6": "a set of fibre tracts (tractography results)",
    "1.2.840.10008.5.1.4.1.1.67": "a real world value mapping",
    "1.2.840.10008.5.1.4.1.1.68.1": "a surface scan mesh",
    "1.2.840.10008.5.1.4.1.1.68.2": "a surface scan point cloud",
    "1.2.840.10008.5.1.4.1.1.88.59": "a key object selection (a list of marked images)",
    "1.2.840.10008.5.1.4.38.1": "a hanging protocol",
    "1.2.840.10008.5.1.4.39.1": "a colour palette",
    "1.2.840.10008.5.1.4.1.1.200.2": "a CT protocol",
    "1.3.12.2.1107.5.9.1": "a Siemens private object (CSA non-image: raw data or a report)",
}
_NO_IMAGES_PREFIXES = {
    "1.2.840.10008.5.1.4.1.1.88.": "a structured report",
    "1.2.840.10008.5.1.4.1.1.11.": "a presentation state",
    "1.2.840.10008.5.1.4.1.1.9.": "a waveform",
    "1.2.840.10008.5.1.4.1.1.481.": "an object of radiotherapy",
    "1.2.840.10008.5.1.4.1.1.104.": "a document in DICOM",
    "1.2.840.10008.5.1.4.34.": "an object of the work list",
    "1.2.840.10008.5.1.4.1.1.66.": "a registration or segmentation of a kind that cannot be read",
}
#: What stands between the numbers of a pixel spacing that is no list by the standard.
_BETWEEN_NUMBERS = re.compile(r"[\\/;*x\[\]()\s]+|mm|,\s+", re.IGNORECASE)
#: Roots of vendors' own storage classes, some of which hold images.
_VENDORS = {
    "1.3.46.670589.": "a private object of a Philips scanner",
    "1.3.12.2.1107.5.": "a private object of a Siemens scanner",
    "1.2.840.113619.": "a private object of a GE scanner",
}
#: Root of the standard's own storage classes; all others are a vendor's.
_STANDARD_ROOT = "1.2.840.10008."
SEGMENTATION_CLASS = "1.2.840.10008.5.1.4.1.1.66.4"
LABEL_MAP_CLASS = "1.2.840.10008.5.1.4.1.1.66.7"
#: Classes with pixels below those prefixes; RT images show what a treatment machine sees.
_IMAGE_CLASSES = frozenset({SEGMENTATION_CLASS, LABEL_MAP_CLASS, "1.2.840.10008.5.1.4.1.1.481.1"})


@dataclass(frozen=True)
class FrameKind:
    """What a slice shows: slices of one volume agree in it.

    Attributes:
        timing: Echo, repetition and inversion time.
        echo: Number of the echo, or None.
        b_value: Of diffusion in s/mm², or None.
        component: ``M``, ``P``, ``R``, ``I`` (magnitude, phase, real, imaginary), or "" where it is
            not stated.
        image_type: Values of ImageType, upper case.
        with_contrast: Whether a contrast agent is stated.
        stack: Name of the stack in an enhanced object, or "".
        segment: Number of the segment in a segmentation, or None.
    """

    timing: Timing = field(default_factory=Timing)
    echo: int | None = None
    b_value: float | None = None
    component: str = ""
    image_type: tuple[str, ...] = ()
    with_contrast: bool = False
    stack: str = ""
    segment: int | None = None


@dataclass(frozen=True)
class FrameMoment:
    """When a slice was taken; None where it is not stated.

    Attributes:
        temporal: Number of the time point.
        trigger: Milliseconds after a trigger.
        acquisition: Number of the acquisition.
        clock: Time of day, or date and time, as the number that DICOM writes: HHMMSS.FFF.
    """

    temporal: int | None = None
    trigger: float | None = None
    acquisition: int | None = None
    clock: float | None = None


@dataclass(frozen=True)
class Frame:
    """One slice of a DICOM file.

    Attributes:
        file: The file it is in.
        number: Its frame number in the file, from 0.
        instance: Instance number, 0 where it is missing.
        shape: (rows, columns).
        position: First pixel's centre in LPS millimetres, or None.
        orientation: Direction cosines along a row, then along a column, or None.
        pixel_spacing: (between rows, between columns) in millimetres as stated, or None.
        thickness: Stated distance between slices, else slice thickness, in millimetres, or None.
        window: (low, high) in pixel values, or None.
        slice_location: As stated, in millimetres along a direction that is not stated, or None.
        kind: What it shows.
        moment: When it was taken.
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
    slice_location: float | None = None
    kind: FrameKind = field(default_factory=FrameKind)
    moment: FrameMoment = field(default_factory=FrameMoment)


@dataclass(frozen=True, eq=False)
class DicomFile:
    """Headers of one file.

    Attributes:
        file: The file.
        header: Its data set without pixels.
        frames: Its slices.
        mosaic: How they are tiled in one picture; None where they are not.
    """

    file: InputFile
    header: FileDataset
    frames: tuple[Frame, ...]
    mosaic: Mosaic | None = None

    @property
    def is_segmentation(self) -> bool:
        """Whether it is a DICOM segmentation object."""
        return str(self.header.get("SOPClassUID", "")) in {SEGMENTATION_CLASS, LABEL_MAP_CLASS}


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
        bytes_px = max(1, int(header.get("BitsAllocated") or 16) // 8) * int(
            header.get("SamplesPerPixel") or 1
        )
        check_shape(
            file.source, height=rows, width=columns, slices=n_frames, bytes_px=max(bytes_px, 2)
        )
        n_pixels = rows * columns * n_frames
        check_memory(file.source, file.path.stat().st_size + 2 * n_pixels * bytes_px)
        frames = tuple(_read_frame(header, file, k) for k in range(n_frames))
        mosaic = read_mosaic(file, header) if is_mosaic(header) and n_frames == 1 else None
        if mosaic is not None:
            frames = _divide_mosaic(frames[0], mosaic)
    except (InputError, MemoryError):
        raise
    except Exception:
        raise InputError(
            file.source,
            f"{file.name} is damaged or cut short: its DICOM header cannot be read."
            " Export it again.",
        ) from None
    return DicomFile(file=file, header=header, frames=frames, mosaic=mosaic)


def read_dataset(file: InputFile, *, with_pixels: bool, n_frames: int = 1) -> FileDataset:
    """Read the elements that a header or decoding takes, whether there is a preamble or none.

    Args:
        file: The file.
        with_pixels: Whether to read what decoding takes, else what a header holds.
        n_frames: Its frames where they are known: more frames may have more elements.

    Raises:
        InputError: There are more elements than the header of so many images needs.
        PassedOver: It has too many elements and is no image.
    """
    tags = _PIXEL_TAGS if with_pixels else _HEADER_TAGS
    stop_when = None if with_pixels else read_until_pixels
    try:
        dataset = read_within_limits(
            file, tags, most=allowed_elements(n_frames), stop_when=stop_when
        )
    except TooManyElements:
        stated = 1 if with_pixels else _count_frames(file)
        if stated <= n_frames:
            raise too_many_elements_error(file, n_frames) from None
        return read_dataset(file, with_pixels=False, n_frames=stated)
    if "TransferSyntaxUID" not in dataset.file_meta:
        implicit, little = dataset.original_encoding
        syntax = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else syntax
    return dataset


def _count_frames(file: InputFile) -> int:
    """Frames that the first part of a header states, which ends before the long sequences.

    Raises:
        PassedOver: It is no image.
    """
    tags = [Tag(keyword) for keyword in ("SOPClassUID", "NumberOfFrames", "Rows", "Columns")]

    def is_past(tag: BaseTag, vr: str | None, length: int) -> bool:
        return tag.group > tags[-1].group

    try:
        header = read_within_limits(file, tags, most=allowed_elements(1), stop_when=is_past)
        if "Rows" not in header:
            _check_has_pixels(header, file)
        return int(header.get("NumberOfFrames") or 1)
    except (InputError, MemoryError):
        raise
    except Exception:  # as damaged as its sequences
        return 1


def _drop_unreadable(header: Dataset) -> None:
    """Leave out damaged elements: pydicom converts a value, and may fail, only when it is asked."""
    for tag in list(header.keys()):
        try:
            header[tag]
        except Exception:
            del header[tag]


def _check_has_pixels(header: Dataset, file: InputFile) -> None:
    uid = str(header.get("SOPClassUID", "") or header.file_meta.get("MediaStorageSOPClassUID", ""))
    has_image = "Rows" in header and "Columns" in header
    kind = _NO_IMAGES.get(uid)
    if kind is None and uid not in _IMAGE_CLASSES:
        prefixes = _NO_IMAGES_PREFIXES if has_image else {**_NO_IMAGES_PREFIXES, **_VENDORS}
        kind = next((word for start, word in prefixes.items() if uid.startswith(start)), None)
    is_whole = "SeriesInstanceUID" in header  # one that is cut short may end within its class
    if kind is None and not has_image and is_whole and not uid.startswith(_STANDARD_ROOT):
        kind = "a private object of a scanner or program"
    if kind is not None:
        raise PassedOver(file.source, f"{file.name} is {kind}, not an image.", kind=kind)
    if len(header) == 0 and file.path.stat().st_size <= _end_of_meta(header):
        raise InputError(
            file.source,
            f"{file.name} is cut short: nothing follows its DICOM mark. Export it again.",
        )
    if not has_image:
        raise InputError(
            file.source,
            f"{file.name} is DICOM but holds no image, or is cut short. Export it again.",
        )


def _end_of_meta(header: Dataset) -> int:
    """Bytes of a file up to the end of its file meta information, as this states them."""
    return 144 + int(header.file_meta.get("FileMetaInformationGroupLength") or 0)


def _read_frame(header: Dataset, file: InputFile, k: int) -> Frame:
    groups = _functional_groups(header, k)

    def find(sequence: str, keyword: str) -> Any:
        return _find(header, groups, sequence, keyword)

    position = find("PlanePositionSequence", "ImagePositionPatient")
    n_frames = int(header.get("NumberOfFrames", 1) or 1)
    if n_frames > 1 and not groups:
        position = None  # the first frame's alone: it says nothing of the others
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
        pixel_spacing=read_pixel_spacing(
            find("PixelMeasuresSequence", "PixelSpacing"),
            header.get("ImagerPixelSpacing"),
            header.get("NominalScannedPixelSpacing"),
        ),
        thickness=_positive(find("PixelMeasuresSequence", "SpacingBetweenSlices"))
        or _positive(find("PixelMeasuresSequence", "SliceThickness")),
        window=window,
        slice_location=None if n_frames > 1 else _number(header.get("SliceLocation")),
        kind=_read_kind(header, groups),
        moment=_read_moment(header, groups),
    )


def _find(header: Dataset, groups: Sequence[Dataset], sequence: str, keyword: str) -> Any:
    """An element of the functional groups, or of the header; None where neither has it."""
    for group in groups:
        items = group.get(sequence)
        if items and items[0].get(keyword) is not None:
            return items[0].get(keyword)
    return header.get(keyword)


def _read_kind(header: Dataset, groups: Sequence[Dataset]) -> FrameKind:
    def number(sequence: str, keyword: str) -> float | None:
        return _number(_find(header, groups, sequence, keyword))

    echo = number("MREchoSequence", "EffectiveEchoTime") or _number(header.get("EchoTime"))
    inversion = number("MRModifierSequence", "InversionTimes")
    types = _find(header, groups, "MRImageFrameTypeSequence", "FrameType")
    types = types or header.get("ImageType") or ()
    types = (types,) if isinstance(types, str) else types
    image_type = tuple(str(word).strip().upper() for word in types)
    segment = number("SegmentIdentificationSequence", "ReferencedSegmentNumber")
    return FrameKind(
        timing=Timing(
            echo=echo or None,
            repetition=number("MRTimingAndRelatedParametersSequence", "RepetitionTime") or None,
            inversion=inversion or _number(header.get("InversionTime")) or None,
        ),
        echo=_whole(header.get("EchoNumbers")),
        b_value=_b_value(header, groups),
        component=_component(header, groups, image_type),
        image_type=image_type,
        with_contrast=_has_contrast(header, groups),
        stack=str(_find(header, groups, "FrameContentSequence", "StackID") or ""),
        segment=None if segment is None else int(segment),
    )


def _read_moment(header: Dataset, groups: Sequence[Dataset]) -> FrameMoment:
    def find(sequence: str, keyword: str) -> Any:
        return _find(header, groups, sequence, keyword)

    temporal = find("FrameContentSequence", "TemporalPositionIndex")
    offset = find("TemporalPositionSequence", "TemporalPositionTimeOffset")
    trigger = find("CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime")
    clock = find("FrameContentSequence", "FrameAcquisitionDateTime")
    clock = clock or header.get("AcquisitionDateTime") or header.get("AcquisitionTime")
    acquisition = find("FrameContentSequence", "FrameAcquisitionNumber")
    return FrameMoment(
        temporal=_whole(temporal or header.get("TemporalPositionIdentifier")),
        trigger=_number(offset or trigger or header.get("TriggerTime")),
        acquisition=_whole(acquisition or header.get("AcquisitionNumber")),
        clock=_number(_ZONE.sub("", str(clock))) if clock else None,
    )


def _b_value(header: Dataset, groups: Sequence[Dataset]) -> float | None:
    """b-value by the standard's element, the vendors', or Siemens' name of the sequence."""
    stated = _number(_find(header, groups, "MRDiffusionSequence", "DiffusionBValue"))
    if stated is not None and stated >= 0:
        return stated
    for (group, element), owner in _B_VALUE_TAGS.items():
        creator = header.get((group, element >> 8))
        if creator is not None and not str(creator.value).startswith(owner):
            continue
        value = _number(_private_value(header, (group, element)))
        if value is not None and value >= 0:
            return value % _GE_B_VALUE_MODULUS
    match = _B_VALUE_NAME.match(str(header.get("SequenceName", "") or ""))
    return float(match[1]) if match else None


def _private_value(header: Dataset, tag: tuple[int, int]) -> Any:
    """First value of a private element, decoded where its type was lost on the way."""
    found = header.get(tag)
    value = None if found is None else found.value
    if isinstance(value, bytes):
        text = value.decode("latin-1").strip("\0 ").split("\\")[0]
        if _number(text) is not None:
            return text
        sizes = {4: "<f4", 8: "<f8"}
        return float(np.frombuffer(value, sizes[len(value)])[0]) if len(value) in sizes else None
    return value


def _component(header: Dataset, groups: Sequence[Dataset], image_type: tuple[str, ...]) -> str:
    stated = _find(header, groups, "MRImageFrameTypeSequence", "ComplexImageComponent")
    if stated:
        return _COMPONENT_WORDS.get(str(stated).strip().upper(), "")
    found = [_COMPONENT_WORDS[word] for word in image_type[2:] if word in _COMPONENT_WORDS]
    if found:
        return found[0]
    creator = header.get((_GE_COMPONENT_TAG[0], _GE_COMPONENT_TAG[1] >> 8))
    if creator is not None and str(creator.value).startswith("GEMS_PARM_01"):
        number = _whole(_private_value(header, _GE_COMPONENT_TAG))
        if number is not None and 0 <= number < len(_GE_COMPONENTS):
            return _GE_COMPONENTS[number]
    return ""


def _has_contrast(header: Dataset, groups: Sequence[Dataset]) -> bool:
    for group in groups:
        for item in group.get("ContrastBolusUsageSequence") or ():
            administered = str(item.get("ContrastBolusAgentAdministered", "") or "")
            if administered:
                return administered.upper() == "YES"
    agent = str(header.get("ContrastBolusAgent", "") or "").strip().lower()
    return agent not in {"", "no", "none", "n", "0", "without"}


def _divide_mosaic(picture: Frame, mosaic: Mosaic) -> tuple[Frame, ...]:
    """The slices of a mosaic as frames, each at its own place where the picture states one."""
    places: list[tuple[float, ...] | None] = [None] * mosaic.n_slices
    spacing = picture.pixel_spacing
    if picture.position and picture.orientation and spacing and picture.thickness:
        places[:] = place_slices(
            mosaic,
            position=picture.position,
            orientation=picture.orientation,
            pixel_spacing=spacing,
            distance=picture.thickness,
        )
    return tuple(
        replace(picture, number=k, shape=mosaic.shape, position=place, slice_location=None)
        for k, place in enumerate(places)
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
        # Some programs write decimal commas.
        numbers = tuple(float(str(number).replace(",", ".")) for number in value)
    except (TypeError, ValueError):
        return None
    if len(numbers) != length or (finite and not np.isfinite(numbers).all()):
        return None
    return numbers


def _number(value: Any) -> float | None:
    """The first of one or more numbers, or None."""
    if hasattr(value, "__len__") and not isinstance(value, str):
        value = value[0] if len(value) else None
    numbers = _numbers((value,), 1)
    return numbers[0] if numbers else None


def _whole(value: Any) -> int | None:
    number = _number(value)
    return None if number is None else int(number)


def read_pixel_spacing(*stated: Any) -> tuple[float, ...] | None:
    """(between rows, between columns) in millimetres, of the first element that can be read.

    Programs write decimal commas, units, or one number where pixels are square.

    Args:
        stated: Values of elements, the best first; None where one is missing.
    """
    for value in stated:
        numbers = _numbers(value, 2, finite=False) or _numbers_of_text(value)
        if numbers is not None:
            return numbers
    return None


def _numbers_of_text(value: Any) -> tuple[float, ...] | None:
    """Two numbers, or one for both, of a text that is no number by the standard."""
    if value is None:
        return None
    parts = [value] if isinstance(value, (str, bytes, int, float)) else list(value)
    texts = [p.decode("latin-1") if isinstance(p, bytes) else str(p) for p in parts]
    texts = [text.replace("\0", " ") for text in texts]
    tokens = [token for text in texts for token in _BETWEEN_NUMBERS.split(text) if token]
    if len(tokens) == 1 and "." in tokens[0] and tokens[0].count(",") == 1:
        tokens = tokens[0].split(",")  # 0.9,0.9
    try:
        numbers = [float(token.replace(",", ".")) for token in tokens]
    except ValueError:
        return None
    if not numbers or len(numbers) > 3 or not np.isfinite(numbers).all():
        return None
    return (numbers[0], numbers[1 if len(numbers) > 1 else 0])


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
