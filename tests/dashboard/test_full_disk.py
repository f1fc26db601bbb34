"""Every write on a full disk: one sentence, nothing half-written, and it works when there is room.

The workspace is on a disk of some megabytes, which is filled. Each way to store something is a row
of `WRITES`.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import logging
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from fake_images import make_png
from fake_server import add_case, fake_factory, make_case, make_server, make_services, write_png
from flask.testing import FlaskClient
from PIL import Image
from sent_uploads import PART, TUS, creation_headers, send_file
from sqlalchemy import text

from dashboard.jobs import table
from dashboard.jobs.execution import Worker
from dashboard.masks.encoding import encode_mask
from dashboard.prepare import prepare_until_done
from dashboard.processes.logs import set_up_logging
from dashboard.store import JobState, Origin
from dashboard.store.patients import record_patient
from dashboard.studies import intake
from dashboard.studies import uploads as received
from dashboard.workspace.faults import DISK_FULL, NotStored
from dashboard.workspace.services import Services
from pipeline import PatientIdentity
from pipeline.data.case import StudyLabels
from pipeline.storage.atomic_files import replacing_folder, write_json, write_once
from tests.small_disk import SmallDisk

pytestmark = pytest.mark.slow  # all together

OURS = {"X-Overread": "1"}
BATCH, MASK_BATCH = "ab" * 16, "cd" * 16
RULER = {"id": "abcd1", "kind": "ruler", "k": 1, "points": [[0.5, 1], [4.25, 5]], "text": ""}


@dataclass(frozen=True)
class Site:
    """A server on a small disk, a named reader's browser, and an analysed study."""

    parts: Services
    client: FlaskClient
    study: str
    disk: SmallDisk
    made: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, address: str, **body: Any) -> Any:
        return self.client.open(address, method=method, json=body or None, headers=OURS)

    def fill(self) -> None:
        """Fill the disk; the database's log keeps no space that it could write to."""
        with self.parts.store.reading() as session:
            session.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
        self.disk.fill()

    def state(self) -> dict[str, Any]:
        """All that readers have stored, and the names of all files."""
        base = f"/api/studies/{self.study}"
        found = {
            what: self.client.get(address).json
            for what, address in {
                "reader": "/api/reader",
                "study": base,
                "corrections": f"{base}/corrections",
                "measurements": f"{base}/measurements",
                "reading": f"{base}/reading",
                "history": f"{base}/history",
                "deleted": "/api/worklist/deleted",
                "health": "/api/health",
            }.items()
        }
        files = [p for p in self.disk.folder.rglob("*") if p.is_file() and p.name != "ballast"]
        found["files"] = sorted(
            str(p.relative_to(self.disk.folder))
            for p in files
            # a sender continues or repeats an upload that is not finished
            if "-wal" not in p.name and self.parts.settings.uploads not in p.parents
        )
        return found


@pytest.fixture
def site(small_disk: SmallDisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr(received, "SPARE_BYTES", 0)
    (tmp_path / "library").mkdir()
    parts = make_services(
        small_disk.folder / "home",
        OVERREAD_LIBRARY=str(tmp_path / "library"),
        OVERREAD_DEMO="no",
    )
    client = make_server(parts).test_client()
    assert client.put("/api/reader", json={"name": "Ada"}, headers=OURS).status_code == 200
    study = add_case(parts, make_case(spacing_mm=None))
    Worker(parts, make_analyser=fake_factory()).run_one()
    yield Site(parts, client, study, small_disk)
    parts.store.close()
    parts.results.close()


def png(seed: int = 1) -> bytes:
    stream = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 255, (120, 100), dtype=np.uint8)
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def mask_body() -> dict[str, Any]:
    mask = encode_mask({1: np.eye(6, 5, dtype=bool)}, (3, 6, 5))
    base = {"result_key": None, "threshold": None, "version": None}
    sent = {"writer": "a" * 16, "step": 1, "revision": 0, "based_on": base}
    return sent | {"mask": base64.b64encode(mask).decode()}


def nothing(site: Site) -> None:
    pass


def do(*keys: str) -> Callable[[Site], None]:
    """What comes before: other rows of the table, each with what comes before it."""

    def prepare(site: Site) -> None:
        for key in keys:
            before, write = WRITES[key]
            before(site)
            answer = write(site)
            assert answer.status_code in (200, 201), (key, answer.json)

    return prepare


def send_mask_files(site: Site) -> None:
    for k, mask in enumerate(np.eye(6, 5, dtype=np.uint8)[None].repeat(3, 0), start=1):
        stream = io.BytesIO()
        Image.fromarray(mask * 255).save(stream, "PNG")
        sent = send_file(site.client, MASK_BATCH, f"truth_{k}.png", stream.getvalue())
        assert sent.status_code == 201


def send_pictures(site: Site) -> None:
    """Numbered pictures, which are joined to a study."""
    for k in (1, 2, 3):
        sent = send_file(site.client, BATCH, f"smith/IM-{k:02d}.png", png(k))
        assert sent.status_code == 201


def begin_file(site: Site) -> None:
    headers = creation_headers("flair_1.png", len(png()), with_bytes=False)
    created = site.client.post(f"/api/uploads/{BATCH}/files", headers=headers)
    assert created.status_code == 201
    site.made["file"] = created.headers["Location"]


def send_bytes(site: Site) -> Any:
    """Send the bytes of a file that was begun, from where they ended, as tus clients do."""
    known = site.client.head(site.made["file"], headers=TUS)
    if known.status_code != 200:
        begin_file(site)
        known = site.client.head(site.made["file"], headers=TUS)
    offset = int(known.headers["Upload-Offset"])
    headers = {**PART, "Upload-Offset": str(offset)}
    return site.client.patch(site.made["file"], data=png()[offset:], headers=headers)


def show_marked(site: Site) -> None:
    """Open the study and look at its slices, so that it may be decided on."""
    do("POST /api/studies/<study_id>/opening")(site)
    sent = {"revision": 0, "slices_shown": [0, 1, 2]}
    assert on_study(site, "PUT", "reading", **sent).status_code == 200


def decide_on_changes(site: Site) -> None:
    """Decide on the study with another mask than the AI's, so that signing saves a version."""
    show_marked(site)
    decided = on_study(
        site, "PUT", "decision", revision=revision_of(site), verdict="accept with changes"
    )
    assert decided.status_code == 200, decided.json


def begin_amendment(site: Site) -> None:
    """Sign the study, open its amendment and change something in it."""
    do(f"POST {_S}/records")(site)
    assert on_study(site, "POST", "opening", amends=1).status_code == 200
    changed = on_study(site, "PUT", "reading", revision=revision_of(site), notes="clear")
    assert changed.status_code == 200, changed.json


def add_prior(site: Site) -> None:
    """Store an earlier study of the patient."""
    patient = PatientIdentity("4711", "St. Mary")
    record_patient(site.parts.store, site.study, patient)
    labels = StudyLabels(study_date="2025-12-11")
    add_case(site.parts, make_case(seed=1, patient=patient, labels=labels))


def on_study(site: Site, method: str, what: str, **body: Any) -> Any:
    return site.ask(method, f"/api/studies/{site.study}/{what}", **body)


def uploaded(site: Site) -> str:
    """The study that this reader has uploaded."""
    (found,) = (
        row.study_id for row in site.parts.store.list_studies() if row.study_id != site.study
    )
    return found


def deleted(site: Site) -> str:
    (found,) = site.client.get("/api/worklist/deleted").json["studies"]
    return str(found["study_id"])


def revision_of(site: Site) -> int:
    return int(site.client.get(f"/api/studies/{site.study}/reading").json["revision"])


_S = "/api/studies/<study_id>"
#: Each request that stores something: what comes before, and the request.
WRITES: dict[str, tuple[Callable[[Site], None], Callable[[Site], Any]]] = {
    "PUT /api/reader": (nothing, lambda s: s.ask("PUT", "/api/reader", name="Dr. Ada")),
    f"PUT {_S}/draft": (nothing, lambda s: on_study(s, "PUT", "draft", **mask_body())),
    f"DELETE {_S}/draft": (
        do(f"PUT {_S}/draft"),
        lambda s: on_study(s, "DELETE", "draft", writer="a" * 16, step=2, revision=1),
    ),
    f"POST {_S}/versions": (nothing, lambda s: on_study(s, "POST", "versions", **mask_body())),
    f"PUT {_S}/measurements": (
        nothing,
        lambda s: on_study(s, "PUT", "measurements", revision=0, items=[RULER]),
    ),
    f"PUT {_S}/label": (
        nothing,
        lambda s: on_study(s, "PUT", "label", revision=0, label="Case 1"),
    ),
    f"PUT {_S}/spacing": (
        nothing,
        lambda s: on_study(s, "PUT", "spacing", revision=0, spacing_mm=[5, 1, 1]),
    ),
    f"PUT {_S}/reference": (
        send_mask_files,
        lambda s: on_study(s, "PUT", "reference", revision=0, batch=MASK_BATCH, files=3),
    ),
    f"DELETE {_S}/reference": (
        do(f"PUT {_S}/reference"),
        lambda s: on_study(s, "DELETE", "reference", revision=1),
    ),
    f"POST {_S}/opening": (
        nothing,
        lambda s: on_study(s, "POST", "opening", take_over=False),
    ),
    f"DELETE {_S}/opening": (
        do(f"POST {_S}/opening"),
        lambda s: on_study(s, "DELETE", "opening"),
    ),
    f"PUT {_S}/reading": (
        do(f"POST {_S}/opening"),
        lambda s: on_study(s, "PUT", "reading", revision=0, notes="clear"),
    ),
    f"PUT {_S}/decision": (
        show_marked,
        lambda s: on_study(s, "PUT", "decision", revision=revision_of(s), verdict="accept"),
    ),
    f"PUT {_S}/priority": (nothing, lambda s: on_study(s, "PUT", "priority", stat=True)),
    f"POST {_S}/records": (
        decide_on_changes,
        lambda s: on_study(
            s, "POST", "records", **mask_body(), reading=revision_of(s), token="e" * 16
        ),
    ),
    f"DELETE {_S}/amendment": (
        begin_amendment,
        lambda s: on_study(s, "DELETE", "amendment", revision=revision_of(s)),
    ),
    "POST /api/worklist/tags": (
        nothing,
        lambda s: s.ask("POST", "/api/worklist/tags", studies=[s.study], add=["teaching"]),
    ),
    "POST /api/worklist/priority": (
        nothing,
        lambda s: s.ask("POST", "/api/worklist/priority", studies=[s.study], stat=True),
    ),
    f"PUT {_S}/priors/<prior_id>/link": (
        add_prior,
        lambda s: on_study(s, "PUT", f"priors/{uploaded(s)}/link", is_same=False),
    ),
    f"PUT {_S}/priors/<prior_id>/comparison": (
        add_prior,
        lambda s: on_study(
            s,
            "PUT",
            f"priors/{uploaded(s)}/comparison",
            **{one: mask_body()[one] for one in ("based_on", "mask")},
            revision=0,
            registered=False,
        ),
    ),
    "POST /api/uploads/<batch>/files": (
        nothing,
        lambda s: send_file(s.client, BATCH, "flair_1.png", png()),
    ),
    "PATCH /api/uploads/<batch>/files/<file_id>": (begin_file, send_bytes),
    "POST /api/uploads/<batch>/finish": (
        send_pictures,
        lambda s: s.ask("POST", f"/api/uploads/{BATCH}/finish", files=3),
    ),
    f"POST {_S}/divide": (
        do("POST /api/uploads/<batch>/finish"),
        lambda s: s.ask("POST", f"/api/studies/{uploaded(s)}/divide"),
    ),
    f"DELETE {_S}": (
        do("POST /api/uploads/<batch>/finish"),
        lambda s: s.ask("DELETE", f"/api/studies/{uploaded(s)}"),
    ),
    f"POST {_S}/restore": (
        do(f"DELETE {_S}"),
        lambda s: s.ask("POST", f"/api/studies/{deleted(s)}/restore"),
    ),
    f"POST {_S}/exports/<kind>": (
        nothing,
        lambda s: on_study(s, "POST", "exports/nifti", record=None),
    ),
    f"POST {_S}/exports/<kind>/notes": (
        nothing,
        lambda s: on_study(s, "POST", "exports/view/notes", record=None),
    ),
    "PUT /api/comparisons/images": (
        nothing,
        lambda s: s.client.put(
            "/api/comparisons/images?name=chest.png", data=make_png(), headers=OURS
        ),
    ),
}
#: Requests that store nothing on the disk, or only a row of the jobs table as an opening does.
OTHERS = {
    "POST /api/comparisons/<task>/answers",
    "POST /api/comparisons/<task>/cancel",
    "POST /api/worklist/export.csv",
    f"POST {_S}/exports/<kind>/progress",  # its answer has begun when it stores something
    f"POST {_S}/corrections/surface",
    f"POST {_S}/corrections/diameters",
    f"POST {_S}/lesions",
    f"POST {_S}/measurements/judge",
    f"POST {_S}/priors/<prior_id>/registration",
    "DELETE /api/uploads/<batch>",
    "DELETE /api/uploads/<batch>/files/<file_id>",
    "POST /api/uploads/<batch>/files/<file_id>",
}


def test_each_request_that_stores_something_is_in_the_table(parts: Services) -> None:
    found = {
        f"{method} {rule.rule}"
        for rule in make_server(parts).url_map.iter_rules()
        for method in (rule.methods or set()) & {"PUT", "POST", "DELETE", "PATCH"}
        if rule.rule.startswith("/api/") and "<path:" not in rule.rule
    }
    assert found == set(WRITES) | OTHERS


@pytest.mark.parametrize("what", WRITES)
def test_a_full_disk_stores_nothing_says_so_and_takes_it_when_there_is_room(
    site: Site, what: str
) -> None:
    prepare, write = WRITES[what]
    prepare(site)
    before = site.state()
    site.fill()
    refused = write(site)
    assert refused.status_code == 507, refused.json
    assert "disk is full" in refused.json["error"] and refused.json["error"].endswith(".")
    assert site.state() == before, "readable on a full disk, and unchanged"
    site.disk.free()
    answer = write(site)
    assert answer.status_code in (200, 201, 204), answer.json
    assert site.state() != before or "/uploads/" in what


def test_an_export_with_progress_says_in_its_last_line_that_the_disk_is_full(site: Site) -> None:
    before = site.state()
    site.fill()
    answer = on_study(site, "POST", "exports/nifti/progress", record=None)
    assert "disk is full" in json.loads(answer.data.splitlines()[-1])["error"]
    assert site.state() == before
    site.disk.free()
    answer = on_study(site, "POST", "exports/nifti/progress", record=None)
    assert b'"name"' in answer.data
    assert site.state() != before, "the history has the export"


def test_a_mask_is_downloaded_whole_from_a_full_disk(site: Site) -> None:
    do(f"POST {_S}/versions")(site)
    before = site.state()
    site.fill()
    answer = site.client.get(f"/api/studies/{site.study}/versions/1.nii.gz")
    assert answer.status_code == 200
    volume = nibabel.Nifti1Image.from_bytes(gzip.decompress(answer.data))
    assert np.asarray(volume.dataobj).sum() == 5
    assert site.state() == before


def test_a_result_that_finds_no_room_fails_its_job_and_can_be_asked_for_again(
    small_disk: SmallDisk, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'review.db'}"  # on another disk, as with PostgreSQL
    parts = make_services(small_disk.folder / "home", OVERREAD_DATABASE_URL=url)
    study = add_case(parts, make_case())
    worker = Worker(parts, make_analyser=fake_factory())
    small_disk.fill()
    assert worker.run_one()
    row = parts.store.study(study)
    assert row and row.job_id and row.job_state is JobState.FAILED
    job = table.state(parts.store, row.job_id)
    assert job and "disk is full" in job.error
    small_disk.free()
    table.submit(parts.store, study)
    assert worker.run_one()
    row = parts.store.study(study)
    key = parts.result_key(row.content_digest) if row else None
    assert row and row.job_state is JobState.DONE and key
    assert parts.results.answer(key) is not None


def test_a_worker_waits_while_the_database_has_no_room(site: Site) -> None:
    other = add_case(site.parts, make_case(seed=7))
    worker = Worker(site.parts, make_analyser=fake_factory())
    site.fill()
    with pytest.raises(Exception, match="full"):
        worker.run_one()
    site.disk.free()
    assert worker.run_one()
    row = site.parts.store.study(other)
    assert row and row.job_state is JobState.DONE


def test_a_library_is_read_on_when_there_is_room(site: Site, tmp_path: Path) -> None:
    for k in range(3):
        write_png(tmp_path / "library" / f"patient{k}" / "flair.png", seed=k)
    site.fill()
    with pytest.raises(NotStored) as caught:
        intake.scan_library(site.parts)
    assert caught.value.message == DISK_FULL.sentence
    assert site.parts.store.count_studies().total == 1
    site.disk.free()
    prepare_until_done(site.parts, pause_s=0.01)
    assert site.parts.store.count_studies().total == 4
    assert site.parts.store.source_errors(Origin.LIBRARY) == []


def test_a_full_disk_never_empties_the_result_cache(site: Site) -> None:
    row = site.parts.store.study(site.study)
    key = site.parts.result_key(row.content_digest) if row else None
    assert key is not None
    site.parts.results.close()
    site.fill()
    with pytest.raises(SystemExit) as ended:
        start_on(site)
    assert ended.value.code == 2
    site.disk.free()
    again = make_services(site.parts.settings.home)
    assert again.results.answer(key) is not None
    again.store.close()


def start_on(site: Site) -> None:
    """Start a process of this workspace."""
    from dashboard.workspace import services

    environment = {"OVERREAD_HOME": str(site.parts.settings.home), "OVERREAD_MODELS": "/nowhere"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        services.start_services().store.close()


def test_a_log_on_a_full_disk_stops_nobody(
    small_disk: SmallDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    small_disk.fill()
    with (small_disk.folder / "log").open("w", buffering=1) as log:
        monkeypatch.setattr(sys, "stderr", log)
        set_up_logging()
        try:
            logging.getLogger("dashboard").error("An event.")
        finally:
            root.handlers[:] = handlers
            root.setLevel(level)
        small_disk.free()


def test_files_and_folders_are_replaced_whole_or_stay(small_disk: SmallDisk) -> None:
    document, folder = small_disk.folder / "a.json", small_disk.folder / "case"
    write_json(document, {"a": 1})
    with replacing_folder(folder) as draft:
        (draft / "pixels").write_bytes(b"old")
    small_disk.fill()
    with pytest.raises(OSError):
        write_json(document, {"a": list(range(100_000))})
    with pytest.raises(OSError), replacing_folder(folder) as draft:
        (draft / "pixels").write_bytes(bytes(1 << 20))
    with pytest.raises(OSError):
        write_once(small_disk.folder / "secret", "x" * 64)
    assert json.loads(document.read_text()) == {"a": 1}
    assert (folder / "pixels").read_bytes() == b"old"
    small_disk.free()
    assert sorted(p.name for p in small_disk.folder.iterdir()) == ["a.json", "case"]
    assert shutil.disk_usage(small_disk.folder).used < 1 << 20
