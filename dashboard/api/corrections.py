"""HTTP of corrected masks: a reader's draft of a study, and its saved versions.

Masks travel as `dashboard.masks.encoding` writes them, in base64 within JSON. A draft that another
window has written meanwhile is answered with 409 and that draft, so that nothing is lost.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

import numpy as np
from flask import Blueprint, Response, jsonify, request
from numpy.typing import NDArray

import pipeline
from dashboard.api.access import find_services, find_study, load_case, read_object
from dashboard.api.errors import refuse_input
from dashboard.api.identity import Reader, current_reader
from dashboard.figures.space import encode_surface
from dashboard.masks import corrections
from dashboard.masks.corrections import shape_of
from dashboard.masks.encoding import decode_mask, encode_mask, longest_encoding
from dashboard.store import StudyRow
from dashboard.store import corrections as kept
from dashboard.store.corrections import DraftConflict, DraftRow, NewVersion, VersionLine, Writer
from dashboard.store.stored_json import MaskBase
from dashboard.studies.measures import describe_lesions
from dashboard.workspace.received import NotThere, RequestRefused
from pipeline import Fields, InputError

_HEX = re.compile(r"[0-9a-f]{8,128}")
_WINDOW = re.compile(r"[0-9a-f]{8,64}")
_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")
_MOST = 2**31 - 1
_ROOM = 4096
_SENT = "The correction"
_UNNAMED = "Type your name first: it is kept with the version."

correction = Blueprint("correction", __name__)
correction.register_error_handler(InputError, refuse_input)


@correction.get("/api/studies/<study_id>/corrections")
def show(study_id: str) -> Response:
    """The reader's draft, or None, and all versions without their pixels."""
    row, who = find_study(study_id), current_reader()
    store = find_services().store
    draft = kept.read_draft(store, row.study_id, who.reader_id)
    lines = kept.list_versions(store, row.study_id)
    return jsonify(
        {
            "draft": _describe_draft(row, draft) if draft else None,
            "versions": [_describe_line(line, who) for line in lines],
        }
    )


@correction.put("/api/studies/<study_id>/draft")
def write_draft(study_id: str) -> Response:
    """Keep the slices that were touched; the draft that was there goes."""
    row, who = find_study(study_id), current_reader()
    sent = _read_body(row)
    writer, base, touched = _read_writer(sent), _read_base(sent), _read_mask(sent, row)
    parts = find_services()
    before = kept.read_draft(parts.store, row.study_id, who.reader_id)
    found = corrections.find_base(parts, row, base, draft=before)
    draft = kept.write_draft(
        parts.store,
        row.study_id,
        who.reader_id,
        writer=writer,
        based_on=found.described,
        content=encode_mask(touched, shape_of(row)),
        ai_content=found.ai_content,
    )
    return jsonify({"revision": draft.revision, "changed_at": draft.changed_at.isoformat()})


@correction.delete("/api/studies/<study_id>/draft")
def drop_draft(study_id: str) -> Response:
    """Forget the reader's draft."""
    row, who = find_study(study_id), current_reader()
    kept.drop_draft(
        find_services().store, row.study_id, who.reader_id, writer=_read_writer(_read_body(row))
    )
    return jsonify({})


@correction.post("/api/studies/<study_id>/versions")
def save_version(study_id: str) -> Response:
    """Save what is in the reader's view as a new version."""
    row, who = find_study(study_id), current_reader()
    if not who.is_named:
        raise RequestRefused(_UNNAMED)
    sent = _read_body(row)
    writer, base, touched = _read_writer(sent), _read_base(sent), _read_mask(sent, row)
    parts = find_services()
    before = kept.read_draft(parts.store, row.study_id, who.reader_id)
    found = corrections.find_base(parts, row, base, draft=before)
    mask = corrections.merge(found.slices, touched)
    ai_mask = corrections.decode_ai(row, found.ai_content)
    facts = corrections.measure_version(load_case(row), mask, ai_mask=ai_mask, touched=len(touched))
    version = NewVersion(
        reader_id=who.reader_id,
        author=who.name,
        based_on=found.described,
        facts=facts,
        content=encode_mask(mask, shape_of(row)),
        ai_content=found.ai_content,
    )
    line = kept.add_version(parts.store, row.study_id, version, writer=writer)
    response = jsonify(_describe_line(line, who))
    response.status_code = HTTPStatus.CREATED
    return response


@correction.get("/api/studies/<study_id>/versions/<int:number>")
def show_version(study_id: str, number: int) -> Response:
    """One version with its masks."""
    row, who = find_study(study_id), current_reader()
    version = _find_version(row, number)
    return jsonify(
        {
            **_describe_line(version.line, who),
            "mask": _as_text(version.content),
            "ai_mask": _as_text(version.ai_content),
        }
    )


@correction.get("/api/studies/<study_id>/versions/<int:number>.nii.gz")
def download_version(study_id: str, number: int) -> Response:
    """One version's mask as a NIfTI file on the input's own voxels."""
    row = find_study(study_id)
    slices, _ = corrections.read_masks(row, _find_version(row, number))
    mask = corrections.make_volume(slices, shape_of(row))
    case = load_case(row)
    content = pipeline.encode_nifti_mask(mask, case.grid, case.spacing_mm)
    response = Response(content, mimetype="application/gzip")
    name = f"{row.case_id}_mask_v{number}.nii.gz"
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


@correction.post("/api/studies/<study_id>/corrections/surface")
def surface(study_id: str) -> Response:
    """The surface in space of what is in the reader's view, saved or not; nothing is kept."""
    row = find_study(study_id)
    mask = corrections.make_volume(_read_whole_mask(row), shape_of(row))
    body = encode_surface(load_case(row), row.start_channel, mask, "correction")
    return Response(body, mimetype="application/json")


@correction.post("/api/studies/<study_id>/corrections/diameters")
def diameters(study_id: str) -> Response:
    """The diameters of what is in the reader's view, saved or not; nothing is kept."""
    row = find_study(study_id)
    return jsonify(describe_lesions(_read_whole_mask(row), load_case(row).spacing_mm))


@correction.errorhandler(DraftConflict)
def tell_conflict(error: DraftConflict) -> Response:
    """Another window wrote the draft: give it, so that the reader can choose."""
    row = find_study((request.view_args or {})["study_id"])
    sentence = "Another window has changed this draft meanwhile."
    response = jsonify({"error": sentence, "draft": _describe_draft(row, error.draft)})
    response.status_code = HTTPStatus.CONFLICT
    return response


def _read_whole_mask(row: StudyRow) -> dict[int, NDArray[np.bool_]]:
    """The mask in the reader's view: the slices that were sent, over what they name as below."""
    sent, who = _read_body(row), current_reader()
    base, touched = _read_base(sent), _read_mask(sent, row)
    parts = find_services()
    draft = kept.read_draft(parts.store, row.study_id, who.reader_id)
    below = corrections.find_base(parts, row, base, draft=draft)
    return corrections.merge(below.slices, touched)


def _find_version(row: StudyRow, number: int) -> kept.MaskVersion:
    found = kept.read_version(find_services().store, row.study_id, min(number, _MOST))
    if found is None:
        raise NotThere(f"There is no version {number} of this study's mask.")
    return found


def _describe_draft(row: StudyRow, draft: DraftRow) -> dict[str, Any]:
    """A draft for the browser; with the mask under it where the present result is another one."""
    present = find_services().result_key(row.content_digest)
    key, number = draft.based_on.result_key, draft.based_on.version
    version = None if number is None else _find_version(row, number)
    return {
        "revision": draft.revision,
        "changed_at": draft.changed_at.isoformat(),
        "based_on": asdict(draft.based_on),
        "mask": _as_text(draft.content),
        "base_mask": _as_text(version.content) if version else None,
        "ai_mask": None if key == present else _as_text(draft.ai_content),
    }


def _describe_line(line: VersionLine, who: Reader) -> dict[str, Any]:
    return {
        "number": line.number,
        "author": line.author,
        "own": line.reader_id == who.reader_id,
        "saved_at": line.saved_at.isoformat(),
        "based_on": asdict(line.based_on),
        "facts": asdict(line.facts),
    }


def _as_text(content: bytes | None) -> str | None:
    return None if content is None else base64.b64encode(content).decode("ascii")


def _read_body(row: StudyRow) -> Fields:
    """The JSON object that was sent, at most as long as the study's largest mask."""
    most = 4 * longest_encoding(shape_of(row)) // 3 + _ROOM
    return Fields(read_object(most), _SENT)


def _read_writer(sent: Fields) -> Writer:
    return Writer(
        name=sent.text("writer", _WINDOW),
        step=sent.whole("step", 0, _MOST),
        revision=sent.whole("revision", 0, _MOST),
    )


def _read_base(sent: Fields) -> MaskBase:
    part = sent.part(sent.get("based_on"))
    given = {name: part.get(name) is not None for name in asdict(MaskBase())}
    part.require(
        given["result_key"] == given["threshold"] or given["version"],
        "based_on must name a result and its threshold, or a version",
    )
    if given["version"]:
        return MaskBase(version=part.whole("version", 0, _MOST))
    if not given["result_key"]:
        return MaskBase()
    return MaskBase(
        result_key=part.text("result_key", _HEX),
        threshold=part.number("threshold", 0.001, 1),
        operating_point=part.number("operating_point", 0, 1) if given["operating_point"] else None,
    )


def _read_mask(sent: Fields, row: StudyRow) -> dict[int, Any]:
    text = sent.text("mask", _BASE64)
    try:
        content = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise RequestRefused(
            "The mask is malformed and was refused; load the page again."
        ) from None
    return decode_mask(content, shape_of(row))
