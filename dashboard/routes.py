"""HTTP beside Dash: uploads in, studies, pixels and pictures out.

Pixels lie at addresses that name their digest, so that browsers keep them for ever. Every value
from the address is untrusted; what does not fit is told in one sentence.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import mmap
from collections.abc import Callable
from http import HTTPStatus

import numpy as np
from flask import Blueprint, Flask, Response, current_app, jsonify, request
from numpy.typing import NDArray
from werkzeug.exceptions import RequestEntityTooLarge

from dashboard import request_log, services, studies
from dashboard.case_measures import describe_measures
from dashboard.display import encode_slice, make_thumbnail
from dashboard.recent_studies import RecentStudies
from dashboard.route_errors import SENTENCES, NotThere, answer_error
from dashboard.services import Services
from dashboard.store import StudyRow
from dashboard.study_json import describe_study
from dashboard.uploads import Uploads
from pipeline import Case

_FOR_EVER = "private, max-age=31536000, immutable"
_RESULT_GONE = "The result is no longer there; open the study again."
api = Blueprint("overread", __name__)


def register(server: Flask, parts: Services) -> None:
    """Add the routes, the sentences for errors and the log of requests to a server."""
    settings = parts.settings
    uploads = Uploads(
        settings.uploads, max_bytes=settings.max_upload_bytes, max_files=settings.max_upload_files
    )
    uploads.give_back()
    uploads.remove_stale()
    server.config["overread_uploads"] = uploads
    server.config["overread_recent"] = RecentStudies(parts.store.study)
    server.register_blueprint(api)
    server.register_error_handler(Exception, answer_error)
    request_log.register(server)
    server.before_request(_refuse_large)


@api.get("/api/health")
def health() -> Response:
    """Whether the server answers and its database too."""
    counts = _services().store.count_studies()
    return jsonify({"status": "ok", "studies": counts.total})


@api.put("/api/uploads/<batch>/files")
def receive_file(batch: str) -> Response:
    """Stream one file of an upload to disk."""
    name = request.args.get("name", "")
    length = request.content_length
    return jsonify({"bytes": _uploads().receive(batch, name, request.stream, length=length)})


@api.post("/api/uploads/<batch>/finish")
def finish_upload(batch: str) -> Response:
    """Read what arrived; good files become studies, the others are told."""
    with _uploads().take(batch) as folder:
        if folder is None:
            raise NotThere("No file of this upload has arrived.")
        report = studies.add_upload(_services(), folder)
    rows = [
        {
            "study_id": row.study_id,
            "case_id": row.case_id,
            "slices": row.slices,
            "new": row.study_id in report.added,
        }
        for row in report.studies
    ]
    errors = [{"source": error.source, "message": error.message} for error in report.errors]
    return jsonify({"studies": rows, "errors": errors})


@api.delete("/api/uploads/<batch>")
def discard_upload(batch: str) -> Response:
    """Delete what arrived."""
    _uploads().discard(batch)
    return jsonify({})


@api.get("/api/studies/<study_id>")
def study(study_id: str) -> Response:
    """A study without its pixels."""
    return jsonify(describe_study(_services(), _study(study_id)))


@api.get("/data/<study_id>/<digest>/pixels/<int:channel>/<int:k>")
def pixels(study_id: str, digest: str, channel: int, k: int) -> Response:
    """One slice of one channel, encoded as `dashboard.display` says."""
    row = _study_with_data(study_id, digest)
    _check_place(row, channel, k)

    def encode() -> bytes:
        volume = _case(row).pixels
        body = encode_slice(volume[k, :, :, channel], row.display)
        _let_go(volume)
        return body

    return _immutable(encode)


@api.get("/data/<study_id>/<digest>/reference/<int:k>")
def reference(study_id: str, digest: str, k: int) -> Response:
    """The reference mask of one slice, 0 or 255."""
    row = _study_with_data(study_id, digest)
    _check_place(row, 0, k)
    if not row.has_reference:
        raise NotThere("This study has no reference outline.")

    def encode() -> bytes:
        masks = _case(row).masks
        if masks is None:
            raise NotThere("This study has no reference outline.")
        body = (masks[k].astype(np.uint8) * np.uint8(255)).tobytes()
        _let_go(masks)
        return body

    return _immutable(encode, packs=True)


@api.get("/data/<study_id>/<digest>/thumbnail/<int:channel>.png")
def thumbnail(study_id: str, digest: str, channel: int) -> Response:
    """A small picture of the middle slice, or of ``?slice=k`` (from 0)."""
    row = _study_with_data(study_id, digest)
    text = request.args.get("slice", str(row.slices // 2))
    if not (text.isascii() and text.isdigit() and len(text) < 8):
        raise NotThere("There is no such slice.")
    k = int(text)
    _check_place(row, channel, k)

    def encode() -> bytes:
        low, high = row.display["windows"][channel]
        return make_thumbnail(_case(row).pixels[k, :, :, channel], (low, high))

    return _immutable(encode, mimetype="image/png")


@api.get("/data/<study_id>/<key>/probability/<int:k>")
def probability(study_id: str, key: str, k: int) -> Response:
    """255 x the segmenter's probability on one slice, by the models that the key names."""
    return _map_slice(study_id, key, k, _services().results.probability_slice)


@api.get("/data/<study_id>/<key>/disagreement/<int:k>")
def disagreement(study_id: str, key: str, k: int) -> Response:
    """255 x how far the answers to a slice and to its mirror image lie apart."""
    return _map_slice(study_id, key, k, _services().results.disagreement_slice)


@api.get("/data/<study_id>/<digest>/measures/<key>")
def measures(study_id: str, digest: str, key: str) -> Response:
    """Diameters and what each mask threshold takes in, as JSON."""
    row = _study_with_data(study_id, digest)
    _check_key(row, key)

    def encode() -> bytes:
        case = _case(row)
        result = _services().results.get(key, case)
        if result is None:
            raise NotThere(_RESULT_GONE)
        return json.dumps(describe_measures(result, case.masks), separators=(",", ":")).encode()

    return _immutable(encode, mimetype="application/json", packs=True)


@api.route("/api/<path:rest>", methods=["GET", "PUT", "POST", "DELETE"])
@api.route("/data/<path:rest>", methods=["GET"])
def nothing(rest: str) -> Response:
    """Keep Dash from answering unknown addresses of ours with its page."""
    raise NotThere(SENTENCES[HTTPStatus.NOT_FOUND])


def _map_slice(
    study_id: str, key: str, k: int, read: Callable[[str, int], NDArray[np.uint8] | None]
) -> Response:
    """One slice of a map of the answer that the key names."""
    row = _recent(study_id)
    _check_key(row, key)
    _check_place(row, 0, k)

    def encode() -> bytes:
        found = read(key, k)
        if found is None or found.shape != (row.height, row.width):
            raise NotThere(_RESULT_GONE)
        return np.ascontiguousarray(found, np.uint8).tobytes()

    return _immutable(encode, packs=True)


def _check_key(row: StudyRow, key: str) -> None:
    if key != _services().result_key(row.content_digest):
        raise NotThere("This result is by other models; open the study again.")


def _services() -> Services:
    return services.get(current_app)


def _uploads() -> Uploads:
    found: Uploads = current_app.config["overread_uploads"]
    return found


def _study(study_id: str) -> StudyRow:
    return _there(_services().store.study(study_id))


def _recent(study_id: str) -> StudyRow:
    """A study for what never changes of it; the database is not asked for every slice."""
    recent: RecentStudies = current_app.config["overread_recent"]
    return _there(recent.get(study_id))


def _there(row: StudyRow | None) -> StudyRow:
    if row is None:
        raise NotThere("There is no such study; it may have been deleted.")
    return row


def _study_with_data(study_id: str, digest: str) -> StudyRow:
    row = _recent(study_id)
    if row.data_digest != digest:
        raise NotThere("The study has changed; open it again.")
    return row


def _case(row: StudyRow) -> Case:
    return _services().files.load(row.study_id)


def _let_go(volume: NDArray[np.generic]) -> None:
    """Give back the memory of a mapped file; the system keeps it in its own cache.

    Else the pixels of all studies that were opened lately would count as this process's.
    """
    mapping = getattr(volume, "_mmap", None)
    if mapping is not None and hasattr(mapping, "madvise"):
        mapping.madvise(mmap.MADV_DONTNEED)


def _check_place(row: StudyRow, channel: int, k: int) -> None:
    if not (0 <= channel < len(row.sequences) and 0 <= k < row.slices):
        raise NotThere("There is no such slice.")


def _immutable(
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


def _refuse_large() -> None:
    """Refuse what no address takes; uploads tell their limit themselves."""
    limit = _services().settings.max_upload_bytes
    if request.endpoint != f"{api.name}.receive_file" and (request.content_length or 0) > limit:
        raise RequestEntityTooLarge
