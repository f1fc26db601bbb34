"""DICOM series to cases: frames sorted along the slice normal, brought upright, divided."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileDataset

from pipeline.data.case import Case, SequenceName, SourceKind, StudyLabels, tidy_values
from pipeline.data.geometry import ORIENTATIONS, plane_warnings, to_case_volume
from pipeline.data.reading.dicom_files import DicomFile, Frame
from pipeline.data.reading.dicom_pixels import read_dicom_pixels
from pipeline.data.reading.dicom_stack import FrameStack, leave_out_odd, stack_frames
from pipeline.data.reading.format_kinds import FileTick
from pipeline.data.reading.limits import check_shape
from pipeline.data.reading.pending_cases import PendingCase
from pipeline.data.sequences import (
    MASK_WORDS,
    sequence_of_dicom,
    sequence_warnings,
    split_words,
)
from pipeline.errors import InputError

#: "seg" alone stands for segmented acquisitions too, so that it is not among them.
_MASK_WORDS = MASK_WORDS - {"seg"}


@dataclass(frozen=True, eq=False)
class DicomSeries:
    """Files of one series, in any order; a `pipeline.data.reading.format_kinds.Series`."""

    files: tuple[DicomFile, ...]

    @property
    def header(self) -> FileDataset:
        """Data set of the first file."""
        return self.files[0].header

    @property
    def title(self) -> str:
        """The series as a sentence names it."""
        if len(self.files) == 1:
            return self.files[0].file.name
        description = str(self.header.get("SeriesDescription", "") or "").strip()
        number = self.header.get("SeriesNumber")
        return f"Series {description or number or self.files[0].file.name}"

    @property
    def source(self) -> str:
        """The first file."""
        return self.files[0].file.source

    @property
    def study(self) -> str:
        """Key of the study on whose grid it may lie: only series of one key are combined."""
        study = str(self.header.get("StudyInstanceUID", "") or self.files[0].file.folder)
        return f"{study}|{self.header.get('FrameOfReferenceUID', '')}"

    @property
    def n_slices(self) -> int:
        """Slices as the headers state them."""
        return sum(len(one.frames) for one in self.files)

    def read(self, tick: FileTick) -> tuple[list[PendingCase], list[InputError]]:
        """Decode it.

        Args:
            tick: Called after each file that was decoded or refused.

        Returns:
            A case per volume in it (one per echo or time point), and one error per file that could
            not be decoded, and one for the files, or for the whole series, where its slices
            disagree.
        """
        return _read_series(self, tick)


def group_dicom(files: Sequence[DicomFile]) -> list[DicomSeries]:
    """Group files by study and series."""
    groups: dict[tuple[str, ...], list[DicomFile]] = defaultdict(list)
    for one in files:
        header = one.header
        study = str(header.get("StudyInstanceUID", "") or one.file.folder)
        series = str(header.get("SeriesInstanceUID", "") or "")
        groups[(study, series) if series else (study, str(one.file.path))].append(one)
    return [DicomSeries(tuple(group)) for group in groups.values()]


def _drop_copies(
    files: Sequence[DicomFile], content_of: Callable[[DicomFile], bytes]
) -> list[DicomFile]:
    """Leave out files of equal content that name one object; those of other content are kept.

    An equal SOPInstanceUID alone proves nothing: some exports give one to a whole series.
    """
    objects: dict[str, list[DicomFile]] = defaultdict(list)
    for one in files:
        uid = str(one.header.get("SOPInstanceUID", "") or "")
        objects[uid or str(one.file.path)].append(one)
    kept = set()
    for copies in objects.values():
        if len(copies) == 1:
            kept.add(copies[0])
            continue
        contents: dict[bytes, DicomFile] = {}
        for one in copies:
            contents.setdefault(hashlib.sha256(content_of(one)).digest(), one)
        kept.update(contents.values())
    return [one for one in files if one in kept]


def _content(one: DicomFile, pixels: NDArray[np.generic]) -> bytes:
    """What differs between slices: their places, or numbers where those are missing, and pixels."""
    places = [frame.position or frame.instance for frame in one.frames]
    return repr((places, pixels.shape, pixels.dtype.str)).encode() + pixels.tobytes()


def _read_series(series: DicomSeries, tick: FileTick) -> tuple[list[PendingCase], list[InputError]]:
    series = DicomSeries(tuple(_drop_copies(series.files, lambda one: one.file.path.read_bytes())))
    try:
        odd, errors = leave_out_odd(
            series.title, [frame for one in series.files for frame in one.frames]
        )
    except InputError as error:
        for one in series.files:
            tick(one.file.name)
        return [], [error]
    pixels: dict[Path, NDArray[np.generic]] = {}
    for one in series.files:
        if one.file.path not in odd:
            try:
                pixels[one.file.path] = read_dicom_pixels(one.file)
            except InputError as error:
                errors.append(error)
        tick(one.file.name)
    readable = [one for one in series.files if one.file.path in pixels]
    readable = _drop_copies(readable, lambda one: _content(one, pixels[one.file.path]))
    if not readable:
        return [], errors
    frames = [frame for one in readable for frame in one.frames]
    stacks = stack_frames(frames, is_mask=_is_mask(series))
    pending = []
    for number, stack in enumerate(stacks, start=1):
        part = number if len(stacks) > 1 else None
        pending.append(_build_case(series, stack, pixels, part=part))
    return pending, errors


def _build_case(
    series: DicomSeries,
    stack: FrameStack,
    pixels: dict[Path, NDArray[np.generic]],
    *,
    part: int | None,
) -> PendingCase:
    header, is_mask = series.header, _is_mask(series)
    volume = _stack_pixels(stack, pixels, is_mask=is_mask)
    sources = [frame.file.source for frame in stack.frames]
    if stack.layout is not None:
        volume = to_case_volume(np.transpose(volume, (2, 1, 0)), stack.layout)
        if 0 in stack.layout.flips:
            sources.reverse()
    sequence = sequence_of_dicom(header)
    warnings = (
        *_modality_warnings(header, sequence),
        *stack.warnings,
        *plane_warnings(stack.plane),
    )
    n = len(sources)
    case = Case(
        case_id="case",
        kind=SourceKind.SERIES,
        pixels=volume[..., None],
        sequences=(sequence,),
        indices=tuple(range(1, n + 1)),
        sources=tuple(sources),
        spacing_mm=stack.spacing_mm,
        orientation=None if stack.plane is None else ORIENTATIONS[stack.plane],
        positions_mm=stack.positions_mm,
        grid=stack.grid,
        labels=_labels_of(header),
        warnings=warnings,
        window=_common_window(stack.frames, header),
    )
    names, study_names = _names_of(series, part)
    return PendingCase(case=case, names=names, study_names=study_names, is_mask=is_mask)


def _stack_pixels(
    stack: FrameStack, pixels: dict[Path, NDArray[np.generic]], *, is_mask: bool
) -> NDArray[np.generic]:
    """Pixels ``(slices, rows, columns)`` in the stack's order; parts of a mask overlaid."""
    frames = stack.frames
    rows, columns = frames[0].shape
    check_shape(frames[0].file.source, height=rows, width=columns, slices=len(frames), bytes_px=4)
    dtype = np.result_type(*{pixels[frame.file.path].dtype for frame in frames})
    volume = np.empty((len(frames), rows, columns), dtype)
    for k, frame in enumerate(frames):
        volume[k] = pixels[frame.file.path][frame.number]
        if len(pixels[frame.file.path]) == 1:
            del pixels[frame.file.path]  # a long series would lie in memory twice
    for double, kept in stack.overlaid if is_mask else ():
        if double.file.path in pixels and kept in frames:
            k = frames.index(kept)
            np.maximum(volume[k], pixels[double.file.path][double.number], out=volume[k])
    return tidy_values(volume)


def _is_mask(series: DicomSeries) -> bool:
    """Whether the series says of itself that it is a mask."""
    header = series.header
    words = {word.text for word in split_words(str(header.get("SeriesDescription", "") or ""))}
    kinds = {str(kind).lower() for kind in header.get("ImageType", []) or []}
    return bool(_MASK_WORDS & (words | kinds)) or series.files[0].is_segmentation


def _modality_warnings(header: FileDataset, sequence: SequenceName) -> tuple[str, ...]:
    modality = str(header.get("Modality", "") or "")
    if modality in {"", "MR", "OT", "SC", "SEG"}:
        return sequence_warnings((sequence,))
    return (
        f"This is {modality}, not MRI; the models were trained on FLAIR MRI. Read the result with"
        " care.",
    )


def _common_window(frames: Sequence[Frame], header: FileDataset) -> tuple[float, float] | None:
    """The middle one of the frames' windows; none where the picture was inverted."""
    if str(header.get("PhotometricInterpretation", "")) == "MONOCHROME1":
        return None
    windows = sorted(frame.window for frame in frames if frame.window is not None)
    return windows[len(windows) // 2] if windows else None


def _labels_of(header: FileDataset) -> StudyLabels:
    identity = str(header.get("PatientID", "") or "").strip()
    name = " ".join(str(header.get("PatientName", "") or "").replace("^", " ").split())
    patient = f"{name} ({identity})" if name and identity and name != identity else name or identity
    digits = str(header.get("StudyDate", "") or header.get("SeriesDate", "") or "")
    date = (
        f"{digits[:4]}-{digits[4:6]}-{digits[6:8]}" if digits.isdigit() and len(digits) == 8 else ""
    )
    description = str(
        header.get("StudyDescription", "") or header.get("SeriesDescription", "") or ""
    )
    keywords = ("ImageComments", "StudyDescription", "SeriesDescription", "PatientComments")
    said = " ".join(str(header.get(keyword, "") or "") for keyword in keywords).lower()
    return StudyLabels(
        patient=patient,
        study_date=date,
        description=description.strip(),
        synthetic="synthetic" in said,
    )


def _names_of(series: DicomSeries, part: int | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names for the series alone, and for the study that it may become part of."""
    header, first = series.header, series.files[0].file
    patient = str(header.get("PatientID", "") or header.get("PatientName", "") or "")
    patient = patient or first.folder_name or first.stem
    date = str(header.get("StudyDate", "") or "")
    description = str(header.get("SeriesDescription", "") or "")
    number = str(header.get("SeriesNumber", "") or "")
    suffix = f"_part{part}" if part else ""
    alone = f"{patient}_{description or number}".rstrip("_") + suffix
    return (
        (alone, f"{alone}_{date}" if date else alone, f"{alone}_{date}_{number}"),
        (patient, f"{patient}_{date}" if date else patient),
    )
