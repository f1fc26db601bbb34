"""A figure is one entry of the registry: it appears everywhere, as missing in older files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_evaluation import evaluate, make_rows
from page_calls import evaluation_file, rows_of, text, triggered

from dashboard.pages.performance import charts, ids
from dashboard.pages.performance import page as performance
from dashboard.workspace.services import Services
from pipeline.__main__ import main
from pipeline.evaluation import figures
from pipeline.evaluation.document import Leakage, dump_evaluation, read_evaluation
from pipeline.evaluation.figures import MISSING, Figure, FigureGroup
from pipeline.evaluation.report import format_results, write_results

MARKED = Figure(
    "marked",
    "Share of the slices that are marked",
    "An invented figure for a test.",
    FigureGroup.SLICE_SCORE,
    lambda table: table.mean_of_slices(table.called),
    heading="Marked",
    digits=4,
    in_parts=True,
    at_operating_point=True,
)
CARD = "before\n<!-- results: made -->\nold\n<!-- end of results -->\nafter\n"


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The registry with one more entry."""
    monkeypatch.setattr(figures, "FIGURES", (*figures.FIGURES, MARKED))
    return


def every_page() -> dict[str, list[list[str]]]:
    """The tables of the views that show figures."""
    return {
        view: rows_of(performance.layout(view=view))
        for view in ("slices", "folds", "institutions", "leakage")
    }


def has_missing(rows: list[list[str]]) -> bool:
    return any(cell == MISSING for row in rows for cell in row)


def test_a_registered_figure_appears_everywhere(
    served: Services, registered: None, tmp_path: Path
) -> None:
    evaluation = evaluate(make_rows(patients=6, slices=12))
    confusion = evaluation.confusion
    found = evaluation.figures["marked"]
    assert found.value == pytest.approx((confusion.tp + confusion.fp) / 72)
    assert found.low is not None and found.high is not None and found.low < found.high
    value, interval = MARKED.words(found), MARKED.interval_words(found)
    evaluation_file(served).write_text(json.dumps(dump_evaluation(evaluation)))

    # table and card
    assert f"| {MARKED.label} | {value} | {interval} |" in format_results(evaluation)
    card = tmp_path / "card.md"
    card.write_text(CARD)
    write_results(evaluation, [card])
    assert f"| {MARKED.label} | {value} | {interval} |" in card.read_text()

    # page
    pages = every_page()
    assert [MARKED.label + MARKED.explanation, value, interval] in pages["slices"]
    assert all(MARKED.title in pages[view][0] for view in ("folds", "institutions"))
    for point in (0.5, 0.2):
        rates = charts.show_operating_point(point, "dark")[2]
        assert f'"{MARKED.title}"' in text(rates)

    # leakage exhibit, in README and on the page
    assert isinstance(evaluation.leakage, Leakage)
    assert "marked" in evaluation.leakage.same_slices.differences
    assert MARKED.label in [row[0] for row in pages["leakage"]]
    assert MARKED.label in charts.draw_leakage("dark").layout.yaxis.ticktext

    # CSV
    sent = triggered(ids.FIGURES_CSV, performance.download, 1, None, None)["content"]
    assert f"all patients,marked,{MARKED.label},,{found.value}," in sent


def test_a_figure_registered_later_is_missing_until_it_is_computed(
    served: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = evaluation_file(served)
    assert "marked" not in json.loads(path.read_text())["figures"]
    monkeypatch.setattr(figures, "FIGURES", (*figures.FIGURES, MARKED))
    assert f"| {MARKED.label} | {MISSING} | - |" in format_results(read_evaluation(path))
    assert all(has_missing(rows) for rows in every_page().values())
    rates = charts.show_operating_point(0.5, "dark")[2]
    assert f'"{MISSING}"' in text(rates)

    assert main(["evaluate", "--from-rows", str(path), "--draws", "20"]) == 0
    assert read_evaluation(path).figures["marked"].value is not None
    assert not any(has_missing(rows) for rows in every_page().values())
