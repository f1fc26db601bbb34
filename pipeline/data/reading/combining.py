"""Volumes of one study on one grid become one case; reference masks join their images."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import affine_transform

from pipeline.data.case import Case, InputGrid, SequenceName
from pipeline.data.cautions import ReadingAspect
from pipeline.data.geometry import case_affine, same_grid, slots_of
from pipeline.data.reading.contours import Contours, place_contours
from pipeline.data.reading.mask_values import covering_warning, covers_head, outlined
from pipeline.data.reading.mask_words import says_nothing
from pipeline.data.reading.names import strip_suffix
from pipeline.data.reading.pending_cases import PendingCase, with_cautions
from pipeline.data.reading.references import Bond
from pipeline.data.sequences import COMBINABLE, sequence_cautions
from pipeline.errors import InputError

#: Part of its volume that a resampled mask must keep: less lies outside of the image.
_LEAST_KEPT = 0.5


@dataclass(frozen=True, eq=False)
class Reference:
    """A reference mask on its way to its image.

    Attributes:
        mask: The mask.
        studies: Numbers of the studies that it may belong to.
        bond: What it has in common with them.
    """

    mask: PendingCase
    studies: frozenset[int]
    bond: Bond = Bond.NAME


def taken_as_its_warning(name: str) -> str:
    """The sentence on a mask whose name does not lead to its image."""
    return (
        f"{name} is used as the reference of this image because of its position; its name does"
        " not say so."
    )


def resampled_warning(name: str) -> str:
    """The sentence on a mask that was drawn on another grid."""
    return f"{name} is on another grid than this image; it was resampled to it."


def joined_warning(names: Sequence[str]) -> str:
    """The sentence on masks that together are the reference."""
    return f"The reference joins {len(names)} masks: {', '.join(names)}."


def short_names(sources: Sequence[str]) -> list[str]:
    """Files' own names, with their folders' where two are equal."""
    names = [source.rsplit("/", 1)[-1] for source in sources]
    if len(set(names)) < len(names):
        return ["/".join(source.split("/")[-2:]) for source in sources]
    return names


def combine_volumes(
    studies: Sequence[Sequence[PendingCase]], references: Sequence[Reference] = ()
) -> tuple[list[list[PendingCase]], list[InputError]]:
    """Combine the sequences of each study and attach masks.

    Args:
        studies: The volumes of each study, images and the masks among them that the study names.
        references: Masks that may belong to some of the studies.

    Returns:
        The cases of each study, and one error per mask that fits no image.
    """
    images = [_combine_sequences([p for p in study if not p.is_mask]) for study in studies]
    own = [
        Reference(one, frozenset({number}))
        for number, study in enumerate(studies)
        for one in study
        if one.is_mask
    ]
    errors: list[InputError] = []
    attached: dict[tuple[int, int], list[str]] = defaultdict(list)
    for reference in (*own, *references):
        errors += _attach(images, reference, attached)
    for (i, k), sources in attached.items():
        if len(sources) > 1:
            words = joined_warning(short_names(sources))
            images[i][k] = with_cautions(images[i][k], ReadingAspect.REFERENCE, words)
    return images, errors


def _combine_sequences(pending: Sequence[PendingCase]) -> list[PendingCase]:
    """One case of the sequences that share FLAIR's grid; the others stay alone."""
    singles = [
        one
        for one in pending
        if len(one.case.sequences) == 1 and one.case.sequences[0] in COMBINABLE
    ]
    lead = next((d for d in singles if d.case.sequences[0] is SequenceName.FLAIR), None)
    lead = lead or next(iter(singles), None)
    if lead is None:
        return list(pending)
    chosen: dict[SequenceName, PendingCase] = {lead.case.sequences[0]: lead}
    for one in singles:
        if fits(one.case, lead.case):
            chosen.setdefault(one.case.sequences[0], one)
    if len(chosen) == 1:
        return list(pending)
    members = [chosen[name] for name in COMBINABLE if name in chosen]
    result = []
    for one in pending:
        if one is lead:
            result.append(_combine(lead, members))
        elif one not in members:
            result.append(one)
    return result


def fits(one: Case, other: Case) -> bool:
    """Whether two cases lie on the same voxels."""
    if one.pixels.shape[:3] != other.pixels.shape[:3]:
        return False
    if one.grid is None or other.grid is None:
        return False  # nothing says where they lie
    if not same_grid(one.grid, other.grid):
        return False
    if one.positions_mm is None or other.positions_mm is None:
        return True
    return bool(np.allclose(one.positions_mm, other.positions_mm, atol=0.1))


def _combine(lead: PendingCase, members: Sequence[PendingCase]) -> PendingCase:
    channels = [one.case.pixels for one in members]
    dtype = channels[0].dtype if len({c.dtype for c in channels}) == 1 else np.dtype(np.float32)
    sequences = tuple(one.case.sequences[0] for one in members)
    own = set(sequence_cautions(lead.case.sequences))
    cautions = (*sequence_cautions(sequences), *(c for c in lead.case.cautions if c not in own))
    case = replace(
        lead.case,
        pixels=np.concatenate([c.astype(dtype, copy=False) for c in channels], axis=-1),
        sequences=sequences,
        cautions=cautions,
        window=None,
    )
    return replace(lead, case=case, names=lead.study_names or lead.names)


def _attach(
    images: list[list[PendingCase]],
    reference: Reference,
    attached: dict[tuple[int, int], list[str]],
) -> list[InputError]:
    """Attach a mask to every image of its studies that it lies on; ``images`` change."""
    mask = reference.mask
    source = mask.case.sources[0]
    name = source.rsplit("/", 1)[-1]
    candidates = [(i, k) for i in sorted(reference.studies) for k in range(len(images[i]))]
    if not candidates:
        return [InputError(source, f"{name} is a reference mask without its image.")]
    if mask.contours is not None:
        placed, refused = _place_contours(mask.contours, images, candidates)
        warnings: tuple[str, ...] = ()
    else:
        placed, warnings = _place_pixels(mask.case, images, candidates)
        message = f"{name} is a reference mask on another grid than its image; it is left out."
        refused = InputError(source, message)
    if not placed:
        return [refused] if refused else []
    if reference.bond is Bond.PLACE and len({i for i, *_ in placed}) > 1:
        message = (
            f"{name} is a reference mask that fits several images; it is left out. Name it like its"
            " image, with _mask at the end."
        )
        return [InputError(source, message)]
    if reference.bond is not Bond.NAME and not says_nothing(strip_suffix(name)):
        warnings = (*warnings, taken_as_its_warning(name))
    warnings = (*mask.mask_notes, *warnings)
    for i, k, found, more in placed:
        one = images[i][k]
        if covers_head(found, one.case.pixels):
            images[i][k] = with_cautions(one, ReadingAspect.REFERENCE, covering_warning(name))
            continue
        masks = found if one.case.masks is None else found | one.case.masks
        attached_to = replace(one, case=replace(one.case, masks=masks))
        images[i][k] = with_cautions(attached_to, ReadingAspect.REFERENCE, *warnings, *more)
        attached[(i, k)].append(source)
    return []


_Placed = list[tuple[int, int, NDArray[np.bool_], Sequence[str]]]


def _place_pixels(
    mask: Case, images: Sequence[Sequence[PendingCase]], candidates: Sequence[tuple[int, int]]
) -> tuple[_Placed, tuple[str, ...]]:
    """A mask on each image on whose grid it is, else resampled, with sentences on its values."""
    (values,), warnings = outlined([mask.pixels.max(axis=-1)])
    placed: _Placed = []
    for resample in (False, True):
        for i, k in candidates:
            found = place_mask(mask, values, images[i][k].case, resample=resample)
            if found is not None:
                name = mask.sources[0].rsplit("/", 1)[-1]
                placed.append((i, k, found, [resampled_warning(name)] if resample else []))
        if placed:
            break
    return placed, warnings


def _place_contours(
    contours: Contours,
    images: Sequence[Sequence[PendingCase]],
    candidates: Sequence[tuple[int, int]],
) -> tuple[_Placed, InputError | None]:
    """Contours on each image on whose slices they were drawn, and why they are not on the first."""
    placed: _Placed = []
    refused: InputError | None = None
    for i, k in candidates:
        try:
            found, notes = place_contours(contours, images[i][k].case)
            placed.append((i, k, found, notes))
        except InputError as error:
            refused = refused or error
    return placed, refused


def place_mask(
    mask: Case, values: NDArray[np.bool_], image: Case, *, resample: bool = False
) -> NDArray[np.bool_] | None:
    """Bring a mask to an image's slices.

    Args:
        mask: The mask's own case, for its grid.
        values: ``(m, h, w)`` bool, what is outlined in it.
        image: The image.
        resample: Whether a mask on another grid may be resampled, where both lie in space.

    Returns:
        ``(n, h, w)`` bool, empty on slices that the mask does not hold, or None where its pixels or
        slices lie elsewhere.
    """
    if mask.grid is None or image.grid is None:
        alike = values.shape == image.pixels.shape[:3] and mask.grid is image.grid
        return values.copy() if alike else None
    if resample:
        return _resample(mask, values, image)
    if values.shape[1:] != image.pixels.shape[1:3]:
        return None
    numbers = _slice_numbers(mask.grid, image.grid, values.shape)
    if numbers is None:
        return None
    placed = np.zeros(image.pixels.shape[:3], bool)
    for number, page in zip(numbers, values, strict=True):
        placed[number] |= page
    return placed


def _resample(mask: Case, values: NDArray[np.bool_], image: Case) -> NDArray[np.bool_] | None:
    """The mask's nearest voxel at each of the image's, or None where much of it is lost."""
    if mask.grid is None or image.grid is None:
        return None
    if mask.orientation is None or image.orientation is None:
        return None  # one of them does not say where it lies
    if not (mask.grid.is_stated and image.grid.is_stated):
        return None
    if mask.grid.slots is not None or image.grid.slots is not None:
        return None  # uneven steps are no grid
    between = np.linalg.inv(case_affine(mask.grid)) @ case_affine(image.grid)
    placed = affine_transform(
        values.astype(np.uint8),
        between[:3, :3],
        between[:3, 3],
        output_shape=image.pixels.shape[:3],
        order=0,
    ).astype(bool)
    before = int(values.sum()) * abs(float(np.linalg.det(case_affine(mask.grid)[:3, :3])))
    after = int(placed.sum()) * abs(float(np.linalg.det(case_affine(image.grid)[:3, :3])))
    kept = before == 0 or _LEAST_KEPT <= after / before <= 1 / _LEAST_KEPT
    return placed if kept else None


def _slice_numbers(
    mask: InputGrid, image: InputGrid, shape: tuple[int, ...]
) -> NDArray[np.int_] | None:
    """Number of the image's slice on which each of the mask's lies, or None."""
    n, h, w = shape
    between = np.linalg.inv(case_affine(image)) @ case_affine(mask)
    slices, image_slots = slots_of(mask), slots_of(image)
    for row, column in ((0, 0), (h - 1, w - 1), (0, w - 1)):
        points = np.stack([slices, np.full(n, row), np.full(n, column), np.ones(n)])
        found = (between @ points)[:3]
        numbers = np.abs(found[0] - image_slots[:, None]).argmin(axis=0)
        off = np.abs(found - np.stack([image_slots[numbers], points[1], points[2]]))
        if off.max() > 0.2:
            return None
    return numbers
