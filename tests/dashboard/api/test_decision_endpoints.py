"""Reading a study over HTTP: opening, recording, deciding, and what is refused."""

from __future__ import annotations

import base64
import csv
import io
from typing import Any

import numpy as np
import pytest
from fake_server import add_case, make_case, make_server, run_jobs
from flask import Flask
from reading_calls import begin, decide, marked, mask_in_view, reader, send, signature
from sqlalchemy import text

from dashboard.api import decisions
from dashboard.masks.encoding import decode_mask, encode_mask
from dashboard.store import ModelKey
from dashboard.store.worklist_lines import write_lines
from dashboard.workspace.services import Services


@pytest.fixture
def server(parts: Services) -> Flask:
    return make_server(parts)


@pytest.fixture
def study(parts: Services) -> str:
    found = add_case(parts, make_case())
    run_jobs(parts)
    return found


def test_a_study_is_accepted_once_its_marked_slices_were_shown(server: Flask, study: str) -> None:
    ada = reader(server, "Ada")
    assert ada.get(f"/api/studies/{study}/reading").json["state"] == "analysed"
    assert begin(ada, study)["state"] == "in review"
    slices = marked(ada, study)
    assert slices
    refused = send(ada, study, "decision", revision=0, verdict="accept")
    assert refused.status_code == 400
    written = send(ada, study, "reading", revision=0, slices_shown=slices[:1])
    assert written.json["slices_shown"] == slices[:1]
    written = send(ada, study, "reading", revision=1, slices_shown=slices[1:], notes="clear")
    assert written.json["slices_shown"] == slices
    revision = written.json["revision"]
    decided = send(ada, study, "decision", revision=revision, verdict="accept", difficulty="easy")
    assert decided.status_code == 200, decided.json
    assert (decided.json["state"], decided.json["decision"]["by"]["author"]) == ("read", "Ada")
    assert decided.json["notes"] == "clear"
    withdrawn = send(ada, study, "decision", revision=revision + 1, verdict=None)
    assert withdrawn.json["state"] == "in review"
    events = ada.get(f"/api/studies/{study}/history").json["events"]
    kinds = [one["event"] for one in events]
    assert kinds == ["added", "analysed", "opened", "decided", "withdrawn"]


@pytest.mark.parametrize(
    ("what", "body", "field"),
    [
        ("decision", {"verdict": "fine"}, "verdict"),
        ("decision", {"verdict": "reject"}, "reason"),
        ("decision", {"verdict": "reject", "reason": "because"}, "reason"),
        ("reading", {"lesions": [{"key": "l-1", "location": "1"}]}, "lesions[0].location"),
        ("reading", {"lesions": [{"key": "L 1"}]}, "lesions[0].key"),
        ("reading", {"slices_shown": [10**6]}, ""),
        ("reading", {"notes": "n" * 20_001}, "notes"),
        ("reading", {"unknown": 1}, "unknown"),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(
    server: Flask, study: str, what: str, body: dict[str, Any], field: str
) -> None:
    ada = reader(server, "Ada")
    begin(ada, study)
    answer = send(ada, study, what, revision=0, **body)
    assert answer.status_code == 400
    assert answer.json["field"] == field
    assert answer.json["error"].endswith(".")


def test_a_decision_needs_a_name(server: Flask, study: str) -> None:
    nobody = server.test_client()
    begin(nobody, study)
    answer = send(nobody, study, "decision", revision=0, verdict="accept")
    assert answer.status_code == 400


def test_another_reader_sees_who_has_the_study_and_changes_nothing(
    server: Flask, study: str
) -> None:
    ada, ben = reader(server, "Ada"), reader(server, "Ben")
    begin(ada, study)
    opened = send(ben, study, "opening", method="POST").json
    assert opened["others"] == ["Ada"]
    assert (opened["reading"]["claim"]["author"], opened["reading"]["claim"]["own"]) == (
        "Ada",
        False,
    )
    refused = send(ben, study, "reading", revision=0, notes="mine")
    assert refused.status_code == 409
    assert refused.json["reading"]["notes"] == ""
    taken = send(ben, study, "opening", method="POST", take_over=True).json
    assert taken["reading"]["claim"]["own"]
    assert send(ben, study, "reading", revision=0, notes="mine").status_code == 200
    left = send(ben, study, "opening", method="DELETE")
    assert left.status_code == 200
    late = send(ada, study, "reading", revision=0, notes="late")
    assert (late.status_code, late.json["reading"]["notes"]) == (409, "mine")


def test_priority_and_key_images_are_recorded(server: Flask, study: str) -> None:
    ada = reader(server, "Ada")
    assert send(ada, study, "priority", stat=True).json["stat"] is True
    image = {"id": "k1", "k": 0, "channel": 0, "window": [0.0, 9.0], "layers": ["ai"]}
    written = send(ada, study, "reading", revision=0, key_images=[image])
    assert written.json["key_images"][0]["by"]["author"] == "Ada"
    ben = reader(server, "Ben")
    again = send(ben, study, "reading", revision=1, key_images=[image | {"caption": "edge"}])
    found = again.json["key_images"][0]
    assert (found["by"]["author"], found["caption"]) == ("Ada", "edge")


def test_unknown_studies_are_named_as_such(server: Flask) -> None:
    ada = reader(server, "Ada")
    assert send(ada, "0" * 16, "opening", method="POST").status_code == 404


def test_the_lesion_list_follows_the_mask_in_view(server: Flask, study: str) -> None:
    ada = reader(server, "Ada")
    result = ada.get(f"/api/studies/{study}").json["result"]
    base = {"result_key": result["key"], "threshold": result["mask_threshold"]}
    shape = (3, 6, 5)

    def ask(touched: dict[int, Any]) -> list[dict[str, Any]]:
        mask = base64.b64encode(encode_mask(touched, shape)).decode()
        answer = send(ada, study, "lesions", method="POST", based_on=base, mask=mask)
        assert answer.status_code == 200, answer.json
        found: list[dict[str, Any]] = answer.json["lesions"]
        return found

    as_ai = ask({})
    assert [one["source"] for one in as_ai] == ["ai"]
    assert as_ai[0]["verdict"] == "keep"
    voxels = decode_mask(base64.b64decode(as_ai[0]["mask"]), shape)
    assert sum(int(one.sum()) for one in voxels.values()) == as_ai[0]["voxels"]
    emptied = ask({k: np.zeros(shape[1:], bool) for k in range(3)})
    assert [(one["key"], one["verdict"]) for one in emptied] == [(as_ai[0]["key"], "remove")]


def test_an_accepted_study_is_signed_once(server: Flask, study: str) -> None:
    ada = reader(server, "Ada")
    early = signature(ada, study, "a")
    assert early.status_code == 400
    decide(ada, study, "accept")
    signed = signature(ada, study, "b")
    assert signed.status_code == 201, signed.json
    again = signature(ada, study, "b")
    assert again.json == signed.json
    reading = ada.get(f"/api/studies/{study}/reading").json
    assert (reading["state"], len(reading["records"])) == ("signed", 1)
    record = ada.get(f"/api/studies/{study}/records/1").json
    assert record["intact"]
    content = record["content"]
    assert (content["mask_version"], content["amends"]) == (None, None)
    assert content["decision"]["verdict"] == "accept"
    assert [one["verdict"] for one in content["lesions"]] == ["keep"]
    assert content["result"]["key"] == content["based_on"]["result_key"]


def test_a_changed_mask_is_saved_and_not_accepted_as_it_is(server: Flask, study: str) -> None:
    ada = reader(server, "Ada")
    decide(ada, study, "accept")
    empty = {k: np.zeros((6, 5), bool) for k in range(3)}
    refused = signature(ada, study, "a", touched=empty)
    assert (refused.status_code, refused.json["field"]) == (400, "verdict")
    versions = ada.get(f"/api/studies/{study}/corrections").json["versions"]
    assert versions == []  # a refused signature saves none
    decide(ada, study, "accept with changes", reason="false lesion")
    unchanged = signature(ada, study, "c")
    assert (unchanged.status_code, unchanged.json["field"]) == (400, "verdict")
    signed = signature(ada, study, "b", touched=empty)
    assert signed.status_code == 201, signed.json
    content = ada.get(f"/api/studies/{study}/records/1").json["content"]
    assert content["mask_version"] == 1
    assert [one["verdict"] for one in content["lesions"]] == ["remove"]
    versions = ada.get(f"/api/studies/{study}/corrections").json["versions"]
    assert [one["number"] for one in versions] == [1]


def test_a_signature_that_comes_too_late_saves_no_version(
    server: Flask, study: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reading is changed by another window while the record is made."""
    ada = reader(server, "Ada")
    decide(ada, study, "accept with changes", reason="false lesion")
    make_record = decisions.make_record

    def change_meanwhile(*given: Any, **named: Any) -> Any:
        revision = ada.get(f"/api/studies/{study}/reading").json["revision"]
        assert send(ada, study, "reading", revision=revision, notes="late").status_code == 200
        return make_record(*given, **named)

    monkeypatch.setattr(decisions, "make_record", change_meanwhile)
    empty = {k: np.zeros((6, 5), bool) for k in range(3)}
    refused = signature(ada, study, "a", touched=empty)
    assert (refused.status_code, refused.json["reading"]["notes"]) == (409, "late")
    assert ada.get(f"/api/studies/{study}/corrections").json["versions"] == []


def test_accept_is_refused_at_once_while_the_mask_in_view_is_changed(
    server: Flask, study: str
) -> None:
    ada = reader(server, "Ada")
    empty = {k: np.zeros((6, 5), bool) for k in range(3)}
    views = [mask_in_view(ada, study, touched) for touched in (empty, {})]
    listed = [send(ada, study, "lesions", method="POST", **view).json for view in views]
    assert [one["is_changed"] for one in listed] == [True, False]
    refused = decide(ada, study, "accept", view=views[0])
    assert (refused.status_code, refused.json["field"]) == (400, "verdict")
    assert ada.get(f"/api/studies/{study}/reading").json["decision"] is None
    assert decide(ada, study, "accept with changes", view=views[0]).status_code == 200
    assert decide(ada, study, "accept", view=views[1]).status_code == 200


@pytest.mark.parametrize("refused", [False, True])
def test_the_worklist_shows_the_volume_that_was_signed(
    server: Flask, parts: Services, study: str, refused: bool
) -> None:
    """Also when the study is to be analysed again, and of a rejected result none."""
    ada = reader(server, "Ada")
    if refused:
        decide(ada, study, "reject", reason="false lesion")
        assert signature(ada, study, "a").status_code == 201
    else:
        decide(ada, study, "accept with changes", reason="missed lesion")
        full = {k: np.ones((6, 5), bool) for k in range(3)}
        assert signature(ada, study, "a", touched=full).status_code == 201
    signed_ml = ada.get(f"/api/studies/{study}/records/1").json["content"]["volume_ml"]
    with parts.store.writing() as session:  # as after an update of the models
        session.execute(text("DELETE FROM results"))
        write_lines(session, ModelKey("other", "b" * 64), [study])
    (row,) = ada.get("/api/worklist/rows?sort=volume_ml").json["rows"]
    assert row["volume_ml"] == (None if refused else signed_ml)
    assert bool(row["no_volume"]) == refused
    exported = ada.get("/api/worklist/export.csv").get_data(as_text=True)
    (line,) = csv.DictReader(io.StringIO(exported))
    assert line["volume_ml"] == ("" if refused else f"{signed_ml:.1f}")


def test_an_amendment_gives_a_reason_and_both_records_stay(server: Flask, study: str) -> None:
    ada, ben = reader(server, "Ada"), reader(server, "Ben")
    decide(ada, study, "accept")
    signature(ada, study, "a")
    decide(ben, study, "reject", reason="false lesion")
    assert signature(ben, study, "b", amends=1).status_code == 400
    assert signature(ben, study, "b", reason="no lesion").status_code == 409
    amended = signature(ben, study, "b", amends=1, reason="no lesion")
    assert (amended.status_code, amended.json["number"]) == (201, 2)
    reading = ben.get(f"/api/studies/{study}/reading").json
    assert reading["state"] == "amended"
    assert [(one["number"], one["author"]) for one in reading["records"]] == [
        (2, "Ben"),
        (1, "Ada"),
    ]
    first = ben.get(f"/api/studies/{study}/records/1").json
    assert (first["intact"], first["content"]["decision"]["verdict"]) == (True, "accept")


def test_a_signed_study_is_changed_only_in_an_amendment(server: Flask, study: str) -> None:
    ada = reader(server, "Ada")
    decide(ada, study, "accept")
    signature(ada, study, "a")
    result = ada.get(f"/api/studies/{study}").json["result"]
    revision = ada.get(f"/api/studies/{study}/reading").json["revision"]
    window = {"writer": "ab" * 8, "step": 9, "revision": 0}
    mask = base64.b64encode(encode_mask({0: np.ones((6, 5), bool)}, (3, 6, 5))).decode()
    base = {"result_key": result["key"], "threshold": result["mask_threshold"]}
    image = {"id": "k1", "k": 0, "channel": 0, "window": [0.0, 9.0]}
    arrow = {"id": "a1b2c3d4", "kind": "arrow", "k": 0, "points": [[1, 1], [2, 2]], "text": "edge"}
    changes: list[tuple[str, str, dict[str, Any]]] = [
        ("PUT", "reading", {"revision": revision, "notes": "late"}),
        ("PUT", "reading", {"revision": revision, "key_images": [image]}),
        ("PUT", "reading", {"revision": revision, "lesions": [{"key": "l-1", "comment": "c"}]}),
        ("PUT", "decision", {"revision": revision, "verdict": "cannot assess", "reason": "other"}),
        ("PUT", "measurements", {"revision": 0, "items": [arrow]}),
        ("PUT", "draft", {**window, "based_on": base, "mask": mask}),
        ("DELETE", "draft", window),
        ("POST", "versions", {**window, "based_on": base, "mask": mask}),
    ]

    def recorded() -> list[Any]:
        names = ("reading", "measurements", "corrections", "history")
        return [ada.get(f"/api/studies/{study}/{name}").json for name in names]

    before = recorded()
    for method, what, body in changes:
        answer = send(ada, study, what, method=method, **body)
        assert answer.status_code == 423, (what, answer.json)
        assert answer.json["error"].endswith("Start an amendment to change it.")
    touched = {0: np.ones((6, 5), bool)}
    late = signature(ada, study, "b", amends=1, reason="larger", touched=touched)
    assert late.status_code == 423
    assert recorded() == before
    assert begin(ada, study)["claim"]["own"]
    late = signature(ada, study, "b", amends=1, reason="larger", touched=touched)
    assert late.status_code == 400  # a changed mask is no "accept"
    for method, what, body in changes:
        revision = ada.get(f"/api/studies/{study}/reading").json["revision"]
        fresh = {"revision": revision} if what in ("reading", "decision") else {}
        answer = send(ada, study, what, method=method, **body | fresh)
        assert answer.status_code < 300, (what, answer.json)


def test_a_record_that_was_altered_in_the_database_is_not_intact(
    server: Flask, parts: Services, study: str
) -> None:
    ada = reader(server, "Ada")
    decide(ada, study, "accept")
    signature(ada, study, "a")
    with parts.store.writing() as session:
        session.execute(text("DROP TRIGGER signed_records_no_update"))
        session.execute(text("UPDATE signed_records SET author = 'Eve'"))
    assert not ada.get(f"/api/studies/{study}/records/1").json["intact"]
