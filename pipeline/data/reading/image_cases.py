"""From the images of one folder to cases: channels, masks, numbers, warnings."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.data.case import (
    RADIOLOGICAL_AXIAL,
    Case,
    SequenceName,
    SourceKind,
    StudyLabels,
)
from pipeline.data.cautions import Caution, InputAspect, ReadingAspect, cautions_of
from pipeline.data.reading.format_kinds import DecodedImage
from pipeline.data.reading.grouping import (
    ImageItem,
    ImageSeries,
    group_series,
    group_studies,
    stack_of,
)
from pipeline.data.reading.limits import check_shape
from pipeline.data.reading.mask_values import covering_warning, covers_head, outlined
from pipeline.data.reading.mask_words import Role, core_of
from pipeline.data.reading.names import NameParts, case_names, lgg_labels, parse_name, strip_suffix
from pipeline.data.reading.pending_cases import PendingCase, choose_names
from pipeline.data.reading.references import Key, NamedFile, keys_of_image, keys_of_mask
from pipeline.data.sequences import COLOUR_SEQUENCES, sequence_cautions
from pipeline.errors import InputError

COLOUR_WARNING = (
    "The colour channels are assumed to be T1 without contrast, FLAIR and T1 with contrast, as in"
    " the public LGG set; the image does not state them."
)
LGG_GREY_WARNING = (
    "The grey image is assumed to be FLAIR from its name; the image does not state its sequence."
)


def stack_warning(n_pictures: int, first: str, last: str) -> str:
    """The sentence on pictures of which only their numbers say that they are one stack.

    Args:
        n_pictures: How many.
        first: Name of the first file.
        last: Name of the last file.
    """
    return (
        f"{n_pictures} numbered pictures of one size ({first} to {last}) are treated as the"
        " slices of one stack, in the order of their numbers. If they are not, read them as"
        " separate studies in Review (--single-pictures on the command line)."
    )


def is_assumed_stack(case: Case) -> bool:
    """Whether only the numbers of a case's pictures say that they are one stack."""
    return _assumed_warning(case) in case.warnings


def split_stack(case: Case) -> tuple[Case, ...]:
    """Each picture of such a stack as a case of its own, named after its file.

    Raises:
        InputError: The case is not such a stack (`is_assumed_stack`).
    """
    if not is_assumed_stack(case):
        raise InputError("", "The slices of this study were not joined by their numbers.")
    assumed = _assumed_warning(case)
    cautions = tuple(one for one in case.cautions if one.sentence != assumed)
    names = choose_names([_picture_names(source) for source in case.sources])
    return tuple(
        replace(
            case,
            case_id=name,
            pixels=case.pixels[k : k + 1],
            masks=None if case.masks is None else case.masks[k : k + 1],
            indices=(1,),
            sources=(source,),
            cautions=cautions,
        )
        for k, (name, source) in enumerate(zip(names, case.sources, strict=True))
    )


def _assumed_warning(case: Case) -> str:
    first, last = (source.rsplit("/", 1)[-1] for source in (case.sources[0], case.sources[-1]))
    return stack_warning(case.n_slices, first, last)


def _picture_names(source: str) -> tuple[str, ...]:
    folder, _, name = source.rpartition("/")
    stem = strip_suffix(name)
    return tuple(filter(None, (*case_names(stem, f"0:{folder}" if folder else "/"), stem)))


def partial_reference_warning(n_masks: int, n_slices: int) -> str:
    """The sentence on a study of whose slices only some have a reference mask."""
    return (
        f"Only {n_masks} of {n_slices} slices have a reference mask; without one for each slice the"
        " study has no reference."
    )


def rescaled_warning(mask: str, image: str) -> str:
    """The sentence on masks of another size than their images, as words name both."""
    return f"Reference masks of {mask} were scaled to the images' {image}."


def build_image_cases(
    items: Sequence[ImageItem], failed: Sequence[NamedFile[Any]], *, single: bool = False
) -> tuple[list[PendingCase], list[InputError]]:
    """Build the cases of one folder's images.

    Args:
        items: Its images, and their masks.
        failed: Its images and masks that could not be read.
        single: Whether each image is a case of its own, whatever its name's number.

    Returns:
        The cases, and one error per mask without its image or of another size, or study that has
        too many slices.
    """
    masks = [item for item in items if item.role is Role.REFERENCE]
    images = [item for item in items if item.role is Role.IMAGE]
    found = group_studies(group_series(_split_uneven_pages(images), single=single))
    studies, errors = _leave_out_too_large(found)
    pending = [_build_case(study) for study in studies]
    lost = [one.parts for one in failed if one.role is Role.IMAGE]
    lost += [item.parts for study in found if study not in studies for item in study[0].items]
    matcher = _MaskMatcher(studies, lost)
    errors += matcher.place(masks)
    for one in failed:
        if one.role is Role.REFERENCE:
            matcher.spoil(one.parts)
    attached = [replace(one, case=matcher.attach(i, one.case)) for i, one in enumerate(pending)]
    return attached, errors


def _leave_out_too_large(
    studies: Sequence[tuple[ImageSeries, ...]],
) -> tuple[list[tuple[ImageSeries, ...]], list[InputError]]:
    """Studies that are no larger than a case may be, and an error for each other one."""
    kept: list[tuple[ImageSeries, ...]] = []
    errors: list[InputError] = []
    for study in studies:
        items = study[0].items
        first, last = items[0].file, items[-1].file
        height, width, channels = items[0].image.pages[0].shape
        try:
            check_shape(
                first.source,
                height=height,
                width=width,
                slices=sum(len(item.image.pages) for item in items),
                bytes_px=len(study) * channels * items[0].image.pages[0].itemsize,
                subject="" if first is last else f"The stack from {first.name} to {last.name}",
            )
        except InputError as error:
            errors.append(error)
        else:
            kept.append(study)
    return kept, errors


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
    sequences, cautions = _sequences_of(study, pixels.shape[-1])
    first = lead.items[0]
    patient, date = lgg_labels(first.parts.prefix) if first.parts.is_lgg else ("", "")
    n = pixels.shape[0]
    read = (warning for s in study for item in s.items for warning in item.image.warnings)
    cautions = (*cautions, *cautions_of(ReadingAspect.SELECTION, dict.fromkeys(read)))
    if lead.assumed:
        names = [item.file.name for item in lead.items]
        words = stack_warning(n, names[0], names[-1])
        cautions = (*cautions, Caution(words, ReadingAspect.STACK))
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
        cautions=cautions,
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
) -> tuple[tuple[SequenceName, ...], tuple[Caution, ...]]:
    first = study[0].items[0]
    if study[0].sequence is not None:
        named = tuple(SequenceName(series.sequence or "") for series in study)
        return named, sequence_cautions(named)
    if n_channels == 3:
        assumed = () if first.parts.is_lgg else (COLOUR_WARNING,)
        return COLOUR_SEQUENCES, cautions_of(InputAspect.SEQUENCE, assumed)
    if first.parts.is_lgg:
        colour = any(page.shape[2] == 3 for item in study[0].items for page in item.image.pages)
        assumed = () if colour else (LGG_GREY_WARNING,)
        return (SequenceName.FLAIR,), cautions_of(InputAspect.SEQUENCE, assumed)
    return (SequenceName.UNKNOWN,), sequence_cautions((SequenceName.UNKNOWN,))


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
    parts, stack = item.parts, stack_of(item.parts) if lead.assumed else None
    if stack is not None:
        name = re.sub(r"[-_ .(]*#", "", stack[0]).strip("_-. +()")
    elif len(study) > 1:
        name = parts.study
    elif parts.is_lgg or len(lead.items) > 1:
        name = parts.prefix if parts.prefix != parts.stem else parts.study or parts.stem
    else:
        name = parts.stem
    return case_names(name or parts.stem, item.file.folder)


class _MaskMatcher:
    """Finds the slices that the masks of a folder belong to."""

    def __init__(
        self, studies: Sequence[tuple[ImageSeries, ...]], failed: Sequence[NameParts]
    ) -> None:
        self._studies = studies
        self._places: dict[Key, list[tuple[int, int, ImageItem]]] = defaultdict(list)
        self._found: dict[int, dict[int, list[NDArray[np.generic]]]] = defaultdict(dict)
        self._lossy: set[int] = set()
        self._scaled: dict[int, str] = {}
        self._spoiled: set[int] = set()
        self._names: dict[int, list[str]] = defaultdict(list)
        self._failed = {key for parts in failed for key in keys_of_image(parts, is_volume=False)}
        self._absent_is_empty = [study[0].items[0].parts.is_lgg for study in studies]
        for i, study in enumerate(studies):
            for series in study:
                start = 0
                for item in series.items:
                    for key in keys_of_image(item.parts, is_volume=False):
                        self._places[key].append((i, start, item))
                    start += len(item.image.pages)

    def _candidates(self, parts: NameParts) -> list[tuple[int, int, ImageItem]]:
        keys = keys_of_mask(parts, is_volume=False)
        for key in keys:
            if key[0] != "group" and key in self._places:
                return self._places[key]
        return []

    def place(self, masks: Sequence[ImageItem]) -> list[InputError]:
        """Find the slices of all masks; the errors of those that fit none."""
        errors: list[InputError] = []
        lost: list[ImageItem] = []
        of_pages: dict[int, list[ImageItem]] = defaultdict(list)
        for mask in masks:
            candidates = self._candidates(mask.parts)
            if candidates and all(
                len(item.image.pages) > 1 == len(mask.image.pages) for _, _, item in candidates
            ):
                of_pages[candidates[0][0]].append(mask)
            elif candidates:
                errors += self._add(mask, candidates)
            elif not self._failed & set(keys_of_mask(mask.parts, is_volume=False)):
                lost.append(mask)
        for i, numbered in of_pages.items():
            if not self._place_in_order(numbered, only=i):
                lost += numbered
        if lost and not self._place_in_order(lost):
            for mask in lost:
                name, stem = mask.file.name, mask.parts.stem
                image_name = f" ({stem})" if stem else ""
                message = f"{name} is a reference mask without its image{image_name}."
                errors.append(InputError(mask.file.source, message))
        return errors

    def _place_in_order(self, masks: Sequence[ImageItem], *, only: int | None = None) -> bool:
        """Give the pages of masks without a name in common to a study of as many slices, in order.

        Such are the pages of one file beside numbered slices, and numbers that start at 0.

        Args:
            masks: The masks.
            only: Number of the study that they can belong to, if that is known.
        """
        ordered = sorted(masks, key=lambda mask: core_of(mask.parts.whole)[1] or 0)
        pages = [(mask, k) for mask in ordered for k in range(len(mask.image.pages))]
        fitting = [
            i
            for i, study in enumerate(self._studies)
            if sum(len(item.image.pages) for item in study[0].items) == len(pages)
            and only in (None, i)
        ]
        named = [i for i in fitting if self._is_named_like(i, ordered[0].parts)]
        if len(named or fitting) != 1:
            return False
        (i,) = named or fitting
        if i in self._found:
            return False
        shapes = [item.shape for item in self._studies[i][0].items for _ in item.image.pages]
        placed = []
        for (mask, k), shape in zip(pages, shapes, strict=True):
            fitted = fit_page(mask_pages(mask.image)[k], shape)
            if fitted is None:
                return False
            placed.append((mask, fitted))
        for k, (mask, fitted) in enumerate(placed):
            self._note(i, k, mask, fitted)
        return True

    def _is_named_like(self, i: int, parts: NameParts) -> bool:
        keys = set(keys_of_mask(parts, is_volume=False)) | {("group", core_of(parts.whole)[0])}
        groups = keys_of_image(self._studies[i][0].items[0].parts, is_volume=False)
        return any(key in keys for key in groups)

    def _add(
        self, mask: ImageItem, candidates: Sequence[tuple[int, int, ImageItem]]
    ) -> list[InputError]:
        """Place one mask; the error where it has another size than its image."""
        pages = mask_pages(mask.image)
        placed = False
        for i, start, item in candidates:
            fitted = [fit_page(page, item.shape) for page in pages]
            if len(pages) == len(item.image.pages) and all(one is not None for one in fitted):
                placed = True
                for k, page in enumerate(fitted):
                    if page is not None:
                        self._note(i, start + k, mask, page)
        if placed:
            return []
        self._spoiled.update(i for i, _, _ in candidates)
        image = candidates[0][2]
        return [
            InputError(
                mask.file.source,
                f"{mask.file.name} is {size_words(pages[0].shape)}, its image {image.file.name}"
                f" {size_words(image.shape)}; the reference outline of this study is left out.",
            )
        ]

    def _note(self, i: int, k: int, mask: ImageItem, page: NDArray[np.generic]) -> None:
        self._found[i].setdefault(k, []).append(page)
        self._names[i].append(mask.file.name)
        if mask.image.lossy:
            self._lossy.add(i)
        if page.shape != mask.shape:
            self._scaled.setdefault(
                i, rescaled_warning(size_words(mask.shape), size_words(page.shape))
            )

    def spoil(self, parts: NameParts) -> None:
        """Leave the reference out where one of its masks could not be read."""
        self._spoiled.update(i for i, _, _ in self._candidates(parts))

    def attach(self, i: int, case: Case) -> Case:
        """Add the masks to case ``i``; nothing else of it changes but its warnings.

        Copies of the public LGG set hold masks of the slices with tumor only. Elsewhere a slice
        without a mask was not outlined, so that the study as a whole has no reference.
        """
        found = self._found.get(i)
        if not found or i in self._spoiled:
            return case
        shape = case.pixels.shape[:3]
        if len(found) < shape[0] and not self._absent_is_empty[i]:
            warning = partial_reference_warning(len(found), shape[0])
            return _with_reference_cautions(case, warning)
        numbers = [k for k, pages in found.items() for _ in pages]
        values, warnings = outlined(
            [page for pages in found.values() for page in pages], lossy=i in self._lossy
        )
        masks = np.zeros(shape, bool)
        for k, mask in zip(numbers, values, strict=True):
            masks[k] |= mask
        if covers_head(masks, case.pixels):
            names = self._names[i]
            what = names[0] if len(names) == 1 else f"The mask {names[0]} with those like it"
            return _with_reference_cautions(case, covering_warning(what))
        if i in self._scaled:
            warnings = (*warnings, self._scaled[i])
        return _with_reference_cautions(replace(case, masks=masks), *warnings)


def _with_reference_cautions(case: Case, *sentences: str) -> Case:
    added = cautions_of(ReadingAspect.REFERENCE, sentences)
    return replace(case, cautions=(*case.cautions, *added))


def mask_pages(image: DecodedImage) -> list[NDArray[np.generic]]:
    """Values ``(h, w)`` of each page of a mask: of a palette its indices, else the brightest."""
    if image.labels is not None:
        return list(image.labels)
    return [page.max(axis=-1) for page in image.pages]


def fit_page(page: NDArray[np.generic], shape: Sequence[int]) -> NDArray[np.generic] | None:
    """A mask's page at an image's size, or None where its sides have another proportion."""
    height, width = page.shape
    if (height, width) == tuple(shape):
        return page
    if abs(height * shape[1] - width * shape[0]) > max(height * shape[1], width * shape[0]) / 50:
        return None
    rows = (np.arange(shape[0]) + 0.5) * height // shape[0]
    columns = (np.arange(shape[1]) + 0.5) * width // shape[1]
    return page[np.ix_(rows.astype(int), columns.astype(int))]


def size_words(shape: Sequence[int]) -> str:
    """Width and height as a sentence names them."""
    return f"{shape[1]} x {shape[0]} pixels"
