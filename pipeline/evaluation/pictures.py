"""Contact sheets of the worst patients and slices, to look at what a figure hides."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.analysis.results import CaseResult
from pipeline.data.case import Case
from pipeline.data.preprocessing import flair_channel
from pipeline.evaluation.rows import PatientRow
from pipeline.metrics import dice_score
from pipeline.storage.atomic_files import write_bytes

#: Height and width of one picture in px; a tile holds two, plain and outlined.
PICTURE_PX = 384
_TITLE_PX = 44
#: Sky blue, orange and reddish purple of Okabe and Ito's palette, distinct to every reader; RGB.
REFERENCE_COLOUR = (86, 180, 233)
PREDICTED_COLOUR = (230, 159, 0)
LEFT_OUT_COLOUR = (204, 121, 167)
_TEXT_COLOUR = (235, 235, 235)
#: Grey values are stretched between these percentiles of the foreground.
_WINDOW = (1.0, 99.5)

Picture = NDArray[np.uint8]


class Fault(StrEnum):
    """What slices are looked for by; the value names the sheet's file."""

    EXTRA = "false-positives"
    MISSED = "false-negatives"
    LEFT_OUT = "left-out"


def worst_patients(rows: Sequence[PatientRow], count: int) -> list[PatientRow]:
    """The patients with the lowest Dice, the worst first; those without a Dice are left out."""
    known = [row for row in rows if row.dice is not None]
    return sorted(known, key=lambda row: (row.dice or 0.0, row.case_id))[:count]


def make_tile(case: Case, result: CaseResult) -> Picture:
    """One patient: the FLAIR slice with the most wrong pixels, as `make_slice_tile`.

    Raises:
        ValueError: The case has no reference masks.
    """
    reference = _reference(case)
    wrong = np.count_nonzero(result.masks() ^ reference, axis=(1, 2))
    largest = np.count_nonzero(reference, axis=(1, 2))
    k = max(range(case.n_slices), key=lambda slice_: (wrong[slice_], largest[slice_]))
    return make_slice_tile(case, result, k)


def make_slice_tile(
    case: Case, result: CaseResult, k: int, *, left_out: NDArray[np.uint8] | None = None
) -> Picture:
    """FLAIR of one slice, plain and outlined.

    Args:
        case: With reference masks.
        result: What the chain answered.
        k: Place of the slice.
        left_out: ``(n, h, w)``, above 0 where components were left out of the mask; outlined too.

    Returns:
        ``(PICTURE_PX + title, 2 * PICTURE_PX, 3)`` uint8 RGB.

    Raises:
        ValueError: The case has no reference masks.
    """
    reference, masks = _reference(case), result.masks()
    plain = _fit(_grey_slice(case, k))
    outlined = plain.copy()
    # The reference is drawn broader, so that it stays visible where both outlines agree.
    drawn = [(reference[k], REFERENCE_COLOUR, 3), (masks[k], PREDICTED_COLOUR, 1)]
    aside = np.zeros_like(masks[k]) if left_out is None else left_out[k] > 0
    drawn.append((aside, LEFT_OUT_COLOUR, 1))
    for mask, colour, width in drawn:
        large = _fit(np.repeat(mask[..., None].astype(np.uint8), 3, axis=-1))[..., 0]
        lines, _ = cv2.findContours(large, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(outlined, lines, -1, colour, width)
    missed = int(np.count_nonzero(reference[k] & ~masks[k]))
    extra = int(np.count_nonzero(masks[k] & ~reference[k]))
    words = f"slice {result.slices[k].index}, score {result.slices[k].slice_score:.2f}: "
    words += f"{missed} px missed, {extra} px too many"
    if aside.any():
        inside = int(np.count_nonzero(aside & reference[k]))
        words += f", {int(aside.sum())} px left out ({inside} in the reference)"
    title = f"{case.case_id}  Dice {dice_score(masks, reference):.3f} (volume)"
    return np.vstack([_write(title, 20), _write(words, 14), np.hstack([plain, outlined])])


def worst_slices(
    case: Case, result: CaseResult, left_out: NDArray[np.uint8] | None
) -> dict[Fault, tuple[int, int]]:
    """For each fault, the place of the slice with the most of its pixels, and how many.

    Args:
        case: With reference masks.
        result: What the chain answered.
        left_out: ``(n, h, w)``, above 0 where components were left out; None without any.

    Returns:
        Without the faults that no slice has.

    Raises:
        ValueError: The case has no reference masks.
    """
    reference, masks = _reference(case), result.masks()
    faults = {Fault.EXTRA: masks & ~reference, Fault.MISSED: reference & ~masks}
    if left_out is not None:
        faults[Fault.LEFT_OUT] = left_out > 0
    found = {}
    for fault, pixels in faults.items():
        counts = np.count_nonzero(pixels, axis=(1, 2))
        if counts.any():
            found[fault] = (int(counts.argmax()), int(counts.max()))
    return found


def _reference(case: Case) -> NDArray[np.bool_]:
    if case.masks is None:
        raise ValueError(f"the case {case.case_id} has no reference masks")
    return case.masks


def make_sheet(tiles: Sequence[Picture], *, columns: int = 2) -> Picture:
    """Tiles in rows below a legend; ``(h, w, 3)`` uint8 RGB.

    Raises:
        ValueError: There is no tile.
    """
    if not tiles:
        raise ValueError("a sheet needs at least one tile")
    empty = np.zeros_like(tiles[0])
    filled = [*tiles, *[empty] * (-len(tiles) % columns)]
    rows = [np.hstack(filled[k : k + columns]) for k in range(0, len(filled), columns)]
    legend = np.zeros((32, rows[0].shape[1], 3), np.uint8)
    _put(legend, "reference outline", (8, 22), REFERENCE_COLOUR)
    _put(legend, "FLAIR abnormality (AI)", (208, 22), PREDICTED_COLOUR)
    _put(legend, "left out as small (AI)", (448, 22), LEFT_OUT_COLOUR)
    return np.vstack([legend, *rows])


def write_picture(path: Path, picture: Picture) -> None:
    """Write a PNG in one step.

    Raises:
        OSError: It cannot be written.
    """
    done, encoded = cv2.imencode(".png", picture[..., ::-1])
    if not done:
        raise OSError(f"{path.name} could not be encoded")
    write_bytes(path, encoded.tobytes())


def _grey_slice(case: Case, k: int) -> Picture:
    """Slice ``k`` of FLAIR or its substitute, ``(h, w, 3)`` uint8, stretched over the volume."""
    volume = case.pixels[..., flair_channel(case.sequences)].astype(np.float32)
    inside = volume[volume > volume.min()]
    low, high = np.percentile(inside, _WINDOW) if len(inside) else (0.0, 1.0)
    grey = np.clip((volume[k] - low) / max(high - low, 1e-6), 0, 1) * 255
    return np.repeat(np.rint(grey).astype(np.uint8)[..., None], 3, axis=-1)


def _fit(picture: Picture) -> Picture:
    """Enlarge without smoothing and centre on a black square of `PICTURE_PX`."""
    h, w = picture.shape[:2]
    scale = PICTURE_PX / max(h, w)
    size = (max(round(w * scale), 1), max(round(h * scale), 1))
    large = cv2.resize(picture, size, interpolation=cv2.INTER_NEAREST)
    square = np.zeros((PICTURE_PX, PICTURE_PX, 3), np.uint8)
    top, left = (PICTURE_PX - large.shape[0]) // 2, (PICTURE_PX - large.shape[1]) // 2
    square[top : top + large.shape[0], left : left + large.shape[1]] = large
    return square


def _write(text: str, baseline: int) -> Picture:
    strip = np.zeros((_TITLE_PX // 2, 2 * PICTURE_PX, 3), np.uint8)
    _put(strip, text, (6, min(baseline, strip.shape[0] - 4)), _TEXT_COLOUR)
    return strip


def _put(picture: Picture, text: str, place: tuple[int, int], colour: tuple[int, int, int]) -> None:
    cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, colour, 1, cv2.LINE_AA)
