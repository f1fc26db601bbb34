"""HTTP of uploads: their files by the tus protocol, version 1.0.0, then finishing the upload.

https://tus.io/protocols/resumable-upload with its extensions creation, creation-with-upload,
termination, expiration and checksum. The client is tus-js-client, in
assets/js/frame/file_transfer.js.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Annotated, Final, Literal

from flask import Blueprint, Flask, Response, current_app, request
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from werkzeug.http import http_date

from dashboard.api.access import BYTES, find_services
from dashboard.api.endpoint import (
    Address,
    Answer,
    Body,
    ErrorAnswer,
    Headers,
    Nothing,
    endpoint,
    json_response,
)
from dashboard.api.identity import current_reader_id
from dashboard.store import StudyRow
from dashboard.studies import intake
from dashboard.studies.uploads import ArrivingFile, Checksum, Uploads
from dashboard.workspace.received import NotThere, UploadRefused
from dashboard.workspace.services import Services
from pipeline import Cancelled

TUS: Final = "1.0.0"
_EXTENSIONS = "creation,creation-with-upload,termination,expiration,checksum"
_ALGORITHMS = ("sha1", "sha256")
#: Type of content of a file's bytes.
_PART: Final = "application/offset+octet-stream"
#: Longest header that describes a file: a name of 16 folders in base64, and a little more.
_LONGEST_METADATA = 8192
NO_FILES = "No file of this upload has arrived."
_FILES = "/api/uploads/<batch>/files"
_FILE = f"{_FILES}/<file_id>"

uploads = Blueprint("uploads", __name__)


def _metadata(text: str) -> dict[str, str]:
    """Read `Upload-Metadata`: keys with values in base64, separated by commas."""
    found: dict[str, str] = {}
    for pair in text.split(",") if text.strip() else ():
        key, _, value = pair.strip().partition(" ")
        if not key or key in found or not key.isascii() or not key.isprintable():
            raise ValueError("must have different keys")
        try:
            found[key] = base64.b64decode(value.strip(), validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            raise ValueError("must have values in base64") from None
    return found


def _check_metadata(text: str) -> str:
    _metadata(text)
    return text


def _read_checksum(value: object) -> object:
    """Read `Upload-Checksum`: an algorithm and a value in base64."""
    if not isinstance(value, str):
        return value
    algorithm, _, digest = value.strip().partition(" ")
    if algorithm not in _ALGORITHMS:
        raise ValueError(f"must be of {' or '.join(_ALGORITHMS)}")
    try:
        found = Checksum(algorithm, base64.b64decode(digest.strip(), validate=True))
    except binascii.Error:
        found = Checksum(algorithm, b"")
    if len(found.digest) != hashlib.new(algorithm, usedforsecurity=False).digest_size:
        raise ValueError("must have a value in base64")
    return found


_Bytes = Annotated[int, Field(ge=0, lt=2**53)]
_Checksum = Annotated[Checksum | None, BeforeValidator(_read_checksum)]


class BatchAddress(Address):
    """An upload, by the name that the browser chose."""

    batch: Annotated[str, Field(pattern=r"^[0-9a-f]{16,64}$", title="upload")]


class FileAddress(BatchAddress):
    """A file of an upload, by the name that the server chose."""

    file_id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$", title="file")]


class CreationHeaders(Headers):
    """What is stated of a file that is created."""

    length: Annotated[_Bytes, Field(alias="Upload-Length")]
    metadata: Annotated[
        str,
        Field(alias="Upload-Metadata", max_length=_LONGEST_METADATA),
        AfterValidator(_check_metadata),
    ] = ""
    checksum: Annotated[_Checksum, Field(alias="Upload-Checksum")] = None


class PartHeaders(Headers):
    """Where the bytes of a request belong in their file."""

    offset: Annotated[_Bytes, Field(alias="Upload-Offset")]
    checksum: Annotated[_Checksum, Field(alias="Upload-Checksum")] = None


class OverriddenHeaders(Headers):
    """The method of a request whose sender cannot send it."""

    method: Annotated[Literal["PATCH", "DELETE"], Field(alias="X-HTTP-Method-Override")]


class FileOfUpload(Answer):
    """What has arrived of a file.

    Attributes:
        address: Where the file continues.
        name: Its relative name.
        stated: What the browser stated of it besides, such as when it was changed.
        length: Its bytes when it is complete.
        offset: Its bytes that have arrived.
    """

    address: str
    name: str
    stated: dict[str, str]
    length: int
    offset: int


class FilesOfUpload(Answer):
    """All files of an upload, complete or not."""

    files: list[FileOfUpload]


class SentFiles(Body):
    """An upload whose files are complete.

    Attributes:
        files: How many the browser has sent completely.
    """

    files: Annotated[int, Field(ge=0, le=1_000_000)]


class AddedStudy(Answer):
    """A study of an upload; new is false if it was already in the worklist."""

    study_id: str
    case_id: str
    slices: int
    new: bool


class RefusedFile(Answer):
    """A file that could not be read, and why, in one sentence."""

    source: str
    message: str


class UploadReport(Answer):
    """The result of an upload.

    Attributes:
        studies: Those that were read from it.
        errors: Files that could not be read.
        notices: Sentences on files that were skipped.
        files: Number of files found; an archive's contents count, the archive does not.
    """

    studies: list[AddedStudy]
    errors: list[RefusedFile]
    notices: list[str]
    files: int


def register(server: Flask, parts: Services) -> None:
    """Prepare a server to receive uploads."""
    settings = parts.settings
    found = Uploads(
        settings.uploads, max_bytes=settings.max_upload_bytes, max_files=settings.max_upload_files
    )
    found.remove_stale()
    server.config["overread_uploads"] = found


@uploads.before_request
def check_protocol() -> Response | None:
    """Refuse requests by another version of the protocol."""
    is_ours = request.method in ("GET", "OPTIONS") or request.endpoint not in _OF_PROTOCOL
    if is_ours or request.headers.get("Tus-Resumable") == TUS:
        return None
    answer = json_response(
        ErrorAnswer(error=f"Files of an upload are sent with the header Tus-Resumable: {TUS}."),
        HTTPStatus.PRECONDITION_FAILED,
    )
    answer.headers["Tus-Version"] = TUS
    return answer


@uploads.after_request
def name_protocol(response: Response) -> Response:
    """Name the protocol in every answer."""
    response.headers["Tus-Resumable"] = TUS
    return response


@uploads.route(_FILES, methods=["OPTIONS"])
@endpoint(BYTES, status=HTTPStatus.NO_CONTENT)
def describe_protocol(address: BatchAddress) -> Response:
    """Return what this server has of the protocol."""
    answer = Response(status=HTTPStatus.NO_CONTENT, mimetype=BYTES)
    answer.headers["Tus-Version"] = TUS
    answer.headers["Tus-Extension"] = _EXTENSIONS
    answer.headers["Tus-Max-Size"] = str(find_uploads().max_bytes)
    answer.headers["Tus-Checksum-Algorithm"] = ",".join(_ALGORITHMS)
    return answer


@uploads.post(_FILES)
@endpoint(BYTES, status=HTTPStatus.CREATED, receives=_PART)
def create_file(address: BatchAddress, stated: CreationHeaders) -> Response:
    """Begin a file, with its first bytes or all of them if there is a body."""
    has_bytes = request.mimetype == _PART
    found = find_uploads().create(
        address.batch,
        current_reader_id(),
        _metadata(stated.metadata).get("filename", ""),
        stated.length,
        metadata=stated.metadata,
        stream=request.stream if has_bytes else None,
        sent=request.content_length if has_bytes else None,
        checksum=stated.checksum,
    )
    answer = _answer_file(found, HTTPStatus.CREATED)
    answer.headers["Location"] = _address(address.batch, found)
    return answer


@uploads.get(_FILES)
@endpoint()
def list_files(address: BatchAddress) -> FilesOfUpload:
    """Return what has arrived of each file."""
    found = find_uploads().list_files(address.batch, current_reader_id())
    return FilesOfUpload(
        files=[
            FileOfUpload(
                address=_address(address.batch, one),
                name=one.name,
                stated=_metadata(one.metadata),
                length=one.length,
                offset=one.offset,
            )
            for one in found
        ]
    )


@uploads.get(_FILE)
@endpoint(BYTES)
def file(address: FileAddress) -> Response:
    """Return a complete file; by HEAD, what has arrived of it."""
    found = find_uploads().find(address.batch, current_reader_id(), address.file_id)
    answer = _answer_file(found, HTTPStatus.OK)
    answer.headers["Upload-Length"] = str(found.length)
    if found.metadata:
        answer.headers["Upload-Metadata"] = found.metadata
    if request.method != "HEAD":
        stored = find_uploads().open_complete(address.batch, current_reader_id(), address.file_id)
        answer.response = iter(partial(stored.read, 1 << 20), b"")
        answer.call_on_close(stored.close)
        answer.headers["Content-Disposition"] = "attachment"
    return answer


@uploads.patch(_FILE)
@endpoint(BYTES, status=HTTPStatus.NO_CONTENT, receives=_PART)
def append_bytes(address: FileAddress, where: PartHeaders) -> Response:
    """Store more bytes of a file."""
    if request.mimetype != _PART:
        raise UploadRefused(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"Bytes of a file are sent as {_PART}."
        )
    found = find_uploads().append(
        address.batch,
        current_reader_id(),
        address.file_id,
        where.offset,
        request.stream,
        sent=request.content_length,
        checksum=where.checksum,
    )
    return _answer_file(found, HTTPStatus.NO_CONTENT)


@uploads.delete(_FILE)
@endpoint(BYTES, status=HTTPStatus.NO_CONTENT)
def remove_file(address: FileAddress) -> Response:
    """Delete a file of an upload."""
    find_uploads().remove(address.batch, current_reader_id(), address.file_id)
    return Response(status=HTTPStatus.NO_CONTENT, mimetype=BYTES)


@uploads.post(_FILE)
@endpoint(BYTES, status=HTTPStatus.NO_CONTENT, receives=_PART)
def overridden(address: FileAddress, meant: OverriddenHeaders) -> Response:
    """Do what X-HTTP-Method-Override says, for senders that have no such method."""
    view = append_bytes if meant.method == "PATCH" else remove_file
    return view(**address.model_dump())


@uploads.post("/api/uploads/<batch>/finish")
@endpoint()
def finish_upload(address: BatchAddress, sent: SentFiles) -> UploadReport:
    """Read the uploaded files; valid ones become studies, the others are reported.

    Status 409 if fewer files are here than were sent, 410 if the upload was deleted meanwhile,
    423 if it is being read already; nothing is added then.
    """
    found, batch, reader = find_uploads(), address.batch, current_reader_id()
    with found.take(batch, reader, files=sent.files) as folder:
        if folder is None:
            return _earlier_report(batch, reader)
        try:
            read = intake.add_upload(
                find_services(),
                folder,
                reader_id=reader,
                is_cancelled=partial(found.is_cancelled, batch),
            )
        except Cancelled:
            raise UploadRefused(HTTPStatus.GONE, "The upload was cancelled.") from None
        report = UploadReport(
            studies=[describe_added(row, new=row.study_id in read.added) for row in read.studies],
            errors=[RefusedFile(source=one.source, message=one.message) for one in read.errors],
            notices=list(read.notices),
            files=read.n_files,
        )
        found.store_report(batch, reader, report.model_dump_json())
    return report


def _earlier_report(batch: str, reader: str) -> UploadReport:
    """Return what became of an upload that was read before, if its sender asks again."""
    try:
        return UploadReport.model_validate_json(find_uploads().find_report(batch, reader) or "")
    except ValidationError:
        raise NotThere(NO_FILES) from None


def describe_added(row: StudyRow, *, new: bool) -> AddedStudy:
    """Return a study as answers list those that were added."""
    return AddedStudy(study_id=row.study_id, case_id=row.case_id, slices=row.slices, new=new)


@uploads.delete("/api/uploads/<batch>")
@endpoint()
def discard_upload(address: BatchAddress) -> Nothing:
    """Delete the uploaded files; if they are being read, that ends without adding a study."""
    find_uploads().discard(address.batch, current_reader_id())
    return Nothing()


def find_uploads() -> Uploads:
    """Return the server's uploads, inside a request."""
    found: Uploads = current_app.config["overread_uploads"]
    return found


#: Endpoints whose requests name the version of the protocol.
_OF_PROTOCOL = frozenset(
    f"{uploads.name}.{view}"
    for view in ("create_file", "file", "append_bytes", "remove_file", "overridden")
)


def _answer_file(found: ArrivingFile, status: HTTPStatus) -> Response:
    answer = Response(status=status, mimetype=BYTES)
    answer.headers["Upload-Offset"] = str(found.offset)
    answer.headers["Upload-Expires"] = http_date(datetime.fromtimestamp(found.expires, UTC))
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _address(batch: str, found: ArrivingFile) -> str:
    return f"/api/uploads/{batch}/files/{found.file_id}"
