"""DICOM, with and without its preamble: single files, multi-frame objects and series."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipeline.data.reading.format_kinds import InputFile, SeriesFormat

if TYPE_CHECKING:
    from pipeline.data.reading.dicom_files import DicomFile
    from pipeline.data.reading.dicom_series import DicomSeries
    from pipeline.data.reading.dicom_structures import StructureSeries, StructureSet

_VRS = (
    "AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN UR"
    " US UT UV"
).split()


def _is_dicom(head: bytes) -> bool:
    return head[128:132] == b"DICM" or _is_bare_dicom(head)


def _is_bare_dicom(head: bytes) -> bool:
    """DICOM without preamble: starts with an element of group 2 or 8 of a plausible type."""
    if len(head) < 8:
        return False
    for order in "<>":
        group, element = struct.unpack(order + "HH", head[:4])
        if group not in (2, 8) or element > 0x0100:
            continue
        if head[4:6].decode("latin-1") in _VRS:
            return True
        if order == "<" and struct.unpack("<I", head[4:8])[0] <= 256:
            return True
    return False


def _read_headers(file: InputFile) -> DicomFile | StructureSet:
    from pipeline.data.reading.dicom_files import read_dicom_headers
    from pipeline.data.reading.dicom_structures import is_structure_set, read_structure_set

    structures = read_structure_set(file) if is_structure_set(file) else None
    return structures or read_dicom_headers(file)


def _group(files: Sequence[DicomFile | StructureSet]) -> list[DicomSeries | StructureSeries]:
    from pipeline.data.reading.dicom_series import group_dicom

    return group_dicom(files)


DICOM = SeriesFormat(
    name="DICOM",
    suffixes=(".dcm",),
    matches=_is_dicom,
    read_headers=_read_headers,
    group=_group,
)
