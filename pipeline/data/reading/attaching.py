"""A reference that a reader attaches to a study: from files to a mask on the case's slices.

Children do this; everything outside of this package calls `pipeline.data.reading.isolated`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.data.case import Case
from pipeline.data.reading.collecting import collect_files
from pipeline.data.reading.combining import (
    joined_warning,
    place_mask,
    resampled_warning,
    short_names,
)
from pipeline.data.reading.contours import place_contours
from pipeline.data.reading.format_kinds import (
    DecodedImage,
    ImageFormat,
    InputFile,
    MaskFormat,
    SeriesFormat,
    Stage,
    VolumeFormat,
    files_of,
)
from pipeline.data.reading.image_cases import fit_page, mask_pages, rescaled_warning, size_words
from pipeline.data.reading.loaded import AttachedReference
from pipeline.data.reading.mask_values import covering_warning, covers_head, outlined
from pipeline.data.reading.mask_words import core_of
from pipeline.data.reading.pending_cases import PendingCase
from pipeline.data.reading.reading import quiet_libraries
from pipeline.data.reading.references import slices_of_names
from pipeline.data.reading.volumes import read_volume
from pipeline.errors import InputError


def read_reference(case: Case, paths: Sequence[Path]) -> AttachedReference:
    """Read a reference mask for a case.

    Volumes and DICOM series go by their place in space, resampled where they lie on another grid;
    one that does not say how it lies is taken slice by slice. Pictures and run lengths go by their
    names, else by their order, one for each slice.

    Args:
        case: The case.
        paths: Files, folders and archives.

    Raises:
        InputError: They hold no mask that fits the case, with the reason.
    """
    with quiet_libraries(), tempfile.TemporaryDirectory(prefix="overread-") as folder:
        collection = collect_files([Path(path) for path in paths], Path(folder), masks=True)
        if not collection.files:
            raise _first(collection.errors) or InputError("", "There is no mask in these files.")
        found = [_place(volume, case) for volume in _read_volumes(collection.files)]
        for file in files_of(collection.files, MaskFormat):
            with file.watched():
                found.append((file.source, *file.format.read(file, case)))
        pictures = files_of(collection.files, ImageFormat)
        if pictures:
            found.append(_place_pictures(pictures, case))
    if not found:
        raise InputError("", "There is no mask in these files.")
    names = [name for name, _, _ in found]
    masks = np.logical_or.reduce([mask for _, mask, _ in found])
    if covers_head(masks, case.pixels):
        raise InputError(names[0], covering_warning(_own_name(names[0])))
    warnings = [warning for _, _, warned in found for warning in warned]
    if len(found) > 1:
        warnings.append(joined_warning(short_names(names)))
    return AttachedReference(masks, tuple(names), tuple(dict.fromkeys(warnings)))


def by_order_warning(name: str) -> str:
    """The sentence on a mask that states no position."""
    return f"{name} states no position; it is used slice by slice."


def _first(errors: Sequence[InputError]) -> InputError | None:
    return next(iter(errors), None)


def _own_name(source: str) -> str:
    return source.rsplit("/", 1)[-1]


def _read_volumes(files: Sequence[InputFile]) -> list[PendingCase]:
    """Masks of all files but pictures."""
    read: list[PendingCase] = []
    for volume in files_of(files, VolumeFormat):
        with volume.watched():
            read.append(read_volume(volume, as_mask=True))
    of_series = files_of(files, SeriesFormat)
    for form in dict.fromkeys(file.format for file in of_series):
        headers = []
        for file in of_series:
            if file.format is form:
                with file.watched(Stage.HEADERS):
                    headers.append(form.read_headers(file))
        for series in form.group(headers):
            pending, errors = series.read(lambda _: None)
            if not pending and errors:
                raise errors[0]
            read += pending
    return read


def _place(mask: PendingCase, case: Case) -> tuple[str, NDArray[np.bool_], tuple[str, ...]]:
    source = mask.case.sources[0]
    name = _own_name(source)
    if mask.contours is not None:
        placed, notes = place_contours(mask.contours, case)
        return source, placed, (*mask.mask_notes, *notes)
    (values,), warnings = outlined([mask.case.pixels.max(axis=-1)])
    found = place_mask(mask.case, values, case)
    if found is None:
        found = place_mask(mask.case, values, case, resample=True)
        if found is not None:
            warnings = (*warnings, resampled_warning(name))
    says_where = mask.case.orientation is not None and case.orientation is not None
    if found is None and not says_where and values.shape == case.pixels.shape[:3]:
        found, warnings = values, (*warnings, by_order_warning(name))
    if found is None:
        of_mask, of_case = (_volume_words(p.shape) for p in (values, case.pixels))
        raise InputError(
            source,
            f"{name} ({of_mask}) does not lie on the images of this study ({of_case}). Save it on"
            " the grid of the images.",
        )
    return source, found, (*mask.mask_notes, *warnings)


def _volume_words(shape: Sequence[int]) -> str:
    slices = "1 slice" if shape[0] == 1 else f"{shape[0]:,} slices"
    return f"{slices} of {size_words(shape[1:3])}"


def _place_pictures(
    files: Sequence[InputFile[ImageFormat]], case: Case
) -> tuple[str, NDArray[np.bool_], tuple[str, ...]]:
    """The pictures' masks on the slices that their names lead to, else in their order."""
    first = files[0]
    ordered = sorted(files, key=lambda file: (core_of(file.stem)[1] or 0, file.source))
    decoded: list[tuple[InputFile[ImageFormat], DecodedImage]] = []
    for file in ordered:
        with file.watched():
            decoded.append((file, file.format.decode(file.path, file.source)))
    lossy = any(image.lossy for _, image in decoded)
    pages = [(file, page) for file, image in decoded for page in mask_pages(image)]
    n = case.n_slices
    numbers = _slices_of_names([file for file, _ in decoded], case)
    if numbers is None or len(pages) != len(decoded):
        numbers = list(range(len(pages)))
    if len(set(numbers)) != n:
        slices = "1 slice" if n == 1 else f"{n:,} slices"
        masks = "1 mask" if len(pages) == 1 else f"{len(pages):,} masks"
        raise InputError(
            first.source, f"The reference has {masks}, but the study has {slices}. Provide one for"
            " each slice, in one file or with the slices' numbers in the names.",
        )  # fmt: skip
    fitted: list[NDArray[np.generic]] = []
    warnings: tuple[str, ...] = ()
    for file, page in pages:
        at_size = fit_page(page, case.pixels.shape[1:3])
        if at_size is None:
            raise InputError(
                file.source,
                f"{file.name} is {size_words(page.shape)}, the images of this study are"
                f" {size_words(case.pixels.shape[1:3])}.",
            )
        if at_size.shape != page.shape:
            warnings = (rescaled_warning(size_words(page.shape), size_words(at_size.shape)),)
        fitted.append(at_size)
    values, noted = outlined(fitted, lossy=lossy)
    masks_of_case = np.zeros(case.pixels.shape[:3], bool)
    for number, mask in zip(numbers, values, strict=True):
        masks_of_case[number] |= mask
    return first.source, masks_of_case, (*noted, *warnings)


def _slices_of_names(files: Sequence[InputFile], case: Case) -> list[int] | None:
    """Slice of each mask by its file's name, or None where one leads to none."""
    found = slices_of_names([file.stem for file in files], case)
    return None if None in found else [k for k in found if k is not None]
