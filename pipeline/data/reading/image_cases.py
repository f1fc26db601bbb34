"""From the images of one folder to cases: channels, masks, numbers, warnings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pipeline.data.case import (
    RADIOLOGICAL_AXIAL,
    Case,
    SequenceName,
    SourceKind,
    StudyLabels,
)
from pipeline.data.reading.grouping import ImageItem, ImageSeries, group_series, group_studies
from pipeline.data.reading.images import mask_of_image
from pipeline.data.reading.names import NameParts, lgg_labels, parse_name
from pipeline.data.reading.pending_cases import PendingCase
from pipeline.data.sequences import COLOUR_SEQUENCES, sequence_warnings
from pipeline.errors import InputError

_COLOUR_WARNING = (
    "The colour channels are taken to be T1 without contrast, FLAIR and T1 with contrast, as in the"
    " public LGG set; the image does not say so. Read the result with care."
)
_LGG_GREY_WARNING = (
    "The grey image is taken to be FLAIR because of its name. Read the result with care."
)


def build_image_cases(
    items: Sequence[ImageItem], masks: Sequence[ImageItem], failed: Sequence[NameParts]
) -> tuple[list[PendingCase], list[InputError]]:
    """Build the cases of one folder's images.

    Args:
        items: Its images.
        masks: Its reference masks, by name.
        failed: Names of its images and masks that could not be read.

    Returns:
        The cases, and one error per mask without its image or of another size.
    """
    studies = group_studies(group_series(_split_uneven_pages(items)))
    pending = [_build_case(study) for study in studies]
    matcher = _MaskMatcher(studies, failed)
    errors: list[InputError] = []
    for mask in masks:
        errors.extend(matcher.add(mask))
    for parts in failed:
        if parts.is_mask:
            matcher.spoil(parts)
    return [replace(one, case=matcher.attach(i, one.case)) for i, one in enumerate(pending)], errors


def _split_uneven_pages(items: Sequence[ImageItem]) -> list[ImageItem]:
    """Pages of different sizes are images of their own."""
    result = []
    for item in items:
        pages = item.image.pages
        if len({(page.shape, page.dtype) for page in pages}) == 1:
            result.append(item)
            continue
        for k, page in enumerate(pages, start=1):
            parts = replace(parse_name(f"{item.parts.stem}-page{k}"), number=None)
            result.append(replace(item, parts=parts, image=replace(item.image, pages=(page,))))
    return result


def _build_case(study: tuple[ImageSeries, ...]) -> PendingCase:
    lead = study[0] if len(study) == 1 else _flair_of(study)
    channels = [_pixels_of(series) for series in study]
    dtype = np.result_type(*channels)
    pixels = np.concatenate([c.astype(dtype, copy=False) for c in channels], axis=-1)
    sequences, warnings = _sequences_of(study, pixels.shape[-1])
    first = lead.items[0]
    patient, date = lgg_labels(first.parts.prefix) if first.parts.is_lgg else ("", "")
    n = pixels.shape[0]
    case = Case(
        case_id="case",
        kind=SourceKind.IMAGES,
        pixels=pixels,
        sequences=sequences,
        indices=_indices_of(lead, n),
        sources=tuple(
            item.file.source for item in lead.items for _ in range(len(item.image.pages))
        ),
        orientation=RADIOLOGICAL_AXIAL if first.parts.is_lgg else None,
        labels=StudyLabels(patient=patient, study_date=date),
        warnings=warnings,
    )
    return PendingCase(case=case, names=_names_of(study, lead), study=study[0].study)


def _flair_of(study: tuple[ImageSeries, ...]) -> ImageSeries:
    return next((s for s in study if s.sequence is SequenceName.FLAIR), study[0])


def _pixels_of(series: ImageSeries) -> NDArray[np.generic]:
    """Pixels ``(n, h, w, c)``: one channel where all slices are grey, else three."""
    pages = [page for item in series.items for page in item.image.pages]
    if all(item.grey for item in series.items):
        return np.stack([page[..., :1] for page in pages])
    if series.sequence is not None:
        return np.stack([np.rint(page.mean(axis=-1, keepdims=True)) for page in pages]).astype(
            pages[0].dtype
        )
    return np.stack([np.broadcast_to(page, (*page.shape[:2], 3)) for page in pages])


def _sequences_of(
    study: tuple[ImageSeries, ...], n_channels: int
) -> tuple[tuple[SequenceName, ...], tuple[str, ...]]:
    first = study[0].items[0]
    if study[0].sequence is not None:
        named = tuple(SequenceName(series.sequence or "") for series in study)
        return named, sequence_warnings(named)
    if n_channels == 3:
        return COLOUR_SEQUENCES, () if first.parts.is_lgg else (_COLOUR_WARNING,)
    if first.parts.is_lgg:
        colour = any(page.shape[2] == 3 for item in study[0].items for page in item.image.pages)
        return (SequenceName.FLAIR,), () if colour else (_LGG_GREY_WARNING,)
    return (SequenceName.UNKNOWN,), sequence_warnings((SequenceName.UNKNOWN,))


def _indices_of(series: ImageSeries, n: int) -> tuple[int, ...]:
    """Numbers as named, kept from 1 on; a lone image and the pages of a stack count from 1."""
    numbers = series.numbers
    lone = len(series.items) == 1 and not series.items[0].parts.is_lgg
    if numbers is None or len(numbers) != n or lone:
        return tuple(range(1, n + 1))
    shift = 1 if min(numbers) == 0 else 0
    return tuple(number + shift for number in numbers)


def _names_of(study: tuple[ImageSeries, ...], lead: ImageSeries) -> tuple[str, ...]:
    item = lead.items[0]
    parts, folder = item.parts, item.file.folder_name
    if len(study) > 1:
        name = parts.study or folder or "study"
    elif parts.is_lgg or len(lead.items) > 1:
        name = parts.prefix if parts.prefix != parts.stem else parts.study or parts.stem
    else:
        name = parts.stem
    name = name or folder
    return (name, f"{folder}_{name}" if folder and folder != name else name)


class _MaskMatcher:
    """Finds the slice that each mask of a folder belongs to."""

    def __init__(
        self, studies: Sequence[tuple[ImageSeries, ...]], failed: Sequence[NameParts]
    ) -> None:
        self._places: dict[object, list[tuple[int, int, ImageItem]]] = defaultdict(list)
        self._found: dict[int, dict[int, NDArray[np.bool_]]] = defaultdict(dict)
        self._spoiled: set[int] = set()
        self._failed = {parts.stem for parts in failed if not parts.is_mask}
        self._absent_is_empty = [study[0].items[0].parts.is_lgg for study in studies]
        for i, study in enumerate(studies):
            for series in study:
                start = 0
                for item in series.items:
                    self._places[item.parts.stem].append((i, start, item))
                    key = (item.parts.study, item.parts.number)
                    if item.parts.sequence is not None:
                        self._places[key].append((i, start, item))
                    start += len(item.image.pages)

    def _candidates(self, parts: NameParts) -> list[tuple[int, int, ImageItem]]:
        return self._places.get(parts.stem) or self._places.get((parts.study, parts.number), [])

    def add(self, mask: ImageItem) -> list[InputError]:
        """Place one mask; the error where it has no image or another size."""
        name, parts = mask.file.name, mask.parts
        candidates = self._candidates(parts)
        if not candidates:
            if parts.stem in self._failed:
                return []
            image_name = f" ({parts.stem})" if parts.stem else ""
            message = f"{name} is a reference mask without its image{image_name}."
            return [InputError(mask.file.source, message)]
        values = mask_of_image(mask.image)
        fitting = [
            (i, start)
            for i, start, item in candidates
            if values.shape == (len(item.image.pages), *item.shape)
        ]
        for i, start in fitting:
            for k, page in enumerate(values):
                self._found[i][start + k] = page
        if fitting:
            return []
        self._spoiled.update(i for i, _, _ in candidates)
        image = candidates[0][2]
        return [
            InputError(
                mask.file.source,
                f"{name} is {_size(values[0].shape)}, its image {image.file.name}"
                f" {_size(image.shape)}; the reference outline of this study is left out.",
            )
        ]

    def spoil(self, parts: NameParts) -> None:
        """Leave the reference out where one of its masks could not be read."""
        self._spoiled.update(i for i, _, _ in self._candidates(parts))

    def attach(self, i: int, case: Case) -> Case:
        """Add the masks to case ``i``; nothing else of it changes.

        Copies of the public LGG set hold masks of the slices with tumor only. Elsewhere a slice
        without a mask was not outlined, so that the study as a whole has no reference.
        """
        found = self._found.get(i)
        if not found or i in self._spoiled:
            return case
        shape = case.pixels.shape[:3]
        if len(found) < shape[0] and not self._absent_is_empty[i]:
            return case
        masks = np.zeros(shape, bool)
        for k, mask in found.items():
            masks[k] = mask
        return replace(case, masks=masks)


def _size(shape: Sequence[int]) -> str:
    return f"{shape[1]} x {shape[0]} pixels"
