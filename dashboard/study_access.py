"""What the blueprints share: a study by its untrusted id, its pixels, answers that never change."""

from __future__ import annotations

import gzip
import hashlib
import mmap
import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import numpy as np
from flask import Response, current_app, request
from numpy.typing import NDArray

from dashboard import services
from dashboard.display import encode_slice
from dashboard.mask_encoding import MaskSlices
from dashboard.recent_studies import RecentStudies
from dashboard.route_errors import NotThere
from dashboard.services import Services
from dashboard.store import StudyRow
from pipeline import Case

#: ``(n, h, w)``, or a part of it.
Volume = NDArray[Any]
_MASK = re.compile("([0-9]{1,3})(?:/([0-9]{1,2}))?")
RESULT_GONE = "The result is no longer there; open the study again."
_FOR_EVER = "private, max-age=31536000, immutable"


def find_services() -> Services:
    """The server's parts, inside a request."""
    return services.get(current_app)


def find_study(study_id: str) -> StudyRow:
    """A study as the database has it now.

    Raises:
        NotThere: There is no such study.
    """
    return _there(find_services().store.study(study_id))


def recent_study(study_id: str) -> StudyRow:
    """A study for what never changes of it; the database is not asked for every slice."""
    recent: RecentStudies = current_app.config["overread_recent"]
    return _there(recent.get(study_id))


def _there(row: StudyRow | None) -> StudyRow:
    if row is None:
        raise NotThere("There is no such study; it may have been deleted.")
    return row


def study_with_data(study_id: str, digest: str) -> StudyRow:
    """A study whose pixels are those that the address names.

    Raises:
        NotThere: There is none, or its pixels are others by now.
    """
    row = recent_study(study_id)
    if row.data_digest != digest:
        raise NotThere("The study has changed; open it again.")
    return row


def load_case(row: StudyRow) -> Case:
    """A study's pixels, memory-mapped.

    Raises:
        InputError: The study's files are damaged.
    """
    return find_services().files.load(row.study_id)


def let_go(volume: NDArray[np.generic]) -> None:
    """Give back the memory of a mapped file; the system keeps it in its own cache.

    Else the pixels of all studies that were opened lately would count as this process's.
    """
    mapping = getattr(volume, "_mmap", None)
    if mapping is not None and hasattr(mapping, "madvise"):
        mapping.madvise(mmap.MADV_DONTNEED)


def find_mask(row: StudyRow, key: str, mask: str) -> MaskSlices:
    """The AI's mask as the browser has it in view, of the slices that are called.

    Args:
        row: The study.
        key: The result's, from the address.
        mask: Likewise: the smallest value of the probability map that belongs to the mask, 1 to
            255; behind a slash 100 x the slice score from which slices are called, where that is
            not the shipped one.

    Raises:
        NotThere: The result is another one or gone, or the mask's numbers are out of range.
    """
    check_key(row, key)
    found = _MASK.fullmatch(mask)
    level, percent = (int(text or 0) for text in found.groups()) if found else (0, 0)
    if found is None or not 1 <= level <= 255 or (found[2] and not 1 <= percent <= 99):
        raise NotThere("There is no such threshold.")
    outline = find_services().results.outline(key)
    if outline is None or outline.probability.shape != (row.slices, row.height, row.width):
        raise NotThere(RESULT_GONE)
    return outline.mask_slices(level, percent / 100 if percent else None)


def check_place(row: StudyRow, channel: int, k: int) -> None:
    """Refuse a channel or a slice, both from 0, that the study does not have.

    Raises:
        NotThere: It has none such.
    """
    if not (0 <= channel < len(row.sequences) and 0 <= k < row.slices):
        raise NotThere("There is no such slice.")


def answer_immutable(
    encode: Callable[[], bytes],
    *,
    mimetype: str = "application/octet-stream",
    packs: bool = False,
) -> Response:
    """An answer that never changes at its address.

    Args:
        encode: Makes the body; not called where the browser has it already.
        mimetype: Of the body.
        packs: Whether compression pays: masks shrink a hundredfold, noisy pixels hardly at all.
    """
    response = Response(mimetype=mimetype)
    tag = hashlib.sha256(request.full_path.encode()).hexdigest()[:16]  # the address says it all
    response.set_etag(tag, weak=True)
    response.headers["Cache-Control"] = _FOR_EVER
    if request.if_none_match.contains_weak(tag):
        response.status_code = HTTPStatus.NOT_MODIFIED
        return response
    body = encode()
    if packs:
        response.headers["Vary"] = "Accept-Encoding"
        if "gzip" in request.accept_encodings:
            body = gzip.compress(body, compresslevel=1, mtime=0)
            response.headers["Content-Encoding"] = "gzip"
    response.set_data(body)
    return response


def answer_pixels(row: StudyRow, channel: int, cut: Callable[[Volume], Volume]) -> Response:
    """A part of a channel ``(n, h, w)``, encoded as `dashboard.display` says."""

    def encode() -> bytes:
        volume = load_case(row).pixels
        body = encode_slice(cut(volume[..., channel]), row.display)
        let_go(volume)
        return body

    return answer_immutable(encode)


def answer_reference(row: StudyRow, cut: Callable[[Volume], Volume]) -> Response:
    """A part of the reference mask ``(n, h, w)``, 0 or 255; an error where there is none."""

    def encode() -> bytes:
        masks = load_case(row).masks if row.has_reference else None
        if masks is None:
            raise NotThere("This study has no reference outline.")
        body = (cut(masks).astype(np.uint8) * np.uint8(255)).tobytes()
        let_go(masks)
        return body

    return answer_immutable(encode, packs=True)


def check_key(row: StudyRow, key: str) -> None:
    """Refuse the key of any result but the one by the present models.

    Raises:
        NotThere: It is another one.
    """
    if key != find_services().result_key(row.content_digest):
        raise NotThere("This result is by other models; open the study again.")
