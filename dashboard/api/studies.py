"""HTTP beside Dash: uploads in, studies, pixels and pictures out.

Pixels have addresses that name their digest, so that browsers may cache them indefinitely. Every
value from the address is untrusted; one sentence says what does not fit.
"""

from __future__ import annotations

import json
from http import HTTPStatus

import numpy as np
from flask import Blueprint, Flask, Response, current_app, jsonify, request
from werkzeug.exceptions import RequestEntityTooLarge

from dashboard.api.access import (
    RESULT_GONE,
    answer_immutable,
    answer_pixels,
    answer_reference,
    check_key,
    check_place,
    find_services,
    find_study,
    load_case,
    recent_study,
    study_with_data,
)
from dashboard.api.errors import SENTENCES
from dashboard.studies import intake
from dashboard.studies.description import describe_study
from dashboard.studies.display import make_thumbnail
from dashboard.studies.measures import describe_measures
from dashboard.studies.uploads import Uploads
from dashboard.workspace.received import NotThere
from dashboard.workspace.services import Services
from pipeline import AnswerMap

api = Blueprint("overread", __name__)


def register(server: Flask, parts: Services) -> None:
    """Add the endpoints to a server, with the uploads that it receives."""
    settings = parts.settings
    uploads = Uploads(
        settings.uploads, max_bytes=settings.max_upload_bytes, max_files=settings.max_upload_files
    )
    uploads.give_back()
    uploads.remove_stale()
    server.config["overread_uploads"] = uploads
    server.register_blueprint(api)
    server.before_request(_refuse_large)


@api.get("/api/health")
def health() -> Response:
    """Whether the server answers and its database too."""
    counts = find_services().store.count_studies()
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
        report = intake.add_upload(find_services(), folder)
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
    return jsonify(
        {
            "studies": rows,
            "errors": errors,
            "notices": list(report.notices),
            "files": report.n_files,
        }
    )


@api.delete("/api/uploads/<batch>")
def discard_upload(batch: str) -> Response:
    """Delete what arrived."""
    _uploads().discard(batch)
    return jsonify({})


@api.get("/api/studies/<study_id>")
def study(study_id: str) -> Response:
    """A study without its pixels."""
    return jsonify(describe_study(find_services(), find_study(study_id)))


@api.get("/data/<study_id>/<digest>/pixels/<int:channel>/<int:k>")
def pixels(study_id: str, digest: str, channel: int, k: int) -> Response:
    """One slice of one channel, encoded as `dashboard.studies.display` says."""
    row = study_with_data(study_id, digest)
    check_place(row, channel, k)
    return answer_pixels(row, channel, lambda volume: volume[k])


@api.get("/data/<study_id>/<digest>/reference/<int:k>")
def reference(study_id: str, digest: str, k: int) -> Response:
    """The reference mask of one slice, 0 or 255."""
    row = study_with_data(study_id, digest)
    check_place(row, 0, k)
    return answer_reference(row, lambda masks: masks[k])


@api.get("/data/<study_id>/<digest>/thumbnail/<int:channel>.png")
def thumbnail(study_id: str, digest: str, channel: int) -> Response:
    """A small picture of the middle slice, or of ``?slice=k`` (from 0)."""
    row = study_with_data(study_id, digest)
    text = request.args.get("slice", str(row.slices // 2))
    if not (text.isascii() and text.isdigit() and len(text) < 8):
        raise NotThere("There is no such slice.")
    k = int(text)
    check_place(row, channel, k)

    def encode() -> bytes:
        low, high = row.display.windows[channel]
        return make_thumbnail(load_case(row).pixels[k, :, :, channel], (low, high))

    return answer_immutable(encode, mimetype="image/png")


@api.get(f"/data/<study_id>/<key>/<any({', '.join(AnswerMap)}):name>/<int:k>")
def answer_map(study_id: str, key: str, name: str, k: int) -> Response:
    """One slice of a map of the answer (`pipeline.AnswerMap`), by the models that the key names."""
    return _map_slice(study_id, key, k, AnswerMap(name))


@api.get("/data/<study_id>/<digest>/measures/<key>")
def measures(study_id: str, digest: str, key: str) -> Response:
    """Diameters and what each mask threshold takes in, as JSON."""
    row = study_with_data(study_id, digest)
    check_key(row, key)

    def encode() -> bytes:
        case = load_case(row)
        result = find_services().results.get(key, case)
        if result is None:
            raise NotThere(RESULT_GONE)
        return json.dumps(describe_measures(result, case.masks), separators=(",", ":")).encode()

    return answer_immutable(encode, mimetype="application/json", packs=True)


@api.route("/api/<path:rest>", methods=["GET", "PUT", "POST", "DELETE"])
@api.route("/data/<path:rest>", methods=["GET"])
def nothing(rest: str) -> Response:
    """Keep Dash from answering unknown addresses of ours with its page."""
    raise NotThere(SENTENCES[HTTPStatus.NOT_FOUND])


def _map_slice(study_id: str, key: str, k: int, name: AnswerMap) -> Response:
    """One slice of a map of the answer that the key names."""
    row = recent_study(study_id)
    check_key(row, key)
    check_place(row, 0, k)

    def encode() -> bytes:
        found = find_services().results.map_slice(key, k, name)
        if found is None or found.shape != (row.height, row.width):
            raise NotThere(RESULT_GONE)
        return np.ascontiguousarray(found, np.uint8).tobytes()

    return answer_immutable(encode, packs=True)


def _uploads() -> Uploads:
    found: Uploads = current_app.config["overread_uploads"]
    return found


def _refuse_large() -> None:
    """Refuse what no address takes; uploads tell their limit themselves."""
    limit = find_services().settings.max_upload_bytes
    if request.endpoint != f"{api.name}.receive_file" and (request.content_length or 0) > limit:
        raise RequestEntityTooLarge
