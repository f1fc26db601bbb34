from __future__ import annotations

import base64
import hashlib
import io
import logging
import os
import time
from typing import Any

import numpy as np
import pytest
from fake_server import make_server, make_services
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sent_uploads import OURS, PART, TUS, creation_headers, finish, send_file, stated

from dashboard import api
from dashboard.studies import intake
from dashboard.workspace import services
from dashboard.workspace.services import Services

BATCH = "0123456789abcdef"
FILES = f"/api/uploads/{BATCH}/files"


def png(seed: int = 0) -> bytes:
    stream = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 255, (12, 10), dtype=np.uint8)
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def put(client: FlaskClient, name: str, data: bytes) -> Any:
    return send_file(client, BATCH, name, data)


def create(client: FlaskClient, name: str, length: int) -> str:
    """Begin a file; returns its address."""
    headers = creation_headers(name, length, with_bytes=False)
    answer = client.post(FILES, headers=headers)
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (201, "0")
    return str(answer.headers["Location"])


def patch(client: FlaskClient, address: str, offset: int, data: bytes, **headers: str) -> Any:
    return client.patch(
        address, data=data, headers={**PART, "Upload-Offset": str(offset)} | headers
    )


# ---- the protocol ----
def test_a_file_in_parts(client: FlaskClient) -> None:
    data = os.urandom(1000)
    address = create(client, "series/a.nii", len(data))
    assert address.startswith(f"{FILES}/")
    for start, end in ((0, 1), (1, 600), (600, 1000)):
        answer = patch(client, address, start, data[start:end])
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, str(end))
        assert answer.headers["Tus-Resumable"] == "1.0.0"
        found = client.head(address, headers=TUS)
        assert found.headers["Upload-Offset"] == str(end)
        assert found.headers["Upload-Length"] == "1000"
        assert found.headers["Upload-Metadata"] == stated("series/a.nii")
        assert found.headers["Cache-Control"] == "no-store"
    with client.get(address) as answer:
        assert answer.data == data
        assert answer.headers["Content-Disposition"] == "attachment"


def test_a_whole_file_with_its_creation(client: FlaskClient) -> None:
    answer = put(client, "a.nii", b"x" * 9)
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (201, "9")
    head = client.head(answer.headers["Location"], headers=TUS)
    assert (head.status_code, head.headers["Upload-Offset"]) == (200, "9")
    assert put(client, "empty.txt", b"").headers["Upload-Offset"] == "0"


def test_the_beginning_of_a_file_with_its_creation(client: FlaskClient) -> None:
    answer = client.post(FILES, data=b"x" * 4, headers=creation_headers("a.nii", 9))
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (201, "4")
    answer = patch(client, answer.headers["Location"], 4, b"x" * 5)
    assert answer.headers["Upload-Offset"] == "9"


def test_what_the_server_has_of_the_protocol(client: FlaskClient, parts: Services) -> None:
    answer = client.options(FILES)
    assert answer.status_code == 204
    assert answer.headers["Tus-Version"] == "1.0.0"
    assert {"creation", "creation-with-upload", "termination", "expiration", "checksum"} <= set(
        answer.headers["Tus-Extension"].split(",")
    )
    assert answer.headers["Tus-Max-Size"] == str(parts.settings.max_upload_bytes)
    assert "sha1" in answer.headers["Tus-Checksum-Algorithm"].split(",")


def test_another_version_of_the_protocol_is_refused(client: FlaskClient) -> None:
    address = create(client, "a.nii", 9)
    for version in ({}, {"Tus-Resumable": "0.2.2"}):
        headers = OURS | version
        for method, path in (("POST", FILES), ("HEAD", address), ("PATCH", address)):
            answer = client.open(path, method=method, headers=headers)
            assert answer.status_code == 412
            assert answer.headers["Tus-Version"] == "1.0.0"


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_requests_of_the_protocol_need_our_header(client: FlaskClient, method: str) -> None:
    address = FILES if method == "POST" else create(client, "a.nii", 9)
    answer = client.open(address, method=method, headers={"Tus-Resumable": "1.0.0"})
    assert answer.status_code == 403
    foreign = PART | {"Origin": "https://elsewhere.example", "Upload-Offset": "0"}
    assert client.open(address, method=method, headers=foreign).status_code == 403


def test_offsets_types_and_checksums_are_checked(client: FlaskClient) -> None:
    address = create(client, "a.nii", 9)
    assert patch(client, address, 3, b"xyz").status_code == 409
    assert patch(client, address, 0, b"xyz", **{"Content-Type": "text/plain"}).status_code == 415
    digest = base64.b64encode(hashlib.sha1(b"other").digest()).decode()
    answer = patch(client, address, 0, b"xyz", **{"Upload-Checksum": f"sha1 {digest}"})
    assert (answer.status_code, answer.json["error"][-1]) == (460, ".")
    assert client.head(address, headers=TUS).headers["Upload-Offset"] == "0"
    for wrong in ("md4 AAAA", "sha1", "sha1 %%%"):
        assert patch(client, address, 0, b"", **{"Upload-Checksum": wrong}).status_code == 400
    digest = base64.b64encode(hashlib.sha1(b"xyz").digest()).decode()
    answer = patch(client, address, 0, b"xyz", **{"Upload-Checksum": f"sha1 {digest}"})
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, "3")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Upload-Length": "-1"},
        {"Upload-Length": "9e3"},
        {"Upload-Length": "9" * 30},
        {"Upload-Length": "9"},  # without a name
        {"Upload-Length": "9", "Upload-Metadata": "filename %%%"},
        {"Upload-Length": "9", "Upload-Metadata": "filename /w=="},
        {"Upload-Length": "9", "Upload-Metadata": "filename YQ==,filename Yg=="},
        {"Upload-Length": "9", "Upload-Metadata": f"filename {'A' * 9000}"},
        {"Upload-Length": "9", "Upload-Metadata": stated("../a")},
    ],
)
def test_statements_that_do_not_fit(client: FlaskClient, headers: dict[str, str]) -> None:
    answer = client.post(FILES, headers=TUS | headers)
    assert (answer.status_code, answer.json["error"][-1]) == (400, ".")
    assert client.get(FILES).status_code in (200, 404)


def test_method_override(client: FlaskClient) -> None:
    address = create(client, "a.nii", 3)
    headers = {**PART, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
    answer = client.post(address, data=b"xyz", headers=headers)
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, "3")
    answer = client.post(address, headers=TUS | {"X-HTTP-Method-Override": "TRACE"})
    assert answer.status_code == 400
    answer = client.post(address, headers=TUS | {"X-HTTP-Method-Override": "DELETE"})
    assert answer.status_code == 204
    assert client.head(address, headers=TUS).status_code == 404


def test_a_file_can_be_deleted(client: FlaskClient) -> None:
    for length, data in ((9, b""), (3, b"xyz")):
        address = create(client, "a.nii", length)
        if data:
            patch(client, address, 0, data)
        assert client.delete(address, headers=TUS).status_code == 204
        for answer in (client.get(address), client.delete(address, headers=TUS)):
            assert (answer.status_code, answer.json["error"][-1]) == (404, ".")
        assert patch(client, address, 0, b"x").status_code == 404


def test_an_expired_upload_is_gone(client: FlaskClient, parts: Services) -> None:
    address = create(client, "a.nii", 9)
    expires = client.head(address, headers=TUS).headers["Upload-Expires"]
    assert expires.endswith(" GMT")
    old = time.time() - 25 * 3600
    os.utime(parts.settings.uploads / BATCH / "lock", (old, old))
    answer = patch(client, address, 0, b"x")
    assert (answer.status_code, answer.json["error"][-1]) == (410, ".")


def test_more_than_the_limit_is_refused_before_it_is_sent(
    client: FlaskClient, parts: Services
) -> None:
    large = parts.settings.max_upload_bytes + 1
    answer = client.post(FILES, headers=creation_headers("a.nii", large, with_bytes=False))
    assert (answer.status_code, answer.json["error"][-1]) == (413, ".")
    address = create(client, "a.nii", 9)
    answer = client.patch(
        address,
        headers={**PART, "Upload-Offset": "0"},
        environ_overrides={"CONTENT_LENGTH": str(large)},
    )
    assert answer.status_code == 413
    answer = client.post(
        f"/api/uploads/{BATCH}/finish",
        headers=OURS,
        environ_overrides={"CONTENT_LENGTH": str(large)},
    )
    assert (answer.status_code, answer.json["error"][-1]) == (413, ".")


def test_files_of_an_upload_are_listed(client: FlaskClient) -> None:
    assert client.get(FILES).status_code == 404
    put(client, "a.png", b"xyz")
    address = create(client, "b/c.png", 9)
    patch(client, address, 0, b"1234")
    listed = {one["name"]: one for one in client.get(FILES).json["files"]}
    assert set(listed) == {"a.png", "b/c.png"}
    assert (listed["a.png"]["offset"], listed["a.png"]["length"]) == (3, 3)
    assert listed["b/c.png"]["address"] == address
    assert (listed["b/c.png"]["offset"], listed["b/c.png"]["length"]) == (4, 9)
    assert listed["a.png"]["stated"] == {"filename": "a.png"}


def test_another_reader_finds_nothing(client: FlaskClient, parts: Services) -> None:
    address = create(client, "a.nii", 9)
    other = make_server(parts).test_client()
    for method, path in (
        ("GET", FILES),
        ("GET", address),
        ("HEAD", address),
        ("PATCH", address),
        ("DELETE", address),
        ("DELETE", f"/api/uploads/{BATCH}"),
    ):
        answer = other.open(path, method=method, headers={**PART, "Upload-Offset": "0"})
        assert answer.status_code == 404, (method, path)
    assert finish(other, BATCH, 1).status_code == 404
    assert put(other, "b.png", b"x").status_code == 404
    assert client.head(address, headers=TUS).status_code == 200


# ---- from files to studies ----
def test_upload_to_study(client: FlaskClient, parts: Services) -> None:
    for k in (1, 2):
        answer = put(client, f"patient/flair_{k}.png", png(k))
        assert answer.status_code == 201
    assert put(client, "notes.pdf", b"%PDF-1.7").status_code == 201
    assert finish(client, BATCH, 4).status_code == 409  # one has not arrived
    answer = finish(client, BATCH, 3)
    assert answer.status_code == 200
    (study,) = answer.json["studies"]
    assert study["slices"] == 2
    (error,) = answer.json["errors"]
    assert error["source"] == "notes.pdf"
    assert "notes.pdf" in error["message"]
    assert finish(client, BATCH, 3).json == answer.json  # asked again, after a lost answer
    assert finish(make_server(parts).test_client(), BATCH, 3).status_code == 404
    assert not (parts.settings.uploads / BATCH).exists()
    described = client.get(f"/api/studies/{study['study_id']}").json
    assert described["sources"] == ["patient/flair_1.png", "patient/flair_2.png"]
    assert described["job"]["state"] == "queued"


def test_upload_distinguishes_new_studies_from_known_ones(client: FlaskClient) -> None:
    def read(files: int) -> list[tuple[str, bool]]:
        answer = finish(client, BATCH, files)
        return [(study["study_id"], study["new"]) for study in answer.json["studies"]]

    put(client, "one_flair.png", png(1))
    ((first, new),) = read(1)
    assert new
    put(client, "one_flair.png", png(1))
    put(client, "two_flair.png", png(2))
    again = dict(read(2))
    assert again.pop(first) is False
    assert list(again.values()) == [True]


def test_upload_errors_are_sentences(client: FlaskClient, parts: Services) -> None:
    answer = put(client, "../../escape.png", png())
    assert answer.status_code == 400
    assert answer.json["error"].startswith("escape.png was left out")
    assert not (parts.settings.home / "escape.png").exists()
    answer = finish(client, BATCH, 1)
    assert (answer.status_code, answer.json["error"][-1]) == (404, ".")
    assert client.post("/api/uploads/XX/files", headers=TUS).status_code == 404
    assert client.delete(f"/api/uploads/{BATCH}", headers=OURS).json == {}
    assert client.get(f"/api/uploads/{BATCH}").status_code == 404


def test_an_upload_of_text_only(client: FlaskClient) -> None:
    put(client, "a/notes.txt", b"hello")
    answer = finish(client, BATCH, 1)
    assert answer.json["studies"] == []
    assert answer.json["errors"] == [
        {"source": "the upload", "message": "There is no image in the upload."}
    ]


def test_discard(client: FlaskClient, parts: Services) -> None:
    put(client, "a.png", png())
    client.delete(f"/api/uploads/{BATCH}", headers=OURS)
    assert list(parts.settings.uploads.iterdir()) == []


@pytest.mark.parametrize("stage", ["before the first file is read", "between two studies"])
def test_upload_that_is_discarded_while_it_is_read_adds_nothing(
    client: FlaskClient, parts: Services, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    for name in ("one", "two"):
        put(client, f"{name}/{name}.png", png(len(name) + ord(name[0])))

    def discard() -> None:
        client.delete(f"/api/uploads/{BATCH}", headers=OURS)

    if stage == "before the first file is read":
        read = intake.pipeline.read_cases

        def read_later(*arguments: Any, **options: Any) -> Any:
            discard()
            return read(*arguments, **options)

        monkeypatch.setattr(intake.pipeline, "read_cases", read_later)
    else:
        save = parts.files.save

        def save_first(_: object, *given: Any, **options: Any) -> str:
            digest = save(*given, **options)
            discard()
            return digest

        monkeypatch.setattr(type(parts.files), "save", save_first)
    answer = finish(client, BATCH, 2)
    assert answer.status_code == 410
    assert parts.store.list_studies() == []
    assert list(parts.settings.uploads.iterdir()) == []


def test_log_has_no_names(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "dashboard.api.errors"):
        put(client, "Mustermann.png", png())
        client.get("/api/no%0Asuch")
    assert [record.message.rsplit(" ", 2)[0] for record in caplog.records] == [
        f"POST /api/uploads/{BATCH}/files 201",
        "GET /api/no%0Asuch 404",
    ]


def test_batch_limit(tmp_path: Any) -> None:
    small = make_services(tmp_path / "home", OVERREAD_MAX_UPLOAD_FILES="1")
    server = Flask("small")
    services.attach(server, small)
    api.register(server, small)
    client = server.test_client()
    assert put(client, "a.png", png()).status_code == 201
    answer = put(client, "b.png", png())
    assert answer.status_code == 413
    assert answer.json["error"].endswith(".")
