"""Key images of a report as drawings: the slice's pixels, the outlines over it as lines.

Lines stay sharp at any size; what is drawn is named in the caption, with its colour.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Final, TypeAlias
from unicodedata import east_asian_width
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dashboard.decisions.lesions import ListedLesion
from dashboard.masks.encoding import MaskSlices
from dashboard.reports.content import arrow_words
from dashboard.store import StudyRow
from dashboard.store.reading_content import KeyImage, LesionVerdict
from dashboard.store.stored_json import Measurement
from dashboard.studies.display import grey_levels, sequence_label
from pipeline import (
    AI_COLOUR,
    DIAMETER_COLOUR,
    MEASUREMENT_COLOUR,
    READER_COLOUR,
    REFERENCE_COLOUR,
    Case,
    Origin,
    Picture,
)

#: Key images of a report at most, so that a plain study stays on one page.
MOST_PICTURES: Final = 4
#: Pixels are enlarged smoothly until the longer side has so many.
_SHARP_PX: Final = 640
#: What is drawn over the image: colour, and words of the caption.
_DRAWN: Final[Mapping[str, tuple[str, str]]] = {
    "reference": (REFERENCE_COLOUR, "Teal: reference outline"),
    "unchanged": (AI_COLOUR, "Amber: AI outline, not corrected here"),
    "before": (AI_COLOUR, "Amber, dashed: AI outline before the correction"),
    "ai": (AI_COLOUR, "Amber, dashed: AI outline"),
    "corrected": (READER_COLOUR, "Violet: outline as corrected"),
    "own": (READER_COLOUR, "Violet: outline of the reader"),
    "diameters": (DIAMETER_COLOUR, "White: diameters of the AI outline"),
    "own diameters": (DIAMETER_COLOUR, "White: diameters of the reader's outline"),
    "measurements": (MEASUREMENT_COLOUR, "Yellow: measurements of the reader"),
}


#: Layers of a key image, and whose outlines they show.
_LAYERS: Final[Mapping[str, Origin]] = {"ai": Origin.AI, "correction": Origin.READER}
#: Points ``(x, y)`` in image coordinates.
Polyline: TypeAlias = tuple[tuple[float, float], ...]

_DASHED: Final = frozenset({"ai", "before"})
#: Widths beside that of outlines: diameters must not hide a small lesion.
_WIDTHS: Final[Mapping[str, float]] = {
    "diameters": 0.5, "own diameters": 0.5, "measurements": 0.8
}  # fmt: skip
#: Sides of an arrow's head as a part of the image, and radians between them and the line.
_HEAD, _HEAD_TURN = 1 / 26, 0.42
#: Letters in a line of the text at an arrow, and how many lines it may have.
_ARROW_TEXT, _ARROW_LINES = 28, 4
#: From one of these lines to the next, in heights of the font.
_LEADING = 1.15


@dataclass(frozen=True)
class _View:
    """A slice to draw; attributes as of `KeyImage`."""

    k: int
    channel: int
    window: tuple[float, float]
    layers: tuple[str, ...]
    caption: str = ""


def draw_key_images(
    row: StudyRow,
    case: Case,
    *,
    marked: Sequence[KeyImage],
    read: MaskSlices,
    ai: MaskSlices | None,
    lesions: Sequence[ListedLesion],
    measurements: Sequence[Measurement],
    is_refused: bool = False,
) -> tuple[Picture, ...]:
    """Draw the marked slices; without any, those on which the largest lesions are largest.

    Args:
        row: The study.
        case: Its case.
        marked: Key images that the reader marked.
        read: The mask as read.
        ai: The AI mask, or None.
        lesions: The lesion list.
        measurements: The reader's own.
        is_refused: Whether the reader rejected the AI result or could not assess the images: no
            outline is as read, and slices that nobody marked are not shown.
    """
    images = [
        _View(one.k, one.channel, one.window, one.layers, one.caption)
        for one in marked
        if one.k < row.slices and one.channel < len(row.sequences)
    ]
    if not images and not is_refused:
        images = list(_largest(row, lesions))
    return tuple(
        _draw(
            row,
            case,
            one,
            read=read,
            ai=ai,
            lesions=lesions,
            measurements=measurements,
            is_refused=is_refused,
        )
        for one in images[:MOST_PICTURES]
    )


def _largest(row: StudyRow, lesions: Sequence[ListedLesion]) -> Iterator[_View]:
    """The slices of the two largest counted lesions, as if they had been marked."""
    counted = [one for one in lesions if one.verdict is not LesionVerdict.REMOVE][:2]
    channel = row.start_channel
    for k in dict.fromkeys(one.largest for one in counted):
        yield _View(k, channel, row.display.windows[channel], ("correction", "diameters"))


def _draw(
    row: StudyRow,
    case: Case,
    image: _View,
    *,
    read: MaskSlices,
    ai: MaskSlices | None,
    lesions: Sequence[ListedLesion],
    measurements: Sequence[Measurement],
    is_refused: bool,
) -> Picture:
    k, pixels = image.k, np.asarray(case.pixels[image.k, ..., image.channel])
    height, width = pixels.shape
    across = case.spacing_mm[1] / case.spacing_mm[2] if case.spacing_mm else 1.0  # of a pixel
    scale = (1.0, across) if across >= 1 else (1 / across, 1.0)
    size = (width * scale[0], height * scale[1])
    line = max(size) / 320
    drawn = []
    reference = case.masks[k] if case.masks is not None and "reference" in image.layers else None
    is_same = ai is not None and same_on_slice(ai, read, k)
    outlines = {"reference": reference}
    shown = shown_outlines(image.layers, k, read=read, ai=ai, is_refused=is_refused)
    if is_same and shown:
        outlines["ai" if is_refused else "unchanged"] = read.get(k)
    elif not is_same:
        is_corrected = bool(ai) and not is_refused
        name_of_ai, name_of_read = ("before", "corrected") if is_corrected else ("ai", "own")
        outlines[name_of_ai] = ai.get(k) if ai and Origin.AI in shown else None
        outlines[name_of_read] = read.get(k) if Origin.READER in shown else None
    for name, mask in outlines.items():
        if mask is not None and mask.any():
            dash = f' stroke-dasharray="{3 * line:.2f} {2 * line:.2f}"' if name in _DASHED else ""
            drawn.append((name, _outline(np.asarray(mask, bool), scale), dash))
    if "diameters" in image.layers and (found := diameters_on(lesions, k)):
        drawn.append(("diameters" if is_same else "own diameters", _paths(found, scale), ""))
    own = [one for one in measurements if one.k == k and "measurements" in image.layers]
    arrows = [one for one in own if one.kind == "arrow"]
    if own:
        path = _paths([line for one in own for line in lines_of(one)], scale)
        heads = "".join(arrow_head(one.points, scale, _HEAD * max(size)) for one in arrows)
        drawn.append(("measurements", path + heads, ""))
    texts = "".join(_arrow_text(one, scale, size) for one in arrows)
    dark = (
        f'<path d="{path}" fill="none" stroke="#000000" stroke-width="{2 * line:.2f}"/>'
        for name, path, _ in drawn
        if name == "measurements"  # thin light lines are lost over bright tissue
    )
    paths = "".join(dark) + "".join(
        f'<path d="{path}" fill="none" stroke="{_DRAWN[name][0]}"'
        f' stroke-width="{line * _WIDTHS.get(name, 1):.2f}"{dash}/>'
        for name, path, dash in drawn
    )
    address = _png(grey_levels(pixels, image.window), scale)
    label = f"Slice {row.indices[k]}, {sequence_label(row.sequences[image.channel])}"
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="picture" role="img"'
        f" aria-label={quoteattr(label)}"
        f' viewBox="0 0 {size[0]:.2f} {size[1]:.2f}">'
        f'<image href="{address}" x="0" y="0" width="{size[0]:.2f}" height="{size[1]:.2f}"'
        f' preserveAspectRatio="none"/>{paths}{_letters(case, size)}{texts}</svg>'
    )
    words = [f"{label}.", *(f"{_DRAWN[name][1]}." for name, _, _ in drawn)]
    is_cleared = not is_same and not is_refused and same_on_slice(read, {}, k)
    if is_cleared and Origin.READER in shown:
        words.append("As corrected, nothing is outlined here.")
    words += [f"Arrow: {text}" for one in arrows if (text := arrow_words(one))]
    words.append(image.caption)
    return Picture(svg=svg, caption=" ".join(filter(None, words)))


def shown_outlines(
    layers: Collection[str],
    k: int,
    *,
    read: MaskSlices,
    ai: MaskSlices | None,
    is_refused: bool,
) -> tuple[Origin, ...]:
    """Whose outlines a key image shows.

    A reader may correct a slice after they marked it. Where an outline was on screen, the outline
    as read is therefore shown too if it differs from the AI's on the slice: nobody takes an
    outline that the reader changed for the one that they vouch for.

    Args:
        layers: What was on screen when it was marked.
        k: Its slice, from 0.
        read: The mask as read.
        ai: The AI mask, or None.
        is_refused: Whether no outline is as read.
    """
    shown = {origin for name, origin in _LAYERS.items() if name in layers}
    if shown and not is_refused and not same_on_slice(ai or {}, read, k):
        shown.add(Origin.READER)
    return tuple(origin for origin in Origin if origin in shown)


def same_on_slice(one: MaskSlices, other: MaskSlices, k: int) -> bool:
    """Whether two masks are equal on a slice; a slice that a mask lacks is empty."""
    first, second = one.get(k), other.get(k)
    empty = [mask is None or not mask.any() for mask in (first, second)]
    if any(empty):
        return all(empty)
    return bool((np.asarray(first) == np.asarray(second)).all())


def _png(grey: NDArray[np.uint8], scale: tuple[float, float]) -> str:
    """Grey values as the address of a PNG, enlarged so that print does not show squares."""
    height, width = grey.shape
    longest = max(width * scale[0], height * scale[1])
    factor = max(1.0, _SHARP_PX / longest)
    size = (round(width * scale[0] * factor), round(height * scale[1] * factor))
    stream = io.BytesIO()
    Image.fromarray(grey).resize(size, Image.Resampling.BICUBIC).save(
        stream, "PNG", compress_level=6
    )
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"


def _outline(mask: NDArray[np.bool_], scale: tuple[float, float]) -> str:
    """The edges between pixels inside and outside a mask, as an SVG path."""
    framed = np.pad(mask, 1).astype(np.int8)
    parts = []
    for row, line in enumerate(np.diff(framed, axis=0)[:, 1:-1]):
        for start, end in _runs(line != 0):
            parts.append(f"M{start * scale[0]:.2f} {row * scale[1]:.2f}H{end * scale[0]:.2f}")
    for column, line in enumerate(np.diff(framed, axis=1)[1:-1].T):
        for start, end in _runs(line != 0):
            parts.append(f"M{column * scale[0]:.2f} {start * scale[1]:.2f}V{end * scale[1]:.2f}")
    return "".join(parts)


def _runs(line: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.pad(line, 1).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def diameters_on(lesions: Sequence[ListedLesion], k: int) -> list[Polyline]:
    """Both diameters of each counted lesion that is measured on a slice."""
    return [
        ((chord.x1, chord.y1), (chord.x2, chord.y2))
        for lesion in lesions
        if lesion.verdict is not LesionVerdict.REMOVE
        and lesion.measured is not None
        and lesion.measured.position == k
        for chord in (lesion.measured.longest, lesion.measured.perpendicular)
    ]


def lines_of(item: Measurement) -> list[Polyline]:
    """The lines of a measurement, as in `assets/js/measure/measure_shapes.js` (`path`)."""
    points = item.points
    if item.kind == "diameters":
        return [points[:2], points[2:]]
    if item.kind == "ellipse":
        (left, top), (right, bottom) = points[:2]
        turns = np.linspace(0, 2 * np.pi, 49)
        x = (left + right) / 2 + abs(right - left) / 2 * np.cos(turns)
        y = (top + bottom) / 2 + abs(bottom - top) / 2 * np.sin(turns)
        return [tuple(zip(x.tolist(), y.tolist(), strict=True))]
    return [(*points, points[0]) if item.kind == "area" else points]


def _paths(lines: Sequence[Polyline], scale: tuple[float, float]) -> str:
    return "".join(
        "M" + "L".join(f"{x * scale[0]:.2f} {y * scale[1]:.2f}" for x, y in points)
        for points in lines
    )


def arrow_head(points: Polyline, scale: tuple[float, float], length: float) -> str:
    """The head of an arrow, as in `assets/js/measure/measure_shapes.js` (`arrowHead`)."""
    (x, y), (end_x, end_y) = (np.array(point) * scale for point in points[:2])
    along = np.arctan2(end_y - y, end_x - x)
    (x1, y1), (x2, y2) = (
        (x + length * np.cos(along + turn), y + length * np.sin(along + turn))
        for turn in (-_HEAD_TURN, _HEAD_TURN)
    )
    return f"M{x1:.2f} {y1:.2f}L{x:.2f} {y:.2f}L{x2:.2f} {y2:.2f}"


def _arrow_text(item: Measurement, scale: tuple[float, float], size: tuple[float, float]) -> str:
    """The text of an arrow beside its end, away from its head and inside the image.

    A text of more than `_ARROW_LINES` lines is cut; the caption has all of it. The halo is an
    element of its own, because ``paint-order`` is unknown to the PDF's renderer.
    """
    text = arrow_words(item)
    has_wide = any(east_asian_width(one) in "WF" for one in text)
    letters = round(_ARROW_TEXT * 0.58) if has_wide else _ARROW_TEXT
    more = "\N{HORIZONTAL ELLIPSIS}"
    lines = wrap(text, letters, max_lines=_ARROW_LINES, placeholder=more)
    if not lines:
        return ""
    font = max(size) / (18 if len(lines) == 1 else 24)
    wide = [sum(1.0 if east_asian_width(one) in "WF" else 0.58 for one in line) for line in lines]
    width = font * max(wide)
    (tip_x, _), (x, y) = (np.array(point) * scale for point in item.points[:2])
    left = x + font * 0.3 if x >= tip_x else x - font * 0.3 - width
    left = float(np.clip(left, font * 0.2, max(size[0] - width - font * 0.2, font * 0.2)))
    below = font * _LEADING * (len(lines) - 1)
    base = float(np.clip(y + font * 0.35, font, max(size[1] - font * 0.4 - below, font)))
    look = f'font-size="{font:.2f}" font-family="Report, Report Extended, sans-serif"'
    halo = f'stroke="#000000" stroke-width="{font * 0.22:.2f}" stroke-linejoin="round"'
    return "".join(
        f'<text x="{left:.2f}" y="{base + font * _LEADING * row:.2f}" {look} {fill}>'
        f"{escape(line)}</text>"
        for fill in (f'fill="#000000" {halo}', f'fill="{MEASUREMENT_COLOUR}"')
        for row, line in enumerate(lines)
    )


def _letters(case: Case, size: tuple[float, float]) -> str:
    """The sides of the patient at the edges of the image; none where they are unknown."""
    at = case.orientation
    if at is None:
        return ""
    font = max(size) / 22
    places = (
        (at.left, font * 0.35, size[1] / 2, "start"),
        (at.right, size[0] - font * 0.35, size[1] / 2, "end"),
        (at.top, size[0] / 2, font * 1.05, "middle"),
        (at.bottom, size[0] / 2, size[1] - font * 0.4, "middle"),
    )
    return "".join(
        f'<text x="{x:.2f}" y="{y:.2f}" font-size="{font:.2f}" fill="#e4e9ee"'
        f' font-family="Report, sans-serif" text-anchor="{anchor}">{escape(letter)}</text>'
        for letter, x, y, anchor in places
        if letter
    )
