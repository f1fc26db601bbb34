"""Volumes of one study on one grid become one case; reference masks join their images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pipeline.data.case import Case, InputGrid, SequenceName
from pipeline.data.geometry import case_affine, same_grid, slots_of
from pipeline.data.reading.pending_cases import PendingCase
from pipeline.data.sequences import COMBINABLE, sequence_warnings
from pipeline.errors import InputError


def combine_volumes(pending: Sequence[PendingCase]) -> tuple[list[PendingCase], list[InputError]]:
    """Combine the sequences of a study and attach its masks.

    Args:
        pending: The volumes of one study.

    Returns:
        One per case, and one error per mask that fits no image.
    """
    images = _combine_sequences([one for one in pending if not one.is_mask])
    errors: list[InputError] = []
    for mask in (one for one in pending if one.is_mask):
        images, error = _attach(images, mask)
        errors.extend(error)
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
    own = set(sequence_warnings(lead.case.sequences))
    warnings = [*sequence_warnings(sequences), *(w for w in lead.case.warnings if w not in own)]
    case = replace(
        lead.case,
        pixels=np.concatenate([c.astype(dtype, copy=False) for c in channels], axis=-1),
        sequences=sequences,
        warnings=tuple(warnings),
        window=None,
    )
    return replace(lead, case=case, names=lead.study_names or lead.names)


def _attach(
    images: list[PendingCase], mask: PendingCase
) -> tuple[list[PendingCase], list[InputError]]:
    """Attach a mask to every image of its study that it lies on."""
    source = mask.case.sources[0]
    name = source.rsplit("/", 1)[-1]
    if not images:
        message = f"{name} is a reference mask without its image."
        return images, [InputError(source, message)]
    result, attached = [], False
    for one in images:
        masks = place_mask(mask.case, one.case)
        if masks is None:
            result.append(one)
            continue
        attached = True
        if one.case.masks is not None:
            masks |= one.case.masks
        result.append(replace(one, case=replace(one.case, masks=masks)))
    if attached:
        return result, []
    message = (
        f"{name} is a reference mask that lies on another grid than its image; it is left out."
    )
    return images, [InputError(source, message)]


def place_mask(mask: Case, image: Case) -> NDArray[np.bool_] | None:
    """Bring a mask to an image's slices.

    Returns:
        ``(n, h, w)`` bool, empty on slices that the mask does not hold, or None where its pixels or
        slices lie elsewhere.
    """
    values = mask.pixels.astype(bool).max(axis=-1)
    if values.shape[1:] != image.pixels.shape[1:3]:
        return None
    if mask.grid is None or image.grid is None:
        return values if values.shape[0] == image.n_slices and mask.grid is image.grid else None
    numbers = _slice_numbers(mask.grid, image.grid, values.shape)
    if numbers is None:
        return None
    placed = np.zeros(image.pixels.shape[:3], bool)
    for number, page in zip(numbers, values, strict=True):
        placed[number] |= page
    return placed


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
