"""Writes what was signed of a study: ``python -m dashboard export STUDY --what report,csv``.

The settings are those of the server, which may run meanwhile. Each file is noted in the study's
history.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from dashboard.reports.exports import KINDS, Exported, ExportKind, latest_record
from dashboard.store import StudyRow
from dashboard.store.history import SERVER, record_export
from dashboard.workspace.faults import find_fault
from dashboard.workspace.received import NotThere
from dashboard.workspace.services import Services, start_services
from pipeline import InputError, replacing

#: Kinds that a command can make: those that no browser is needed for.
COMMAND_KINDS = {name: kind for name, kind in KINDS.items() if kind.make is not None}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status: 0 written, 1 not, 2 wrong usage."""
    asked = _parser().parse_args(arguments)
    kinds = _chosen(asked.what)
    if isinstance(kinds, str):
        sys.stderr.write(f"{kinds}\n")
        return 2
    services = start_services()
    try:
        for path in export_study(
            services, asked.study, kinds, asked.output, record=asked.record, draft=asked.draft
        ):
            sys.stdout.write(f"{path}\n")
    except InputError as error:
        sys.stderr.write(f"{error.message}\n")
        return 1
    except NotThere as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"The files cannot be written to {asked.output}: {error.strerror}.\n")
        return 1
    except SQLAlchemyError as error:
        fault = find_fault(error)
        if fault is None:
            raise
        sys.stderr.write(f"{fault.sentence}\n")
        return 1
    return 0


def export_study(
    services: Services,
    study: str,
    kinds: Sequence[ExportKind],
    output: Path,
    *,
    record: int | None = None,
    draft: bool = False,
) -> list[Path]:
    """Write files of a study into a folder, and note each in the study's history.

    Args:
        services: The server's parts.
        study: Its id, as in the address of Review, or its case's name.
        kinds: What to write.
        output: The folder; made if it is missing.
        record: Number of the signed record; the latest one by default.
        draft: Whether a study that is not signed is exported as a draft.

    Returns:
        The files.

    Raises:
        InputError: The study is unknown or not signed, or a file cannot be made.
        NotThere: No record has this number.
        OSError: The folder cannot be written.
    """
    row = _find(services, study)
    number = latest_record(services, row) if record is None else record
    if number is None and not draft:
        raise InputError(
            study, f"Study {study} is not signed; --draft exports it as it is, marked as a draft."
        )
    output.mkdir(parents=True, exist_ok=True)
    exported = Exported(services, row, number)
    written = []
    for kind in kinds:
        if kind.make is None:
            continue
        if refusal := kind.refusal(exported):
            raise InputError(study, refusal)
        path = output / f"{exported.stem}{kind.suffix}"
        content = kind.make(exported)
        with replacing(path) as part:
            part.write_bytes(content)
        text = f"{kind.title}, {exported.words}, by command"
        record_export(services.store, row.study_id, SERVER, export=kind.name, text=text)
        written.append(path)
    return written


def _find(services: Services, study: str) -> StudyRow:
    found = services.store.study(study)
    if found is not None:
        return found
    named = services.store.studies_of_cases([study]).get(study, [])
    if len(named) == 1:
        return named[0]
    why = "several studies have this name; give the id" if named else "no study has this id or name"
    raise InputError(study, f"{study}: {why}, as in the address of Review (?study=...).")


def _chosen(what: str) -> list[ExportKind] | str:
    """The kinds that are asked for, or what is wrong with them."""
    names = [one.strip() for one in what.split(",") if one.strip()]
    unknown = [one for one in names if one not in COMMAND_KINDS]
    if unknown or not names:
        return f"--what must name kinds of {', '.join(COMMAND_KINDS)}, separated by commas."
    return [COMMAND_KINDS[one] for one in dict.fromkeys(names)]


def _parser() -> argparse.ArgumentParser:
    listed = [f"{name:10} {kind.title}: {kind.purpose}" for name, kind in COMMAND_KINDS.items()]
    parser = argparse.ArgumentParser(
        prog="python -m dashboard export",
        description="Write what was signed of a study.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="\n".join(listed),
    )
    parser.add_argument("study", metavar="STUDY", help="the study's id, or its case's name")
    parser.add_argument("--what", default="report", help="kinds, separated by commas")
    parser.add_argument("--output", type=Path, default=Path(), help="folder of the files")
    parser.add_argument("--record", type=int, help="number of the signed record; the latest one")
    parser.add_argument(
        "--draft", action="store_true", help="a study that is not signed, marked as a draft"
    )
    return parser
