"""Reports as pages of HTML, by one Jinja template that a site may replace.

The template runs in Jinja's sandbox with autoescape: a report's texts come from files and readers.
Its variables are ``report`` (`dashboard.reports.content.Report`), ``paper``, ``chart_size``,
``research_use`` and the filter ``css_string``, for texts of margin boxes.
"""

from __future__ import annotations

import logging
from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from dashboard.reports.content import CHART_SIZE, RESEARCH_USE, Report
from pipeline import InputError

_LOG = logging.getLogger(__name__)
_TEMPLATE: Final = Path(__file__).with_name("report.html")
_ASSETS: Final = Path(__file__).resolve().parents[2] / "assets"
#: Fonts of the page, by their address in browsers.
_FONTS: Final = (
    "/assets/vendor/inter/inter-latin-wght-normal.woff2",
    "/assets/vendor/inter/inter-latin-ext-wght-normal.woff2",
)


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
