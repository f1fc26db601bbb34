"""What a study's folder says of its place in the worklist, so that a lost list can be rebuilt.

``listing.json`` is stored with a study's files: where it came from, when, and the files' digest.
The review database decides while it exists; `dashboard.rebuild` reads the listings where it does
not. A file of images never decides what is in the worklist otherwise.
"""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from dashboard.store import Origin
from pipeline import SHA256, DeclaredModel, InputError, read_json, write_document

_LOG = logging.getLogger(__name__)
LISTING = "listing.json"


class Listing(DeclaredModel):
    """A study's place in the worklist.

    Attributes:
        origin: Where it came from.
        source: Entry of the library or demo folder, "" for uploads.
        reader_id: Who uploaded it, "" where unknown.
        added_at: When it was added.
        files_digest: Digest of its files, as the database has it too.
    """

    version: Literal[1] = 1
    origin: Annotated[Origin, Field(strict=False)]
    source: Annotated[str, Field(max_length=4096)]
    reader_id: Annotated[str, Field(max_length=64)] = ""
    added_at: Annotated[datetime, AwareDatetime, Field(strict=False)]
    files_digest: Annotated[str, Field(pattern=rf"^{SHA256.pattern}\z")]


def write_listing(folder: Path, listing: Listing) -> None:
    """Write the listing of a study's folder.

    Raises:
        OSError: It cannot be written.
    """
    write_document(folder / LISTING, listing)


def read_listing(folder: Path) -> Listing | None:
    """The listing of a study's folder; None where it is missing or damaged."""
    try:
        return read_json(
            folder / LISTING, Listing, shown=LISTING, remedy="the study counts as an upload"
        )
    except InputError as error:
        _LOG.warning("%s: %s", folder.name, error.message)
        return None
