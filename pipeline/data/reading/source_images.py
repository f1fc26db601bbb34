"""From the frames of a stack to the images that objects derived from it refer to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import cast

import numpy as np
from pydicom.dataset import Dataset

from pipeline.data.dicom_source import DicomSource, Point, SourceImage
from pipeline.data.reading.dicom_files import DicomFile, Frame
from pipeline.data.reading.dicom_stack import FrameStack

_UID = re.compile(r"[0-9]+(\.[0-9]+)+")
#: A position that is further from where its slice is shown is not the slice's.
_SAME_PLACE_MM = 0.2
#: What an element of the study may hold, by the standard.
_LONGEST = {"StudyTime": 16, "StudyID": 16, "AccessionNumber": 16, "ReferringPhysicianName": 400}


def find_source(files: Sequence[DicomFile], stack: FrameStack) -> DicomSource | None:
    """The images that the slices of a stack are.

    Args:
        files: Of its series.
        stack: The stack.

    Returns:
        None where they are no images of their own, as the tiles of a mosaic, or where the files do
        not state UIDs, places and sizes that a derived object could repeat.
    """
    headers = {one.file.path: one.header for one in files}
    first, layout = stack.frames[0], stack.layout
    if layout is None or stack.spacing_mm is None or any(one.mosaic for one in files):
        return None
    uids = [
        _common(headers.values(), keyword)
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")
    ]
    images = [_image_of(headers[frame.file.path], frame) for frame in stack.frames]
    named = [image for image in images if image is not None]
    if len({(one.sop_instance, one.frame) for one in named}) < len(images):
        return None
    if not all(map(_is_uid, uids)) or first.orientation is None or first.pixel_spacing is None:
        return None
    if not _are_in_place(stack):
        return None
    if 0 in layout.flips:
        named.reverse()

    def text(keyword: str) -> str:
        return _common(headers.values(), keyword)[: _LONGEST.get(keyword)]

    return DicomSource(
        study_uid=uids[0],
        series_uid=uids[1],
        frame_of_reference=uids[2],
        study_date=text("StudyDate"),
        study_time=text("StudyTime"),
        study_id=text("StudyID"),
        accession_number=text("AccessionNumber"),
        referring_physician=text("ReferringPhysicianName"),
        orientation=cast(tuple[float, float, float, float, float, float], first.orientation),
        pixel_spacing=(first.pixel_spacing[0], first.pixel_spacing[1]),
        thickness=first.thickness,
        size=first.shape,
        axes=layout.axes,
        flips=layout.flips,
        images=tuple(named),
    )


def _common(headers: Iterable[Dataset], keyword: str) -> str:
    """What all headers state alike, or ""."""
    found = {str(header.get(keyword, "") or "").strip() for header in headers}
    return found.pop() if len(found) == 1 else ""


def _is_uid(text: str) -> bool:
    return len(text) <= 64 and _UID.fullmatch(text) is not None


def _image_of(header: Dataset, frame: Frame) -> SourceImage | None:
    sop_class = str(header.get("SOPClassUID", "") or "")
    sop_instance = str(header.get("SOPInstanceUID", "") or "")
    if frame.position is None or not (_is_uid(sop_class) and _is_uid(sop_instance)):
        return None
    number = frame.number + 1 if int(header.get("NumberOfFrames", 1) or 1) > 1 else None
    return SourceImage(sop_class, sop_instance, number, cast(Point, frame.position))


def _are_in_place(stack: FrameStack) -> bool:
    """Whether each frame's own position is where its slice is shown."""
    if stack.grid is None:
        return True
    affine = stack.grid.affine
    slots = np.arange(len(stack.frames)) if stack.grid.slots is None else np.array(stack.grid.slots)
    shown = affine[:3, 3] + slots[:, None] * affine[:3, 2]
    stated = np.array([frame.position for frame in stack.frames], float) * (-1.0, -1.0, 1.0)
    return bool(np.abs(shown - stated).max() <= _SAME_PLACE_MM)
