"""What the children of `pipeline.documents.pdf` do: one page of HTML to PDF, with WeasyPrint.

WeasyPrint gets the bytes of the fonts that were sent, and what the page holds itself (``data:``).
Every other address is refused before it is opened; the child has no network either.
"""

from __future__ import annotations

import logging
from base64 import b64decode
from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import unquote_to_bytes

import numpy as np
from PIL import ImageFile
from pydantic import Field

from pipeline.errors import InputError
from pipeline.sandbox.messages import Message
from pipeline.storage.declared_models import DeclaredModel

_LOG = logging.getLogger(__name__)
#: The server of a page without one: what it asks there is a font that was sent, or nothing.
_BASE = "https://report.invalid"
NO_PANGO = (
    "The PDF cannot be made on this server: the library Pango is missing (Debian: apt install"
    " libpango-1.0-0 libpangoft2-1.0-0). Open the report and print it instead."
)
_NO_PDF = "The PDF cannot be made of this page; open the report and print it instead."

try:  # imported before children are forked; without Pango importing it fails
    import weasyprint
    from weasyprint.text.fonts import FontConfiguration
except (ImportError, OSError):
    weasyprint = None
# WeasyPrint switches this on for the whole process, where a cut image would then read as whole.
ImageFile.LOAD_TRUNCATED_IMAGES = False
for _name in ("weasyprint", "weasyprint.progress", "fontTools"):  # they report every step
    logging.getLogger(_name).setLevel(logging.ERROR)


class PdfRequest(DeclaredModel):
    """A page, whose bytes come along, then those of its fonts.

    Attributes:
        fonts: Addresses of the fonts, from the slash after the server's name.
        identifier: Of the document: the SHA-256 of the page.
    """

    fonts: tuple[Annotated[str, Field(pattern=r"^/[A-Za-z0-9./_-]{1,200}$")], ...]
    identifier: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class MakePdf:
    """Turns a page into a PDF."""

    def answer(self, request: Message, progress: Callable[[int, int, str], None]) -> Message:
        """Return the PDF as an array of bytes.

        Raises:
            InputError: Pango is missing, or WeasyPrint cannot lay the page out.
        """
        if weasyprint is None:
            raise InputError("", NO_PANGO)
        asked = PdfRequest.model_validate_json(request.document)
        page, *fonts = (one.tobytes() for one in request.arrays)
        known = dict(zip(asked.fonts, fonts, strict=True))
        progress(0, 1, "Making the PDF")
        try:
            content = weasyprint.HTML(
                string=page.decode("utf-8"), url_fetcher=_fetcher(known), base_url=f"{_BASE}/"
            ).write_pdf(
                font_config=FontConfiguration(),
                pdf_identifier=asked.identifier.encode("ascii"),
                custom_metadata=True,
            )
        except Exception:
            _LOG.exception("WeasyPrint failed")
            raise InputError("", _NO_PDF) from None
        return Message("{}", (np.frombuffer(content, np.uint8),))


def _fetcher(fonts: dict[str, bytes]) -> Any:
    """What WeasyPrint fetches with: fonts by address, and what is in the address itself."""
    from weasyprint.urls import URLFetcher, URLFetcherResponse

    class Fetcher(URLFetcher):  # type: ignore[misc,unused-ignore]
        def fetch(self, url: str, headers: object = None) -> URLFetcherResponse:
            scheme, _colon, rest = url.partition(":")
            if (font := fonts.get(url.removeprefix(_BASE))) is not None:
                return URLFetcherResponse(url, font, {"Content-Type": "font/woff2"})
            if scheme == "data":
                head, _comma, body = rest.partition(",")
                content = unquote_to_bytes(body)
                if head.endswith(";base64"):
                    content = b64decode(content)
                kind = head.partition(";")[0] or "text/plain"
                return URLFetcherResponse(url, content, {"Content-Type": kind})
            raise ValueError("a report fetches nothing")  # WeasyPrint then leaves it out

    return Fetcher()
