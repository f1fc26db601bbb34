"""What a report says, and its page of HTML, by one Jinja template that a site may replace.

The template runs in Jinja's sandbox with autoescape: a report's texts come from files and readers.
Its variables are ``report`` (`Report`), ``paper``, ``chart_size``,
``research_use`` and the filter ``css_string``, for texts of margin boxes.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from pipeline.errors import InputError
from pipeline.interchange.content import RESEARCH_USE

_LOG = logging.getLogger(__name__)
_TEMPLATE: Final = Path(__file__).with_name("report.html")
_ASSETS: Final = Path(__file__).resolve().parents[2] / "assets"
#: Fonts of the page, by their address in browsers.
_FONTS: Final = (
    "/assets/vendor/inter/inter-latin-wght-normal.woff2",
    "/assets/vendor/inter/inter-latin-ext-wght-normal.woff2",
)


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A key image, as a drawing that holds its pixels.

    Attributes:
        svg: An ``<svg>`` element.
        caption: Slice, sequence, what is drawn in which colour, and the reader's words.
    """

    svg: str
    caption: str


@dataclass(frozen=True, kw_only=True)
class LesionLine:
    """A row of the lesion table, in words.

    Attributes:
        name: Number and place.
        volume, diameters, slices, source, change: "" where it is not known.
        counts: Whether the lesion is part of the mask as read.
    """

    name: str
    volume: str
    diameters: str
    slices: str
    source: str
    change: str
    counts: bool


@dataclass(frozen=True, kw_only=True)
class ChartPoint:
    """A point of the chart of volumes, in the drawing's units.

    Attributes:
        x, y: Its place; y points down.
        value, date: Its labels.
        source: "signed", "version" or "ai".
    """

    x: float
    y: float
    value: str
    date: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a report says. Every text is untrusted: templates escape it.

    Attributes:
        title: Of the page.
        state: "signed" or "draft".
        status: Such as "Signed report, record 1".
        patient_line: Name and id, for every page.
        facts: Name and value of each fact of the head.
        findings: Sentences.
        lesion_unit: "mL" or "voxels".
        has_changes: Whether a lesion has a change to show.
        lesions: Rows of the lesion table.
        comments: What the reader wrote of single lesions.
        measurements: What the reader drew, each with its slice and its value or text.
        pictures: Key images.
        chart: Volume over time; empty for fewer than two studies with a date.
        trust: Sentences on how far the AI outline can be trusted.
        cautions: Sentences.
        notes: In the reader's words.
        models: Sentences on network and thresholds.
        amends: What an amended report says of the one before, or "".
        footer: Software, record and its digest.
        made_at: ISO 8601, UTC.
        author: Who signed or decided, or "".
        subject: For the metadata of a PDF.
    """

    title: str
    state: Literal["signed", "draft"]
    status: str
    patient_line: str
    facts: tuple[tuple[str, str], ...]
    findings: tuple[str, ...]
    lesion_unit: str
    has_changes: bool
    lesions: tuple[LesionLine, ...]
    comments: tuple[str, ...]
    measurements: tuple[str, ...]
    pictures: tuple[Picture, ...]
    chart: tuple[ChartPoint, ...]
    trust: tuple[str, ...]
    cautions: tuple[str, ...]
    notes: str
    models: tuple[str, ...]
    amends: str
    footer: str
    made_at: str
    author: str
    subject: str


#: Width and height of the chart's drawing.
CHART_SIZE: Final = (260.0, 150.0)


def render_page(report: Report, *, template: Path | None = None, paper: str = "A4") -> bytes:
    """Render a report as a page that holds its pictures itself.

    Args:
        report: What it says.
        template: The site's template; None for Overread's own.
        paper: "A4" or "letter".

    Raises:
        InputError: The template cannot be read or is not valid; the sentence names it.
    """
    path = template or _TEMPLATE
    environment = ImmutableSandboxedEnvironment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["css_string"] = css_string
    try:
        page = environment.from_string(path.read_text("utf-8")).render(
            report=report,
            drawings=[Markup(one.svg) for one in report.pictures],  # made by us
            paper=paper,
            chart_size=CHART_SIZE,
            research_use=RESEARCH_USE,
            fonts=_FONTS,
        )
    except (OSError, ValueError, TypeError, ArithmeticError, TemplateError) as error:
        _LOG.exception("The template of reports failed")
        raise InputError(
            path.name,
            f"The template of reports {path.name} cannot be used"
            f" ({type(error).__name__}); the administrator must correct it.",
        ) from None
    return page.encode("utf-8", "replace")


def css_string(text: str) -> Markup:
    """A text as the content of a CSS string: what is not a letter or digit is escaped."""
    return Markup(  # nothing of the text remains that CSS or HTML would read
        "".join(
            one if one.isascii() and one.isalnum() else f"\\{ord(one):06x}"
            for one in text
            if one.isprintable()
        )
    )


@cache
def read_fonts() -> dict[str, bytes]:
    """The fonts that reports ask for, by their address."""
    root = _ASSETS.parent
    return {address: (root / address.lstrip("/")).read_bytes() for address in _FONTS}
