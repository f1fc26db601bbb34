"""Prior studies over HTTP: which are found, how they are registered and compared."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fake_server import add_case, make_case, make_server, run_jobs
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from reading_calls import decide, signature

from dashboard.masks.encoding import encode_mask
from dashboard.store.registrations import store_registration
from dashboard.store.stored_json import FoundRegistration
from dashboard.workspace.services import Services
from pipeline import Caution, InputAspect, PatientIdentity, Severity
from pipeline.data.case import StudyLabels
from pipeline.data.dicom_source import DicomSource, SourceImage

OURS = {"X-Overread": "1"}
pytestmark = pytest.mark.usefixtures("findings")
ADA = PatientIdentity("4711", "St. Mary", "Lovelace^Ada", "F", "1815-12-10")


@pytest.fixture
def server(parts: Services) -> Flask:
    return make_server(parts)


@pytest.fixture
def client(server: Flask) -> FlaskClient:
    found = server.test_client()
    assert found.put("/api/reader", json={"name": "Ada"}, headers=OURS).status_code == 200
    return found


def add(
    parts: Services, seed: int, date: str, patient: PatientIdentity = ADA, **changes: Any
) -> str:
    labels = StudyLabels(patient="Ada", study_date=date)
    return add_case(parts, make_case(seed=seed, patient=patient, labels=labels, **changes))


def dicom(study: str, time: str) -> DicomSource:
    """The series of an examination, as far as it names the examination."""
    images = tuple(SourceImage("1.2", f"1.2.{k}", None, (0.0, 0.0, 5.0 * k)) for k in range(3))
    return DicomSource(
        study_uid=study,
        series_uid="1.3",
        frame_of_reference="1.4",
        study_date="20260603",
        study_time=time,
        study_id="",
        accession_number="",
        referring_physician="",
        orientation=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
        pixel_spacing=(1.0, 1.0),
        thickness=None,
        size=(6, 5),
        axes=(2, 1, 0),
        flips=(),
        images=images,
    )


@pytest.fixture
def pair(parts: Services) -> tuple[str, str]:
    """A study and its prior, both analysed."""
    found = add(parts, 1, "2026-06-03"), add(parts, 2, "2025-12-11")
    run_jobs(parts)
    return found


def register(parts: Services, pair: tuple[str, str], problem: str = "") -> None:
    """Store that both lie on the same voxels."""
    rows = [parts.store.study(one) for one in pair]
    digests = [row.content_digest for row in rows if row]
    matrix = tuple(np.eye(3, 4).ravel().tolist())
    found = FoundRegistration(matrix=matrix, overlap=0.9, correlation=0.8, problem=problem)
    store_registration(parts.store, *digests, found)


def post(client: FlaskClient, pair: tuple[str, str], what: str, **body: Any) -> Any:
    address = f"/api/studies/{pair[0]}/priors/{pair[1]}/{what}"
    method = "PUT" if what == "comparison" else "POST"
    return client.open(address, method=method, json=body, headers=OURS)


def test_studies_of_the_patient_are_listed_with_what_was_read(
    parts: Services, client: FlaskClient, pair: tuple[str, str]
) -> None:
    other = add(parts, 3, "2025-01-01", replace(ADA, sex="M"))
    add(parts, 4, "2025-01-02", replace(ADA, issuer=""))
    add(parts, 5, "2025-01-03", PatientIdentity())
    found = client.get(f"/api/studies/{pair[0]}/priors").json
    assert [one["study_id"] for one in found["priors"]] == [pair[1]]
    prior = found["priors"][0]
    assert (prior["study_date"], prior["state"], prior["source"]) == (
        "2025-12-11",
        "analysed",
        "ai",
    )
    assert prior["volume_ml"] > 0
    assert prior["longest"] > 0
    assert found["contradicted"] == [
        {"study_id": other, "study_date": "2025-01-01", "contradictions": ["sex"], "cut_by": ""}
    ]
    assert len(found["chart"]["layout"]["meta"]["rows"]) == 2
    row = parts.store.study(pair[1])
    key = parts.result_key(row.content_digest)
    assert prior["mask"] == f"ai-{key[:12]}-{row.data_digest[:8]}"  # others have another address
    back = client.get(f"/api/studies/{pair[1]}/priors").json
    assert (back["priors"], back["chart"]) == ([], None)  # the other one is later


def test_only_earlier_examinations_are_priors(parts: Services, client: FlaskClient) -> None:
    day = "2026-06-03"
    noon = add(parts, 1, day, dicom=dicom("1.9.1", "120000"))
    series = add(parts, 2, day, dicom=dicom("1.9.1", "110000"))  # of the same examination
    morning = add(parts, 3, day, dicom=dicom("1.9.2", "0900"))
    timeless = add(parts, 4, day, dicom=dicom("1.9.3", ""))
    unnamed = add(parts, 5, day)
    before = add(parts, 6, "2025-12-11")
    undated = add(parts, 7, "")

    def priors(study: str) -> set[str]:
        found = client.get(f"/api/studies/{study}/priors").json
        assert (found["chart"] is None) == (before not in {x["study_id"] for x in found["priors"]})
        return {one["study_id"] for one in found["priors"]}

    assert priors(noon) == {morning, before}
    assert priors(series) == {morning, before}
    assert priors(morning) == priors(timeless) == priors(unnamed) == {before}
    assert priors(before) == priors(undated) == set()
    assert post(client, (noon, series), "registration").status_code == 404


def test_withheld_figures_of_a_prior_are_not_sent(
    parts: Services,
    client: FlaskClient,
    findings: dict[str, tuple[Caution, ...]],
) -> None:
    findings["case2"] = (Caution("Not FLAIR.", InputAspect.SEQUENCE, Severity.UNFIT),)
    pair = add(parts, 1, "2026-06-03"), add(parts, 2, "2025-12-11")
    run_jobs(parts)
    register(parts, pair)
    prior = client.get(f"/api/studies/{pair[0]}/priors").json["priors"][0]
    assert (prior["source"], prior["withheld"]) == ("ai", "Not FLAIR.")
    assert (prior["volume_ml"], prior["longest"], prior["perpendicular"]) == (None, None, None)
    decide(client, pair[0], "accept with changes", reason="false lesion")
    reading = client.get(f"/api/studies/{pair[0]}/reading").json
    result = client.get(f"/api/studies/{pair[0]}").json["result"]
    view = {
        "based_on": {"result_key": result["key"], "threshold": result["mask_threshold"]},
        "mask": base64.b64encode(encode_mask({}, (3, 6, 5))).decode(),
    }
    answer = post(client, pair, "comparison", revision=reading["revision"], registered=True, **view)
    found = answer.json["comparison"]
    assert (found["prior_volume_ml"], found["lesions"]) == (None, [])
    decide(client, pair[1], "accept")
    assert signature(client, pair[1], "a").status_code == 201
    signed = client.get(f"/api/studies/{pair[0]}/priors").json["priors"][0]
    assert (signed["source"], signed["withheld"]) == ("signed", "")
    assert signed["volume_ml"] > 0


def test_a_study_without_a_patient_id_has_no_priors(parts: Services, client: FlaskClient) -> None:
    study = add(parts, 1, "2026-06-03", PatientIdentity())
    add(parts, 2, "2025-12-11", PatientIdentity())
    found = client.get(f"/api/studies/{study}/priors").json
    assert (found["is_stated"], found["priors"], found["chart"]) == (False, [], None)


def test_another_patients_study_is_never_sent(
    parts: Services, client: FlaskClient, pair: tuple[str, str]
) -> None:
    other = add(parts, 3, "2025-01-01", replace(ADA, birth_date="1816-01-01"))
    assert post(client, (pair[0], other), "registration").status_code == 404
    address = client.get(f"/api/studies/{pair[0]}/priors").json["slice_url"]
    refused = client.get(address.format(prior=other, k=0))
    assert refused.status_code == 404


def test_a_reader_cuts_a_prior_and_links_one_that_contradicts(
    parts: Services, server: Flask, client: FlaskClient, pair: tuple[str, str]
) -> None:
    study, prior = pair
    other = add(parts, 3, "2025-01-01", replace(ADA, birth_date="1816-01-01"))
    stranger = add(parts, 4, "2025-01-02", replace(ADA, patient_id="4712"))
    slices = client.get(f"/api/studies/{study}/priors").json["slice_url"]

    def say(one: str, is_same: bool | None, by: FlaskClient = client) -> int:
        address = f"/api/studies/{study}/priors/{one}/link"
        return by.put(address, json={"is_same": is_same}, headers=OURS).status_code

    def listed(of: str = study) -> tuple[dict[str, str], dict[str, str]]:
        found = client.get(f"/api/studies/{of}/priors").json
        shown = {one["study_id"]: one["linked_by"] for one in found["priors"]}
        return shown, {one["study_id"]: one["cut_by"] for one in found["contradicted"]}

    assert listed() == ({prior: ""}, {other: ""})
    assert say(prior, False, server.test_client()) == 400  # nobody would know who said so
    assert say(stranger, True) == 404
    assert say(prior, False) == 200
    assert say(other, True) == 200
    assert listed() == ({other: "Ada"}, {prior: "Ada"})
    assert listed(prior)[0] == {}  # whichever of them is in view
    assert client.get(slices.format(prior=prior, k=0)).status_code == 404
    assert client.get(slices.format(prior=other, k=0)).status_code == 200
    said = [
        (one["event"], one["author"])
        for one in client.get(f"/api/studies/{prior}/history").json["events"]
    ]
    assert said[-1] == ("changed", "Ada")
    assert (say(prior, None), say(other, None)) == (200, 200)
    assert listed() == ({prior: ""}, {other: ""})


def test_a_worker_registers_and_a_bad_registration_is_not_used(
    parts: Services, client: FlaskClient, pair: tuple[str, str]
) -> None:
    assert post(client, pair, "registration").json["state"] == "queued"
    run_jobs(parts)
    answer = post(client, pair, "registration").json
    assert answer["state"] == "done"
    assert not answer["usable"]  # noise on noise
    assert answer["sentence"].endswith(".")
    address = client.get(f"/api/studies/{pair[0]}/priors").json["slice_url"]
    assert client.get(address.format(prior=pair[1], k=0) + "?registered=true").status_code == 404
    assert client.get(address.format(prior=pair[1], k=0)).status_code == 200


def test_a_registration_that_cannot_be_done_says_why(
    parts: Services, client: FlaskClient, pair: tuple[str, str]
) -> None:
    labels = StudyLabels(patient="Ada", study_date="2024-01-01")
    flat = add_case(parts, make_case(seed=9, patient=ADA, labels=labels, spacing_mm=None))
    post(client, (pair[0], flat), "registration")
    run_jobs(parts)
    answer = post(client, (pair[0], flat), "registration").json
    assert answer["state"] == "failed"
    assert answer["sentence"].endswith(".")


def test_a_registered_slice_shows_the_prior_and_its_outline(
    parts: Services, client: FlaskClient, pair: tuple[str, str]
) -> None:
    register(parts, pair)
    address = client.get(f"/api/studies/{pair[0]}/priors").json["slice_url"]
    answer = client.get(address.format(prior=pair[1], k=1) + "?registered=true&sequence=flair")
    picture = np.asarray(Image.open(io.BytesIO(answer.data)))
    assert picture.shape == (768, 640, 3)
    assert (picture.max(axis=-1) != picture.min(axis=-1)).any()  # the outline has a colour


def test_a_comparison_becomes_part_of_the_record(
    parts: Services, client: FlaskClient, pair: tuple[str, str]
) -> None:
    register(parts, pair)
    study = pair[0]
    opened = client.post(f"/api/studies/{study}/opening", json={}, headers=OURS).json["reading"]
    described = client.get(f"/api/studies/{study}").json["result"]
    view = {
        "based_on": {"result_key": described["key"], "threshold": described["mask_threshold"]},
        "mask": base64.b64encode(encode_mask({}, (3, 6, 5))).decode(),
    }
    answer = post(client, pair, "comparison", revision=opened["revision"], registered=True, **view)
    assert answer.status_code == 200, answer.json
    found = answer.json["comparison"]
    assert (found["study_id"], found["registered"], found["source"]) == (pair[1], True, "ai")
    assert found["volume_ml"] > 0
    assert found["lesions"]
    late = post(client, pair, "comparison", revision=opened["revision"], registered=True, **view)
    assert late.status_code == 409


def test_the_signed_mask_of_a_prior_counts_before_the_ais(
    client: FlaskClient, pair: tuple[str, str]
) -> None:
    before = client.get(f"/api/studies/{pair[0]}/priors").json["priors"][0]
    decide(client, pair[1], "accept with changes", reason="outline too large")
    smaller = np.zeros((6, 5), bool)
    smaller[2, 2] = True
    touched = {k: smaller if k == 1 else np.zeros((6, 5), bool) for k in range(3)}
    assert signature(client, pair[1], "a", touched=touched).status_code == 201
    after = client.get(f"/api/studies/{pair[0]}/priors").json["priors"][0]
    assert (after["state"], after["source"]) == ("signed", "signed")
    assert after["volume_ml"] == pytest.approx(0.005)
    assert after["volume_ml"] < before["volume_ml"]
    assert after["mask"] != before["mask"]


def test_a_signature_compares_the_signed_mask(
    parts: Services, client: FlaskClient, pair: tuple[str, str]
) -> None:
    register(parts, pair)
    study = pair[0]
    decide(client, study, "accept with changes", reason="false lesion")
    reading = client.get(f"/api/studies/{study}/reading").json
    result = client.get(f"/api/studies/{study}").json["result"]
    body = {
        "based_on": {"result_key": result["key"], "threshold": result["mask_threshold"]},
        "mask": base64.b64encode(encode_mask({}, (3, 6, 5))).decode(),
    }
    compared = post(
        client, pair, "comparison", revision=reading["revision"], registered=True, **body
    )
    assert compared.json["comparison"]["volume_ml"] > 0
    empty = {k: np.zeros((6, 5), bool) for k in range(3)}
    assert signature(client, study, "a", touched=empty).status_code == 201
    content = client.get(f"/api/studies/{study}/records/1").json["content"]
    assert content["comparison"]["volume_ml"] == 0
    assert content["comparison"]["prior_volume_ml"] > 0
    assert all(not one["lesions"] for one in content["comparison"]["lesions"])
