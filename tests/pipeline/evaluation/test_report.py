import pytest

from pipeline.errors import InputError
from pipeline.evaluation.evaluate import FIGURE_LABELS
from pipeline.evaluation.report import format_results, replace_results

DOCUMENT = {
    "split": "held-out",
    "counts": {"patients": 2, "slices": 40, "tumor_slices": 10},
    "figures": {name: {"value": 0.5, "low": 0.25, "high": 0.75} for name in FIGURE_LABELS}
    | {"slice_auc": {"value": None, "low": None, "high": None}},
    "confusion": {"tp": 9, "fn": 1, "fp": 2, "tn": 28},
    "environment": {
        "cpu": "some CPU",
        "cores": "2",
        "engine": "openvino f32",
        "date": "2026-11-21",
        "command": "python -m pipeline evaluate --data DIR --output DIR",
        "intervals": "95%, 100 draws of patients",
    },
}
TEXT = "before\n<!-- results: made -->\nold\n<!-- end of results -->\nafter\n"


def test_every_figure_stands_with_its_interval_and_missing_ones_are_left_out():
    table = format_results(DOCUMENT)
    assert table.count("| 0.500 | 0.250 to 0.750 |") == len(FIGURE_LABELS) - 1
    assert "Slice AUC" not in table
    assert "9 tumor slices found, 1 missed" in table
    assert "2 held-out patients (40 slices, 10 with tumor)" in table


def test_only_what_stands_between_the_markers_changes():
    changed = replace_results(TEXT, "new\n", name="README.md")
    assert changed == TEXT.replace("old", "new")


def test_a_document_without_markers_is_named():
    with pytest.raises(InputError, match=r"README\.md has no section for results"):
        replace_results("nothing", "new", name="README.md")
