"""Deleting studies: who may, what stays, restoring them, and the end after 30 days."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from fake_server import Clock, add_case, make_case, make_server, make_services, write_png
from flask.testing import FlaskClient
from sent_uploads import finish, send_file

from dashboard.jobs import table
from dashboard.store import Origin
from dashboard.store.corrections import Writer, list_versions, read_draft, write_draft
from dashboard.store.measurements import read_measurements, write_measurements
from dashboard.store.stored_json import MaskBase, Measurement
from dashboard.studies import deletion, intake
from dashboard.studies.deletion import KEPT, Requester
from dashboard.workspace.received import Forbidden
from dashboard.workspace.services import Services
from pipeline import InputError

OURS = {"X-Overread": "1"}
ONE, OTHER = Requester("browser-1", "A. Reader"), Requester("browser-2", "B. Reader")
ADMIN = Requester("browser-3", "Dr Chief", is_admin=True)


def upload(parts: Services, folder: Path, seed: int = 1) -> str:
    """Upload a study as `ONE`; returns its id."""
    picture = write_png(folder / f"scan{seed}.png", seed=seed)
    report = intake.add_files(parts, [picture], origin=Origin.UPLOAD, reader_id=ONE.reader_id)
    return report.studies[0].study_id


def work_on(parts: Services, study: str) -> None:
    """A draft and a measurement by `OTHER`."""
    write_draft(
        parts.store,
        study,
        OTHER.reader_id,
        writer=Writer("w", 1, 0),
        based_on=MaskBase(result_key=None, threshold=None),
        content=b"draft",
        ai_content=None,
    )
    item = Measurement(id="m1", kind="ruler", k=0, points=((0.0, 0.0), (1.0, 1.0)))
    write_measurements(parts.store, study, OTHER.reader_id, revision=0, items=[item])


def test_only_its_reader_and_the_administrator_may_delete_and_restore(
    parts: Services, tmp_path: Path
) -> None:
    study = upload(parts, tmp_path)
    with pytest.raises(Forbidden):
        deletion.delete_study(parts, study, OTHER)
    for who in (ONE, ADMIN):
        deletion.delete_study(parts, study, who)
        assert parts.store.study(study) is None
        assert deletion.list_deleted(parts, OTHER) == []
        with pytest.raises(Forbidden):
            deletion.restore_study(parts, study, OTHER)
        (deleted,) = deletion.list_deleted(parts, ONE)
        assert (deleted.study_id, deleted.deleted_by) == (study, who.name)
        assert deletion.restore_study(parts, study, ONE).reader_id == ONE.reader_id
    library = add_case(parts, make_case(), Origin.LIBRARY)
    for unknown in (library, "0" * 16):
        with pytest.raises(InputError):
            deletion.delete_study(parts, unknown, ADMIN)


def test_an_upload_of_an_earlier_version_is_everyones_unless_there_is_an_administrator(
    tmp_path: Path,
) -> None:
    parts = make_services(tmp_path / "home")
    study = add_case(parts, make_case())
    deletion.delete_study(parts, study, OTHER)
    deletion.restore_study(parts, study, ONE)
    parts = replace(parts, settings=parts.settings.model_copy(update={"admin": "Dr Chief"}))
    with pytest.raises(Forbidden):
        deletion.delete_study(parts, study, OTHER)
    deletion.delete_study(parts, study, ADMIN)


def test_what_readers_did_survives_and_the_analysis_is_requested_again(
    parts: Services, tmp_path: Path
) -> None:
    study = upload(parts, tmp_path)
    work_on(parts, study)
    before = read_draft(parts.store, study, OTHER.reader_id)
    deletion.delete_study(parts, study, ONE)
    assert parts.store.list_studies() == []
    assert parts.store.count_studies().total == 0
    assert table.claim(parts.store, "worker") is None
    with pytest.raises(InputError):
        table.submit(parts.store, study)
    with pytest.raises(LookupError):
        write_measurements(parts.store, study, OTHER.reader_id, revision=1, items=[])
    row = deletion.restore_study(parts, study, ONE)
    assert row.job_state == "queued"
    assert parts.files.load(study).n_slices == 1
    assert read_draft(parts.store, study, OTHER.reader_id) == before
    assert len(read_measurements(parts.store, study, OTHER.reader_id).items) == 1
    assert list_versions(parts.store, study) == []


def test_after_thirty_days_nothing_is_left(
    parts: Services, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts.store, "clock", clock)
    studies = [upload(parts, tmp_path, seed) for seed in (1, 2)]
    work_on(parts, studies[0])
    deletion.delete_study(parts, studies[0], ONE)
    clock.advance(KEPT.total_seconds() - 60)
    deletion.delete_study(parts, studies[1], ONE)
    assert deletion.purge_deleted(parts) == 0
    clock.advance(61)
    assert [one.study_id for one in deletion.list_deleted(parts, ONE)] == [studies[1]]
    with pytest.raises(InputError):
        deletion.restore_study(parts, studies[0], ONE)
    assert deletion.purge_deleted(parts) == 1
    assert not (parts.settings.studies / studies[0]).exists()
    assert read_draft(parts.store, studies[0], OTHER.reader_id) is None
    assert deletion.restore_study(parts, studies[1], ONE).study_id == studies[1]


def test_the_same_upload_brings_a_deleted_study_back(parts: Services, tmp_path: Path) -> None:
    study = upload(parts, tmp_path)
    work_on(parts, study)
    deletion.delete_study(parts, study, ONE)
    assert upload(parts, tmp_path) == study
    assert parts.store.deleted_studies() == []
    assert read_draft(parts.store, study, OTHER.reader_id) is not None


def named(client: FlaskClient, name: str) -> FlaskClient:
    client.put("/api/reader", json={"name": name}, headers=OURS)
    return client


def test_browsers_delete_and_restore_what_is_theirs(tmp_path: Path) -> None:
    parts = make_services(tmp_path / "home", OVERREAD_ADMIN="Dr Chief")
    server = make_server(parts)
    one, other = (named(server.test_client(), name) for name in ("A", "B"))
    chief = named(server.test_client(), "Dr Chief")
    picture = write_png(tmp_path / "scan.png").read_bytes()
    assert send_file(one, "ab" * 8, "a.png", picture).status_code == 201
    (added,) = finish(one, "ab" * 8, 1).json["studies"]
    study = f"/api/studies/{added['study_id']}"

    refused = other.delete(study, headers=OURS)
    assert (refused.status_code, refused.json["error"]) == (403, deletion.NOT_YOURS)
    assert one.delete(study).status_code == 403  # without the header of our own scripts
    assert one.delete(study, headers=OURS).status_code == 200
    assert one.get(study).status_code == 404
    assert other.post(f"{study}/restore", headers=OURS).status_code == 403
    assert other.get("/api/worklist/deleted").json == {"studies": []}
    (deleted,) = chief.get("/api/worklist/deleted").json["studies"]
    assert (deleted["study_id"], deleted["deleted_by"]) == (added["study_id"], "A")
    assert chief.post(f"{study}/restore", headers=OURS).status_code == 200
    assert one.get(study).status_code == 200
    assert chief.delete(study, headers=OURS).status_code == 200
    assert one.post(f"/api/studies/{'0' * 16}/restore", headers=OURS).status_code == 400
    assert KEPT >= timedelta(days=30)
