"""What a signed study refuses: a table of every request that changes something.

A new request that is in neither table fails the first test: decide whether it changes what is
signed (`AMENDS`) or say why it does not (`FREE`).
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from fake_server import add_case, make_case, make_server, run_jobs
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from reading_calls import OURS, begin, decide, reader, send, signature
from sent_uploads import send_file

from dashboard.api.openapi import list_endpoints
from dashboard.masks.encoding import encode_mask
from dashboard.store.readings import find_reading, list_records
from dashboard.workspace.services import Services
from pipeline import PatientIdentity
from pipeline.data.case import StudyLabels

BATCH = "cd" * 16
_MASK = base64.b64encode(encode_mask({}, (3, 6, 5))).decode()
_WRITER = {"writer": "ab" * 8, "step": 9, "revision": 0}
_VIEW = {"based_on": {}, "mask": _MASK}
#: Method, address below the study and body of the requests that change what is signed; the body
#: is made from the revision of the reading and the id of a prior.
AMENDS: dict[str, tuple[str, str, Callable[[int], dict[str, Any]]]] = {
    "decision.write": ("PUT", "reading", lambda at: {"revision": at, "notes": "later"}),
    "decision.write_decision": (
        "PUT",
        "decision",
        lambda at: {"revision": at, "verdict": "reject", "reason": "other"},
    ),
    "correction.write_draft": ("PUT", "draft", lambda at: _WRITER | _VIEW),
    "correction.drop_draft": ("DELETE", "draft", lambda at: _WRITER),
    "correction.save_version": ("POST", "versions", lambda at: _WRITER | _VIEW),
    "measurement.write": ("PUT", "measurements", lambda at: {"revision": 0, "items": []}),
    "entries.change_spacing": (
        "PUT",
        "spacing",
        lambda at: {"revision": 1, "spacing_mm": [5.0, 0.5, 0.5]},
    ),
    "entries.attach_reference": (
        "PUT",
        "reference",
        lambda at: {"revision": 1, "batch": BATCH, "files": 3},
    ),
    "entries.detach_reference": ("DELETE", "reference", lambda at: {"revision": 1}),
    "prior.write_comparison": (
        "PUT",
        "priors/{prior}/comparison",
        lambda at: _VIEW | {"revision": at, "registered": False},
    ),
}
#: Why the others may come at any time.
FREE = {
    "decision.open_page": "says who looks at the study, and opens the amendment",
    "decision.leave_page": "ends that",
    "decision.sign_study": "adds a record; it needs the amendment, see test_decision_endpoints",
    "decision.discard": "ends the amendment, and is refused without one",
    "decision.write_priority": "orders the worklist",
    "entries.rename": "a name on screen; the record has the name that was signed",
    "entries.divide": "refused for a signed study whatever is open, see test_deletion",
    "worklist.delete": "refused for a signed study whatever is open, see test_deletion",
    "worklist.restore": "a signed study is never deleted",
    "decision.lesions": "computes, and stores nothing",
    "correction.surface": "computes, and stores nothing",
    "correction.diameters": "computes, and stores nothing",
    "measurement.judge": "computes, and stores nothing",
    "prior.link": "says whose studies are listed; the record has the comparison that was signed",
    "prior.register_prior": "computes how two studies lie to each other",
    "export.download": "writes what is stored; its line of the history says so",
    "export.note": "says what an export will hold",
    "worklist.prioritise": "orders the worklist",
    "worklist.tag": "sorts the worklist",
    "worklist.export_some": "writes what the worklist shows",
    "uploads.create_file": "adds files, which never change a study that is stored",
    "uploads.append_bytes": "likewise",
    "uploads.overridden": "likewise",
    "uploads.remove_file": "likewise",
    "uploads.finish_upload": "likewise",
    "uploads.discard_upload": "likewise",
    "reader.change": "the reader's name and keys; records have the name that signed",
    "comparisons.receive_image": "single images, which are no studies",
    "comparisons.answers": "likewise",
    "comparisons.cancel": "likewise",
    "export.follow": "as export.download, and says how far it is",
}


@pytest.fixture
def server(parts: Services) -> Flask:
    return make_server(parts)


@pytest.fixture
def pair(parts: Services) -> tuple[str, str]:
    """A study without a spacing, and its prior, both analysed."""
    patient = PatientIdentity("4711", "St. Mary", "Lovelace^Ada", "F", "1815-12-10")
    found = [
        add_case(
            parts,
            make_case(
                seed=seed,
                spacing_mm=None,
                masks=False,
                patient=patient,
                labels=StudyLabels(study_date=date),
            ),
        )
        for seed, date in ((1, "2026-06-03"), (2, "2025-12-11"))
    ]
    run_jobs(parts)
    return found[0], found[1]


def sign(client: FlaskClient, study: str) -> None:
    assert decide(client, study, "accept").status_code == 200
    assert signature(client, study, "ab").status_code == 201


def upload_reference(client: FlaskClient) -> None:
    """Send a mask as PNG files, one for each slice."""
    for k in range(3):
        stream = io.BytesIO()
        picture = np.zeros((6, 5), np.uint8)
        picture[1:3, 2:4] = 255 * (k == 1)
        Image.fromarray(picture).save(stream, "PNG")
        assert send_file(client, BATCH, f"truth_{k}.png", stream.getvalue()).status_code == 201


def test_every_request_that_changes_a_study_is_in_a_table(server: Flask) -> None:
    changing = {
        rule.endpoint
        for rule, _ in list_endpoints(server)
        if (rule.methods or set()) & {"PUT", "POST", "PATCH", "DELETE"}
    }
    assert changing == AMENDS.keys() | FREE.keys()
    assert not AMENDS.keys() & FREE.keys()


@pytest.mark.parametrize("name", AMENDS)
def test_a_signed_study_is_changed_only_in_an_amendment(
    server: Flask, parts: Services, pair: tuple[str, str], name: str
) -> None:
    study, prior = pair
    method, rest, body = AMENDS[name]
    ada, ben = reader(server, "Ada"), reader(server, "Ben")
    if name.startswith("entries."):  # a reference is attached, so that it can be detached
        upload_reference(ada)
        sent = {"revision": 0, "batch": BATCH, "files": 3}
        address = f"/api/studies/{study}/reference"
        assert ada.put(address, json=sent, headers=OURS).status_code == 200
    sign(ada, study)

    def change(client: FlaskClient) -> int:
        if name == "entries.attach_reference":
            upload_reference(client)
        at = find_reading(parts.store, study).revision
        address = f"/api/studies/{study}/{rest.format(prior=prior)}"
        return client.open(address, method=method, json=body(at), headers=OURS).status_code

    assert change(ada) == 423
    begin(ada, study)
    assert change(ben) in (409, 423)
    assert change(ada) in (200, 201)


def test_a_signed_study_is_renamed_on_screen(server: Flask, pair: tuple[str, str]) -> None:
    ada, ben = reader(server, "Ada"), reader(server, "Ben")
    sign(ada, pair[0])
    address = f"/api/studies/{pair[0]}"
    renamed = ben.put(f"{address}/label", json={"revision": 0, "label": "Frontal"}, headers=OURS)
    assert renamed.status_code == 200
    content = ada.get(f"{address}/records/1").json
    assert content["intact"]
    assert content["content"]["study"]["name"] != "Frontal"


def test_a_discarded_amendment_leaves_what_was_signed(
    server: Flask, parts: Services, pair: tuple[str, str]
) -> None:
    study = pair[0]
    ada, ben = reader(server, "Ada"), reader(server, "Ben")
    upload_reference(ada)
    changes = {"revision": 0, "batch": BATCH, "files": 3}
    assert send(ada, study, "reference", **changes).status_code == 200
    assert send(ben, study, "draft", **_WRITER, **_VIEW).status_code == 200  # before it is signed
    sign(ada, study)
    address = f"/api/studies/{study}"
    signed_at = find_reading(parts.store, study).revision
    assert send(ben, study, "amendment", method="DELETE", revision=signed_at).status_code == 423
    assert ben.get(f"{address}/amendment").status_code == 423

    def look() -> Any:
        reading = ben.get(f"{address}/reading").json
        entries = ben.get(address).json["entries"]
        return (
            {key: reading[key] for key in ("state", "decision", "notes", "key_images", "records")},
            {key: entries[key] for key in ("spacing_mm", "reference_files", "reference_by")},
            ben.get(f"{address}/measurements").json["items"],
            ben.get(f"{address}/corrections").json["draft"]["mask"],
            [ben.get(one).json for one in (f"{address}/records/1",)],
        )

    before, mask = look(), base64.b64encode(encode_mask({0: np.ones((6, 5), bool)}, (3, 6, 5)))
    begin(ben, study)
    assert ben.get(f"{address}/amendment").json == {"changes": []}
    line = {"id": "line1", "kind": "ruler", "k": 0, "points": [[0, 0], [1, 1]]}
    window = {"writer": "cd" * 8, "step": 1, "revision": 1}
    for what, body in {
        "reading": {"revision": signed_at, "notes": "later"},
        "draft": window | _VIEW | {"mask": mask.decode()},
        "measurements": {"revision": 0, "items": [line]},
        "spacing": {"revision": 1, "spacing_mm": [5.0, 0.5, 0.5]},
    }.items():
        assert send(ben, study, what, **body).status_code == 200
    assert send(ben, study, "reference", method="DELETE", revision=2).status_code == 200
    wanted = ["notes", "mask", "measurements", "spacing", "reference"]
    assert ben.get(f"{address}/amendment").json == {"changes": wanted}
    assert send(ada, study, "opening", method="POST", amends=1).json["reading"]["claim"]["own"] is (
        False
    )
    revision = find_reading(parts.store, study).revision
    assert send(ben, study, "amendment", method="DELETE", revision=revision - 1).status_code == 409
    assert ben.get(f"{address}/amendment").json == {"changes": wanted}
    left = send(ben, study, "amendment", method="DELETE", revision=revision)
    assert left.status_code == 200
    assert left.json["claim"] is None
    assert look() == before
    last = ben.get(f"{address}/history").json["events"][-1]
    assert (last["event"], last["author"]) == ("discarded", "Ben")
    assert last["details"]["text"] == ", ".join(wanted)
    row = parts.store.study(study)
    record = list_records(parts.store, study)[0].content.study
    assert row
    assert (row.content_digest, row.data_digest) == (record.content_digest, record.data_digest)


def test_an_amendment_that_was_left_is_discarded_to_what_was_signed(
    server: Flask, parts: Services, pair: tuple[str, str]
) -> None:
    """Also by another reader, who opened theirs on top of it."""
    study = pair[0]
    ada, ben = reader(server, "Ada"), reader(server, "Ben")
    sign(ada, study)
    at = begin(ada, study)["revision"]
    assert send(ada, study, "reading", revision=at, notes="half done").status_code == 200
    assert send(ada, study, "opening", method="DELETE").status_code == 200
    at = begin(ben, study)["revision"]
    changes = ben.get(f"/api/studies/{study}/amendment").json["changes"]
    assert changes == ["notes"]
    left = send(ben, study, "amendment", method="DELETE", revision=at)
    assert left.json["notes"] == ""


def test_a_signed_study_shows_the_signed_mask(
    server: Flask, parts: Services, pair: tuple[str, str]
) -> None:
    study = pair[0]
    ada, ben = reader(server, "Ada"), reader(server, "Ben")
    assert decide(ada, study, "accept with changes").status_code == 200
    drawn = {0: np.ones((6, 5), bool)}
    assert signature(ada, study, "ab", touched=drawn).status_code == 201
    address = f"/api/studies/{study}/corrections"
    assert [one.get(address).json["in_view"] for one in (ada, ben)] == [1, 1]
    begin(ada, study)
    mask = base64.b64encode(encode_mask({1: drawn[0]}, (3, 6, 5))).decode()
    assert send(ada, study, "versions", method="POST", **_WRITER, **_VIEW | {"mask": mask}).json
    assert ada.get(address).json["in_view"] == 1  # the later version is not signed
