"""What readers enter for a study: a label, a spacing, a reference, each with who did it and when.

The files of a study never change. What is entered is stored in the database and applied whenever
the study's case is loaded (`dashboard.masks.references.load_case`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pipeline
from dashboard.jobs import table
from dashboard.masks.references import (
    decode_reference,
    digest_of,
    encode_reference,
    load_case,
    with_attached,
)
from dashboard.store import StudyRow
from dashboard.store.entries import StudyChange, read_reference, write_entries
from dashboard.store.stored_json import AttachedFiles, Entries, Entry
from dashboard.studies.intake import digest_data
from dashboard.workspace.received import NO_STUDY, NotThere
from dashboard.workspace.services import Services
from pipeline import Case, InputError

#: How many of an attached reference's files are named with it.
_NAMED_SOURCES = 20


def rename(services: Services, row: StudyRow, label: str, *, revision: int, by: Entry) -> StudyRow:
    """Change what a study is called on screen; its files' identifiers stay as they are.

    Args:
        services: The server's parts.
        row: The study.
        label: The label; one without letters restores the original name.
        revision: `StudyRow.entries_revision` that the reader has seen.
        by: Who renames it.

    Raises:
        InputError: The label is too long.
        NotThere: The study was deleted.
        EntriesConflict: Another reader has changed the study since.
    """
    label = pipeline.clean_label(label) if label.strip() else ""
    change = StudyChange(
        label="" if label == row.original_name else label,
        entries=replace(row.entries, label_by=by),
        reference=_stored_reference(services, row),
        content_digest=row.content_digest,
        data_digest=row.data_digest,
        has_reference=row.has_reference,
        warnings=row.warnings,
    )
    return _write(services, row, change, revision=revision, by=by)


def change_spacing(
    services: Services,
    row: StudyRow,
    spacing_mm: tuple[float, float, float] | None,
    *,
    revision: int,
    by: Entry,
) -> StudyRow:
    """Enter, change or remove the spacing of a study whose files state none; it is analysed again.

    The networks see slices at a known size, so that another spacing is another input to them.

    Args:
        services: The server's parts.
        row: The study.
        spacing_mm: ``(z, y, x)``, or None to remove it.
        revision: `StudyRow.entries_revision` that the reader has seen.
        by: Who enters it.

    Raises:
        InputError: The files state a spacing, or the numbers cannot be right.
        NotThere: The study was deleted.
        EntriesConflict: Another reader has changed the study since.
        AmendmentNeeded: It is signed, and the reader has no amendment of it open.
    """
    entries = replace(row.entries, spacing_mm=spacing_mm, spacing_by=by)
    case = load_case(services, replace(row, entries=entries))
    content, reference = case.content_digest(), _stored_reference(services, row)
    change = _change(row, case, entries, reference, content_digest=content)
    changed = _write(services, row, change, revision=revision, by=by)
    if services.store.model is not None:
        table.submit(services.store, row.study_id, priority=table.PRIORITY_OPENED)
    return services.store.study(row.study_id) or changed


def attach_reference(
    services: Services, row: StudyRow, paths: Sequence[Path], *, revision: int, by: Entry
) -> StudyRow:
    """Attach a reference to a study, in place of the one that it has; its analysis stays.

    Args:
        services: The server's parts.
        row: The study.
        paths: Files, folders and archives with the mask (`pipeline.read_reference`).
        revision: `StudyRow.entries_revision` that the reader has seen.
        by: Who attaches it.

    Raises:
        InputError: The files hold no mask that fits the study, with the reason.
        NotThere: The study was deleted.
        EntriesConflict: Another reader has changed the study since.
        AmendmentNeeded: It is signed, and the reader has no amendment of it open.
    """
    case = services.load_case(row)
    reference = pipeline.read_reference(case, paths, limits=services.settings.reading_limits)
    content = encode_reference(reference.masks)
    sources = reference.sources[:_NAMED_SOURCES]
    attached = AttachedFiles(
        digest=digest_of(content), sources=sources, warnings=reference.warnings
    )
    entries = replace(row.entries, reference=attached, reference_by=by)
    change = _change(row, with_attached(case, reference), entries, content)
    return _write(services, row, change, revision=revision, by=by)


def detach_reference(services: Services, row: StudyRow, *, revision: int, by: Entry) -> StudyRow:
    """Detach the reference that a reader attached; what the files state is shown again.

    Raises:
        InputError: No reference is attached.
        NotThere: The study was deleted.
        EntriesConflict: Another reader has changed the study since.
        AmendmentNeeded: It is signed, and the reader has no amendment of it open.
    """
    if row.entries.reference is None:
        raise InputError("", "No reference is attached to this study.")
    entries = replace(row.entries, reference=None, reference_by=by)
    case = load_case(services, replace(row, entries=entries))
    return _write(services, row, _change(row, case, entries, None), revision=revision, by=by)


def restore(
    services: Services, row: StudyRow, entries: Entries, reference: bytes | None, *, by: Entry
) -> StudyRow:
    """Return the spacing and the reference to what was entered before; the label stays.

    Args:
        services: The server's parts.
        row: The study.
        entries: What was entered.
        reference: The attached mask of that time (`dashboard.masks.encoding`), or None.
        by: Who restores it.

    Raises:
        NotThere: The study was deleted.
        EntriesConflict: Another reader has changed the study since.
        AmendmentNeeded: It is signed, and the reader has no amendment of it open.
    """
    entries = replace(entries, label_by=row.entries.label_by)
    if entries == row.entries:
        return row
    case = services.load_case(replace(row, entries=entries))
    if reference is not None and entries.reference is not None:
        case = with_attached(case, decode_reference(row, reference, entries.reference))
    change = _change(row, case, entries, reference, content_digest=case.content_digest())
    changed = _write(services, row, change, revision=row.entries_revision, by=by)
    if changed.content_digest != row.content_digest and services.store.model is not None:
        table.submit(services.store, row.study_id, priority=table.PRIORITY_OPENED)
    return services.store.study(row.study_id) or changed


def _change(
    row: StudyRow,
    case: Case,
    entries: Entries,
    reference: bytes | None,
    *,
    content_digest: str | None = None,
) -> StudyChange:
    """What a study becomes with another case; its content stays unless a digest is given."""
    content_digest = content_digest or row.content_digest
    return StudyChange(
        label=row.label,
        entries=entries,
        reference=reference,
        content_digest=content_digest,
        data_digest=digest_data(content_digest, case.masks, row.display),
        has_reference=case.masks is not None,
        warnings=case.warnings,
    )


def _stored_reference(services: Services, row: StudyRow) -> bytes | None:
    return read_reference(services.store, row.study_id) if row.entries.reference else None


def _write(
    services: Services, row: StudyRow, change: StudyChange, *, revision: int, by: Entry
) -> StudyRow:
    try:
        write_entries(
            services.store, row.study_id, change, revision=revision, reader_id=by.reader_id
        )
    except LookupError:
        raise NotThere(NO_STUDY) from None
    found = services.store.study(row.study_id)
    if found is None:
        raise NotThere(NO_STUDY)
    return found
