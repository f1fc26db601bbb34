"""What readers enter for a study over HTTP: label, spacing, reference, and their ways back."""

from __future__ import annotations

import io
import threading
from typing import Any

import nibabel
import numpy as np
import pytest
from fake_server import add_case, make_case, make_server, run_jobs
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sent_uploads import send_file

from dashboard.api.entries import UNNAMED, conflict_sentence
from dashboard.jobs import table
from dashboard.store import JobState, Origin
from dashboard.store.stored_json import Entries
from dashboard.studies import intake
from dashboard.studies.worklist_rows import describe_study
from dashboard.workspace.services import Services
from pipeline import Caution, InputError
from pipeline.data.entered_values import entered_spacing_warning
from pipeline.data.reading.image_cases import stack_warning

OURS = {"X-Overread": "1"}
BATCH = "ab" * 16
SPACING = [5.0, 0.5, 0.5]


@pytest.fixture
def server(parts: Services) -> Flask:
    return make_server(parts)


@pytest.fixture
def client(server: Flask) -> FlaskClient:
    return named(server, "Ada")


def named(server: Flask, name: str) -> FlaskClient:
    """A browser whose reader has a name."""
    client = server.test_client()
    assert client.put("/api/reader", json={"name": name}, headers=OURS).status_code == 200
    return client


def described(client: FlaskClient, study: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/api/studies/{study}").json
    return found


def send(client: FlaskClient, study: str, what: str, **body: Any) -> Any:
    return client.put(f"/api/studies/{study}/{what}", json=body, headers=OURS)


def upload(client: FlaskClient, name: str, content: bytes) -> None:
    assert send_file(client, BATCH, name, content).status_code == 201


def attach(client: FlaskClient, study: str, mask: Any, *, revision: int = 0) -> Any:
    """Attach a mask as PNG files, one for each slice."""
    for k, one in enumerate(mask, start=1):
        stream = io.BytesIO()
        Image.fromarray(one.astype(np.uint8) * 255).save(stream, "PNG")
        upload(client, f"truth_{k}.png", stream.getvalue())
    return send(client, study, "reference", revision=revision, batch=BATCH, files=1)


def corner(n: int = 3) -> Any:
    """Where the analyser of tests outlines: two pixels of the second slice and one more."""
    mask = np.zeros((n, 6, 5), bool)
    mask[1, :2, :2] = True
    return mask


def fetched_reference(client: FlaskClient, study: dict[str, Any]) -> Any:
    slices = [
        client.get(study["reference_url"].format(slice=k)).get_data() for k in range(study["n"])
    ]
    return np.array([np.frombuffer(one, np.uint8).reshape(6, 5) > 0 for one in slices])


def test_an_attached_reference_is_measured_at_once_and_detached_again(
    client: FlaskClient, parts: Services
) -> None:
    study = add_case(parts, make_case(masks=False))
    run_jobs(parts)
    before = described(client, study)
    assert (before["reference_url"], before["result"]["dice"]) == (None, None)
    answer = attach(client, study, corner())
    assert answer.status_code == 200, answer.json
    assert answer.json["revision"] == 1
    assert answer.json["reference_by"]["by"] == "Ada"
    assert answer.json["reference_files"] == ["truth_1.png"]
    after = described(client, study)
    assert after["entries"] == answer.json
    assert after["result"]["key"] == before["result"]["key"], "no new analysis"
    assert after["result"]["dice"] == 1.0
    assert [one["dice"] for one in after["result"]["slices"]] == [None, 1.0, None]
    np.testing.assert_array_equal(fetched_reference(client, after), corner())
    measures = client.get(after["result"]["measures_url"]).json
    assert measures["reference_px"] == [0, 4, 0]
    assert client.get(after["space_url"]).json["reference"]["voxels"] == 4
    row = parts.store.study(study)
    assert row and row.has_reference and row.job_state is JobState.DONE
    address = f"/api/studies/{study}/reference"
    detached = client.delete(address, json={"revision": 1}, headers=OURS)
    assert detached.json["reference_files"] is None
    assert detached.json["reference_by"]["by"] == "Ada"
    final = described(client, study)
    assert {**final, "entries": None} == {**before, "entries": None}
    again = client.delete(address, json={"revision": 2}, headers=OURS)
    assert again.status_code == 400
    assert again.json["error"].endswith(".")


def test_an_attached_reference_replaces_that_of_the_files_until_it_is_detached(
    client: FlaskClient, parts: Services
) -> None:
    case = make_case()
    study = add_case(parts, case)
    stated = described(client, study)
    attach(client, study, corner())
    np.testing.assert_array_equal(fetched_reference(client, described(client, study)), corner())
    client.delete(f"/api/studies/{study}/reference", json={"revision": 1}, headers=OURS)
    final = described(client, study)
    assert final["reference_url"] == stated["reference_url"]
    np.testing.assert_array_equal(fetched_reference(client, final), case.masks)


def nifti(mask: Any) -> bytes:
    return bytes(nibabel.Nifti1Image(mask, np.eye(4)).to_bytes())


UNFIT = [
    pytest.param("other.nii", nifti(np.ones((9, 9, 9), np.uint8)), id="another grid"),
    pytest.param("empty.nii", b"", id="empty file"),
    pytest.param("notes.txt", b"no mask", id="no mask"),
    pytest.param("all.nii", nifti(np.ones((5, 6, 3), np.uint8)), id="the whole head"),
]


@pytest.mark.parametrize(("name", "content"), UNFIT)
def test_files_that_do_not_fit_change_nothing_and_get_a_sentence(
    client: FlaskClient, parts: Services, name: str, content: bytes
) -> None:
    study = add_case(parts, make_case())
    before = described(client, study)
    upload(client, name, content)
    answer = send(client, study, "reference", revision=0, batch=BATCH, files=1)
    assert answer.status_code == 400
    assert answer.json["error"].endswith(".")
    assert described(client, study) == before
    assert list(parts.settings.uploads.iterdir()) == []
    assert send(client, study, "reference", revision=0, batch=BATCH, files=1).status_code == 404


def test_a_label_is_shown_and_the_identifiers_stay(client: FlaskClient, parts: Services) -> None:
    study = add_case(parts, make_case())
    run_jobs(parts)
    before = described(client, study)
    assert before["name"] == "P0"
    answer = send(client, study, "label", revision=0, label="  Case\tof the month ")
    assert (answer.json["label"], answer.json["original_name"]) == ("Case of the month", "P0")
    assert answer.json["label_by"]["by"] == "Ada"
    after = described(client, study)
    assert after["name"] == "Case of the month"
    changed = {"name": None, "entries": None}
    assert {**after, **changed} == {**before, **changed}
    row = parts.store.study(study)
    assert row
    assert describe_study(row)["patient"] == "Case of the month"
    for words, count in (("month case", 1), ("P0", 1), ("P0 case0 month", 1), ("P1", 0)):
        assert client.get(f"/api/worklist/rows?search={words}").json["count"] == count
    restored = send(client, study, "label", revision=1, label="  ")
    assert (restored.json["label"], restored.json["revision"]) == ("", 2)
    assert described(client, study)["name"] == "P0"
    assert send(client, study, "label", revision=2, label="x" * 65).status_code == 400
    assert send(client, study, "label", revision=2, label="P0").json["label"] == ""


def test_an_entered_spacing_is_used_everywhere_until_it_is_removed(
    client: FlaskClient, parts: Services
) -> None:
    study = add_case(parts, make_case(spacing_mm=None))
    run_jobs(parts)
    before = described(client, study)
    assert before["result"]["volume_ml"] is None
    assert not before["entries"]["spacing_stated"]
    answer = send(client, study, "spacing", revision=0, spacing_mm=SPACING)
    assert answer.status_code == 200, answer.json
    assert (answer.json["spacing_mm"], answer.json["spacing_by"]["by"]) == (SPACING, "Ada")
    assert described(client, study)["result"] is None, "the networks see it at another size"
    run_jobs(parts)
    after = described(client, study)
    assert after["spacing_mm"] == SPACING
    assert entered_spacing_warning((5.0, 0.5, 0.5), "Ada") in after["warnings"]
    assert entered_spacing_warning((5.0, 0.5, 0.5), "Ada") in after["result"]["warnings"]
    volume = 4 * 5 * 0.5 * 0.5 / 1000
    assert after["result"]["volume_ml"] == pytest.approx(volume)
    row = parts.store.study(study)
    assert row and row.volume_ml == pytest.approx(volume)
    assert client.get(after["result"]["measures_url"]).json["unit"] == "mm"
    assert client.get(after["result"]["diameters_url"].format(mask=128)).json["unit"] == "mm"
    assert client.get(after["space_url"]).json["space"]["unit"] == "mm"
    points = [[0, 0], [4, 0], [2, 0], [2, 3]]
    judged = client.post(
        f"/api/studies/{study}/measurements/judge",
        json={"points": points, "slices": 1},
        headers=OURS,
    )
    assert judged.json["lengths"] == [2.0, 1.5]
    for changed in ([3.0, 0.5, 0.5], None):
        revision = described(client, study)["entries"]["revision"]
        answer = send(client, study, "spacing", revision=revision, spacing_mm=changed)
        assert answer.json["spacing_mm"] == changed
    final = described(client, study)
    assert {**final, "entries": None} == {**before, "entries": None}, "its analysis is there still"
    parts.store.delete_study(study)
    assert parts.store.count_studies().total == 0
    assert table.claim(parts.store, "worker") is None, "no analysis of any of them is left"


@pytest.mark.parametrize(
    "spacing",
    [
        pytest.param([5, 0, 1], id="zero"),
        pytest.param([5, 1, -1], id="negative"),
        pytest.param([101, 1, 1], id="slices too far apart"),
        pytest.param([5, 1, 51], id="pixels too large"),
        pytest.param([5, 1], id="two"),
        pytest.param([5, 1, "1"], id="text"),
    ],
)
def test_a_spacing_that_cannot_be_right_is_refused(
    client: FlaskClient, parts: Services, spacing: Any
) -> None:
    study = add_case(parts, make_case(spacing_mm=None))
    answer = send(client, study, "spacing", revision=0, spacing_mm=spacing)
    assert answer.status_code == 400
    assert answer.json["error"].endswith(".")
    assert described(client, study)["entries"]["revision"] == 0


def test_a_spacing_of_the_files_is_never_overridden(client: FlaskClient, parts: Services) -> None:
    study = add_case(parts, make_case())
    assert described(client, study)["entries"]["spacing_stated"]
    assert send(client, study, "spacing", revision=0, spacing_mm=SPACING).status_code == 400
    assert described(client, study)["spacing_mm"] == [5, 1, 1]


def test_reference_and_spacing_live_side_by_side(client: FlaskClient, parts: Services) -> None:
    study = add_case(parts, make_case(spacing_mm=None, masks=False))
    attach(client, study, corner())
    send(client, study, "spacing", revision=1, spacing_mm=SPACING)
    send(client, study, "label", revision=2, label="Both")
    run_jobs(parts)
    both = described(client, study)
    assert (both["result"]["dice"], both["spacing_mm"], both["name"]) == (1.0, SPACING, "Both")
    np.testing.assert_array_equal(fetched_reference(client, both), corner())
    client.delete(f"/api/studies/{study}/reference", json={"revision": 3}, headers=OURS)
    left = described(client, study)
    assert (left["reference_url"], left["spacing_mm"]) == (None, SPACING)
    assert left["result"]["key"] == both["result"]["key"]


def test_of_two_readers_the_second_sees_the_first_ones_change_before(
    server: Flask, client: FlaskClient, parts: Services
) -> None:
    study, other = add_case(parts, make_case(masks=False)), named(server, "Bea")
    assert send(client, study, "label", revision=0, label="Ada's").status_code == 200
    late = send(other, study, "label", revision=0, label="Bea's")
    row = parts.store.study(study)
    assert row
    assert (late.status_code, late.json["error"]) == (409, conflict_sentence(row.entries.label_by))
    assert attach(other, study, corner(), revision=0).status_code == 409
    assert described(client, study)["name"] == "Ada's"
    assert described(client, study)["reference_url"] is None
    assert send(other, study, "label", revision=1, label="Bea's").status_code == 200
    assert described(client, study)["entries"]["label_by"]["by"] == "Bea"


def test_many_readers_at_once_make_one_change_each_revision(server: Flask, parts: Services) -> None:
    study = add_case(parts, make_case())
    clients = [named(server, f"Reader {i}") for i in range(4)]
    codes: list[int] = []

    def rename(client: FlaskClient, label: str) -> None:
        codes.append(send(client, study, "label", revision=0, label=label).status_code)

    threads = [
        threading.Thread(target=rename, args=(client, str(i))) for i, client in enumerate(clients)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [200, 409, 409, 409]


def test_a_reader_without_a_name_changes_nothing(server: Flask, parts: Services) -> None:
    study, nobody = add_case(parts, make_case(spacing_mm=None)), server.test_client()
    for what, body in (("label", {"label": "x"}), ("spacing", {"spacing_mm": SPACING})):
        answer = send(nobody, study, what, revision=0, **body)
        assert (answer.status_code, answer.json["error"]) == (400, UNNAMED)
    row = parts.store.study(study)
    assert row and (row.entries, row.entries_revision) == (Entries(), 0)


def test_an_unknown_study_and_a_deleted_one(client: FlaskClient, parts: Services) -> None:
    study = add_case(parts, make_case())
    send(client, study, "label", revision=0, label="x")
    parts.store.delete_study(study)
    for name in (study, "0" * 16, "nothing"):
        assert send(client, name, "label", revision=0, label="x").status_code == 404
        assert client.post(f"/api/studies/{name}/divide", headers=OURS).status_code == 404


def stack(n: int = 4) -> Any:
    files = tuple(f"smith/IM-{k:02d}.png" for k in range(1, n + 1))
    warning = stack_warning(n, "IM-01.png", f"IM-{n:02d}.png")
    return make_case(n, sources=files, cautions=(Caution("Another."), Caution(warning)))


def test_pictures_that_were_joined_by_their_numbers_become_studies_of_their_own(
    client: FlaskClient, parts: Services
) -> None:
    case = stack()
    study = add_case(parts, case)
    assert described(client, study)["entries"]["joined"]
    answer = client.post(f"/api/studies/{study}/divide", headers=OURS)
    assert answer.status_code == 200, answer.json
    assert client.get(f"/api/studies/{study}").status_code == 404
    found = [described(client, one["study_id"]) for one in answer.json["studies"]]
    assert [one["sources"] for one in found] == [[source] for source in case.sources]
    assert len({one["case_id"] for one in found}) == 4
    assert {one["n"] for one in found} == {1}
    assert [one["warnings"] for one in found] == [["Another."]] * 4
    assert not any(one["entries"]["joined"] for one in found)
    for k, one in enumerate(answer.json["studies"]):
        stored = parts.files.load(one["study_id"])
        np.testing.assert_array_equal(stored.pixels, case.pixels[k : k + 1])
        np.testing.assert_array_equal(stored.masks, case.masks[k : k + 1])


def test_a_stack_that_cannot_be_divided_completely_stays_whole(
    client: FlaskClient, parts: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = add_case(parts, stack())
    add = intake.add_case
    cases = []

    def fail_at_the_third(*given: Any) -> Any:
        cases.append(given)
        if len(cases) == 3:
            raise InputError("", "The disk is full.")
        return add(*given)

    monkeypatch.setattr(intake, "add_case", fail_at_the_third)
    answer = client.post(f"/api/studies/{study}/divide", headers=OURS)
    assert (answer.status_code, answer.json["error"]) == (400, "The disk is full.")
    assert [row.study_id for row in parts.store.list_studies()] == [study]


@pytest.mark.parametrize("origin", [Origin.DEMO, Origin.LIBRARY])
def test_only_uploads_that_were_joined_are_divided(
    client: FlaskClient, parts: Services, origin: Origin
) -> None:
    ours, plain = add_case(parts, stack(), origin), add_case(parts, make_case(seed=1))
    for study in (ours, plain):
        assert not described(client, study)["entries"]["joined"]
        answer = client.post(f"/api/studies/{study}/divide", headers=OURS)
        assert answer.status_code == 400
        assert answer.json["error"].endswith(".")
        assert described(client, study)["n"] > 1
