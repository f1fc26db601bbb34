"""What leaves: report, files and the list of both, over HTTP."""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import json
import threading
import time
import zipfile
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import nibabel as nib
import numpy as np
import pikepdf
import pytest
from fake_server import add_case, make_case, make_server, run_jobs
from flask import Flask
from flask.testing import FlaskClient
from reading_calls import begin, decide, reader, signature
from sqlalchemy import text

from dashboard.reports import sources
from dashboard.reports.exports import KINDS, Exported
from dashboard.reports.following import follow_export
from dashboard.workspace.services import Services
from pipeline import PatientIdentity
from pipeline.data.case import InputGrid, StudyLabels

pytestmark = pytest.mark.usefixtures("findings")
OURS = {"X-Overread": "1"}
HOSTILE = "<script>alert(1)</script>{{ 7*7 }}</style>\"'é漢"
PATIENT = PatientIdentity("4711<b>", "St. Mary", f"Lovelace^{HOSTILE}", "F", "1815-12-10")


@pytest.fixture
def server(parts: Services) -> Flask:
    return make_server(parts)


@pytest.fixture
def study(parts: Services) -> str:
    labels = StudyLabels(patient="Ada", study_date="2026-06-03", description=HOSTILE)
    found = add_case(parts, make_case(patient=PATIENT, labels=labels))
    run_jobs(parts)
    return found


def export(client: FlaskClient, study: str, kind: str, **body: Any) -> Any:
    return client.post(f"/api/studies/{study}/exports/{kind}", json=body, headers=OURS)


def copied(client: FlaskClient, study: str, query: str = "") -> str:
    return str(client.get(f"/api/studies/{study}/findings{query}").json["text"])


def words_of(page: bytes) -> str:
    return " ".join(page.decode().split())


def test_an_unsigned_report_is_a_draft_and_shows_untrusted_words_as_words(
    server: Flask, study: str
) -> None:
    ada = reader(server, "Ada")
    begin(ada, study)
    answer = ada.get(f"/api/studies/{study}/report")
    assert answer.status_code == 200
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    page = words_of(answer.data)
    assert "DRAFT" in page
    assert "Research use only" in page
    assert "<script" not in page
    assert page.count("</style>") == 1
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{{ 7*7 }}" in page
    assert "No decision" not in page
    found = ada.get(f"/api/studies/{study}/findings").json["text"]
    assert "DRAFT" in found
    assert "FLAIR abnormality" in found


def test_a_signed_report_keeps_its_bytes_and_an_amendment_names_it(
    server: Flask, parts: Services, study: str
) -> None:
    ada = reader(server, "Ada")
    decide(ada, study, "accept", comment="first <i>word</i>")
    assert signature(ada, study, "a").status_code == 201
    first, words = ada.get(f"/api/studies/{study}/report").data, copied(ada, study)
    assert "record 1" in words
    assert "DRAFT" not in words_of(first)
    assert "first &lt;i&gt;word&lt;/i&gt;" in words_of(first)
    decide(ada, study, "reject", reason="false lesion")
    assert signature(ada, study, "b", amends=1, reason="no lesion").status_code == 201
    amended = words_of(ada.get(f"/api/studies/{study}/report").data)
    assert "amends record 1" in amended
    assert "no lesion" in amended
    assert "amends record 1" in copied(ada, study)
    assert copied(ada, study, "?record=1") == words
    assert ada.get(f"/api/studies/{study}/report?record=1").data == first
    assert ada.get(f"/api/studies/{study}/report?record=7").status_code == 404
    with parts.store.writing() as session, pytest.raises(Exception, match="only be added"):
        session.execute(text("UPDATE signed_files SET content = x'00'"))


def test_copied_findings_of_a_record_do_not_change_with_what_is_known_of_the_network(
    server: Flask, parts: Services, study: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, other = reader(server, "Ada"), add_case(parts, make_case(seed=2))
    run_jobs(parts)
    decide(ada, study, "accept")
    assert signature(ada, study, "a").status_code == 201
    words, draft = copied(ada, study), copied(ada, other)
    known = SimpleNamespace(sentence="Expect something else.", volume=None)
    monkeypatch.setattr(sources, "find_dice_model", lambda services: known)
    monkeypatch.setattr(sources, "estimate_dice", lambda model, result: known)
    assert "Expect something else." in copied(ada, other)
    assert "Expect something else." not in draft
    assert copied(ada, study) == words


def test_a_report_that_was_altered_in_the_database_is_not_given_out(
    server: Flask, parts: Services, study: str
) -> None:
    ada = reader(server, "Ada")
    decide(ada, study, "accept")
    signature(ada, study, "a")
    with parts.store.writing() as session:
        session.execute(text("DROP TRIGGER signed_files_no_update"))
        session.execute(text("UPDATE signed_files SET content = x'00'"))
    answer = ada.get(f"/api/studies/{study}/report")
    assert answer.status_code == 400
    assert "altered" in answer.json["error"]


@pytest.mark.slow
@pytest.mark.parametrize("paper", ["A4", "letter"])
def test_a_report_as_pdf_has_fonts_and_metadata_and_stays_the_same(
    parts: Services, study: str, paper: str
) -> None:
    settings = parts.settings.model_copy(update={"paper": paper})
    ada = reader(make_server(replace(parts, settings=settings)), "Ada")
    decide(ada, study, "accept")
    signature(ada, study, "a")
    answer = export(ada, study, "report")
    assert answer.status_code == 200, answer.json
    assert export(ada, study, "report").data == answer.data
    with pikepdf.open(io.BytesIO(answer.data)) as pdf:
        assert len(pdf.pages) == 1
        width, height = (float(one) / 72 * 25.4 for one in pdf.pages[0].mediabox[2:])
        assert round(width) == {"A4": 210, "letter": 216}[paper]
        assert round(height) == {"A4": 297, "letter": 279}[paper]
        assert "record 1" in str(pdf.docinfo["/Title"])
        assert str(pdf.docinfo["/Author"]) == "Ada"
        fonts = list(pdf.pages[0].resources["/Font"].values())
        assert fonts
        names = [str(font["/BaseFont"]) for font in fonts]
        assert any("Report" in name for name in names)
        assert not any("DejaVu" in name for name in names), "the page's font has these letters"
        for font in fonts:
            described = font["/DescendantFonts"][0]["/FontDescriptor"]
            assert "/FontFile2" in described or "/FontFile3" in described


@pytest.mark.slow
@pytest.mark.timing
def test_a_report_is_there_in_three_seconds(server: Flask, study: str) -> None:
    """Of three the fastest counts: a machine may be busy with others."""
    ada = reader(server, "Ada")
    took = []
    for _ in range(3):
        began = time.monotonic()
        assert export(ada, study, "report").data.startswith(b"%PDF")
        took.append(time.monotonic() - began)
    assert min(took) < 3, took


def test_files_are_what_they_say_and_each_export_is_in_the_history(
    server: Flask, study: str, parts: Services
) -> None:
    ada = reader(server, "Ada")
    decide(ada, study, "accept")
    signature(ada, study, "a")
    mask = export(ada, study, "nifti")
    assert mask.headers["Content-Disposition"].endswith("case0_record1_mask.nii.gz")
    image = nib.Nifti1Image.from_bytes(gzip.decompress(mask.data))
    volume = np.asarray(image.dataobj)
    record = ada.get(f"/api/studies/{study}/records/1").json["content"]
    table = list(csv.DictReader(io.StringIO(export(ada, study, "csv").data.decode())))
    assert [int(one["voxels"]) for one in table] == [one["voxels"] for one in record["lesions"]]
    assert int(volume.sum()) == sum(one["voxels"] for one in record["lesions"])
    assert export(ada, study, "unknown").status_code == 404
    assert export(ada, study, "view").status_code == 404
    noted = ada.post(f"/api/studies/{study}/exports/view/notes", json={}, headers=OURS)
    assert noted.status_code == 200
    listed = ada.get(f"/api/studies/{study}/exports").json
    assert listed["record"] == 1
    times = {one["name"]: one["times"] for one in listed["kinds"]}
    assert (times["nifti"], times["csv"], times["view"], times["report"]) == (1, 1, 1, 0)
    events = ada.get(f"/api/studies/{study}/history").json["events"]
    exported = [one["details"]["text"] for one in events if one["event"] == "exported"]
    assert len(exported) == 3
    assert all(one.endswith("record 1") for one in exported)


def test_a_file_is_followed_while_it_is_made(
    server: Flask, study: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = reader(server, "Ada")
    decide(ada, study, "accept")
    signature(ada, study, "a")
    followed = export(ada, study, "rle/progress")
    assert followed.headers["X-Accel-Buffering"] == "no"
    *lines, named, content = followed.data.split(b"\n", followed.data.count(b'{"done"') + 1)
    steps = [json.loads(one) for one in lines]
    assert steps and all(0 <= one["done"] <= one["total"] and one["what"] for one in steps)
    assert json.loads(named) == {"name": "case0_record1_rle.zip", "size": len(content)}
    assert content == export(ada, study, "rle").data
    refused = json.loads(export(ada, study, "dicom/progress").data.splitlines()[-1])
    assert "spacing" in refused["error"]

    def fail(exported: object) -> bytes:
        raise RuntimeError("secret")

    monkeypatch.setitem(KINDS, "csv", replace(KINDS["csv"], make=fail))  # type: ignore[arg-type]
    failed = json.loads(export(ada, study, "csv/progress").data.splitlines()[-1])
    assert "log" in failed["error"]
    assert "secret" not in failed["error"]
    events = ada.get(f"/api/studies/{study}/history").json["events"]
    assert sum(one["event"] == "exported" for one in events) == 2, "two files were made"


def test_a_reader_who_stops_downloading_ends_the_work(parts: Services, study: str) -> None:
    row = parts.store.study(study)
    assert row
    ended, noted = threading.Event(), list[bool]()

    def work(exported: Exported) -> bytes:
        try:
            for step in itertools.count():
                exported.progress(step % 100, 100, "Working")
                time.sleep(0.01)
        finally:
            ended.set()
        raise AssertionError

    kind = replace(KINDS["csv"], make=work)
    lines = follow_export(kind, Exported(parts, row, None), lambda: noted.append(True))
    assert json.loads(next(lines))["total"]
    lines.close()  # type: ignore[attr-defined]
    assert ended.wait(5)
    assert not noted


def test_a_site_template_replaces_the_page_and_a_broken_one_signs_without_it(
    parts: Services, study: str, tmp_path: Any
) -> None:
    path = tmp_path / "site.html"
    path.write_text("<p>Hospital: {{ report.patient_line }}</p>", encoding="utf-8")
    settings = parts.settings.model_copy(update={"report_template": path})
    ada = reader(make_server(replace(parts, settings=settings)), "Ada")
    decide(ada, study, "accept")
    page = words_of(ada.get(f"/api/studies/{study}/report").data)
    assert page.startswith("<p>Hospital: Lovelace, &lt;script&gt;")
    path.write_text("{{ report.__class__.__mro__ }}{{ missing }}", encoding="utf-8")
    answer = ada.get(f"/api/studies/{study}/report")
    assert answer.status_code == 400
    assert "site.html" in answer.json["error"]
    assert signature(ada, study, "a").status_code == 201
    path.write_text("<p>{{ report.status }}</p>", encoding="utf-8")
    assert (
        words_of(ada.get(f"/api/studies/{study}/report").data) == "<p>Signed report, record 1</p>"
    )


@pytest.mark.slow
def test_dicom_objects_are_of_the_record_and_the_same_again(
    server: Flask, parts: Services, study: str
) -> None:
    ada = reader(server, "Ada")
    assert export(ada, study, "dicom").status_code == 400
    decide(ada, study, "accept")
    signature(ada, study, "a")
    answer = export(ada, study, "rle")
    assert answer.status_code == 200, answer.json
    assert export(ada, study, "rle").data == answer.data
    with zipfile.ZipFile(io.BytesIO(answer.data)) as files:
        rows = list(csv.DictReader(io.StringIO(files.read("mask-reader-rle.csv").decode())))
    voxels = sum(sum(map(int, one["rle"].split()[1::2])) for one in rows)
    record = ada.get(f"/api/studies/{study}/records/1").json["content"]
    assert voxels == sum(one["voxels"] for one in record["lesions"])
    refused = export(ada, study, "dicom")
    assert refused.status_code == 400
    assert "spacing" in refused.json["error"]
    grid = InputGrid((5, 6, 3), np.diag([1.0, 1.0, 5.0, 1.0]), (2, 1, 0), (1, 2))
    placed = add_case(parts, make_case(seed=3, grid=grid))
    run_jobs(parts)
    decide(ada, placed, "accept")
    signature(ada, placed, "b")
    objects = export(ada, placed, "dicom")
    assert objects.status_code == 200, objects.data
    with zipfile.ZipFile(io.BytesIO(objects.data)) as files:
        names = set(files.namelist())
    assert {"seg-ai.dcm", "seg-reader.dcm", "measurements.dcm", "report.dcm"} <= names
