"""Drafts and versions over HTTP: what travels, what is refused, what is kept."""

from __future__ import annotations

import base64
import gzip
from typing import Any

import nibabel
import numpy as np
import pytest
from fake_server import add_case, fake_factory, make_case, make_server
from flask import Flask
from flask.testing import FlaskClient
from numpy.typing import NDArray

from dashboard.api.corrections import UNNAMED
from dashboard.jobs.execution import Worker
from dashboard.masks.encoding import decode_mask, encode_mask
from dashboard.studies import measures
from dashboard.workspace.services import Services

OURS = {"X-Overread": "1"}
SHAPE = (3, 6, 5)
HERE, THERE = "a" * 16, "b" * 16
NO_BASE = {"result_key": None, "threshold": None, "version": None}


@pytest.fixture
def server(parts: Services) -> Flask:
    return make_server(parts)


@pytest.fixture
def client(server: Flask) -> FlaskClient:
    return sign_in(server, "Dr. Reader")


def sign_in(server: Flask, name: str) -> FlaskClient:
    client = server.test_client()
    client.get("/api/reader")
    if name:
        assert client.put("/api/reader", json={"name": name}, headers=OURS).status_code == 200
    return client


@pytest.fixture
def study(parts: Services) -> str:
    """Three slices of 6 x 5; the AI outlines 2 x 2 pixels of the second (probability 200)."""
    study_id = add_case(parts, make_case())
    Worker(parts, make_analyser=fake_factory()).run_one()
    return study_id


def key_of(parts: Services, study: str) -> str:
    row = parts.store.study(study)
    assert row is not None
    key = parts.result_key(row.content_digest)
    assert key is not None
    return key


def square(top: int, left: int, size: int = 2) -> NDArray[np.bool_]:
    mask = np.zeros(SHAPE[1:], bool)
    mask[top : top + size, left : left + size] = True
    return mask


def text(masks: dict[int, NDArray[np.bool_]]) -> str:
    return base64.b64encode(encode_mask(masks, SHAPE)).decode()


def masks_of(found: str) -> dict[int, NDArray[np.bool_]]:
    return decode_mask(base64.b64decode(found), SHAPE)


def body(masks: dict[int, NDArray[np.bool_]], **changes: Any) -> dict[str, Any]:
    fields = {"writer": HERE, "step": 1, "revision": 0, "based_on": NO_BASE, "mask": text(masks)}
    return fields | changes


def put(client: FlaskClient, study: str, sent: Any, **more: Any) -> Any:
    return client.put(f"/api/studies/{study}/draft", json=sent, headers=OURS, **more)


def save(client: FlaskClient, study: str, sent: Any) -> Any:
    return client.post(f"/api/studies/{study}/versions", json=sent, headers=OURS)


def corrections_of(client: FlaskClient, study: str) -> Any:
    return client.get(f"/api/studies/{study}/corrections").json


def test_a_draft_comes_back_as_it_was(
    client: FlaskClient, server: Flask, parts: Services, study: str
) -> None:
    assert corrections_of(client, study) == {"in_view": None, "draft": None, "versions": []}
    base = {"result_key": key_of(parts, study), "threshold": 0.3, "version": None}
    answer = put(client, study, body({2: square(1, 1)}, based_on=base))
    assert (answer.status_code, answer.json["revision"]) == (200, 1)
    draft = corrections_of(client, study)["draft"]
    assert draft["changed_at"] == answer.json["changed_at"]
    assert draft["based_on"] == {
        **base,
        "operating_point": None,
        "network": "resunet-resnet18 0.0.0",
    }
    found = masks_of(draft["mask"])
    assert list(found) == [2]
    assert np.array_equal(found[2], square(1, 1))
    assert (draft["base_mask"], draft["ai_mask"]) == (None, None)  # the browser has the result
    assert corrections_of(sign_in(server, "Another"), study)["draft"] is None


def test_a_draft_outlives_the_result_that_it_began_from(
    client: FlaskClient, parts: Services, study: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = {"result_key": key_of(parts, study), "threshold": 0.5, "version": None}
    put(client, study, body({2: square(1, 1)}, based_on=base))
    monkeypatch.setattr(Services, "result_key", lambda self, content: "f" * 64)
    draft = corrections_of(client, study)["draft"]
    assert np.array_equal(masks_of(draft["ai_mask"])[1], square(0, 0))
    again = body({2: square(2, 2)}, based_on=base, step=2, revision=1)
    assert put(client, study, again).status_code == 200
    version = save(client, study, again | {"step": 3, "revision": 2}).json
    assert (
        version["facts"]["area_px"] == 8
    )  # 4 of the AI's on slice 2, 4 of the reader's on slice 3
    new = put(client, study, body({2: square(1, 1)}, based_on=base, step=4))
    assert new.status_code == 404


def test_another_window_gets_the_draft_that_is_there(client: FlaskClient, study: str) -> None:
    put(client, study, body({0: square(0, 0)}))
    answer = put(client, study, body({0: square(1, 1)}, writer=THERE))
    assert answer.status_code == 409
    assert answer.json["error"].endswith(".")
    assert np.array_equal(masks_of(answer.json["draft"]["mask"])[0], square(0, 0))
    seen = answer.json["draft"]["revision"]
    answer = put(client, study, body({0: square(1, 1)}, writer=THERE, revision=seen))
    assert answer.json["revision"] == seen + 1
    late = {"writer": HERE, "step": 2, "revision": 1}
    gone = client.delete(f"/api/studies/{study}/draft", json=late, headers=OURS)
    assert gone.status_code == 409
    known = late | {"revision": seen + 1}
    gone = client.delete(f"/api/studies/{study}/draft", json=known, headers=OURS)
    assert gone.status_code == 200
    assert corrections_of(client, study)["draft"] is None


def test_a_version_holds_the_whole_mask_and_what_it_measures(
    client: FlaskClient, parts: Services, study: str
) -> None:
    base = {"result_key": key_of(parts, study), "threshold": 0.5, "version": None}
    put(client, study, body({2: square(1, 1)}, based_on=base))
    touched = {0: square(0, 0, 1), 1: square(2, 1), 2: np.zeros(SHAPE[1:], bool)}
    answer = save(client, study, body(touched, based_on=base, step=2, revision=1))
    assert answer.status_code == 201
    version = answer.json
    assert (version["number"], version["author"], version["own"]) == (1, "Dr. Reader", True)
    # the reference is the very square of slice 2; the AI has another 4 pixels there
    assert version["facts"] == {
        "area_px": 5,
        "volume_ml": pytest.approx(0.025),
        "slices": 2,
        "touched": 3,
        "dice_ai": 0.0,
        "dice_reference": pytest.approx(8 / 9),
    }
    listed = corrections_of(client, study)
    assert listed == {"in_view": 1, "draft": None, "versions": [version]}
    whole = client.get(f"/api/studies/{study}/versions/1").json
    found = masks_of(whole["mask"])
    assert list(found) == [0, 1]
    assert np.array_equal(found[1], square(2, 1))
    assert np.array_equal(masks_of(whole["ai_mask"])[1], square(0, 0))
    assert client.get(f"/api/studies/{study}/versions/2").status_code == 404


def test_a_version_is_downloaded_as_nifti(client: FlaskClient, study: str) -> None:
    save(client, study, body({0: square(0, 0), 2: square(3, 2)}))
    answer = client.get(f"/api/studies/{study}/versions/1.nii.gz")
    assert answer.headers["Content-Disposition"] == "attachment; filename=case0_mask_v1.nii.gz"
    image = nibabel.Nifti1Image.from_bytes(gzip.decompress(answer.data))
    volume = np.asarray(image.dataobj)  # x, y, z
    assert volume.shape == (5, 6, 3)
    assert np.array_equal(volume[:, :, 2].T, square(3, 2))
    assert volume.sum() == 8
    assert client.get(f"/api/studies/{study}/versions/2.nii.gz").status_code == 404


def test_the_threshold_decides_what_lies_under_the_touched_slices(
    client: FlaskClient, parts: Services, study: str
) -> None:
    for threshold, area in ((0.2, 5), (0.7, 5), (0.79, 1)):  # the AI's pixels hold 200 / 255
        base = {"result_key": key_of(parts, study), "threshold": threshold, "version": None}
        version = save(client, study, body({0: square(0, 0, 1)}, based_on=base)).json
        assert version["facts"]["area_px"] == area, threshold


def test_an_operating_point_decides_which_slices_are_called(
    client: FlaskClient, parts: Services, study: str
) -> None:
    base = {"result_key": key_of(parts, study), "threshold": 0.5, "version": None}
    for point, area in ((0.9, 5), (0.91, 1)):  # the score of the AI's slice is 0.9
        sent = body({0: square(0, 0, 1)}, based_on={**base, "operating_point": point})
        assert save(client, study, sent).json["facts"]["area_px"] == area, point


def test_going_on_from_a_version_keeps_what_the_ai_had(
    client: FlaskClient, server: Flask, parts: Services, study: str
) -> None:
    base = {"result_key": key_of(parts, study), "threshold": 0.5, "version": None}
    first = save(client, study, body({0: square(0, 0)}, based_on=base)).json
    other = sign_in(server, "Second")
    second_base = {"version": first["number"]}
    put(other, study, body({2: square(0, 0)}, based_on=second_base))
    draft = corrections_of(other, study)["draft"]
    assert sorted(masks_of(draft["base_mask"])) == [0, 1]
    second = save(other, study, body({2: square(0, 0)}, based_on=second_base, step=2)).json
    assert (second["number"], second["author"]) == (2, "Second")
    assert second["based_on"] == {**first["based_on"], "version": 1}
    assert second["facts"]["area_px"] == 12
    assert second["facts"]["dice_ai"] == pytest.approx(8 / 16)
    lines = corrections_of(client, study)["versions"]
    assert [(line["number"], line["own"]) for line in lines] == [(2, False), (1, True)]
    assert put(other, study, body({}, based_on={"version": 9}, step=3)).status_code == 404


def test_a_study_without_a_result_is_outlined_from_nothing(
    client: FlaskClient, parts: Services
) -> None:
    study = add_case(parts, make_case(seed=2, masks=False, spacing_mm=None))
    facts = save(client, study, body({0: square(0, 0)})).json["facts"]
    assert facts == {
        "area_px": 4,
        "volume_ml": None,
        "slices": 1,
        "touched": 1,
        "dice_ai": None,
        "dice_reference": None,
    }


def test_a_version_needs_a_name(server: Flask, study: str) -> None:
    nobody = sign_in(server, "")
    assert put(nobody, study, body({0: square(0, 0)})).status_code == 200
    answer = save(nobody, study, body({0: square(0, 0)}, step=2, revision=1))
    assert answer.status_code == 400
    assert answer.json["error"] == UNNAMED
    assert corrections_of(nobody, study)["draft"] is not None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"mask": "###"}, "mask"),
        ({"mask": "AAA"}, "mask"),
        ({"mask": "AAAA"}, ""),  # base64, but not a mask
        ({"mask": 7}, "mask"),
        ({"mask": None}, "mask"),
        ({"writer": "../x"}, "writer"),
        ({"writer": "a" * 65}, "writer"),
        ({"writer": "a" * 16 + "\n"}, "writer"),
        ({"step": -1}, "step"),
        ({"step": 1.5}, "step"),
        ({"step": True}, "step"),
        ({"revision": 2**40}, "revision"),
        ({"colour": 1}, "colour"),
        ({"based_on": None}, "based_on"),
        ({"based_on": {"colour": 1}}, "based_on.colour"),
        ({"based_on": {"result_key": "0" * 64}}, "based_on"),
        ({"based_on": {"result_key": "x" * 64, "threshold": 0.5}}, "based_on.result_key"),
        ({"based_on": {"result_key": "0" * 64, "threshold": 0}}, "based_on.threshold"),
        ({"based_on": {"version": "1"}}, "based_on.version"),
    ],
)
def test_what_does_not_fit_is_refused(
    client: FlaskClient, study: str, changes: dict[str, Any], field: str
) -> None:
    for answer in (
        put(client, study, body({0: square(0, 0)}, **changes)),
        save(client, study, body({0: square(0, 0)}, **changes)),
    ):
        assert answer.status_code == 400
        assert answer.json["field"] == field
        assert field in answer.json["error"] and answer.json["error"].endswith(".")
    assert corrections_of(client, study) == {"in_view": None, "draft": None, "versions": []}


@pytest.mark.parametrize("sent", [b"", b"[]", b"7", b"{", b"[" * 4000, b"\xff\xfe"])
def test_bodies_that_are_no_object(client: FlaskClient, study: str, sent: bytes) -> None:
    address = f"/api/studies/{study}/draft"
    answer = client.put(address, data=sent, content_type="application/json", headers=OURS)
    assert answer.status_code == 400
    assert answer.json["field"] == ""


def test_a_body_longer_than_any_mask_is_refused_unread(client: FlaskClient, study: str) -> None:
    answer = put(client, study, body({}, padding="x" * 20_000))
    assert answer.status_code == 413


def test_a_foreign_page_changes_nothing(client: FlaskClient, study: str) -> None:
    address = f"/api/studies/{study}/draft"
    for headers in ({}, OURS | {"Origin": "http://elsewhere.example"}):
        answer = client.put(address, json=body({0: square(0, 0)}), headers=headers)
        assert answer.status_code == 403
    assert corrections_of(client, study)["draft"] is None


def test_there_is_no_such_study(client: FlaskClient) -> None:
    for answer in (
        put(client, "0" * 16, body({})),
        client.get(f"/api/studies/{'0' * 16}/corrections"),
        client.get(f"/api/studies/{'0' * 16}/versions/1"),
    ):
        assert answer.status_code == 404


def in_view(
    client: FlaskClient, kind: str, study: str, base: Any, masks: dict[int, NDArray[np.bool_]]
) -> Any:
    """Surface or diameters of the mask in the reader's view."""
    sent = {"based_on": base, "mask": text(masks)}
    return client.post(f"/api/studies/{study}/corrections/{kind}", json=sent, headers=OURS)


def test_surface_is_of_what_is_in_view_and_keeps_nothing(
    client: FlaskClient, parts: Services, study: str
) -> None:
    on_ai = {"result_key": key_of(parts, study), "threshold": 0.3, "version": None}
    answer = in_view(client, "surface", study, on_ai, {2: square(1, 1)})
    assert answer.status_code == 200
    # 4 of the AI's on slice 2, 4 of the reader's on slice 3; voxels of 1 x 1 x 5 mm
    assert answer.json["amount"] == {"voxels": 8, "volume_ml": pytest.approx(0.04)}
    (trace,) = answer.json["figure"]["data"]
    assert (trace["name"], trace["visible"]) == ("correction", True)
    erased = in_view(client, "surface", study, on_ai, {1: square(0, 0, 0)}).json
    assert (erased["amount"]["voxels"], erased["figure"]["data"][0]["visible"]) == (0, False)
    assert (
        in_view(client, "surface", study, NO_BASE, {0: square(0, 0, 3)}).json["amount"]["voxels"]
        == 9
    )
    assert corrections_of(client, study) == {"in_view": None, "draft": None, "versions": []}


def test_surface_of_a_version(client: FlaskClient, study: str) -> None:
    save(client, study, body({0: square(0, 0, 3)}))
    version = {"result_key": None, "threshold": None, "version": 1}
    assert in_view(client, "surface", study, version, {}).json["amount"]["voxels"] == 9
    unknown = in_view(client, "surface", study, version | {"version": 2}, {})
    assert (unknown.status_code, unknown.json["error"]) == (
        404,
        "No version 2 of this study's mask exists.",
    )


def test_diameters_are_of_what_is_in_view_and_keep_nothing(
    client: FlaskClient, parts: Services, study: str
) -> None:
    """Slices that were never saved count; the others are what the base has there."""
    on_ai = {"result_key": key_of(parts, study), "threshold": 0.3, "version": None}
    found = in_view(client, "diameters", study, on_ai, {2: square(1, 1, 4)})
    assert found.status_code == 200
    (lesion,) = found.json["lesions"]  # touches the AI's 2 x 2 pixels on the slice before
    assert (lesion["k"], lesion["slices"]) == (2, 2)
    assert lesion["longest"]["length"] == pytest.approx(32**0.5)
    assert lesion["reason"] == "Not measurable: 5.7 mm is below 10 mm."
    assert in_view(client, "diameters", study, on_ai, {1: square(0, 0, 0)}).json["lesions"] == []
    called = on_ai | {"operating_point": 0.95}
    assert in_view(client, "diameters", study, called, {}).json["lesions"] == []
    assert corrections_of(client, study) == {"in_view": None, "draft": None, "versions": []}


def test_diameters_go_on_from_a_version(client: FlaskClient, study: str) -> None:
    save(client, study, body({0: square(0, 0, 3)}))
    version = {"result_key": None, "threshold": None, "version": 1}
    (lesion,) = in_view(client, "diameters", study, version, {}).json["lesions"]
    assert lesion["longest"]["length"] == pytest.approx(18**0.5)
    more = in_view(client, "diameters", study, version, {2: square(0, 0, 1)})
    assert len(more.json["lesions"]) == 2


def test_a_mask_that_takes_too_long_to_measure_is_refused(
    client: FlaskClient, study: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measures, "LIMIT_S", 0.0)
    answer = in_view(client, "diameters", study, NO_BASE, {0: square(0, 0)})
    assert (answer.status_code, answer.json["error"][-1]) == (400, ".")


@pytest.mark.parametrize("kind", ["surface", "diameters"])
def test_a_mask_in_view_that_does_not_fit_is_refused(
    client: FlaskClient, study: str, kind: str
) -> None:
    address = f"/api/studies/{study}/corrections/{kind}"
    for sent in ([], {}, {"based_on": NO_BASE}, {"based_on": NO_BASE, "mask": "!"}):
        answer = client.post(address, json=sent, headers=OURS)
        assert answer.status_code == 400
        assert answer.json["error"].endswith(".")
