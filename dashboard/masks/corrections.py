"""Corrections of the AI mask: their base, their whole mask, and what is measured on it.

The browser sends the edited slices and names the base of all others: the AI mask at a threshold, or
a saved version. The base is read from the result cache or the database, never from the browser, and
is stored with draft and version, which therefore outlive the result.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dashboard.masks.encoding import MaskSlices, Shape, decode_mask, encode_mask
from dashboard.store import StudyRow
from dashboard.store.corrections import DraftRow, MaskVersion, read_version
from dashboard.store.stored_json import MaskBase, MaskFacts
from dashboard.workspace.received import NotThere
from dashboard.workspace.services import Services
from pipeline import Case, dice_from_counts, json_number, mask_level, volume_ml

_OTHER_RESULT = (
    "The AI result that this correction started from has been replaced on the server; load the page"
    " again."
)


@dataclass(frozen=True, eq=False)
class BaseMask:
    """A base with its pixels.

    Attributes:
        described: The base for draft, version and browser.
        slices: Its mask, for the slices that were not edited.
        ai_content: The AI mask, encoded; None without one.
    """

    described: MaskBase
    slices: MaskSlices
    ai_content: bytes | None


def shape_of(row: StudyRow) -> Shape:
    """Slices, height and width of a study."""
    return row.slices, row.height, row.width


def find_base(
    services: Services, row: StudyRow, base: MaskBase, *, draft: DraftRow | None = None
) -> BaseMask:
    """Find the masks that a correction starts from.

    Args:
        services: The server's parts.
        row: The study.
        base: As named by the browser.
        draft: The stored draft, whose AI mask is used where the base is the same.

    Raises:
        NotThere: The base is unknown, or its result no longer exists.
    """
    shape = shape_of(row)
    if base.version is not None:
        version = find_version(services, row, base.version)
        described = replace(version.line.based_on, version=base.version)
        return BaseMask(described, decode_mask(version.content, shape), version.ai_content)
    if base.result_key is None or base.threshold is None:
        return BaseMask(MaskBase(), {}, None)
    if draft is not None and _is_ai_of(draft, base) and draft.ai_content is not None:
        slices = decode_mask(draft.ai_content, shape)
        return BaseMask(draft.based_on, slices, draft.ai_content)
    return _base_on_result(services, row, base)


def find_version(services: Services, row: StudyRow, number: int) -> MaskVersion:
    """A saved version of a study's mask.

    Raises:
        NotThere: No version has this number.
    """
    found = read_version(services.store, row.study_id, number)
    if found is None:
        raise NotThere(f"No version {number} of this study's mask exists.")
    return found


def _is_ai_of(draft: DraftRow, base: MaskBase) -> bool:
    return replace(draft.based_on, network=base.network) == base


def _base_on_result(services: Services, row: StudyRow, base: MaskBase) -> BaseMask:
    """The AI mask at a threshold, on slices at or above the operating point."""
    key, threshold = base.result_key, base.threshold
    if key is None or threshold is None or key != services.result_key(row.content_digest):
        raise NotThere(_OTHER_RESULT)
    outline = services.results.outline(key)
    if outline is None or outline.probability.shape != shape_of(row):
        raise NotThere(_OTHER_RESULT)
    slices = outline.mask_slices(mask_level(threshold), base.operating_point)
    described = replace(base, network=f"{outline.network.name} {outline.network.version}")
    return BaseMask(described, slices, encode_mask(slices, shape_of(row)))


def merge(base: MaskSlices, touched: MaskSlices) -> dict[int, NDArray[np.bool_]]:
    """The whole mask: the edited slices in place of the base's; empty slices are left out."""
    return {k: mask for k, mask in sorted({**base, **touched}.items()) if mask.any()}


def count_changes(before: MaskSlices, after: MaskSlices) -> tuple[int, int]:
    """Voxels that a mask adds to another one, and those that it removes from it."""
    both = sum(int(np.count_nonzero(one & after[k])) for k, one in before.items() if k in after)
    return _area(after) - both, _area(before) - both


def make_volume(slices: MaskSlices, shape: Shape) -> NDArray[np.bool_]:
    """A mask as ``(n, h, w)`` bool; slices that it lacks are empty."""
    volume = np.zeros(shape, bool)
    for k, one in slices.items():
        volume[k] = one
    return volume


def measure_version(
    case: Case, mask: MaskSlices, *, ai_mask: MaskSlices | None, touched: int
) -> MaskFacts:
    """Measure a mask that is saved as a version.

    Args:
        case: The study.
        mask: The whole corrected mask.
        ai_mask: The AI mask that it starts from, or None.
        touched: How many slices were edited since the base.
    """
    areas = [int(np.count_nonzero(mask[k])) if k in mask else 0 for k in range(case.n_slices)]
    reference = case.masks
    return MaskFacts(
        area_px=sum(areas),
        volume_ml=volume_ml(areas, case.spacing_mm, case.slice_weights),
        slices=sum(bool(one.any()) for one in mask.values()),
        touched=touched,
        dice_ai=None if ai_mask is None else _dice(mask, ai_mask),
        dice_reference=None if reference is None else _dice(mask, dict(enumerate(reference))),
    )


def facts_with(case: Case, facts: MaskFacts) -> MaskFacts:
    """What was measured on a version, with its volume by the spacing that the study has now.

    A reader may have entered or removed the spacing since. Where slices do not all count alike, a
    volume that was measured cannot be brought to another spacing and is left out without one.
    """
    if case.slice_weights is not None:
        return facts if case.spacing_mm else replace(facts, volume_ml=None)
    return replace(facts, volume_ml=volume_ml([facts.area_px], case.spacing_mm))


def decode_ai(row: StudyRow, content: bytes | None) -> MaskSlices | None:
    """The AI mask that a correction starts from, or None."""
    return None if content is None else decode_mask(content, shape_of(row))


def _area(mask: MaskSlices) -> int:
    return sum(int(np.count_nonzero(one)) for one in mask.values())


def _dice(mask: MaskSlices, other: MaskSlices) -> float | None:
    """Dice over the volume, None where both masks are empty."""
    both = sum(int(np.count_nonzero(one & other[k])) for k, one in mask.items() if k in other)
    return json_number(dice_from_counts(both, _area(mask), _area(other)))
