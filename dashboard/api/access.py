"""What the blueprints share: a study by its untrusted id, its pixels, answers that never change."""

from __future__ import annotations

import gzip
import hashlib
import mmap
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import numpy as np
from flask import Flask, Response, current_app, request
from numpy.typing import NDArray
from werkzeug.exceptions import RequestEntityTooLarge

from dashboard.masks.encoding import MaskSlices
from dashboard.store import StudyRow
from dashboard.studies.display import encode_slice
from dashboard.workspace import services
from dashboard.workspace.received import NotThere, RequestRefused
from dashboard.workspace.services import Services
from pipeline import Case

#: ``(n, h, w)``, or a part of it.
Volume = NDArray[Any]
_MASK = re.compile("([0-9]{1,3})(?:/([0-9]{1,2}))?")
RESULT_GONE = "The result is no longer there; open the study again."
_FOR_EVER = "private, max-age=31536000, immutable"
#: A study that was deleted, or deleted and added again, is gone from here after that many seconds.
KEPT_S = 2.0
_KEPT_STUDIES = 256


class RecentStudies:
    """Rows of the review database, kept for `KEPT_S`; for what does not change while it is there.

    Opening a study asks for some hundred slices within a second or two; to ask the database for the
    same row for each of them took 40% of the web process's time.

    Args:
        read: Reads a study's row; None where it is missing.
        clock: Seconds that only grow; tests give their own.
    """

    def __init__(
        self, read: Callable[[str], StudyRow | None], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._read, self._clock = read, clock
        self._lock = threading.Lock()
        self._rows: OrderedDict[str, tuple[float, StudyRow]] = OrderedDict()

    def get(self, study_id: str) -> StudyRow | None:
        """A study's row, at most `KEPT_S` old; a missing one is never remembered."""
        now = self._clock()
        with self._lock:
            found = self._rows.get(study_id)
        if found is not None and now - found[0] < KEPT_S:
            return found[1]
        row = self._read(study_id)
        with self._lock:
            if row is None:
                self._rows.pop(study_id, None)
            else:
                self._rows[study_id] = (now, row)
                self._rows.move_to_end(study_id)
                while len(self._rows) > _KEPT_STUDIES:
                    self._rows.popitem(last=False)
        return row


def register(server: Flask, parts: Services) -> None:
    """Give a server its memory of the studies that were asked for lately."""
    server.config["overread_recent"] = RecentStudies(parts.store.study)


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
        NotThere: It is missing, or its pixels are others by now.
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
    """A part of a channel ``(n, h, w)``, encoded as `dashboard.studies.display` says."""

    def encode() -> bytes:
        volume = load_case(row).pixels
        body = encode_slice(cut(volume[..., channel]), row.display)
        let_go(volume)
        return body

    return answer_immutable(encode)


def answer_reference(row: StudyRow, cut: Callable[[Volume], Volume]) -> Response:
    """A part of the reference mask ``(n, h, w)``, 0 or 255; an error where it is missing."""

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


def read_object(most: int) -> dict[str, Any]:
    """The JSON object that was sent; its fields are unchecked.

    Args:
        most: Longest body that is read, in bytes.

    Raises:
        RequestEntityTooLarge: The body is longer.
        RequestRefused: It is no JSON object.
    """
    if (request.content_length or 0) > most:
        raise RequestEntityTooLarge
    try:
        body = request.get_json(silent=True)
    except RecursionError:  # nested too deeply
        body = None
    if not isinstance(body, dict):
        raise RequestRefused("The request must hold a JSON object.")
    return body
