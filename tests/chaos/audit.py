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

from .ledger import Change, Corrections, Listing, Measured, SentStudy
from .readers import Reader


def audit(services: Services, readers: list[Reader]) -> list[str]:
    """Compare what readers were shown as stored with what there is; one sentence for each fault.

    Args:
        services: Parts on the product's database and workspace.
        readers: Who worked; their browsers are used.
    """
    problems: list[str] = []
    deleted = {row.study_id for row in services.store.deleted_studies()}
    for reader in readers:
        problems += reader.surprises
        problems += _check_listings(reader, deleted)
        problems += _restore(reader, deleted)
    for reader in readers:
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
    for study in {one.study_id for reader in readers for one in reader.notes.decided}:
        problems += _check_decisions(study, readers)
        problems += _check_records(study, readers)
    problems += _check_histories(readers)
    problems += _check_jobs(services)
    return problems


def _check_listings(reader: Reader, deleted: set[str]) -> Iterator[str]:
    for study, mine in reader.notes.listings.items():
        if mine.pending is None and (mine.last is Change.DELETED) != (study in deleted):
            yield f"{reader.name}: {study} was {mine.last}, and the worklist does not show that"


def _restore(reader: Reader, deleted: set[str]) -> Iterator[str]:
    """Restore what a reader has deleted: all that was done on it must come back."""
    for study in set(reader.notes.listings) & deleted:
        if not reader.client.ask("POST", f"/api/studies/{study}/restore").ok:
            yield f"{reader.name}: {study} cannot be restored"
            continue
        mine = reader.notes.listings[study]
        if mine.pending is Change.DELETED:  # was done
            mine.done[Change.DELETED] += 1
        mine.pending = None
        mine.done[Change.RESTORED] += 1


def _check_decisions(study: str, readers: list[Reader]) -> Iterator[str]:
    """The present decision is the last one; none that was acknowledged later is lost."""
    sent = [one for reader in readers for one in reader.notes.decided if one.study_id == study]
    found = readers[0].client.ask("GET", f"/api/studies/{study}/reading").json["decision"]
    known = [one for one in sent if found and one.comment == found["comment"]]
    if not known:
        if found or any(one.acknowledged for one in sent):
            yield f"the decision on {study} is missing, or nobody sent it"
        return
    end = known[0].acknowledged
    if end and any(one.acknowledged and one.sent > end for one in sent):
        yield f"a later decision on {study} was acknowledged and is missing"


def _check_records(study: str, readers: list[Reader]) -> Iterator[str]:
    ask = readers[0].client.ask
    lines = ask("GET", f"/api/studies/{study}/reading").json["records"]
    numbers = sorted(line["number"] for line in lines)
    if numbers != list(range(1, len(numbers) + 1)):
        yield f"records of {study} are numbered {numbers}"
    found = [ask("GET", f"/api/studies/{study}/records/{number}").json for number in numbers]
    if not all(record["intact"] for record in found):
        yield f"a record of {study} is not intact"
    comments = Counter(record["content"]["decision"]["comment"] for record in found)
    if any(count > 1 for count in comments.values()):
        yield f"a signature under {study} is there twice"
    by_number = {line["number"]: line for line in lines}
    for reader in readers:
        mine = [one for one in reader.notes.signed if one.study_id == study]
        for one in mine:
            if one.line and by_number.get(one.line["number"]) != one.line:
                yield f"{reader.name}: record {one.line['number']} of {study} is missing"
            if one.line and one.comment not in comments:
                yield f"{reader.name}: what was signed of {study} is another decision"
            comments.pop(one.comment, None)
    if comments:
        yield f"{study} has records that nobody signed"


def _check_histories(readers: list[Reader]) -> Iterator[str]:
    """What was done once is in the history once, with who did it."""
    studies = {
        study
        for reader in readers
        for study in (
            *(one.study_id for one in (*reader.notes.decided, *reader.notes.signed)),
            *reader.notes.listings,
        )
    }
    for study in studies:
        events = readers[0].client.ask("GET", f"/api/studies/{study}/history").json["events"]
        found = Counter((one["author"], one["event"]) for one in events)
        for reader in readers:
            for event, least, most in _expected_events(reader, study):
                count = sum(found[reader.notes.name, one] for one in event)
                if not least <= count <= most:
                    name = " or ".join(event)
                    yield f"{reader.name}: {study} was {name} {count} times, not {least} to {most}"


def _expected_events(reader: Reader, study: str) -> Iterator[tuple[tuple[str, ...], int, int]]:
    """Names of an event, how often it was acknowledged, and how often it was sent."""
    decided = [one for one in reader.notes.decided if one.study_id == study]
    acknowledged = sum(one.acknowledged is not None for one in decided)
    yield ("decided",), acknowledged, len(decided)
    signed = [one for one in reader.notes.signed if one.study_id == study]
    yield ("signed", "amended"), sum(one.line is not None for one in signed), len(signed)
    mine = reader.notes.listings.get(study, Listing())
    for change in Change:
        yield (change,), mine.done[change], mine.done[change] + (mine.pending is change)


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
