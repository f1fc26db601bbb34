"""A confusion matrix as a table, its cells shaded by their share of the row."""

from __future__ import annotations

from collections.abc import Mapping

from dash import html

from pipeline.image_tasks.facade import ConfusionMatrix


def confusion_table(matrix: ConfusionMatrix, titles: Mapping[str, str] | None = None) -> html.Div:
    """One row per class of the data, one column per predicted class.

    Args:
        matrix: The counts.
        titles: Names of the classes for readers, by label; the label where missing.
    """
    names = [(titles or {}).get(label, label) for label in matrix.labels]
    head = [html.Th("Label"), *[html.Th(f"Predicted: {label}") for label in names]]
    rows = []
    for place, (label, counts) in enumerate(zip(names, matrix.counts, strict=True)):
        whole = max(1, sum(counts))
        cells = [
            html.Td(
                [
                    f"{count:,}",
                    html.Span(f" ({count / whole:.0%})" if count else "", className="meaning"),
                ],
                className="matrix-cell matrix-cell--right" if k == place else "matrix-cell",
                style={"--share": f"{count / whole:.3f}"},
            )
            for k, count in enumerate(counts)
        ]
        rows.append(html.Tr([html.Th(label), *cells]))
    return html.Div(
        html.Table([html.Thead(html.Tr(head)), html.Tbody(rows)], className="data-table matrix"),
        className="table-wrap",
        tabIndex=0,
    )
