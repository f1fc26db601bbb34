"""What a reader enters where a study's files do not say it: spacing, and a label on screen."""

from __future__ import annotations

from dataclasses import replace

from pipeline.data.case import Case
from pipeline.data.cautions import Caution, ReadingAspect
from pipeline.data.geometry import (
    AREAS_IN_PIXELS,
    pixel_spacing_warnings,
    slice_distance_warnings,
)
from pipeline.errors import InputError

_MOST_LETTERS = 64


def entered_spacing_warning(spacing_mm: tuple[float, float, float], entered_by: str) -> str:
    """The sentence that marks a spacing which no file states.

    Args:
        spacing_mm: ``(z, y, x)``.
        entered_by: Who entered it.
    """
    z, y, x = (f"{size:.3f}".rstrip("0").rstrip(".") for size in spacing_mm)
    return (
        f"Pixel spacing ({y} x {x} mm) and slice distance ({z} mm) were entered by {entered_by}; no"
        " file states them."
    )


def enter_spacing(case: Case, spacing_mm: tuple[float, float, float], *, entered_by: str) -> Case:
    """The case with a spacing that a reader entered, which every measurement of it uses.

    Its content is another one then (`Case.content_digest`), so that no stored result of the case
    without the spacing is taken for its own. Sentences that say that areas are in pixels go; the
    grid, and with it what a NIfTI mask states, stays.

    Args:
        case: The case.
        spacing_mm: ``(z, y, x)``: between slices, between rows, between columns.
        entered_by: Who entered it.

    Raises:
        InputError: The files state a spacing, the numbers cannot be right, or nobody entered them.
    """
    if case.spacing_mm is not None:
        raise InputError("", "The files of this study state a spacing; it is used.")
    if not entered_by.strip():
        raise InputError("", "Say who enters the spacing.")
    z, y, x = map(float, spacing_mm)
    if pixel_spacing_warnings(y, x) or slice_distance_warnings(z):
        raise InputError("", "Pixel spacing and slice distance must be plausible, in mm.")
    kept = (one for one in case.cautions if not _is_about_pixels(one))
    words = entered_spacing_warning((z, y, x), clean_label(entered_by))
    entered = Caution(words, ReadingAspect.SPACING)
    return replace(case, spacing_mm=(z, y, x), cautions=(*kept, entered))


def _is_about_pixels(caution: Caution) -> bool:
    """Whether it says that areas are in pixels; studies of earlier versions state no aspect."""
    if caution.aspect is None:
        return AREAS_IN_PIXELS in caution.sentence
    return caution.aspect is ReadingAspect.NO_SPACING


def clean_label(text: str) -> str:
    """A label for a study on screen as a reader typed it: one line, printable, not too long.

    Raises:
        InputError: Nothing is left of it, or it is too long.
    """
    label = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if not label:
        raise InputError("", "A label needs at least one letter.")
    if len(label) > _MOST_LETTERS:
        raise InputError("", f"A label has at most {_MOST_LETTERS} letters.")
    return label
