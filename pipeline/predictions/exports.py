"""What ``predict --write`` writes of a case beside its masks: files for other systems."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path

from pipeline.analysis.expected_dice import DiceModel
from pipeline.analysis.results import CaseResult
from pipeline.data.case import Case
from pipeline.data.case_files import describe_case
from pipeline.data.preprocessing import flair_channel
from pipeline.documents.pdf import make_pdf
from pipeline.errors import InputError
from pipeline.interchange.content import (
    Algorithm,
    ExportedStudy,
    ExportKind,
    Origin,
    outline_lesions,
)
from pipeline.interchange.exports import ExportedFile, NotExported, write_exports
from pipeline.reports.page import read_fonts, render_page
from pipeline.reports.predicted import describe_result
from pipeline.storage.atomic_files import write_bytes


def binding_of_exports(case: Case, kinds: Collection[ExportKind]) -> list[str]:
    """What the files depend on beside the result: all that the case states, and the kinds."""
    if not kinds:
        return []
    stated = hashlib.sha256(describe_case(case).encode()).hexdigest()
    return ["write", stated, *sorted(kinds)]


def write_case_exports(
    output: Path,
    case: Case,
    result: CaseResult,
    kinds: Collection[ExportKind],
    *,
    model: DiceModel | None = None,
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Write the AI result of a case below ``exports/CASE``.

    Args:
        output: The output folder.
        case: The case, with its name.
        result: Its result.
        kinds: Which files.
        model: What was learned of the network's accuracy, for the report.

    Returns:
        The SHA-256 of each file by its name in the folder, and a sentence on each kind of file that
        cannot be written.

    Raises:
        OSError: The folder cannot be written.
    """
    at = datetime.now(UTC).replace(microsecond=0)
    network = result.network
    content = case.content_digest()
    name = repr((content, network.digest, network.precision, at.isoformat(), case.sources[0]))
    study = ExportedStudy(
        case=case,
        digest=hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest(),
        at=at,
        algorithm=Algorithm(network.name, network.version, network.digest),
        ai=outline_lesions(Origin.AI, result.masks(), case, study=content[:16]),
        withheld=result.unfit.sentence if result.unfit else "",
    )
    channel = flair_channel(case.sequences)
    digests: dict[str, str] = {}
    sentences: list[str] = []
    made = [*write_exports(study, kinds, channel=channel)]
    if ExportKind.REPORT in kinds:
        made += _make_report(study, result, model=model, channel=channel)
    for one in made:
        if isinstance(one, ExportedFile):
            file = f"exports/{case.case_id}/{one.name}"
            (output / file).parent.mkdir(parents=True, exist_ok=True)
            write_bytes(output / file, one.content, durable=False)
            digests[file] = hashlib.sha256(one.content).hexdigest()
        else:
            sentences.append(one.sentence)
    return digests, tuple(sentences)


def _make_report(
    study: ExportedStudy, result: CaseResult, *, model: DiceModel | None, channel: int
) -> Iterator[ExportedFile | NotExported]:
    """The report as a page, and as PDF where that can be made."""
    page = render_page(describe_result(study, result, model=model, channel=channel))
    yield ExportedFile("report.html", page)
    try:
        yield ExportedFile("report.pdf", make_pdf(page, fonts=read_fonts()))
    except InputError as error:
        yield NotExported(error.message)
