"""HTTP of what leaves: the list of kinds with what was exported when, the files, the report.

A file is made by a POST, because the export is noted in the study's history.
"""

from __future__ import annotations

from threading import Thread
from typing import Annotated

from flask import Blueprint, Response
from pydantic import Field

import pipeline
from dashboard.api.access import BYTES, StudyAddress, find_services, find_study
from dashboard.api.endpoint import SURFACES, Answer, Body, Nothing, Query, endpoint
from dashboard.api.errors import refuse_input
from dashboard.api.identity import author, current_reader
from dashboard.reports.exports import (
    KINDS,
    Exported,
    ExportKind,
    latest_record,
    make_findings,
    make_report_page,
)
from dashboard.reports.following import follow_export
from dashboard.store import StudyRow
from dashboard.store.history import Author, EventRow, list_events, record_export
from dashboard.store.reading_content import Event
from dashboard.workspace.received import NotThere
from pipeline import InputError

#: A report is a page of its own: it runs nothing and fetches nothing but the fonts.
_REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_Record = Annotated[int, Field(ge=1, lt=2**31)]

export = Blueprint("export", __name__)
export.register_error_handler(InputError, refuse_input)


class KindAddress(StudyAddress):
    """A kind of file, by its name in `KINDS`."""

    kind: Annotated[str, Field(max_length=32, title="export")]


class RecordQuery(Query):
    """The signed record; by default the latest one, before the first signature the draft."""

    record: _Record | None = None


class SentExport(Body):
    """What is exported; record is as of `RecordQuery`."""

    record: _Record | None = None


class LastExport(Answer):
    """Who exported a kind last, when (ISO 8601, UTC), and of what."""

    author: str
    at: str
    text: str


class KindAnswer(Answer):
    """A kind of file.

    Attributes:
        name, title, purpose: As of `ExportKind`.
        in_browser: Whether the browser makes the file.
        refusal: Why it cannot be made of this study, or "".
        times: How often it was exported.
        last: The last time; null for never.
    """

    name: str
    title: str
    purpose: str
    in_browser: bool
    refusal: str
    times: int
    last: LastExport | None


class ExportsAnswer(Answer):
    """What can be exported.

    Attributes:
        record: Number of the latest signed record; null for a draft.
        kinds: In the order of the menu.
    """

    record: int | None
    kinds: list[KindAnswer]


class FindingsAnswer(Answer):
    """The findings as plain text."""

    text: str


@export.get("/api/studies/<study_id>/exports")
@endpoint()
def show(address: StudyAddress) -> ExportsAnswer:
    """Return the kinds of files with what was exported when."""
    row = find_study(address.study_id)
    Thread(target=pipeline.start_pdf_early, daemon=True).start()
    exported = _exported(row, None)
    events = list_events(find_services().store, row.study_id)
    lines = [one for one in events if one.event is Event.EXPORTED]
    kinds = []
    for kind in KINDS.values():
        own = [one for one in lines if one.details.export == kind.name]
        last = own[-1] if own else None
        kinds.append(
            KindAnswer(
                name=kind.name,
                title=kind.title,
                purpose=kind.purpose,
                in_browser=kind.make is None,
                refusal=kind.refusal(exported),
                times=len(own),
                last=LastExport(author=last.author, at=last.at.isoformat(), text=_of(kind, last))
                if last
                else None,
            )
        )
    return ExportsAnswer(record=exported.record, kinds=kinds)


@export.post("/api/studies/<study_id>/exports/<kind>")
@endpoint(BYTES, rate=SURFACES)
def download(address: KindAddress, sent: SentExport) -> Response:
    """Return a file, and note the export in the study's history."""
    row, kind = find_study(address.study_id), _find_kind(address.kind)
    if kind.make is None:
        raise NotThere("The browser makes this file.")
    exported = _exported(row, sent.record)
    content = kind.make(exported)
    _note(exported, kind, author())
    response = Response(content, mimetype=BYTES)
    name = f"{exported.stem}{kind.suffix}"
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


@export.post("/api/studies/<study_id>/exports/<kind>/progress")
@endpoint(BYTES, rate=SURFACES)
def follow(address: KindAddress, sent: SentExport) -> Response:
    """Return lines of JSON while a file is made, then the file, and note the export.

    A line has ``done``, ``total`` and ``what``; the last one has ``name`` and ``size`` of the file,
    whose bytes follow, or ``error``, a sentence. A client that closes the connection cancels it.
    """
    row, kind = find_study(address.study_id), _find_kind(address.kind)
    if kind.make is None:
        raise NotThere("The browser makes this file.")
    exported, by = _exported(row, sent.record), author()
    lines = follow_export(kind, exported, lambda: _note(exported, kind, by))
    response = Response(lines, mimetype=BYTES)
    response.headers["X-Accel-Buffering"] = "no"  # a proxy passes lines on as they come
    return response


@export.post("/api/studies/<study_id>/exports/<kind>/notes")
@endpoint()
def note(address: KindAddress, sent: SentExport) -> Nothing:
    """Note in the study's history that the browser has made a file or opened the report."""
    row, kind = find_study(address.study_id), _find_kind(address.kind)
    _note(_exported(row, sent.record), kind, author())
    return Nothing()


@export.get("/api/studies/<study_id>/report")
@endpoint("text/html")
def report(address: StudyAddress, query: RecordQuery) -> Response:
    """Return the report as a page."""
    page = make_report_page(_exported(find_study(address.study_id), query.record))
    response = Response(page, mimetype="text/html")
    response.headers["Content-Security-Policy"] = _REPORT_POLICY
    return response


@export.get("/api/studies/<study_id>/findings")
@endpoint()
def findings(address: StudyAddress, query: RecordQuery) -> FindingsAnswer:
    """Return the findings as plain text, for the clipboard."""
    exported = _exported(find_study(address.study_id), query.record)
    return FindingsAnswer(text=make_findings(exported))


def _exported(row: StudyRow, record: int | None) -> Exported:
    services = find_services()
    number = latest_record(services, row) if record is None else record
    return Exported(services, row, number, current_reader().reader_id)


def _find_kind(name: str) -> ExportKind:
    kind = KINDS.get(name)
    if kind is None:
        raise NotThere("This kind of file is not exported.")
    return kind


def _of(kind: ExportKind, event: EventRow) -> str:
    """What was exported, such as "record 2", without the kind that its line names too."""
    return event.details.text.removeprefix(f"{kind.title}, ")


def _note(exported: Exported, kind: ExportKind, by: Author) -> None:
    text = f"{kind.title}, {exported.words}"
    store, study_id = exported.services.store, exported.row.study_id
    record_export(store, study_id, by, export=kind.name, text=text)
