"""DICOM RT structure sets: which regions mark the tumor, and their contours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset, FileDataset
from pydicom.tag import Tag

from pipeline.data.case import Case, SequenceName, SourceKind
from pipeline.data.reading.contours import Contours, Ring
from pipeline.data.reading.dicom_bounds import TooManyElements, read_within_limits
from pipeline.data.reading.dicom_segmentation import (
    chosen_note,
    is_lesion_by,
    joined_note,
)
from pipeline.data.reading.format_kinds import FileTick, InputFile
from pipeline.data.reading.limits import MAX_ALL_ELEMENTS, MAX_CONTOUR_POINTS
from pipeline.data.reading.names import join_words
from pipeline.data.reading.pending_cases import PendingCase
from pipeline.data.sequences import split_words
from pipeline.errors import InputError, PassedOver

STRUCTURE_SET_CLASS = "1.2.840.10008.5.1.4.1.1.481.3"
_HEAD_BYTES = 4096
_TAGS = tuple(
    map(
        Tag,
        """SpecificCharacterSet SOPClassUID StudyInstanceUID SeriesInstanceUID StructureSetLabel
        ReferencedFrameOfReferenceSequence StructureSetROISequence
        RTROIObservationsSequence""".split(),
    )
)
_CONTOURS = Tag("ROIContourSequence")
_POINTS = Tag("ContourData")
#: Types of regions that are no lesion, whatever they are called.
_OTHER_TYPES = frozenset(
    """EXTERNAL PTV OAR BOLUS AVOIDANCE MARKER REGISTRATION ISOCENTER SUPPORT FIXATION CONTROL
    TREATED_VOLUME IRRAD_VOLUME DOSE_REGION DOSE_MEASUREMENT CONTRAST_AGENT CAVITY DEVICE
    BRACHY_CHANNEL BRACHY_ACCESSORY BRACHY_SRC_APP BRACHY_CHNL_SHLD""".split()
)
#: A planning target volume holds a margin for the treatment.
_MARGIN = "ptv"
_CLOSED = {"CLOSED_PLANAR": False, "CLOSEDPLANAR_XOR": True}
_UNDEFINED = 0xFFFFFFFF
#: Millimetres from the origin that no patient reaches.
_FARTHEST_MM = 1e5


@dataclass(frozen=True)
class Region:
    """A region of a structure set.

    Attributes:
        number, name: As stated.
        kind: Its interpreted type, upper case, or "".
        codes: Code values that say what it is.
        frame_of_reference: UID, or "".
    """

    number: int
    name: str
    kind: str
    codes: frozenset[str]
    frame_of_reference: str

    @property
    def is_lesion(self) -> bool | None:
        """Whether it is a lesion; False for anatomy and aids, None where it does not say."""
        words = {word.text.rstrip("0123456789") for word in split_words(self.name)}
        if self.kind in _OTHER_TYPES or _MARGIN in words:
            return False
        by_name = is_lesion_by([self.name, *words], self.codes)
        return True if self.kind in {"GTV", "CTV"} and by_name is None else by_name

    @property
    def is_gross(self) -> bool:
        """Whether it is the visible tumor, which a clinical target volume surrounds."""
        return self.kind == "GTV" or "gtv" in self.name.lower()

    @property
    def has_margin(self) -> bool:
        """Whether it is a clinical target volume."""
        return not self.is_gross and (self.kind == "CTV" or "ctv" in self.name.lower())


@dataclass(frozen=True, eq=False)
class StructureSet:
    """A structure set without its contours.

    Attributes:
        file: The file.
        study: StudyInstanceUID, else the file's folder.
        series: UIDs of the image series that it refers to.
        regions: Its regions.
    """

    file: InputFile
    study: str
    series: tuple[str, ...]
    regions: tuple[Region, ...]

    @property
    def frame_of_reference(self) -> str:
        """The one of all regions that state one; "" where they differ."""
        found = {one.frame_of_reference for one in self.regions} - {""}
        return found.pop() if len(found) == 1 else ""


@dataclass(frozen=True, eq=False)
class StructureSeries:
    """A structure set as a `pipeline.data.reading.format_kinds.Series`.

    Attributes:
        structures: The structure set.
        study: As of `DicomSeries`.
    """

    structures: StructureSet
    study: str

    @property
    def source(self) -> str:
        """The file."""
        return self.structures.file.source

    @property
    def n_slices(self) -> int:
        """None of its own."""
        return 0

    def read(self, tick: FileTick) -> tuple[list[PendingCase], list[InputError]]:
        """As of `DicomSeries`: a mask without pixels of its own."""
        file = self.structures.file
        try:
            with file.watched():
                return [_read_regions(self.structures)], []
        except InputError as error:
            return [], [error]
        finally:
            tick(file.name)


def is_structure_set(file: InputFile) -> bool:
    """Whether the start of a DICOM file names the class of structure sets."""
    with file.path.open("rb") as stream:
        return STRUCTURE_SET_CLASS.encode() in stream.read(_HEAD_BYTES)


def read_structure_set(file: InputFile) -> StructureSet | None:
    """Read what a structure set says of its regions; None where the file is something else.

    Raises:
        InputError: It is damaged.
    """
    header = _read(file, with_contours=False)
    try:
        if str(header.get("SOPClassUID", "") or "") != STRUCTURE_SET_CLASS:
            return None
        return StructureSet(
            file=file,
            study=str(header.get("StudyInstanceUID", "") or "") or file.folder,
            series=tuple(_series_of(header)),
            regions=tuple(_regions_of(header)),
        )
    except Exception:  # whatever damaged elements do to pydicom
        raise _damaged(file) from None


def _read(file: InputFile, *, with_contours: bool) -> FileDataset:
    tags = [*_TAGS, _CONTOURS] if with_contours else _TAGS
    try:
        header = read_within_limits(file, tags, most=MAX_ALL_ELEMENTS)
        if any(_is_cut(header.get_item(tag)) for tag in header.keys()):
            raise _damaged(file)
        return header
    except TooManyElements:
        raise InputError(
            file.source,
            f"{file.name} holds more contours than can be read. Export the tumor's alone.",
        ) from None
    except (InputError, MemoryError):
        raise
    except Exception:
        raise _damaged(file) from None


def _is_cut(element: DataElement | RawDataElement | None) -> bool:
    """Whether the file ends within an element, where pydicom returns what is there."""
    if not isinstance(element, RawDataElement) or not isinstance(element.value, bytes):
        return False
    return element.length not in {len(element.value), _UNDEFINED}


def _damaged(file: InputFile) -> InputError:
    return InputError(
        file.source,
        f"{file.name} is damaged or cut short: its contours cannot be read. Export it again.",
    )


def _series_of(header: Dataset) -> Iterator[str]:
    for frame in header.get("ReferencedFrameOfReferenceSequence") or ():
        for study in frame.get("RTReferencedStudySequence") or ():
            for series in study.get("RTReferencedSeriesSequence") or ():
                yield str(series.get("SeriesInstanceUID", "") or "")


def _regions_of(header: Dataset) -> Iterator[Region]:
    kinds: dict[int, str] = {}
    codes: dict[int, set[str]] = {}
    for seen in header.get("RTROIObservationsSequence") or ():
        number = int(seen.get("ReferencedROINumber") or 0)
        kinds[number] = str(seen.get("RTROIInterpretedType", "") or "").strip().upper()
        for item in seen.get("RTROIIdentificationCodeSequence") or ():
            codes.setdefault(number, set()).add(str(item.get("CodeValue", "") or ""))
    for one in header.get("StructureSetROISequence") or ():
        number = int(one.get("ROINumber") or 0)
        yield Region(
            number=number,
            name=" ".join(str(one.get("ROIName", "") or "").split()) or f"region {number}",
            kind=kinds.get(number, ""),
            codes=frozenset(codes.get(number, ())),
            frame_of_reference=str(one.get("ReferencedFrameOfReferenceUID", "") or ""),
        )


def choose_regions(
    file: InputFile, regions: Sequence[Region]
) -> tuple[tuple[Region, ...], tuple[str, ...]]:
    """Choose the regions that mark the tumor.

    A gross tumor volume counts alone: a clinical target volume surrounds it with a margin. Where
    nothing names the tumor, all regions count that are not named as something else.

    Args:
        file: The file.
        regions: All that have contours.

    Returns:
        The regions, and sentences on what was chosen.

    Raises:
        PassedOver: None of them is a lesion.
    """
    chosen = [one for one in regions if one.is_lesion]
    chosen = chosen or [one for one in regions if one.is_lesion is None]
    if any(one.is_gross for one in chosen):
        chosen = [one for one in chosen if not one.has_margin]
    if not chosen:
        words = f" marks {join_words([one.name for one in regions])}," if regions else " holds"
        end = "not a lesion" if regions else "no closed contours"
        raise PassedOver(file.source, f"{file.name}{words} {end}; it is left out.")
    left = [one for one in regions if one not in chosen]
    named = join_words([one.name for one in chosen])
    if left:
        return tuple(chosen), (
            chosen_note(file.name, named, join_words([one.name for one in left])),
        )
    return tuple(chosen), (joined_note(file.name, named),) if len(chosen) > 1 else ()


def _read_regions(structures: StructureSet) -> PendingCase:
    """The contours of the chosen regions as a mask in the making.

    Raises:
        InputError: They are damaged, too many, or of no lesion.
    """
    file = structures.file
    header = _read(file, with_contours=True)
    try:
        rings, n_open = _rings_of(header, file)
    except (InputError, MemoryError):
        raise
    except Exception:  # whatever damaged elements do to pydicom
        raise _damaged(file) from None
    drawn = {ring.region for ring in rings}
    listed = [one for one in structures.regions if one.number in drawn]
    chosen, notes = choose_regions(file, listed)
    numbers = {one.number for one in chosen}
    skipped = sum(count for number, count in n_open.items() if number in numbers)
    if skipped:
        notes = (*notes, open_note(file.name, skipped))
    frames = {one.frame_of_reference for one in chosen} - {""}
    if len(frames) > 1:
        raise InputError(
            file.source,
            f"{file.name} was drawn in several frames of reference. Export the tumor's alone.",
        )
    contours = Contours(
        source=file.source,
        rings=tuple(ring for ring in rings if ring.region in numbers),
        frame_of_reference=frames.pop() if frames else "",
    )
    return PendingCase(
        case=_blank_case(file),
        names=(file.stem,),
        is_mask=True,
        mask_notes=notes,
        contours=contours,
    )


def open_note(name: str, n: int) -> str:
    """The sentence on open contours and single points."""
    if n == 1:
        return f"1 contour of {name} is open or a point; it is left out."
    return f"{n:,} contours of {name} are open or points; they are left out."


def _rings_of(header: Dataset, file: InputFile) -> tuple[list[Ring], dict[int, int]]:
    """The closed contours of all regions, and how many others each region has."""
    rings: list[Ring] = []
    others: dict[int, int] = {}
    left = MAX_CONTOUR_POINTS
    for region in header.get("ROIContourSequence") or ():
        number = int(region.get("ReferencedROINumber") or 0)
        for contour in region.get("ContourSequence") or ():
            kind = str(contour.get("ContourGeometricType", "") or "").strip().upper()
            points = _points_of(contour, file)
            left -= len(points)
            if left < 0:
                raise InputError(
                    file.source,
                    f"{file.name} holds more than {MAX_CONTOUR_POINTS:,} points of contours."
                    " Export the tumor's alone.",
                )
            if kind not in _CLOSED or len(points) < 3:
                others[number] = others.get(number, 0) + 1
            else:
                rings.append(Ring(points, number, is_xor=_CLOSED[kind]))
    return rings, others


def _points_of(contour: Dataset, file: InputFile) -> NDArray[np.float64]:
    """``(n, 3)`` LPS millimetres.

    Developer notes: pydicom makes an object of each number, which takes a hundred times as long.
    """
    if _POINTS not in contour:
        return np.zeros((0, 3))
    element = contour.get_item(_POINTS)
    value = element.value
    if _is_cut(element):
        raise _damaged(file)
    words = value.split(b"\\") if isinstance(value, bytes) else list(value or ())
    numbers = np.array([one.strip() if isinstance(one, bytes) else one for one in words])
    numbers = numbers.astype(np.float64) if words != [b""] else np.zeros(0)
    if numbers.size % 3 or not (np.abs(numbers) < _FARTHEST_MM).all():
        raise _damaged(file)
    return np.asarray(numbers.reshape(-1, 3), np.float64)


def _blank_case(file: InputFile) -> Case:
    """A case that says where the contours are from; it has no pixels to speak of."""
    return Case(
        case_id="case",
        kind=SourceKind.SERIES,
        pixels=np.zeros((1, 1, 1, 1), np.uint8),
        sequences=(SequenceName.UNKNOWN,),
        indices=(1,),
        sources=(file.source,),
    )
