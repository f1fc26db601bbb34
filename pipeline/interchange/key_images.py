"""Key images as secondary captures: a slice with its outlines and, in the pixels, how to use it."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np
from highdicom.sc import SCImage
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from pipeline.data.case import Case
from pipeline.interchange.content import (
    AI_COLOUR,
    DIAMETER_COLOUR,
    MEASUREMENT_COLOUR,
    READER_COLOUR,
    RESEARCH_USE,
    DrawnLine,
    ExportedStudy,
    KeyView,
    LineKind,
    Origin,
)
from pipeline.interchange.identifiers import date_and_time, derive_uid
from pipeline.interchange.image_series import (
    ImageSeries,
    equipment,
    settle,
    short_text,
)


def _rgb(colour: str) -> tuple[int, int, int]:
    """A colour of six hexadecimal digits."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue


_COLOURS = {
    Origin.AI: _rgb(AI_COLOUR),
    Origin.READER: _rgb(READER_COLOUR),
}
_TEXT = (255, 255, 255)
_LINE_COLOURS = {
    LineKind.DIAMETERS: _rgb(DIAMETER_COLOUR),
    LineKind.MEASUREMENT: _rgb(MEASUREMENT_COLOUR),
    LineKind.ARROW: _rgb(MEASUREMENT_COLOUR),
}
_LINE_WORDS = {
    LineKind.DIAMETERS: "Diameters",
    LineKind.MEASUREMENT: "Measurements of the reader",
    LineKind.ARROW: "Arrows of the reader",
}
#: Sides of an arrow's head in pixels, and radians between them and the line.
_HEAD_PX, _HEAD_TURN = 14, 0.42
#: Letters of the text at an arrow.
_ARROW_TEXT = 40
#: Shortest edge of the picture in pixels: small matrices are enlarged by a whole factor.
_SHORTEST = 512
_LINE_PX, _MARGIN_PX = 20, 6
#: Letters of a caption that fit the picture.
_CAPTION = 56


def largest_view(study: ExportedStudy) -> KeyView | None:
    """The slice with most of the mask as read, or of the AI's, in the case's window.

    None where nothing is outlined, and where what is outlined is no finding.
    """
    outlines = study.read or study.ai
    if outlines is None or not study.has_findings or not outlines.labels.any():
        return None
    k = int(np.argmax(np.count_nonzero(outlines.labels, axis=(1, 2))))
    return KeyView(k=k, window=study.case.window)


def draw_key_image(study: ExportedStudy, view: KeyView) -> NDArray[np.uint8]:
    """The picture of a view.

    Returns:
        ``(height, width, 3)`` uint8 with square pixels: the slice, and below it the legend, the
        caption and that it is for research use only.
    """
    case = study.case
    grey = _grey(case.pixels[view.k, ..., view.channel], view.window)
    spacing = case.spacing_mm or (1.0, 1.0, 1.0)
    unit = min(spacing[1], spacing[2])
    height, width = grey.shape[0] * spacing[1] / unit, grey.shape[1] * spacing[2] / unit
    factor = max(1, int(np.ceil(_SHORTEST / min(height, width))))
    size = (max(round(width * factor), 1), max(round(height * factor), 1))
    picture = cv2.cvtColor(
        cv2.resize(grey, size, interpolation=cv2.INTER_LINEAR), cv2.COLOR_GRAY2RGB
    )
    lines = [
        (
            f"Slice {case.indices[view.k]}  {short_text(view.caption, longest=_CAPTION)}".rstrip(),
            _TEXT,
        )
    ]
    for origin in view.origins:
        outlines = study.outlines(origin)
        if outlines is None:
            continue
        mask = (outlines.labels[view.k] > 0).astype(np.uint8)
        large = cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST)
        contours, _ = cv2.findContours(large, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(picture, contours, -1, _COLOURS[origin], 2)
        words = _words(study, origin, view.k) + ("" if mask.any() else ": none on this slice")
        lines.append((words, _COLOURS[origin]))
    scale = (size[0] / grey.shape[1], size[1] / grey.shape[0])
    marked = np.asarray(picture, np.uint8)
    for line in view.lines:
        _draw_line(marked, line, scale)
    drawn = {one.kind for one in view.lines}
    lines += [(_LINE_WORDS[kind], _LINE_COLOURS[kind]) for kind in LineKind if kind in drawn]
    marked = _with_texts(marked, view.lines, scale)
    if case.labels.synthetic:
        lines.append(("SYNTHETIC", _TEXT))
    if study.is_refused and study.assessment is not None:
        lines.append((study.assessment.judgement.value, _TEXT))
    if study.reader is not None and not study.is_signed:
        lines.append(("DRAFT: not signed", _TEXT))
    return _with_lines(marked, [*lines, (RESEARCH_USE.upper(), _TEXT)])


def _words(study: ExportedStudy, origin: Origin, k: int) -> str:
    """Whose outline it is, and of an accepted result whether the reader changed it on the slice."""
    if study.ai is None or study.read is None:
        return f"FLAIR abnormality ({origin})"
    is_same = np.array_equal(study.ai.labels[k] > 0, study.read.labels[k] > 0)
    if origin is Origin.AI:
        return "FLAIR abnormality (AI)" if is_same else "FLAIR abnormality (AI, before correction)"
    return f"FLAIR abnormality ({'AI, accepted' if is_same else 'corrected by the reader'})"


def _draw_line(picture: NDArray[np.uint8], line: DrawnLine, scale: tuple[float, float]) -> None:
    points = np.array(line.points, np.float64) * scale
    parts = [points]
    if line.kind is LineKind.ARROW and len(points) > 1:
        (tip, end), angles = points[:2], (-_HEAD_TURN, _HEAD_TURN)
        along = np.arctan2(end[1] - tip[1], end[0] - tip[0])
        sides = [tip + _HEAD_PX * np.array([np.cos(along + by), np.sin(along + by)])
                 for by in angles]  # fmt: skip
        parts.append(np.array([sides[0], tip, sides[1]]))
    largest = 4 * max(picture.shape)  # what is far outside is not drawn, and must fit int32
    for part in parts:
        places = np.rint(np.clip(part, -largest, largest)).astype(np.int32)
        cv2.polylines(picture, [places], False, _LINE_COLOURS[line.kind], 1, cv2.LINE_AA)


def _with_texts(
    picture: NDArray[np.uint8], lines: Sequence[DrawnLine], scale: tuple[float, float]
) -> NDArray[np.uint8]:
    """The picture with the texts of arrows at their ends, moved inside where they would be cut."""
    texts = [one for one in lines if one.text]
    if not texts:
        return picture
    whole = Image.fromarray(picture)
    draw, font = ImageDraw.Draw(whole), _font()
    for line in texts:
        text = drawable(short_text(line.text, longest=_ARROW_TEXT))
        room = (whole.width - draw.textlength(text, font=font), whole.height - _LINE_PX)
        place = [
            min(max(line.points[-1][axis] * scale[axis], 0), max(room[axis], 0)) for axis in (0, 1)
        ]
        colour = _LINE_COLOURS[line.kind]
        draw.text((place[0], place[1]), text, colour, font, stroke_width=1, stroke_fill=(0, 0, 0))
    return np.array(whole, np.uint8)


@cache
def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(15)


@cache
def _has_letter(letter: str) -> bool:
    """Whether the font has a letter; it draws a box for those that it lacks."""
    missing = _font().getmask("\uffff")
    return letter == " " or bytes(_font().getmask(letter)) != bytes(missing)


def drawable(text: str) -> str:
    """A text in letters that the font has: without accents where it must be, "?" for others.

    A caption is whole in the object's header.
    """
    found = []
    for letter in text:
        split = unicodedata.normalize("NFKD", "ss" if letter == "ß" else letter)
        plain = "".join(one for one in split if not unicodedata.combining(one))
        fits = (one for one in (letter, plain) if one and all(map(_has_letter, one)))
        found.append(next(fits, "?"))
    return "".join(found)


def _grey(pixels: NDArray[np.generic], window: tuple[float, float] | None) -> NDArray[np.uint8]:
    values = np.asarray(pixels, np.float64)
    low, high = window or (float(values.min()), float(values.max()))
    return np.asarray(np.clip((values - low) / max(high - low, 1e-9), 0, 1) * 255, np.uint8)


def _with_lines(
    picture: NDArray[np.uint8], lines: list[tuple[str, tuple[int, int, int]]]
) -> NDArray[np.uint8]:
    """The picture with lines of text below it, in colours that stay when it is printed."""
    height, width = picture.shape[:2]
    whole = Image.new("RGB", (width, height + _LINE_PX * len(lines) + 2 * _MARGIN_PX))
    whole.paste(Image.fromarray(picture), (0, 0))
    draw, font = ImageDraw.Draw(whole), _font()
    for number, (text, colour) in enumerate(lines):
        place = (_MARGIN_PX, height + _MARGIN_PX + number * _LINE_PX)
        draw.text(place, drawable(text), fill=colour, font=font)
    return np.array(whole, np.uint8)


def build_key_images(
    study: ExportedStudy, series: ImageSeries, views: tuple[KeyView, ...]
) -> list[Dataset]:
    """A secondary capture of each view, in one series."""
    return [_build(study, series, number, view) for number, view in enumerate(views, start=1)]


def _build(study: ExportedStudy, series: ImageSeries, number: int, view: KeyView) -> Dataset:
    date = date_and_time(study.at)
    image = series.images[view.k]
    made: Dataset = SCImage(
        pixel_array=draw_key_image(study, view),
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        study_instance_uid=series.study_uid,
        series_instance_uid=derive_uid("series", study.digest, "sc"),
        series_number=904,
        sop_instance_uid=derive_uid("sc", study.digest, number),
        instance_number=number,
        patient_orientation=_directions(study.case),
        series_description=short_text(f"Key images - {RESEARCH_USE}"),
        transfer_syntax_uid=ExplicitVRLittleEndian,
        **equipment(),
    )
    made.BurnedInAnnotation = "YES"
    made.ImageType = ["DERIVED", "SECONDARY"]
    made.BodyPartExamined = "BRAIN"
    made.ImageComments = short_text(view.caption)
    made.DateOfSecondaryCapture, made.TimeOfSecondaryCapture = date
    source = Dataset()
    source.ReferencedSOPClassUID = image.sop_class
    source.ReferencedSOPInstanceUID = image.sop_instance
    if image.frame is not None:
        source.ReferencedFrameNumber = image.frame
    made.SourceImageSequence = [source]
    settle(made, series, date)
    return made


def _directions(case: Case) -> tuple[str, str]:
    """Where a row and a column run, by the letters at the right and lower edge."""
    letters = {"R": "R", "L": "L", "A": "A", "P": "P", "S": "H", "I": "F"}
    if case.orientation is None:
        return ("L", "P")
    return letters[case.orientation.right[:1]], letters[case.orientation.bottom[:1]]
