from __future__ import annotations

import base64
import sys
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fake_server import add_case, fake_factory, make_case, make_server
from flask.testing import FlaskClient
from numpy.typing import NDArray
from shared_cases import read_cases

from dashboard.api.space import cut_plane
from dashboard.figures.space import TRACES
from dashboard.jobs.execution import Worker
from dashboard.workspace.services import Services
from pipeline.data.case import SequenceName

HOSTILE = ["row/-1", "row/6", "column/5", "depth/0", "row/x", "row/99999999999999999999", "row/1.5"]


@pytest.fixture
def client(parts: Services) -> FlaskClient:
    return make_server(parts).test_client()


@pytest.fixture
def study(client: FlaskClient, parts: Services) -> dict[str, Any]:
    """An analysed study as the browser knows it, and its case's pixels."""
    case = make_case()
    study_id = add_case(parts, case)
    Worker(parts, make_analyser=fake_factory()).run_one()
    return {**client.get(f"/api/studies/{study_id}").json, "case": case}


def values(coded: Any) -> NDArray[np.generic]:
    """Numbers that Plotly sends as base64."""
    return np.frombuffer(base64.b64decode(coded["bdata"]), coded["dtype"])


def test_planes_are_the_rows_and_columns_of_every_slice(
    client: FlaskClient, study: dict[str, Any]
) -> None:
    pixels = study["case"].pixels
    for axis, place, cut in (("row", 4, pixels[:, 4, :, 1]), ("column", 2, pixels[:, :, 2, 1])):
        answer = client.get(study["plane_url"].format(axis=axis, place=place, channel=1))
        assert "immutable" in answer.headers["Cache-Control"]
        assert np.array_equal(np.frombuffer(answer.data, np.uint8).reshape(cut.shape), cut)
    answer = client.get(study["plane_reference_url"].format(axis="row", place=2))
    assert np.frombuffer(answer.data, np.uint8).reshape(3, 5).tolist()[1] == [0, 255, 255, 0, 0]
    for _ in range(2):  # the second time from memory
        url = study["result"]["plane_probability_url"].format(axis="column", place=1)
        answer = client.get(url)
        found = np.frombuffer(answer.data, np.uint8).reshape(3, 6)
        assert found.tolist() == [[0] * 6, [200, 200, 0, 0, 0, 0], [0] * 6]


@pytest.mark.parametrize("case", read_cases("plane_cuts")["cases"], ids=str)
def test_cuts_of_the_shared_table(case: dict[str, Any]) -> None:
    cut = cut_plane(np.array(case["volume"]), case["axis"], case["place"])
    assert cut.tolist() == case["cut"]


@pytest.mark.parametrize("place", HOSTILE)
def test_planes_that_are_not_there(client: FlaskClient, study: dict[str, Any], place: str) -> None:
    axis, _, number = place.partition("/")
    for url in (
        study["plane_url"],
        study["plane_reference_url"],
        study["result"]["plane_probability_url"],
    ):
        answer = client.get(url.format(axis=axis, place=number, channel=0))
        assert answer.status_code == 404
        assert answer.json["error"].endswith(".")


def test_planes_of_another_channel_study_or_result(
    client: FlaskClient, study: dict[str, Any]
) -> None:
    good = study["plane_url"].format(axis="row", place=1, channel=0)
    assert client.get(good).status_code == 200
    digest = good.split("/")[3]
    probability = study["result"]["plane_probability_url"].format(axis="row", place=1)
    for url in (
        good[:-1] + "2",
        good.replace(digest, "0" * 32),
        good.replace(study["study_id"], "f" * 16),
        probability.replace(study["result"]["key"], "a" * 64),
    ):
        assert client.get(url).status_code == 404, url


def test_without_a_reference_there_is_no_plane_of_it(client: FlaskClient, parts: Services) -> None:
    study_id = add_case(parts, make_case(masks=False))
    described = client.get(f"/api/studies/{study_id}").json
    assert described["plane_reference_url"] is None
    url = described["plane_url"].format(axis="row", place=1, channel=0)
    answer = client.get(url.replace("/pixels/0", "/reference"))
    assert (answer.status_code, answer.json["error"][-1]) == (404, ".")


def test_space_has_head_reference_and_how_the_study_lies(
    client: FlaskClient, study: dict[str, Any]
) -> None:
    answer = client.get(study["space_url"])
    assert "immutable" in answer.headers["Cache-Control"]
    answered = answer.json
    assert answered["space"]["unit"] == "mm"
    assert answered["space"]["step"] == 5.0
    assert [axis["along"] for axis in answered["space"]["axes"]] == ["column", "row", "slice"]
    assert [axis["size"] for axis in answered["space"]["axes"]] == [5, 6, 15]
    for axis in answered["space"]["axes"]:
        low, high = axis["drawn"]
        assert 0 <= low < high <= axis["size"]
    assert answered["reference"] == {"voxels": 4, "volume_ml": pytest.approx(0.02)}
    traces = answered["figure"]["data"]
    assert tuple(trace["name"] for trace in traces) == TRACES
    assert [trace["visible"] for trace in traces][:2] == [False, True]
    # the reference's 2 x 2 voxels on the second slice: x 1 to 3, y 2 to 4, z 5 to 10
    middle = [float(values(traces[1][axis]).mean()) for axis in "xyz"]
    assert middle == pytest.approx([2, 3, 7.5], abs=0.1)
    letters = [note["text"] for note in answered["figure"]["layout"]["scene"]["annotations"]]
    assert letters == ["R", "L", "A", "P", "I", "S"]


def test_surface_of_the_answer_follows_threshold_and_calls(
    client: FlaskClient, study: dict[str, Any]
) -> None:
    result = study["result"]
    found = client.get(result["surface_url"].format(mask=128))
    assert "immutable" in found.headers["Cache-Control"]
    assert found.json["amount"] == {"voxels": 4, "volume_ml": pytest.approx(0.02)}
    assert found.json["amount"]["volume_ml"] == pytest.approx(result["volume_ml"])
    (trace,) = found.json["figure"]["data"]
    assert (trace["name"], trace["visible"]) == ("ai", True)
    assert float(values(trace["x"]).mean()) == pytest.approx(1, abs=0.1)
    above = client.get(result["surface_url"].format(mask=201)).json
    assert (above["amount"]["voxels"], above["figure"]["data"][0]["visible"]) == (0, False)
    # the slice's score is 0.9
    uncalled = client.get(result["surface_url"].format(mask="128/91")).json
    assert uncalled["amount"]["voxels"] == 0
    called = client.get(result["surface_url"].format(mask="128/5")).json
    assert called["amount"]["voxels"] == 4


@pytest.mark.parametrize("place", ["0", "256", "-1", "x", "128/0", "128/100", "128/-5", "128/x"])
def test_surfaces_at_thresholds_that_are_not_there(
    client: FlaskClient, study: dict[str, Any], place: str
) -> None:
    answer = client.get(study["result"]["surface_url"].format(mask=place))
    assert answer.status_code == 404
    assert answer.json["error"].endswith(".")


def test_without_spacing_the_unit_is_pixels_and_no_volume_is_reported(
    client: FlaskClient, parts: Services
) -> None:
    study_id = add_case(parts, make_case(spacing_mm=None, orientation=None))
    answered = client.get(client.get(f"/api/studies/{study_id}").json["space_url"]).json
    assert answered["space"]["unit"] == "pixels"
    assert answered["reference"] == {"voxels": 4, "volume_ml": None}
    assert not answered["figure"]["layout"]["scene"].get("annotations")


def test_surfaces_of_a_whole_patient_are_made_quickly(
    client: FlaskClient, parts: Services, capsys: pytest.CaptureFixture[str]
) -> None:
    """As large as a patient of the LGG set: 34 slices of 256 x 256, three sequences."""
    z, y, x = np.ogrid[:34, :256, :256]
    radius = np.sqrt(((z - 17) * 5.5) ** 2 + (y - 128) ** 2 + ((x - 128) * 1.2) ** 2)
    lesion = np.sqrt(((z - 20) * 5.5) ** 2 + (y - 100) ** 2 + (x - 100) ** 2) < 28
    image = np.where(radius < 84, 90, np.where((radius > 92) & (radius < 100), 220, 0))
    case = make_case(
        n=34,
        pixels=np.repeat((image + 60 * lesion).astype(np.uint8)[..., None], 3, axis=-1),
        sequences=(SequenceName.PRE, SequenceName.FLAIR, SequenceName.POST),
        spacing_mm=None,
        masks=False,
    )
    study_id = add_case(parts, replace(case, masks=lesion))
    url = client.get(f"/api/studies/{study_id}").json["space_url"]
    spent, processor = time.perf_counter(), time.process_time()
    answered = client.get(url).json
    spent, processor = time.perf_counter() - spent, time.process_time() - processor
    with capsys.disabled():
        sys.stdout.write(
            f"\n3D: {1000 * spent:.0f} ms to make head and reference,"
            f" {1000 * processor:.0f} ms of them the processor's\n"
        )
    assert answered["space"]["head"] == "head"
    assert answered["reference"]["voxels"] == int(lesion.sum())
    faces = [len(values(trace["i"])) for trace in answered["figure"]["data"][1:3]]
    assert all(1000 < count < 20_000 for count in faces)
    assert processor < 3  # some 0.3 s; a machine's first call imports SciPy


def test_a_blank_study_has_no_head(client: FlaskClient, parts: Services) -> None:
    blank = make_case(masks=False, pixels=np.zeros((3, 6, 5, 2), np.uint8))
    answered = client.get(
        client.get(f"/api/studies/{add_case(parts, blank)}").json["space_url"]
    ).json
    assert answered["space"]["head"] is None
    assert not any(trace["visible"] for trace in answered["figure"]["data"])
