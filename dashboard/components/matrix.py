"""A confusion matrix as a table whose cells are shaded by their share of the row."""

from __future__ import annotations

from dash import html

from dashboard.evaluation.experiments import ConfusionMatrix


def confusion_table(matrix: ConfusionMatrix) -> html.Div:
    """One row per class of the data, one column per answer."""
    head = [html.Th("Data says"), *[html.Th(f"answered {label}") for label in matrix.labels]]
    rows = []
    for place, (label, counts) in enumerate(zip(matrix.labels, matrix.counts, strict=True)):
        whole = max(1, sum(counts))
        cells = [
            html.Td(
                [html.Span(f"{count:,}"), html.Span(f" {count / whole:.0%}", className="meaning")],
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
