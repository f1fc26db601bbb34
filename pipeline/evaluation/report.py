"""Writes the figures of evaluation.json into README and model cards: nobody types them in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pipeline.errors import InputError
from pipeline.evaluation.evaluate import FIGURE_LABELS

_SECTION = re.compile(r"(<!-- results:[^\n]*-->\n)(.*?)(<!-- end of results -->)", re.DOTALL)


def format_results(document: dict[str, Any]) -> str:
    """The figures as Markdown: what they were measured on, the table, how to print it again.

    Args:
        document: Contents of evaluation.json.
    """
    counts, environment = document["counts"], document["environment"]
    confusion = document["confusion"]
    lines = [
        f"Measured on {counts['patients']} {document['split']} patients ({counts['slices']} slices,"
        f" {counts['tumor_slices']} with tumor), on which nothing was chosen; intervals:"
        f" {environment['intervals']}.",
        "",
        "| Whole chain, both stages | Value | 95% interval |",
        "|---|---|---|",
    ]
    for name, label in FIGURE_LABELS.items():
        figure = document["figures"][name]
        if figure["value"] is not None:
            interval = f"{figure['low']:.3f} to {figure['high']:.3f}"
            lines.append(f"| {label.strip()} | {figure['value']:.3f} | {interval} |")
    lines += [
        "",
        f"At the operating point: {confusion['tp']} tumor slices found, {confusion['fn']} missed;"
        f" {confusion['fp']} tumor-free slices marked, {confusion['tn']} left unmarked.",
        f"Printed again by `{environment['command']}` ({environment['cpu']},"
        f" {environment['cores']} cores, {environment['engine']}, {environment['date']}).",
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


def write_results(document: dict[str, Any], paths: list[Path]) -> None:
    """Rewrite the results section of each document."""
    results = format_results(document)
    for path in paths:
        text = replace_results(path.read_text(encoding="utf-8"), results, name=path.name)
        path.write_text(text, encoding="utf-8")
