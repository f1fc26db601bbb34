"""Exports of a signed record: of the record alone, with names of lesions that stay."""

from __future__ import annotations

import base64
import csv
import io
import math
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_server import add_case, make_case, make_server, make_services, run_jobs
from flask.testing import FlaskClient
from numpy.typing import NDArray
from reading_calls import OURS, begin, decide, reader, send, signature
from sqlalchemy import text

from dashboard.decisions.lesions import lesions_as_read
from dashboard.masks.encoding import encode_mask
from dashboard.reports.exports import (
    KINDS,
    Exported,
    make_findings,
    make_report_page,
    make_table,
)
from dashboard.reports.objects import key_views, make_exported_study
from dashboard.reports.sources import find_record, make_source
from dashboard.store.registrations import store_registration
from dashboard.store.stored_json import FoundRegistration
from dashboard.workspace.services import Services
from pipeline import (
    AI_COLOUR,
    READER_COLOUR,
    REFERENCE_COLOUR,
    Assessment,
    Caution,
    ExportedStudy,
    InputAspect,
    InputError,
    Judgement,
    LineKind,
    Origin,
    Outlines,
    PatientIdentity,
    Severity,
)
from pipeline.data.case import StudyLabels

pytestmark = pytest.mark.usefixtures("findings")
PATIENT = PatientIdentity("4711", "St. Mary", "Lovelace^Ada", "F", "1815-12-10")
FILES = ("rle", "nifti", "ai-nifti", "csv")


def add(parts: Services, seed: int, date: str, **changes: Any) -> str:
    labels = StudyLabels(patient="Ada", study_date=date)
    return add_case(parts, make_case(seed=seed, patient=PATIENT, labels=labels, **changes))


def with_corners(*, ai: bool, own: bool) -> dict[int, NDArray[np.bool_]]:
    """The AI's corner (four voxels), the reader's (six), or both."""
    mask = np.zeros((3, 6, 5), bool)
    mask[1, :2, :2] = ai
    mask[1, 4:, 2:] = own
    return dict(enumerate(mask))


def replace_result(parts: Services, study: str, home: Path) -> Services:
    """A later start of the program, for which the AI outlines something else."""
    row = parts.store.study(study)
    assert row
    key = parts.result_key(row.content_digest)
    answer = parts.results.answer(key) if key else None
    assert key and answer
    probability = np.zeros_like(answer.probability)
    probability[0, 3:, 3:] = probability[1, :2, 1:4] = 220
    assert parts.results.put(key, replace(answer, probability=probability))
    return make_services(home)


def outlines_of(parts: Services, study: str, record: int = 1) -> ExportedStudy:
    row = parts.store.study(study)
    assert row
    return make_exported_study(parts, row, find_record(parts, row, record))


def names(outlines: Outlines | None) -> list[str]:
    return [one.tracking for one in outlines.lesions] if outlines else []


def files_of(parts: Services, study: str) -> dict[str, bytes]:
    row = parts.store.study(study)
    assert row
    made = {name: KINDS[name].make for name in FILES}
    return {name: make(Exported(parts, row, 1)) for name, make in made.items() if make}


def test_later_results_and_spacings_change_no_export_of_a_record(
    parts: Services, tmp_path: Path
) -> None:
    study = add(parts, 1, "2026-06-03", spacing_mm=None)
    ada = reader(make_server(parts), "Ada")
    entered = send(ada, study, "spacing", revision=0, spacing_mm=[5.0, 0.5, 0.5])
    assert entered.status_code == 200, entered.json
    run_jobs(parts)
    decide(ada, study, "accept with changes", reason="missed lesion")
    both = with_corners(ai=True, own=True)
    assert signature(ada, study, "a", touched=both).status_code == 201
    before, described = files_of(parts, study), outlines_of(parts, study)
    listed = lesions_now(parts, study)
    begin(ada, study)
    again = send(
        ada, study, "spacing", revision=entered.json["revision"], spacing_mm=[3.0, 1.0, 1.0]
    )
    assert again.status_code == 200, again.json
    run_jobs(parts)
    later = replace_result(parts, study, tmp_path / "home")
    assert lesions_now(later, study) != listed, "what is listed today has changed"
    assert files_of(later, study) == before
    found = outlines_of(later, study)
    assert found.case.spacing_mm == (5.0, 0.5, 0.5)
    for one, other in ((found.ai, described.ai), (found.read, described.read)):
        assert one and other
        assert one.lesions == other.lesions
        np.testing.assert_array_equal(one.labels, other.labels)


def lesions_now(parts: Services, study: str) -> list[tuple[str, str, float | None]]:
    row = parts.store.study(study)
    assert row
    case = parts.load_case(row)
    found = lesions_as_read(parts, row, case, with_corners(ai=True, own=True)).lesions
    return [(one.key, one.verdict, one.volume_ml) for one in found]


def test_key_images_are_drawn_with_the_layers_that_were_shown(parts: Services) -> None:
    study = add(parts, 1, "2026-06-03")
    run_jobs(parts)
    ada = reader(make_server(parts), "Ada")
    begin(ada, study)
    arrow = {"id": "aa" * 8, "kind": "arrow", "k": 1, "points": [[3, 3], [4, 5]], "text": "here"}
    area = {"id": "bb" * 8, "kind": "area", "k": 1, "points": [[0, 0], [2, 0], [2, 2]]}
    sent = send(ada, study, "measurements", revision=0, items=[arrow, area])
    assert sent.status_code == 200, sent.json
    shown: list[list[str]] = [
        ["ai", "reference"], ["correction", "diameters"], ["measurements"], []
    ]  # fmt: skip
    images = [
        {"id": f"i{n}", "k": 1, "channel": n % 2, "window": [0, 99], "layers": layers}
        for n, layers in enumerate(shown)
    ]
    written = send(ada, study, "reading", revision=0, key_images=images)
    assert written.status_code == 200, written.json
    decide(ada, study, "accept")
    assert signature(ada, study, "a").status_code == 201
    row = parts.store.study(study)
    assert row
    views = key_views(find_record(parts, row, 1))
    assert [one.origins for one in views] == [(Origin.AI,), (Origin.READER,), (), ()]
    assert [[line.kind for line in one.lines] for one in views] == [
        [], [LineKind.DIAMETERS] * 2, [LineKind.ARROW, LineKind.MEASUREMENT], []
    ]  # fmt: skip
    drawn, outlined = views[2].lines
    assert (drawn.points, drawn.text) == (((3, 3), (4, 5)), "here")
    assert outlined.points[0] == outlined.points[-1] == (0, 0)


def test_what_was_drawn_leaves_with_its_values(parts: Services) -> None:
    study = add(parts, 1, "2026-06-03")
    run_jobs(parts)
    ada = reader(make_server(parts), "Ada")
    begin(ada, study)
    drawn = {
        "ruler": [[0, 0], [3, 4]],
        "angle": [[1, 0], [0, 0], [0, 1]],
        "ellipse": [[0, 0], [2, 2]],
        "area": [[0, 0], [4, 0], [4, 3]],
    }
    items = [
        {"id": f"a{n}" * 8, "kind": kind, "k": 1, "points": points}
        for n, (kind, points) in enumerate(drawn.items())
    ]
    assert send(ada, study, "measurements", revision=0, items=items).status_code == 200
    decide(ada, study, "accept")
    assert signature(ada, study, "a").status_code == 201
    row = parts.store.study(study)
    assert row
    exported = Exported(parts, row, 1)
    spacing = exported.read.content.study.spacing_mm
    assert spacing
    _, height, width = spacing
    found = [
        one
        for one in csv.DictReader(io.StringIO(make_table(exported).decode()))
        if one["item"] == "measurement"
    ]
    values = {one["kind"]: one for one in found}
    assert float(values["ruler"]["longest"]) == pytest.approx(
        math.hypot(3 * width, 4 * height), abs=0.01
    )
    assert float(values["angle"]["angle_degrees"]) == 90
    assert float(values["ellipse"]["area"]) == pytest.approx(math.pi * height * width, abs=0.01)
    assert float(values["area"]["area"]) == pytest.approx(6 * height * width, abs=0.01)
    assert {one["kind"]: one["unit"] for one in found} == {
        "ruler": "mm", "angle": "", "ellipse": "mm", "area": "mm"
    }  # fmt: skip
    words = make_findings(exported)
    assert f"Angle, slice {row.indices[1]}: 90.0\N{DEGREE SIGN}" in words
    inside = {
        (one["kind"], one["sequence"]): one
        for one in rows_of(make_table(exported))
        if one["item"] == "pixel values"
    }
    flair = parts.load_case(row).pixels[1, :2, :2, 1]
    values = inside["ellipse", "FLAIR"]
    assert float(values["mean"]) == pytest.approx(flair.mean(), rel=1e-5)
    assert float(values["standard_deviation"]) == pytest.approx(flair.std(), rel=1e-5)
    assert 10 <= np.ptp(flair) < 100, "one digit is shown"
    assert f"FLAIR mean {flair.mean():.1f}, SD {flair.std():.1f}, min {flair.min()}" in words


def test_what_was_corrected_after_its_key_image_leaves_as_corrected(parts: Services) -> None:
    study = add(parts, 1, "2026-06-03")
    run_jobs(parts)
    ada = reader(make_server(parts), "Ada")
    begin(ada, study)
    arrow = {"id": "aa" * 8, "kind": "arrow", "k": 1, "points": [[3, 3], [4, 5]],
             "text": "cystic <b>?"}  # fmt: skip
    long = "edema or infiltration, unchanged since the study before"
    other = {**arrow, "id": "bb" * 8, "text": long}
    assert send(ada, study, "measurements", revision=0, items=[arrow, other]).status_code == 200
    shown: list[list[str]] = [["ai", "measurements"], ["correction"], []]
    images = [
        {"id": f"i{n}", "k": 1, "channel": 0, "window": [0, 99], "layers": layers}
        for n, layers in enumerate(shown)
    ]
    assert send(ada, study, "reading", revision=0, key_images=images).status_code == 200
    decide(ada, study, "accept with changes", reason="outline too small")
    larger = with_corners(ai=True, own=False)
    larger[1][2, :2] = True
    signed = signature(ada, study, "a", touched=larger)
    assert signed.status_code == 201, signed.json
    row = parts.store.study(study)
    assert row
    exported = Exported(parts, row, 1)
    assert [one.origins for one in key_views(exported.read)] == [
        (Origin.AI, Origin.READER), (Origin.READER,), ()
    ]  # fmt: skip
    both, own, bare = make_source(parts, row, exported.read, at=parts.store.clock()).pictures
    assert "AI outline before the correction. Violet: outline as corrected. Yellow" in both.caption
    assert "Arrow: cystic <b>?" in both.caption
    assert AI_COLOUR in both.svg and READER_COLOUR in both.svg
    assert both.svg.count(">cystic &lt;b&gt;?</text>") == 2, "the words and their halo"
    assert all(word in both.svg for word in long.split()), "in lines, none cut"
    assert "Violet" in own.caption and "Amber" not in own.caption
    assert "<path" not in bare.svg
    findings = make_findings(exported)
    assert f"Arrow, slice {row.indices[1]}: cystic <b>?" in findings
    assert "AI, corrected by the reader" in findings and "AI, accepted" not in findings
    page = make_report_page(exported).decode()
    assert f"Arrow, slice {row.indices[1]}: cystic &lt;b&gt;?" in page
    assert ",ai corrected," in make_table(exported).decode()


def test_a_key_image_says_that_its_outline_was_removed(parts: Services) -> None:
    study = add(parts, 1, "2026-06-03")
    run_jobs(parts)
    ada = reader(make_server(parts), "Ada")
    begin(ada, study)
    image = {"id": "i", "k": 1, "channel": 0, "window": [0, 99], "layers": ["ai"]}
    assert send(ada, study, "reading", revision=0, key_images=[image]).status_code == 200
    decide(ada, study, "accept with changes", reason="false lesion")
    signed = signature(ada, study, "a", touched=with_corners(ai=False, own=False))
    assert signed.status_code == 201, signed.json
    row = parts.store.study(study)
    assert row
    read = find_record(parts, row, 1)
    (picture,) = make_source(parts, row, read, at=parts.store.clock()).pictures
    assert (
        "AI outline before the correction. As corrected, nothing is outlined here."
        in picture.caption
    )


def register(parts: Services, pair: tuple[str, str]) -> None:
    """Store that both lie on the same voxels."""
    rows = [parts.store.study(one) for one in pair]
    matrix = tuple(np.eye(3, 4).ravel().tolist())
    found = FoundRegistration(matrix=matrix, overlap=0.9, correlation=0.8, problem="")
    store_registration(parts.store, *[row.content_digest for row in rows if row], found)


def compare(client: FlaskClient, pair: tuple[str, str]) -> None:
    result = client.get(f"/api/studies/{pair[0]}").json["result"]
    answer = client.put(
        f"/api/studies/{pair[0]}/priors/{pair[1]}/comparison",
        json={
            "based_on": {"result_key": result["key"], "threshold": result["mask_threshold"]},
            "mask": base64.b64encode(encode_mask({}, (3, 6, 5))).decode(),
            "registered": True,
            "revision": begin(client, pair[0])["revision"],
        },
        headers=OURS,
    )
    assert answer.status_code == 200, answer.json


def test_a_lesion_has_one_name_by_ai_and_reader_and_at_all_time_points(parts: Services) -> None:
    study, prior = add(parts, 1, "2026-06-03"), add(parts, 2, "2025-12-11")
    run_jobs(parts)
    ada = reader(make_server(parts), "Ada")
    decide(ada, prior, "accept with changes", reason="missed lesion")
    both = with_corners(ai=True, own=True)
    assert signature(ada, prior, "a", touched=both).status_code == 201
    before = outlines_of(parts, prior)
    own, by_ai = names(before.read)  # the reader's lesion is the larger one
    assert names(before.ai) == [by_ai]
    assert {own.split("/")[0], by_ai.split("/")[0]} == {prior}
    register(parts, (study, prior))
    compare(ada, (study, prior))
    decide(ada, study, "accept with changes", reason="missed lesion")
    shrunk = with_corners(ai=True, own=True)
    shrunk[1][4:, 2:] = [[0, 0, 1], [0, 0, 1]]  # now the smaller one
    assert signature(ada, study, "b", touched=shrunk).status_code == 201
    after = outlines_of(parts, study)
    assert names(after.read) == [by_ai, own]
    assert names(after.ai) == [by_ai]
    # a later amendment of the prior does not rename what was exported
    decide(ada, prior, "accept with changes", reason="false lesion")
    only = with_corners(ai=False, own=True)
    amended = signature(ada, prior, "c", amends=1, reason="not a lesion", touched=only)
    assert amended.status_code == 201, amended.json
    assert names(outlines_of(parts, study).read) == [by_ai, own]
    assert names(outlines_of(parts, prior, 2).read) == [own]
    # what the reader removed keeps its own name in the AI's outlines
    assert names(outlines_of(parts, prior, 2).ai) == [by_ai]


@pytest.mark.parametrize("is_split", [True, False])
def test_a_lesion_that_has_split_or_grown_together_gets_a_name_of_its_own(
    parts: Services, is_split: bool
) -> None:
    study, prior = add(parts, 1, "2026-06-03"), add(parts, 2, "2025-12-11")
    run_jobs(parts)
    ada = reader(make_server(parts), "Ada")
    one, two = with_corners(ai=True, own=True), with_corners(ai=True, own=True)
    one[1][:, 2] = True  # joins both corners
    masks = {prior: one if is_split else two, study: two if is_split else one}
    register(parts, (study, prior))
    for number, of in enumerate((prior, study)):
        if of == study:
            compare(ada, (study, prior))
        decide(ada, of, "accept with changes", reason="missed lesion")
        answer = signature(ada, of, "ab"[number], touched=masks[of])
        assert answer.status_code == 201, answer.json
    found = names(outlines_of(parts, study).read)
    assert len(found) == (2 if is_split else 1)
    assert {name.split("/")[0] for name in found} == {study}


def test_a_rejected_result_leaves_as_rejected_and_is_no_volume_of_a_prior(parts: Services) -> None:
    study, prior = add(parts, 1, "2026-06-03"), add(parts, 2, "2025-12-11")
    run_jobs(parts)
    ada = reader(make_server(parts), "Ada")
    decide(ada, prior, "reject", reason="false lesion", comment="a vessel")
    assert signature(ada, prior, "a").status_code == 201
    sent = outlines_of(parts, prior)
    assert sent.assessment == Assessment(Judgement.REJECTED, "false lesion", "a vessel")
    assert sent.read is None and sent.is_refused
    row = parts.store.study(prior)
    assert row
    findings = make_findings(Exported(parts, row, 1))
    assert "AI, rejected" in findings and "accepted" not in findings
    register(parts, (study, prior))
    compare(ada, (study, prior))
    reading = ada.get(f"/api/studies/{study}/reading").json
    assert reading["comparison"]["prior_volume_ml"] is None


def rows_of(table: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(table.decode())))


def test_withheld_figures_leave_in_no_file(
    parts: Services, findings: dict[str, tuple[Caution, ...]]
) -> None:
    reason = "Not FLAIR."
    findings["case1"] = (Caution(reason, InputAspect.SEQUENCE, Severity.UNFIT),)
    study = add(parts, 1, "2026-06-03")
    run_jobs(parts)
    ada = reader(make_server(parts), "Ada")
    revision = begin(ada, study)["revision"]
    row = parts.store.study(study)
    assert row
    (lesion,) = lesions_as_read(
        parts, row, parts.load_case(row), with_corners(ai=True, own=False)
    ).lesions
    written = {"key": lesion.key, "location": "83251001", "comment": "a vessel"}
    image = {"id": "i", "k": 1, "channel": 0, "window": [0, 99], "layers": ["ai", "diameters"]}
    sent = send(ada, study, "reading", revision=revision, lesions=[written], key_images=[image])
    assert sent.status_code == 200, sent.json
    ruler = {"id": "aa" * 8, "kind": "ruler", "k": 1, "points": [[0, 0], [3, 4]]}
    assert send(ada, study, "measurements", revision=0, items=[ruler]).status_code == 200

    withheld, listed, drawn = rows_of(send(ada, study, "exports/csv", method="POST").data)
    assert (withheld["item"], drawn["kind"]) == ("withheld", "ruler")
    assert reason in withheld["text"] and float(drawn["longest"]) > 0
    assert {name for name, value in listed.items() if value} == {
        "item", "number", "location", "location_snomed_ct", "first_slice", "last_slice", "text"
    }  # fmt: skip
    text = ada.get(f"/api/studies/{study}/findings").json["text"]
    page = ada.get(f"/api/studies/{study}/report").text
    for shown in (text, page):
        assert shown.count(reason) == 1 and "a vessel" in shown and "Frontal lobe" in shown
        assert " mL" not in shown and "White:" not in shown
        assert shown.count(" mm") == 1, "the reader's ruler"

    # a rejection accepts no figure; what the reader outlines is their own
    decide(ada, study, "reject", reason="wrong or missing sequence")
    assert signature(ada, study, "a").status_code == 201
    assert "mL" not in make_findings(Exported(parts, row, 1))
    sent_study = outlines_of(parts, study)
    assert sent_study.ai and [one.volume_ml for one in sent_study.ai.lesions] == [None]
    decide(ada, study, "accept with changes", reason="missed lesion")
    amended = signature(
        ada, study, "b", amends=1, reason="seen again", touched=with_corners(ai=False, own=True)
    )
    assert amended.status_code == 201, amended.json
    own, _ = rows_of(make_table(Exported(parts, row, 2)))
    assert (own["source"], own["slice_score"]) == ("reader", "") and float(own["volume_ml"]) > 0
    signed = make_findings(Exported(parts, row, 2))
    assert " mL, longest diameter" in signed and "The AI outline has" not in signed


def test_a_late_report_shows_the_prior_of_its_record(parts: Services) -> None:
    study, prior = add(parts, 1, "2026-06-03"), add(parts, 2, "2025-12-11")
    run_jobs(parts)
    ada = reader(make_server(parts), "Ada")
    decide(ada, prior, "accept")
    assert signature(ada, prior, "a").status_code == 201
    register(parts, (study, prior))
    compare(ada, (study, prior))
    decide(ada, study, "accept")
    assert signature(ada, study, "b").status_code == 201
    row = parts.store.study(study)
    assert row
    read = find_record(parts, row, 1)
    assert read.signature
    then = make_source(parts, row, read, at=read.signature.at)
    add(parts, 3, "2025-01-01")
    run_jobs(parts)
    decide(ada, prior, "accept with changes", reason="false lesion")
    amended = signature(
        ada, prior, "c", amends=1, reason="no", touched=with_corners(ai=False, own=True)
    )
    assert amended.status_code == 201, amended.json
    late = make_source(parts, row, read, at=read.signature.at + timedelta(days=1))
    assert len(then.time_points) == 2
    assert late.time_points == then.time_points
    now = make_source(parts, row, read, at=read.signature.at)
    assert now.time_points != then.time_points, "what is known today has changed"


def test_a_record_that_was_altered_is_not_exported(parts: Services) -> None:
    study = add(parts, 1, "2026-06-03")
    run_jobs(parts)
    ada = reader(make_server(parts), "Ada")
    decide(ada, study, "accept")
    assert signature(ada, study, "a").status_code == 201
    row = parts.store.study(study)
    assert row and files_of(parts, study)
    with parts.store.writing() as session:
        session.execute(text("DROP TRIGGER signed_records_no_update"))
        session.execute(text("UPDATE signed_records SET author = 'Eve'"))
    makers = [one.make for one in KINDS.values() if one.make]
    for make in (*makers, make_findings):
        with pytest.raises(InputError, match="digest"):
            make(Exported(parts, row, 1))


def test_the_page_has_the_colours_of_what_leaves() -> None:
    tokens = (Path(__file__).parents[3] / "assets" / "css" / "tokens.css").read_text("utf-8")
    for name, colour in (
        ("ai", AI_COLOUR), ("correction", READER_COLOUR), ("reference", REFERENCE_COLOUR)
    ):  # fmt: skip
        assert f"--on-image-{name}: {colour};" in tokens
