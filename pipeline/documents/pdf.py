"""Pages of HTML as PDF, made by WeasyPrint in a confined child that is forked in milliseconds.

    content = make_pdf(page, fonts={"/assets/inter.woff2": font})

The child can read Python, the system's fonts and nothing else, and has no network. The page asks
for its fonts at the same addresses as in a browser.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from pipeline.documents import pdf_job
from pipeline.documents.pdf_job import PdfRequest
from pipeline.errors import InputError, ProgressCallback
from pipeline.sandbox.sessions import open_session, server_of
from pipeline.sandbox.watch import ReadingLimits
from pipeline.storage.digests import sha256

_JOB = pdf_job.__name__
#: Where the system's fonts and their index are, for scripts that the page's own fonts lack.
_SYSTEM_FONTS: Final = (
    Path("/etc/fonts"),
    Path("/usr/share/fonts"),
    Path("/usr/share/fontconfig"),
    Path("/usr/share/xml/fontconfig"),
    Path("/usr/local/share/fonts"),
    Path("/var/cache/fontconfig"),
)
#: A page with its pictures takes far less.
_MOST_BYTES: Final = 64 << 20
_LIMITS: Final = ReadingLimits(study_bytes=_MOST_BYTES, written_bytes=_MOST_BYTES)
_TOO_LARGE = "The report is too large to become a PDF: mark fewer key images."


def start_pdf_early() -> None:
    """Start the process that forks children, so that the first PDF need not wait for imports."""
    server_of((_JOB,)).start()


def make_pdf(
    page: bytes, *, fonts: Mapping[str, bytes], progress: ProgressCallback | None = None
) -> bytes:
    """Turn a page into a PDF.

    Args:
        page: HTML in UTF-8; it holds its pictures itself.
        fonts: WOFF2 by address.
        progress: Called with (done, total, what is being done); may raise `Cancelled`.

    Raises:
        InputError: Pango is missing, or the page cannot become one; the sentence says so.
    """
    if len(page) > _MOST_BYTES:
        raise InputError("", _TOO_LARGE)
    request = PdfRequest(fonts=tuple(fonts), identifier=sha256(page))
    arrays = [np.frombuffer(one, np.uint8) for one in (page, *fonts.values())]
    with open_session(
        f"{_JOB}:MakePdf",
        modules=(_JOB,),
        readable=_SYSTEM_FONTS,
        limits=_LIMITS,
        progress=progress,
    ) as session:
        answer = session.ask(request.model_dump_json(), arrays)
    if len(answer.arrays) != 1 or not answer.arrays[0].tobytes().startswith(b"%PDF-"):
        raise InputError("", "The PDF cannot be made; the log of the server has the details.")
    return answer.arrays[0].tobytes()
