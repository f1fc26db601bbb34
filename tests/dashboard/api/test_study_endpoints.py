from __future__ import annotations

import gzip
import io
import shutil
from typing import Any

import diskcache
import numpy as np
import pytest
from fake_server import add_case, fake_factory, make_case
from flask.testing import FlaskClient
from PIL import Image

from dashboard.api.errors import FAILED
from dashboard.jobs import table
from dashboard.jobs.execution import Worker
from dashboard.store import JobState, Origin
from dashboard.studies.analysis import request_analysis
from dashboard.workspace import services
from dashboard.workspace.services import Services, build_services
from pipeline import BytesDisk

BATCH = "0123456789abcdef"
OURS = {"X-Overread": "1"}


def png(seed: int = 0) -> bytes:
    stream = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 255, (12, 10), dtype=np.uint8)
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def test_health(client: FlaskClient) -> None:
    answer = client.get("/api/health")
    assert answer.json == {"status": "ok", "studies": 0}
    assert answer.headers["Cache-Control"] == "no-store"


def test_study_before_and_after_its_analysis(client: FlaskClient, parts: Services) -> None:
    study = add_case(parts, make_case(), Origin.DEMO)
    before = client.get(f"/api/studies/{study}").json
    row = parts.store.study(study)
    assert row is not None
    address = f"/data/{study}/{row.data_digest}"
    assert before["pixels_url"] == f"{address}/pixels/{{channel}}/{{slice}}"
    assert before["reference_url"] == f"{address}/reference/{{slice}}"
    assert before["channels"] == [
        {"sequence": "t1", "label": "T1 pre-contrast", "same_as": None, "start": False},
        {"sequence": "flair", "label": "FLAIR", "same_as": None, "start": True},
    ]
    assert (before["n"], before["height"], before["width"]) == (3, 6, 5)
    assert before["spacing_mm"] == [5.0, 1.0, 1.0]
    assert before["orientation"] == {"left": "R", "right": "L", "top": "A", "bottom": "P"}
    assert before["warnings"] == ["A warning of the case."]
    assert before["result"] is None

    assert Worker(parts, make_analyser=fake_factory()).run_one()
    after = client.get(f"/api/studies/{study}").json
    result = after["result"]
    assert after["job"]["state"] == "done"
    assert [s["tumor"] for s in result["slices"]] == [False, True, False]
    assert result["slices"][1]["mask_area_px"] == 4
    assert result["slices"][0]["dice"] is None
    assert result["volume_ml"] == pytest.approx(4 * 5 / 1000)
    assert result["network"]["name"] == "resunet-resnet18"
    assert result["series"] == [0, 1]
    answer = client.get(result["probability_url"].format(slice=1))
    assert np.frombuffer(answer.data, np.uint8).reshape(6, 5)[:2, :2].tolist() == [[200] * 2] * 2


def test_maps_and_measures_of_a_result_keep_indefinitely(
    client: FlaskClient, parts: Services
) -> None:
    study = add_case(parts, make_case())
    Worker(parts, make_analyser=fake_factory()).run_one()
    result = client.get(f"/api/studies/{study}").json["result"]
    answer = client.get(result["uncertainty_url"].format(slice=1))
    assert np.frombuffer(answer.data, np.uint8).reshape(6, 5)[:2, :3].tolist() == [[20, 20, 0]] * 2
    assert "immutable" in answer.headers["Cache-Control"]
    measures = client.get(result["measures_url"])
    assert "immutable" in measures.headers["Cache-Control"]
    (lesion,) = measures.json["lesions"]
    assert (lesion["k"], lesion["measurable"]) == (1, False)
    assert "below 10 mm" in lesion["reason"]
    for wrong in ("uncertainty_url", "measures_url"):
        address = result[wrong].format(slice=1).replace(result["key"], "f" * 64)
        assert client.get(address).status_code == 404
    assert client.get(result["uncertainty_url"].format(slice=3)).status_code == 404


def test_findings_of_the_input_gate_stand_among_the_warnings(
    client: FlaskClient, parts: Services
) -> None:
    study = add_case(parts, make_case(spacing_mm=(20.0, 1.0, 1.0)))
    Worker(parts, make_analyser=fake_factory()).run_one()
    row = parts.store.study(study)
    assert row is not None
    found = parts.results.get(str(parts.result_key(row.content_digest)), make_case())
    answered = client.get(f"/api/studies/{study}").json["result"]["warnings"]
    assert found is not None and "A warning of the case." in answered
    assert len(answered) == len(set(answered)) > len(found.warnings)


def test_a_result_that_the_cache_lost_is_missing_and_reading_changes_nothing(
    client: FlaskClient, parts: Services
) -> None:
    study = add_case(parts, make_case())
    worker = Worker(parts, make_analyser=fake_factory())
    worker.run_one()
    shutil.rmtree(parts.settings.results)
    services.attach(client.application, build_services(parts.settings))
    for _ in range(2):
        described = client.get(f"/api/studies/{study}").json
        assert (described["result"], described["job"]["state"]) == (None, "done")
    assert not worker.run_one()


def test_a_damaged_result_is_set_aside_and_the_study_says_so(
    client: FlaskClient, parts: Services
) -> None:
    study = add_case(parts, make_case())
    worker = Worker(parts, make_analyser=fake_factory())
    worker.run_one()
    before = client.get(f"/api/studies/{study}").json
    row = parts.store.study(study)
    assert row is not None
    with diskcache.Cache(str(parts.settings.results), disk=BytesDisk) as entries:
        entries.set(str(parts.result_key(row.content_digest)), b"damaged")
    damaged = client.get(f"/api/studies/{study}").json
    assert damaged["result"] is None and "set aside" in damaged["warnings"][0]
    request_analysis(parts, study, restart=False)
    worker.run_one()
    after = client.get(f"/api/studies/{study}").json
    assert "set aside" in after["result"]["warnings"][0]
    assert after["result"]["warnings"][1:] == before["result"]["warnings"]


def test_failed_analysis_is_reported(client: FlaskClient, parts: Services) -> None:
    study = add_case(parts, make_case())
    row = parts.store.study(study)
    assert row is not None and row.job_id is not None
    table.claim(parts.store, "w")
    table.end(parts.store, row.job_id, "w", JobState.FAILED, error="The sentence.")
    job = client.get(f"/api/studies/{study}").json["job"]
    assert (job["state"], job["message"]) == (JobState.FAILED, "The sentence.")


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32"])
def test_pixels_by_address(client: FlaskClient, parts: Services, dtype: str) -> None:
    case = make_case(pixels=make_case().pixels.astype(dtype))
    study = client.get(f"/api/studies/{add_case(parts, case)}").json
    answer = client.get(study["pixels_url"].format(channel=1, slice=2))
    assert answer.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert answer.content_type == "application/octet-stream"
    stored = np.frombuffer(answer.data, "<u2" if study["pixel_type"] == "uint16" else "u1")
    values = stored.reshape(6, 5) * study["slope"] + study["intercept"]
    np.testing.assert_array_equal(values, case.pixels[2, :, :, 1])
    again = client.get(
        study["pixels_url"].format(channel=1, slice=2),
        headers={"If-None-Match": answer.headers["ETag"]},
    )
    assert (again.status_code, again.data) == (304, b"")


def test_reference_and_thumbnail(client: FlaskClient, parts: Services) -> None:
    study = client.get(f"/api/studies/{add_case(parts, make_case())}").json
    answer = client.get(
        study["reference_url"].format(slice=1), headers={"Accept-Encoding": "gzip, br"}
    )
    assert answer.headers["Content-Encoding"] == "gzip"
    mask = np.frombuffer(gzip.decompress(answer.data), np.uint8).reshape(6, 5)
    assert sorted(set(mask.ravel().tolist())) == [0, 255]
    assert (mask > 0).sum() == 4
    picture = client.get(study["thumbnail_url"].format(channel=1), query_string={"slice": "0"})
    assert Image.open(io.BytesIO(picture.data)).size == (5, 6)
    assert client.get(study["thumbnail_url"].format(channel=1)).data != picture.data


def test_nothing_there(client: FlaskClient, parts: Services) -> None:
    study = add_case(parts, make_case(masks=False))
    described = client.get(f"/api/studies/{study}").json
    assert described["reference_url"] is None
    row = parts.store.study(study)
    assert row is not None
    key = parts.result_key(row.content_digest)
    data = f"/data/{study}/{row.data_digest}"
    for address in (
        "/api/studies/0000000000000000",
        "/api/studies/..",
        "/api/nonsense",
        "/data/nonsense",
        f"{data}/pixels/2/0",
        f"{data}/pixels/0/3",
        f"{data}/pixels/-1/0",
        f"{data}/pixels/0/99999999999999999999",
        f"{data}/reference/0",
        f"{data}/thumbnail/5.png",
        f"{data}/thumbnail/0.png?slice=99",
        f"{data}/thumbnail/0.png?slice=-1",
        f"{data}/thumbnail/0.png?slice=x",
        f"/data/{study}/{'0' * 32}/pixels/0/0",
        f"/data/{study}/{'0' * 64}/probability/0",
        f"/data/{study}/{key}/probability/0",
    ):
        answer = client.get(address)
        assert answer.status_code == 404, address
        assert answer.json["error"].endswith("."), address


def test_damaged_study_is_reported(client: FlaskClient, parts: Services) -> None:
    study = add_case(parts, make_case())
    (parts.settings.studies / study / "pixels.npy").write_bytes(b"rubbish")
    answer = client.get(f"/api/studies/{study}")
    assert answer.status_code == 404
    assert "Traceback" not in answer.text
    assert str(parts.settings.home) not in answer.text


def test_other_methods_and_unforeseen_errors(
    client: FlaskClient, parts: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = client.post("/api/health", headers=OURS)
    assert (answer.status_code, answer.json["error"][-1]) == (404, ".")

    def broken(*_: Any) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("dashboard.api.studies.describe_study", broken)
    answer = client.get(f"/api/studies/{add_case(parts, make_case())}")
    assert answer.status_code == 500
    assert answer.json == {"error": FAILED, "field": ""}
