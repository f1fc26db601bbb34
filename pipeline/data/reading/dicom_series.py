"""DICOM series to cases: grouped by what slices are, sorted, brought upright."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset

from pipeline.data.background import darken_background
from pipeline.data.case import (
    Case,
    PatientIdentity,
    SequenceName,
    SourceKind,
    StudyLabels,
    tidy_values,
)
from pipeline.data.cautions import Caution, InputAspect, ReadingAspect, Severity, cautions_of
from pipeline.data.geometry import ORIENTATIONS, plane_warnings, to_case_volume
from pipeline.data.reading.dicom_derived import (
    REFORMAT,
    SECONDARY_CAPTURE,
    derived_kind,
    is_reformat,
    is_secondary_capture,
    left_out_error,
)
from pipeline.data.reading.dicom_files import DicomFile, Frame
from pipeline.data.reading.dicom_kinds import (
    FrameGroup,
    divide,
    divide_stacks,
    group_frames,
    place_numbers,
    stacks_note,
)
from pipeline.data.reading.dicom_pixels import pixel_warnings, read_dicom_pixels
from pipeline.data.reading.dicom_segmentation import Segments, choose_segments, mask_of_segments
from pipeline.data.reading.dicom_stack import (
    FrameStack,
    forget_blank_positions,
    leave_out_odd,
    stack_frames,
)
from pipeline.data.reading.dicom_structures import StructureSeries, StructureSet
from pipeline.data.reading.format_kinds import FileTick
from pipeline.data.reading.limits import check_shape
from pipeline.data.reading.pending_cases import PendingCase
from pipeline.data.reading.source_images import find_source
from pipeline.data.sequences import (
    MASK_WORDS,
    Timing,
    sequence_cautions,
    sequence_of_series,
    sequence_of_words,
    split_words,
)
from pipeline.errors import InputError

#: "seg" alone stands for segmented acquisitions too, so that it is not among them.
_MASK_WORDS = MASK_WORDS - {"seg"}
#: Texts that name a sequence, the best first.
_TEXTS = ("SeriesDescription", "ProtocolName", "SequenceName", "AcquisitionContrast")
#: DICOM allows five times 64 characters for a name, 64 for an id.
_LONGEST_NAME = 400
#: Distances between the places of loose slices of one stack differ by no more than this part.
_EVEN = 0.1
REFORMAT_WARNING = (
    "These slices were reformatted from another acquisition, which was not given; details between"
    " its slices are interpolated."
)


@dataclass(frozen=True, eq=False)
class DicomSeries:
    """Files of one series, in any order; a `pipeline.data.reading.format_kinds.Series`.

    Attributes:
        files: Its files.
        study: Key of the study on whose grid it may lie: only series of one key are combined.
        has_original: Whether its study holds slices as they were acquired, beside it or in it.
    """

    files: tuple[DicomFile, ...]
    study: str
    has_original: bool = True

    @property
    def header(self) -> FileDataset:
        """Data set of the first file."""
        return self.files[0].header

    @property
    def title(self) -> str:
        """The series as a sentence names it."""
        if len(self.files) == 1:
            return self.files[0].file.name
        description = _text(self.header, "SeriesDescription")
        number = self.header.get("SeriesNumber")
        return f"Series {description or number or self.files[0].file.name}"

    @property
    def source(self) -> str:
        """The first file."""
        return self.files[0].file.source

    @property
    def n_slices(self) -> int:
        """Slices as the headers state them."""
        return sum(len(one.frames) for one in self.files)

    def read(self, tick: FileTick) -> tuple[list[PendingCase], list[InputError]]:
        """Decode it.

        Args:
            tick: Called after each file that was decoded or refused.

        Returns:
            A case per volume in it that is shown, and one error per file that could not be
            decoded, and one for the files, or for the whole series, where its slices disagree or
            are no images of the acquisition.
        """
        try:
            return _read_series(self)
        finally:
            for one in self.files:
                tick(one.file.name)


def group_dicom(
    given: Sequence[DicomFile | StructureSet],
) -> list[DicomSeries | StructureSeries]:
    """Group files by what their slices are; a structure set is alone.

    Series UIDs are where this begins. Some programs leave them out, give each slice one of its own,
    or one to a whole study.
    """
    numbers = {one.file.path: k for k, one in enumerate(given)}
    files = [one for one in given if isinstance(one, DicomFile)]
    groups = [
        part
        for group in _join_lone_slices(_group_by_uid(files))
        for part in _divide_sequences(_without_false_positions(group))
    ]
    studies: dict[str, list[list[DicomFile]]] = defaultdict(list)
    for group in groups:
        studies[_study_of(group)].append(group)
    with_original = {study for study, members in studies.items() if _has_original(members)}
    keys = _StudyKeys(groups)
    series: list[DicomSeries | StructureSeries] = [
        DicomSeries(
            tuple(group), keys.of_group(group), has_original=_study_of(group) in with_original
        )
        for group in groups
    ]
    series += [
        StructureSeries(one, keys.of_mask(one.study, one.frame_of_reference, one.series))
        for one in given
        if isinstance(one, StructureSet)
    ]

    def order_of(one: DicomSeries | StructureSeries) -> int:
        first = one.structures if isinstance(one, StructureSeries) else one.files[0]
        return numbers[first.file.path]

    return sorted(series, key=order_of)


class _StudyKeys:
    """Keys of studies: UID and frame of reference.

    Args:
        groups: The files of each series.
    """

    def __init__(self, groups: Sequence[Sequence[DicomFile]]) -> None:
        self._of_series: dict[str, str] = {}
        self._of_study: dict[str, set[str]] = defaultdict(set)
        for group in groups:
            if not _is_mask_group(group):
                key = _own_key(group)
                self._of_series[_text(group[0].header, "SeriesInstanceUID")] = key
                self._of_study[_study_of(group)].add(key)

    def of_group(self, group: Sequence[DicomFile]) -> str:
        """Key of a series."""
        if not _is_mask_group(group):
            return _own_key(group)
        items = group[0].header.get("ReferencedSeriesSequence") or ()
        referred = [_text(item, "SeriesInstanceUID") for item in items]
        return self.of_mask(_study_of(group), _frame_of_reference(group), referred)

    def of_mask(self, study: str, frame_of_reference: str, series: Sequence[str]) -> str:
        """Key of a mask.

        Its own, where that is an image's, else that of the series that it refers to, or of the only
        one in its study.

        Args:
            study: As of `_study_of`.
            frame_of_reference: UID, or "".
            series: UIDs of the series that it refers to.
        """
        key, of_study = f"{study}|{frame_of_reference}", self._of_study.get(study, set())
        if key in of_study:
            return key
        referred = [self._of_series.get(uid) for uid in series]
        alone = of_study if len(of_study) == 1 else ()
        return next(filter(None, (*referred, *alone)), key)


def _is_mask_group(group: Sequence[DicomFile]) -> bool:
    return group[0].is_segmentation or says_mask(group[0].header)


def _own_key(group: Sequence[DicomFile]) -> str:
    return f"{_study_of(group)}|{_frame_of_reference(group)}"


def _frame_of_reference(group: Sequence[DicomFile]) -> str:
    uids = {_text(one.header, "FrameOfReferenceUID") for one in group}
    return uids.pop() if len(uids) == 1 else ""


def _text(header: Dataset, keyword: str) -> str:
    return " ".join(str(header.get(keyword, "") or "").split())


def _study_of(group: Sequence[DicomFile]) -> str:
    """Study UID of a group of files; their folder where they have none or one each."""
    uids = {_text(one.header, "StudyInstanceUID") for one in group}
    return (uids.pop() if len(uids) == 1 else "") or group[0].file.folder


def _group_by_uid(files: Sequence[DicomFile]) -> list[list[DicomFile]]:
    """Files by study and series; those without a series UID by all else that names a series.

    A segmentation is alone: its segments are its own.
    """
    groups: dict[tuple[Hashable, ...], list[DicomFile]] = defaultdict(list)
    loose: dict[tuple[Hashable, ...], list[DicomFile]] = defaultdict(list)
    for one in files:
        study = _text(one.header, "StudyInstanceUID")
        series = _text(one.header, "SeriesInstanceUID")
        if one.is_segmentation:
            groups[(str(one.file.path),)].append(one)
        elif series:
            groups[(study or one.file.folder, series)].append(one)
        else:
            loose[(study, *_identity(one))].append(one)
    for key, members in loose.items():
        in_folders = {one.file.folder for one in members}
        apart = len(in_folders) == len(members)  # each slice in a folder of its own
        for one in members:
            groups[(*key, "" if apart else one.file.folder)].append(one)
    return list(groups.values())


def _identity(one: DicomFile) -> tuple[Hashable, ...]:
    """What names the series of a file beside UIDs."""
    keywords = ("PatientID", "PatientName", "StudyDate", "Modality", "SeriesNumber")
    texts = (*keywords, "SeriesDescription", "ProtocolName", "SOPClassUID")
    return tuple(_text(one.header, keyword) for keyword in texts)


def _join_lone_slices(groups: Sequence[list[DicomFile]]) -> list[list[DicomFile]]:
    """Join groups of one place each that are slices of one stack: their UIDs are one per slice."""
    lone: dict[tuple[Hashable, ...], list[list[DicomFile]]] = defaultdict(list)
    result = []
    for group in groups:
        frames = [frame for one in group for frame in one.frames]
        first = frames[0]
        places = set(place_numbers(frames))
        is_one_place = len(group) == 1 or (len(places) == 1 and None not in places)
        is_alone = len(frames) > len(group) or group[0].is_segmentation
        if is_alone or not is_one_place:
            result.append(group)
            continue
        turned = tuple(round(part, 2) for part in first.orientation or ())
        key = (group[0].file.folder, first.shape, turned, first.pixel_spacing)
        lone[(*key, first.position is None, *_identity(group[0]))].append(group)
    for members in lone.values():
        if _is_stack(members):
            result.append([one for group in members for one in group])
        else:
            result += members
    return result


def _is_stack(groups: Sequence[Sequence[DicomFile]]) -> bool:
    """Whether groups of one place each lie at different ones, evenly where nothing names them."""
    if len(groups) < 2:
        return False
    studies = {_text(group[0].header, "StudyInstanceUID") for group in groups}
    if len(studies) not in {1, len(groups)}:
        return False
    frames = [group[0].frames[0] for group in groups]
    places = place_numbers(frames)
    header = groups[0][0].header
    number, description = _text(header, "SeriesNumber"), _text(header, "SeriesDescription")
    if None in places:
        return bool(number and description)
    if number or description:
        return len(set(places)) > 1
    if len(set(places)) < len(places):
        return False
    at = np.array(sorted(frame.position or (0.0, 0.0, 0.0) for frame in frames))
    steps = np.linalg.norm(np.diff(at, axis=0), axis=1)
    return len(groups) > 2 and float(np.ptp(steps)) <= _EVEN * float(np.median(steps))


def _without_false_positions(group: Sequence[DicomFile]) -> list[DicomFile]:
    """Files whose one position for all slices says nothing, without it.

    Some programs write zeros, or the first slice's position, to all files.
    """
    frames = [frame for one in group for frame in one.frames]
    positions = {frame.position for frame in frames}
    locations = {frame.slice_location for frame in frames} - {None}
    if len(frames) < 2 or len(positions) > 1 or None in positions:
        return list(group)
    if len(locations) < 2 and any(x for at in positions for x in at or ()):
        return list(group)
    return [
        replace(one, frames=tuple(replace(frame, position=None) for frame in one.frames))
        for one in group
    ]


#: What files of one series share, whatever their UIDs say.
_SERIES_TEXTS = (
    "Modality",
    "SOPClassUID",
    "SeriesNumber",
    "SeriesDescription",
    "ProtocolName",
    "ScanningSequence",
)


def _divide_sequences(group: Sequence[DicomFile]) -> list[list[DicomFile]]:
    """Divide files that share a series UID by accident: by what they say, then by their timing."""
    if len(group) == 1:
        return [list(group)]
    of_path = {one.file.path: one for one in group}

    def text_of(frame: Frame, keyword: str) -> str | None:
        return _text(of_path[frame.file.path].header, keyword).lower() or None

    frames = [frame for one in group for frame in one.frames]
    parts = [frames]
    properties: list[Callable[[Frame], Hashable | None]] = [
        partial(text_of, keyword=keyword) for keyword in _SERIES_TEXTS
    ]
    properties.append(lambda frame: frame.kind.timing.repetition)
    if _is_doubled(frames) and not any(_says_something(one) for one in group):
        properties.append(lambda frame: frame.file.folder)
    for value_of in properties:
        parts = [part for whole in parts for part in divide(whole, value_of)]
    return [[of_path[path] for path in dict.fromkeys(f.file.path for f in part)] for part in parts]


def _says_something(one: DicomFile) -> bool:
    texts = any(_text(one.header, word) for word in _TEXTS)
    return texts or one.frames[0].kind.timing != Timing()


def _is_doubled(frames: Sequence[Frame]) -> bool:
    places = [place for place in place_numbers(frames) if place is not None]
    return len(set(places)) < len(places)


def _has_original(groups: Iterable[Sequence[DicomFile]]) -> bool:
    """Whether a study holds slices that were acquired, not computed or captured."""
    return any(
        derived_kind(one.header, frame) is None
        and not is_reformat(frame)
        and not is_secondary_capture(one.header)
        and not one.is_segmentation
        for group in groups
        for one in group
        for frame in one.frames[:1]
    )


def _drop_copies(
    files: Sequence[DicomFile], content_of: Callable[[DicomFile], bytes]
) -> list[DicomFile]:
    """Leave out files of equal content that name one object, whatever else their headers say.

    An equal SOPInstanceUID alone proves nothing: some exports give one to a whole series.
    """
    kept: set[DicomFile] = set()
    for copies in _by_object(files):
        contents: dict[bytes, DicomFile] = {}
        for one in copies:
            content = content_of(one) if len(copies) > 1 else b""
            contents.setdefault(hashlib.sha256(content).digest(), one)
        kept.update(contents.values())
    return [one for one in files if one in kept]


def _by_object(files: Sequence[DicomFile]) -> list[list[DicomFile]]:
    objects: dict[str, list[DicomFile]] = defaultdict(list)
    for one in files:
        uid = str(one.header.get("SOPInstanceUID", "") or "")
        objects[uid or str(one.file.path)].append(one)
    return list(objects.values())


def _content(one: DicomFile, pixels: NDArray[np.generic]) -> bytes:
    """What differs between slices: places, or numbers where those are missing, kind, and pixels."""
    places = [(frame.position or frame.instance, frame.kind, frame.moment) for frame in one.frames]
    return repr((places, pixels.shape, pixels.dtype.str)).encode() + pixels.tobytes()


class _Pixels:
    """Decoded pixels of the files of one series, and what could not be decoded."""

    def __init__(self) -> None:
        self.values: dict[Path, NDArray[np.generic]] = {}
        self.errors: list[InputError] = []
        self._failed: set[Path] = set()

    def read(self, one: DicomFile) -> bool:
        """Decode a file unless that was done; whether its pixels are there."""
        path = one.file.path
        if path not in self.values and path not in self._failed:
            try:
                with one.file.watched():
                    self.values[path] = read_dicom_pixels(one)
            except InputError as error:
                self._failed.add(path)
                self.errors.append(error)
        return path in self.values


def _read_series(series: DicomSeries) -> tuple[list[PendingCase], list[InputError]]:
    pixels, errors = _Pixels(), list[InputError]()
    files, left_out = _leave_out_derived(series, series.files)
    errors += left_out
    shared = [one for copies in _by_object(files) if len(copies) > 1 for one in copies]
    broken = {one for one in shared if not pixels.read(one)}
    files = [one for one in files if one not in broken]
    files = _drop_copies(files, lambda one: _content(one, pixels.values[one.file.path]))
    segments = choose_segments(files[0].file, files[0].header) if files else None
    groups, oddities = _groups_of(series, files, segments)
    errors += oddities
    of_path = {one.file.path: one for one in files}
    pending: list[PendingCase] = []
    for group in groups:
        chosen = dict.fromkeys(frame.file.path for frame in group.frames)
        readable = {path for path in chosen if pixels.read(of_path[path])}
        frames = tuple(frame for frame in group.frames if frame.file.path in readable)
        if frames:
            whole = replace(group, frames=frames)
            pending.append(_stack_case(series, whole, of_path, pixels.values, segments))
    return pending, [*pixels.errors, *errors]


def _groups_of(
    series: DicomSeries, files: Sequence[DicomFile], segments: Segments | None
) -> tuple[list[FrameGroup], list[InputError]]:
    """Frames of each volume that is shown, and sentences on odd slices."""
    frames = forget_blank_positions([frame for one in files for frame in one.frames])
    if segments is not None:
        frames = [frame for frame in frames if segments.has_frame(frame.kind.segment)]
    is_mask = segments is not None or _is_mask(series)
    groups: list[FrameGroup] = []
    errors: list[InputError] = []
    if not frames:
        return [], []
    stacks = [tuple(frames)] if is_mask else divide_stacks(frames)
    for stack in stacks:
        try:
            odd, oddities = leave_out_odd(series.title, stack)
        except InputError as error:
            errors.append(error)
            continue
        errors += oddities
        kept = tuple(frame for frame in stack if frame not in odd)
        groups += [FrameGroup(kept)] if is_mask else group_frames(kept)
    if len(stacks) > 1:
        note = stacks_note(len(stacks))
        groups = [replace(group, notes=(note, *group.notes)) for group in groups]
    if len({group.label for group in groups}) < len(groups):
        groups = [
            replace(group, label=f"part {number} {group.label}".strip())
            for number, group in enumerate(groups, start=1)
        ]
    return groups, errors


def _leave_out_derived(
    series: DicomSeries, files: Sequence[DicomFile]
) -> tuple[list[DicomFile], list[InputError]]:
    """Files whose pictures were not computed or captured from others, and sentences on these."""
    kept: list[DicomFile] = []
    kinds: dict[str, list[DicomFile]] = defaultdict(list)
    for one in files:
        kind = None if one.is_segmentation else derived_kind(one.header, one.frames[0])
        if kind is None and series.has_original and not one.is_segmentation:
            if is_reformat(one.frames[0]):
                kind = REFORMAT
            elif is_secondary_capture(one.header) and one.frames[0].position is None:
                kind = SECONDARY_CAPTURE
        if kind is None:
            kept.append(one)
        else:
            kinds[kind].append(one)
    return kept, [
        left_out_error(members[0].file, series.title, kind, n=len(members), total=len(files))
        for kind, members in kinds.items()
    ]


def _stack_case(
    series: DicomSeries,
    group: FrameGroup,
    files: dict[Path, DicomFile],
    pixels: dict[Path, NDArray[np.generic]],
    segments: Segments | None,
) -> PendingCase:
    """The case of one group of frames."""
    is_mask = segments is not None or _is_mask(series)
    stack = stack_frames(group.frames, is_mask=is_mask)
    header = files[stack.frames[0].file.path].header
    volume = _stack_pixels(stack, pixels, is_mask=is_mask)
    if segments is not None:
        volume = mask_of_segments(volume, segments)
    return _build_case(series, header, stack, volume, group=group, segments=segments)


def _build_case(
    series: DicomSeries,
    header: FileDataset,
    stack: FrameStack,
    volume: NDArray[np.generic],
    *,
    group: FrameGroup,
    segments: Segments | None,
) -> PendingCase:
    sources = [frame.file.source for frame in stack.frames]
    if stack.layout is not None:
        volume = to_case_volume(np.transpose(volume, (2, 1, 0)), stack.layout)
        if 0 in stack.layout.flips:
            sources.reverse()
    is_mask = segments is not None or _is_mask(series)
    pixels = volume[..., None]
    background_notes: tuple[str, ...] = ()
    if not is_mask:
        pixels, background_notes = darken_background(pixels)
    sequence = _sequence_of(header, stack.frames, is_diffusion=group.is_diffusion)
    reformat = (REFORMAT_WARNING,) if is_reformat(stack.frames[0]) else ()
    cautions = (
        *_modality_cautions(header, sequence),
        *cautions_of(ReadingAspect.ACQUISITION, reformat),
        *cautions_of(ReadingAspect.SELECTION, group.notes),
        *cautions_of(ReadingAspect.VALUES, pixel_warnings(header)),
        *stack.cautions,
        *cautions_of(InputAspect.ORIENTATION, plane_warnings(stack.plane), severity=Severity.UNFIT),
        *cautions_of(ReadingAspect.VALUES, background_notes),
    )
    n = len(sources)
    case = Case(
        case_id="case",
        kind=SourceKind.SERIES,
        pixels=pixels,
        sequences=(sequence,),
        indices=tuple(range(1, n + 1)),
        sources=tuple(sources),
        spacing_mm=stack.spacing_mm,
        orientation=None if stack.plane is None else ORIENTATIONS[stack.plane],
        positions_mm=stack.positions_mm,
        grid=stack.grid,
        labels=_labels_of(header),
        patient=_patient_of([one.header for one in series.files]),
        cautions=() if is_mask else cautions,
        window=_common_window(stack.frames, header),
        dicom=None if is_mask else find_source(series.files, stack),
    )
    names, study_names = _names_of(series, header, group.label)
    return PendingCase(
        case=case,
        names=names,
        study_names=study_names,
        is_mask=is_mask,
        mask_notes=() if segments is None else segments.notes,
    )


def _sequence_of(header: Dataset, frames: Sequence[Frame], *, is_diffusion: bool) -> SequenceName:
    """Sequence of one stack, by its own headers."""
    kinds = Counter(frame.kind for frame in frames)
    kind = kinds.most_common(1)[0][0]
    in_types = " ".join(kind.image_type)
    if (
        is_diffusion
        or (kind.b_value or 0) > 0
        or kind.component in {"P", "R", "I"}
        or sequence_of_words(split_words(in_types)) is SequenceName.OTHER
    ):
        return SequenceName.OTHER
    texts = [_text(header, keyword) for keyword in _TEXTS]
    return sequence_of_series(texts, kind.timing, with_contrast=kind.with_contrast)


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
    """Whether the series is a segmentation, or says of itself that it is a mask."""
    return series.files[0].is_segmentation or says_mask(series.header)


def says_mask(header: Dataset) -> bool:
    """Whether a header says that the picture is a mask."""
    words = {word.text for word in split_words(_text(header, "SeriesDescription"))}
    types = header.get("ImageType", None) or ()
    kinds = {str(kind).lower() for kind in ((types,) if isinstance(types, str) else types)}
    return bool(_MASK_WORDS & (words | kinds))


def _modality_cautions(header: FileDataset, sequence: SequenceName) -> tuple[Caution, ...]:
    modality = str(header.get("Modality", "") or "")
    if modality in {"", "MR", "OT", "SC", "SEG"}:
        return sequence_cautions((sequence,))
    return (Caution(modality_warning(modality), InputAspect.SEQUENCE, Severity.UNFIT),)


def modality_warning(modality: str) -> str:
    """The caution for images of another modality than MR."""
    return (
        f"Not MRI ({modality}): the models were trained on FLAIR MRI. Do not rely on this result."
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


def _patient_of(headers: Sequence[Dataset]) -> PatientIdentity:
    """Who the patient is; what the files of a series state differently is not known."""

    def stated(keyword: str) -> str:
        found = {_text(header, keyword) for header in headers} - {""}
        return found.pop()[:_LONGEST_NAME] if len(found) == 1 else ""

    born = stated("PatientBirthDate")
    try:
        birth_date = datetime.strptime(born, "%Y%m%d").date().isoformat() if born else ""
    except ValueError:
        birth_date = ""
    sex = stated("PatientSex").upper()
    return PatientIdentity(
        patient_id=stated("PatientID"),
        issuer=stated("IssuerOfPatientID"),
        name=stated("PatientName"),
        sex=sex if sex in {"M", "F", "O"} else "",
        birth_date=birth_date,
    )


def _names_of(
    series: DicomSeries, header: Dataset, label: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names for the series alone, and for the study that it may become part of."""
    first = series.files[0].file
    patient = str(header.get("PatientID", "") or header.get("PatientName", "") or "")
    patient = patient or first.folder_name or first.stem
    date = str(header.get("StudyDate", "") or "")
    description = str(header.get("SeriesDescription", "") or "")
    number = str(header.get("SeriesNumber", "") or "")
    suffix = "".join(f"_{word}" for word in label.split())
    alone = f"{patient}_{description or number}".rstrip("_") + suffix
    return (
        (alone, f"{alone}_{date}" if date else alone, f"{alone}_{date}_{number}"),
        (patient, f"{patient}_{date}" if date else patient),
    )
