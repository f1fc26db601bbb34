"""Writes the figures of evaluation.json into README and model cards."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from pipeline.analysis.expected_dice import COVERAGE, VolumeRatio
from pipeline.errors import InputError
from pipeline.evaluation.document import Evaluation
from pipeline.evaluation.tables import format_markdown, make_tables
from pipeline.storage.atomic_files import write_text

_SECTION = re.compile(r"(<!-- results:[^\n]*-->\n)(.*?)(<!-- end of results -->)", re.DOTALL)


def format_results(evaluation: Evaluation) -> str:
    """The figures as Markdown: the patients, the tables, the command that reproduces them."""
    counts, environment = evaluation.counts, evaluation.environment
    confusion = evaluation.confusion
    patients = f"{counts.patients} {evaluation.split} patients"
    if evaluation.folds:
        patients = f"{counts.patients} patients, {evaluation.split} by patient"
    lines = [
        f"Evaluated on {patients} ({counts.slices:,} slices, {counts.tumor_slices:,} with tumor);"
        " nothing was chosen on the patients on which a network is evaluated. Intervals:"
        f" {environment.get('intervals', 'unknown')}.",
        "",
    ]
    for table in make_tables(evaluation):
        lines += format_markdown(table)
    where = [environment.get(name, "") for name in ("cpu", "cores", "engine", "date")]
    where[1] = f"{where[1]} cores" if where[1] else ""
    lines += [
        f"Slices at the operating point: {confusion.tp:,} true positive, {confusion.fn:,} false"
        f" negative, {confusion.fp:,} false positive, {confusion.tn:,} true negative.",
        f"To reproduce: `{environment.get('command', '')}` ({', '.join(filter(None, where))}).",
        "",
    ]
    return "\n".join(lines)


def replace_results(text: str, results: str, *, name: str) -> str:
    """Put the results between a document's two markers.

    Raises:
        InputError: The document has no such markers.
    """
    changed, count = _SECTION.subn(lambda found: found[1] + results + found[3], text)
    if count != 1:
        raise InputError(name, f"{name} has no section for results; its two markers are missing.")
    return changed


def write_results(
    evaluation: Evaluation, paths: Sequence[Path], *, volume: VolumeRatio | None = None
) -> None:
    """Rewrite the results section of each document.

    Args:
        evaluation: The figures.
        paths: The documents.
        volume: How volumes compare; None where it was not learned, or is not for these documents.
    """
    results = format_results(evaluation)
    if volume is not None:
        results += format_volume_ratio(volume) + "\n"
    for path in paths:
        write_section(path, results)


def format_volume_ratio(volume: VolumeRatio) -> str:
    """The range that is shown beside a volume, as a paragraph of Markdown."""
    return (
        f"Range of a volume: in {COVERAGE:.0%} of {volume.patients} held-out patients the reference"
        f" holds {volume.low:.2f} to {volume.high:.2f} times the pixels of the mask. Judged by the"
        f" range of all others, {volume.coverage:.0%} of the patients lie in it.\n"
    )


def write_section(path: Path, results: str) -> None:
    """Rewrite the results section of one document.

    Raises:
        InputError: The document has no such section.
    """
    text = replace_results(path.read_text(encoding="utf-8"), results, name=path.name)
    write_text(path, text)
