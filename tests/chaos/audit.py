"""Proves that nothing acknowledged is missing and that nothing happened twice."""

from __future__ import annotations

import base64
import hashlib
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import pipeline
from dashboard.masks.encoding import decode_mask
from dashboard.store import JobState
from dashboard.workspace.services import Services
from tests.load.kill_workers import read_finishes

from .ledger import Corrections, Measured, SentStudy
from .readers import Reader


def audit(services: Services, readers: list[Reader]) -> list[str]:
    """Compare what readers were shown as stored with what there is; one sentence for each fault.

    Args:
        services: Parts on the product's database and workspace.
        readers: Who worked; their browsers are used.
    """
    problems: list[str] = []
    for reader in readers:
        problems += reader.surprises
        problems += _check_name(reader)
        for study, mine in reader.notes.corrections.items():
            problems += _check_corrections(reader, study, mine)
        for study, measured in reader.notes.measured.items():
            problems += _check_measured(reader, study, measured)
        for seen in reader.notes.seen:
            body = reader.client.ask("GET", seen.address).body
            if hashlib.sha256(body).hexdigest() != seen.digest:
                problems.append(f"{seen.address} shows something else than before")
    sent = [study for reader in readers for study in reader.notes.studies]
    problems += _check_studies(services, sent)
    problems += _check_versions_of_all(services, readers)
    problems += _check_jobs(services)
    return problems


def _check_name(reader: Reader) -> Iterator[str]:
    shown = reader.client.ask("GET", "/api/reader").json["name"]
    if reader.notes.name and shown != reader.notes.name:
        yield f"{reader.name} is called {shown!r} instead of {reader.notes.name!r}"


def _check_corrections(reader: Reader, study: str, mine: Corrections) -> Iterator[str]:
    found = reader.client.ask("GET", f"/api/studies/{study}/corrections").json
    draft = "" if found["draft"] is None else found["draft"]["mask"]
    allowed = {mine.draft}
    saved: dict[int, str] = {}
    for line in found["versions"]:
        if line["own"]:
            version = reader.client.ask("GET", f"/api/studies/{study}/versions/{line['number']}")
            saved[line["number"]] = version.json["mask"]
    if mine.pending is not None:
        kind, mask = mine.pending
        allowed.add(mask if kind == "draft" else "")
    shape = _shape(reader, study)
    if _masks(draft, shape) not in [_masks(one, shape) for one in allowed]:
        yield f"{reader.name}: the draft of {study} is not the one that was acknowledged"
    for number, mask in mine.versions.items():
        if number not in saved or _masks(saved[number], shape) != _masks(mask, shape):
            yield f"{reader.name}: version {number} of {study} is missing or another one"
    contents = Counter(map(str, (_masks(mask, shape) for mask in saved.values())))
    if any(count > 1 for count in contents.values()):
        yield f"{reader.name}: a version of {study} was saved twice"
    unknown = [number for number in saved if number not in mine.versions]
    is_pending = mine.pending is not None and mine.pending[0] == "version"
    if len(unknown) > is_pending:
        yield f"{reader.name}: {study} has versions that were never sent"


def _check_measured(reader: Reader, study: str, mine: Measured) -> Iterator[str]:
    found = reader.client.ask("GET", f"/api/studies/{study}/measurements").json
    if found["items"] not in [mine.items, mine.pending]:
        yield f"{reader.name}: measurements of {study} are not those that were acknowledged"


def _check_studies(services: Services, sent: list[SentStudy]) -> Iterator[str]:
    rows = services.store.list_studies()
    by_content: dict[str, list[str]] = {}
    for row in rows:
        by_content.setdefault(row.content_digest, []).append(row.study_id)
        found = services.files.load(row.study_id).content_digest()
        if found != row.content_digest:
            yield f"the pixels of study {row.study_id} are not those of its row"
    for study in sent:
        listed = by_content.pop(_digest(study), [])
        if len(listed) > 1:
            yield f"{study.name} is in the worklist {len(listed)} times"
        if study.study_id and study.study_id not in listed:
            yield f"{study.name} was acknowledged and is missing"
    if by_content:
        yield f"{len(by_content)} studies were never sent"


def _check_versions_of_all(services: Services, readers: list[Reader]) -> Iterator[str]:
    """Numbers of versions are 1, 2, 3 ... for each study, across all readers."""
    for study in {study for reader in readers for study in reader.notes.corrections}:
        lines = readers[0].client.ask("GET", f"/api/studies/{study}/corrections").json["versions"]
        numbers = sorted(line["number"] for line in lines)
        if numbers != list(range(1, len(numbers) + 1)):
            yield f"versions of {study} are numbered {numbers}"


def _check_jobs(services: Services) -> Iterator[str]:
    for row in services.store.list_studies():
        key = services.result_key(row.content_digest)
        if row.job_state is not JobState.DONE:
            yield f"the analysis of study {row.study_id} is {row.job_state}"
        elif key is None or services.results.answer(key) is None:
            yield f"the result of study {row.study_id} is missing"
    twice = [job for job, count in read_finishes(services.settings.database).items() if count > 1]
    if twice:
        yield f"jobs {twice} were done more than once"


def _digest(study: SentStudy) -> str:
    """Content digest of what was sent, read here."""
    with tempfile.TemporaryDirectory(prefix="overread-audit-") as folder:
        path = Path(folder) / study.name / "flair.nii"
        path.parent.mkdir()
        path.write_bytes(study.content)
        report = pipeline.read_cases([path])
        assert len(report.cases) == 1, [error.message for error in report.errors]
        return report.cases[0].content_digest()


def _shape(reader: Reader, study: str) -> tuple[int, int, int]:
    found = reader.client.ask("GET", f"/api/studies/{study}").json
    return found["n"], found["height"], found["width"]


def _masks(text: str, shape: tuple[int, int, int]) -> Any:
    """A sent or stored mask in a form that can be compared; empty slices do not count."""
    found = decode_mask(base64.b64decode(text), shape) if text else {}
    return {k: np.packbits(mask).tobytes() for k, mask in found.items() if mask.any()}
