"""Which files must be read together, told from names and headers before any pixel is decoded.

A parcel holds files whose cases depend on no file outside of it, so that parcels can be decoded one
after the other, and let go, with the same cases as if all had been decoded at once. Where it is not
sure that two files have nothing to do with each other, they are in one parcel.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipeline.data.collecting import InputFile
from pipeline.data.dicom_files import DicomFile
from pipeline.data.dicom_series import DicomSeries, group_dicom, study_of
from pipeline.data.formats import IMAGE_FORMATS, NIFTI_FORMATS
from pipeline.data.names import NameParts, parse_name
from pipeline.data.nifti import count_slices

#: Pages of one file that differ in size become images named after it.
_PAGE = re.compile(r"-page\d+$")


@dataclass(frozen=True)
class ImageParcel:
    """Images and masks of one folder whose names may belong together.

    Attributes:
        folder: Number of the folder among those that hold images.
        files: Number in the folder, file, and what its name tells.
    """

    folder: int
    files: tuple[tuple[int, InputFile, NameParts], ...]

    @property
    def n_slices(self) -> int:
        """Slices as far as the names tell: sequences of one slice count once."""
        return len({parts.base for _, _, parts in self.files if not parts.is_mask})


@dataclass(frozen=True, eq=False)
class DicomParcel:
    """Series of one study, each with its number among all series."""

    series: tuple[tuple[int, DicomSeries], ...]

    @property
    def n_slices(self) -> int:
        """Slices as far as the headers tell: sequences of one study count once each."""
        return sum(len(one.frames) for _, series in self.series for one in series.files)


@dataclass(frozen=True)
class NiftiParcel:
    """Volumes whose names may be sequences and mask of one study, each with its number."""

    files: tuple[tuple[int, InputFile], ...]

    @property
    def n_slices(self) -> int:
        """Slices as far as the first header tells."""
        return count_slices(self.files[0][1])


Parcel = ImageParcel | DicomParcel | NiftiParcel


def make_parcels(files: Sequence[InputFile], headers: Sequence[DicomFile]) -> list[Parcel]:
    """Divide what was collected: images folder by folder, then DICOM, then NIfTI.

    Args:
        files: All files, in the order in which they were given.
        headers: Of those DICOM files whose headers could be read.
    """
    return [*_image_parcels(files), *_dicom_parcels(headers), *_nifti_parcels(files)]


def _image_parcels(files: Iterable[InputFile]) -> list[ImageParcel]:
    folders: dict[str, list[InputFile]] = defaultdict(list)
    for file in files:
        if file.format in IMAGE_FORMATS:
            folders[file.folder].append(file)
    parcels = []
    for folder, members in enumerate(folders.values()):
        named = [(k, file, parse_name(file.name)) for k, file in enumerate(members)]
        joined = _join([_links(parts) for _, _, parts in named])
        parcels += [ImageParcel(folder, tuple(named[k] for k in group)) for group in joined]
    return parcels


def _links(parts: NameParts) -> set[str]:
    """Names that this file may share with another one of its series, its study, or its mask."""
    names = {parts.stem, parts.study}
    if parts.sequence is None and parts.number is not None:
        names.add(parts.prefix)
    return names | {_PAGE.sub("", name) for name in names}


def _join(links: Sequence[set[str]]) -> list[list[int]]:
    """Groups of positions that share a name, directly or through others, in their first's order."""
    group_of: dict[str, list[int]] = {}
    for k, names in enumerate(links):
        found = {id(group_of[name]): group_of[name] for name in names if name in group_of}
        groups = sorted(found.values(), key=len, reverse=True) or [[]]
        whole = groups[0]
        whole.append(k)
        for smaller in groups[1:]:
            whole += smaller
        moved = {name for member in (m for g in groups[1:] for m in g) for name in links[member]}
        for name in names | moved:
            group_of[name] = whole
    unique = {id(group): sorted(group) for group in group_of.values()}
    return sorted(unique.values())


def _dicom_parcels(headers: Sequence[DicomFile]) -> list[DicomParcel]:
    studies: dict[str, list[tuple[int, DicomSeries]]] = defaultdict(list)
    for number, series in enumerate(group_dicom(headers)):
        studies[study_of(series)].append((number, series))
    return [DicomParcel(tuple(study)) for study in studies.values()]


def _nifti_parcels(files: Iterable[InputFile]) -> list[NiftiParcel]:
    studies: dict[tuple[str, str], list[tuple[int, InputFile]]] = defaultdict(list)
    for number, file in enumerate(file for file in files if file.format in NIFTI_FORMATS):
        studies[(file.folder, parse_name(file.name).base)].append((number, file))
    return [NiftiParcel(tuple(study)) for study in studies.values()]
