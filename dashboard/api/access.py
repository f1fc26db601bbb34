"""What the blueprints share: addresses of a study, its pixels, answers that never change."""

from __future__ import annotations

import gzip
import hashlib
import mmap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Annotated, Any

import numpy as np
from cachetools import TTLCache
from flask import Flask, Response, current_app, request
from numpy.typing import NDArray
from pydantic import Field

from dashboard.api.endpoint import Address, Answer, Query
from dashboard.masks import references
from dashboard.masks.encoding import MaskSlices
from dashboard.store import StudyId, StudyRow
from dashboard.studies.display import encode_slice
from dashboard.workspace import services
from dashboard.workspace.received import NO_STUDY, NotThere
from dashboard.workspace.services import Services
from pipeline import Case

#: Type of content of pixels and masks.
BYTES = "application/octet-stream"
#: ``(n, h, w)``, or a part of it.
Volume = NDArray[Any]
OTHER_MODELS = (
    "This result was made by other models, or with another spacing; open the study again."
)
RESULT_GONE = "The result is no longer available; open the study again."
IMMUTABLE = "private, max-age=31536000, immutable"
#: How many seconds a deleted study can still be found here.
KEPT_S = 2.0
#: Largest number of rows in the cache.
MOST_STUDIES = 256

HexKey = Annotated[str, Field(pattern=r"^[0-9a-f]{8,128}$")]
#: A channel or a slice, from 0.
Place = Annotated[int, Field(ge=0, lt=2**31, title="slice")]


class StudyAddress(Address):
    """A study."""

    study_id: StudyId


class DataAddress(StudyAddress):
    """The pixels of a study, by their digest."""

    digest: HexKey


class ResultAddress(StudyAddress):
    """The result of a study, by its key."""

    key: HexKey


class MaskAddress(ResultAddress):
    """The AI's mask at a mask threshold and an operating point.

    Attributes:
        mask: The smallest value of the probability map that belongs to the mask, 1 to 255; behind
            a slash 100 x the operating point, where that is not the default one.
    """

    mask: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,2}(/[1-9][0-9]?)?$", title="threshold")]


class VersionQuery(Query):
    """The version of an answer that browsers cache; a new one is a new address."""

    v: Annotated[int, Field(ge=1, le=10_000)] | None = None


class RecentStudies:
    """A cache of studies' rows for `KEPT_S`; for what hardly ever changes of a study.

    A page that opens a study requests some hundred slices within a second or two; reading the same
    row from the database for each of them took 40% of the web process's time.

    Args:
        read: Reads a study's row; returns None if it is missing.
        clock: Monotonic seconds; tests pass their own.
    """

    def __init__(
        self, read: Callable[[str], StudyRow | None], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._rows: TTLCache[str, StudyRow] = TTLCache(MOST_STUDIES, KEPT_S, timer=clock)

    def get(
        self, study_id: str, is_wanted: Callable[[StudyRow], bool] = lambda row: True
    ) -> StudyRow | None:
        """A study's row, at most `KEPT_S` old; missing studies are not cached.

        Args:
            study_id: The study.
            is_wanted: Whether a cached row is still the wanted one; otherwise it is read again.
        """
        with self._lock:
            row = self._rows.get(study_id)
        if row is None or not is_wanted(row):
            row = self._read(study_id)
            if row is not None:
                with self._lock:
                    self._rows[study_id] = row
        return row


def register(server: Flask, parts: Services) -> None:
    """Add the cache of recently requested studies to a server."""
    server.config["overread_recent"] = RecentStudies(parts.store.study)


def find_services() -> Services:
    """Return the server's parts, inside a request."""
    return services.get(current_app)


def find_study(study_id: str) -> StudyRow:
    """Return a study as the database has it now.

    Raises:
        NotThere: It is missing.
    """
    return _found(find_services().store.study(study_id))


@contextmanager
def still_there() -> Iterator[None]:
    """Answer that the study was deleted, if it was meanwhile."""
    try:
        yield
    except LookupError:
        raise NotThere(NO_STUDY) from None


def recent_study(study_id: str) -> StudyRow:
    """Return a study for what never changes of it; the row is at most `KEPT_S` old."""
    return _found(_recent().get(study_id))


def _recent() -> RecentStudies:
    found: RecentStudies = current_app.config["overread_recent"]
    return found


def _found(row: StudyRow | None) -> StudyRow:
    if row is None:
        raise NotThere(NO_STUDY)
    return row


def study_with_data(address: DataAddress) -> StudyRow:
    """Return the study whose pixels an address names.

    Raises:
        NotThere: It is missing, or its pixels have changed.
    """
    row = _found(_recent().get(address.study_id, lambda row: row.data_digest == address.digest))
    if row.data_digest != address.digest:
        raise NotThere("The study has changed; open it again.")
    return row


def study_with_pixels(address: DataAddress) -> StudyRow:
    """Return the study whose pixels an address names, for nothing but its pixels.

    What readers enter changes a study's digest and none of its pixels: pages that were opened
    before still find them.

    Raises:
        NotThere: It is missing, or its pixels have changed.
    """
    row = recent_study(address.study_id)
    return row if row.entries_revision else study_with_data(address)


def study_with_result(address: ResultAddress) -> StudyRow:
    """Return the study whose result an address names.

    Raises:
        NotThere: It is missing, or the key is of another result.
    """

    def is_key(row: StudyRow) -> bool:
        return address.key == find_services().result_key(row.content_digest)

    row = _found(_recent().get(address.study_id, is_key))
    if not is_key(row):
        raise NotThere(OTHER_MODELS)
    return row


def load_case(row: StudyRow) -> Case:
    """Return a study's case with what readers entered; its pixels are memory-mapped.

    Raises:
        InputError: The study's files are damaged.
    """
    return references.load_case(find_services(), row)


def release_memory(volume: NDArray[np.generic]) -> None:
    """Release the memory of a mapped file; the system keeps it in its own cache.

    Otherwise the pixels of all recently opened studies would count as this process's memory.
    """
    mapping = getattr(volume, "_mmap", None)
    if mapping is not None and hasattr(mapping, "madvise"):
        mapping.madvise(mmap.MADV_DONTNEED)


def release_case(row: StudyRow) -> None:
    """Release the memory of a study's mapped files; see `release_memory`."""
    case = load_case(row)
    release_memory(case.pixels)
    if case.masks is not None:
        release_memory(case.masks)


def find_mask(row: StudyRow, address: MaskAddress) -> MaskSlices:
    """Return the AI mask that the browser shows, of the slices above the operating point.

    Raises:
        NotThere: The result is missing, or the threshold is above 255.
    """
    level, _, percent = address.mask.partition("/")
    if int(level) > 255:
        raise NotThere("No threshold at this address.")
    outline = find_services().results.outline(address.key)
    if outline is None or outline.probability.shape != (row.slices, row.height, row.width):
        raise NotThere(RESULT_GONE)
    return outline.mask_slices(int(level), int(percent) / 100 if percent else None)


def check_place(row: StudyRow, channel: int, k: int) -> None:
    """Refuse a channel or a slice, both from 0, that the study does not have.

    Raises:
        NotThere: The study does not have it.
    """
    if not (0 <= channel < len(row.sequences) and 0 <= k < row.slices):
        raise NotThere("No slice at this address.")


def answer_immutable(
    encode: Callable[[], bytes | Answer],
    *,
    mimetype: str = BYTES,
    compress: bool = False,
) -> Response:
    """Return an answer that never changes at its address.

    Args:
        encode: Makes the body; not called if the browser has it already.
        mimetype: Type of the body.
        compress: Whether compression pays: masks shrink a hundredfold, noisy pixels hardly at all.
    """
    response = Response(mimetype=mimetype)
    # the address determines the answer
    tag = hashlib.sha256(request.full_path.encode()).hexdigest()[:16]
    response.set_etag(tag, weak=True)
    response.headers["Cache-Control"] = IMMUTABLE
    if request.if_none_match.contains_weak(tag):
        response.status_code = HTTPStatus.NOT_MODIFIED
        return response
    made = encode()
    body = made.model_dump_json().encode() if isinstance(made, Answer) else made
    if compress:
        response.headers["Vary"] = "Accept-Encoding"
        if "gzip" in request.accept_encodings:
            body = gzip.compress(body, compresslevel=1, mtime=0)
            response.headers["Content-Encoding"] = "gzip"
    response.set_data(body)
    return response


def answer_pixels(row: StudyRow, channel: int, cut: Callable[[Volume], Volume]) -> Response:
    """Return a part of a channel ``(n, h, w)``, encoded as in `dashboard.studies.display`."""

    def encode() -> bytes:
        volume = load_case(row).pixels
        body = encode_slice(cut(volume[..., channel]), row.display)
        release_memory(volume)
        return body

    return answer_immutable(encode)


def answer_reference(row: StudyRow, cut: Callable[[Volume], Volume]) -> Response:
    """Return a part of the reference mask ``(n, h, w)``, 0 or 255; an error if it is missing."""

    def encode() -> bytes:
        masks = load_case(row).masks if row.has_reference else None
        if masks is None:
            raise NotThere("This study has no reference outline.")
        body = (cut(masks).astype(np.uint8) * np.uint8(255)).tobytes()
        release_memory(masks)
        return body

    return answer_immutable(encode, compress=True)


def check_key(row: StudyRow, key: str) -> None:
    """Refuse the key of any result other than the one by the present models.

    Raises:
        NotThere: The key is of another result.
    """
    if key != find_services().result_key(row.content_digest):
        raise NotThere(OTHER_MODELS)
