"""The shipped evaluation: every patient by a network that did not learn from it, shown alike."""

from pathlib import Path

import pytest

from pipeline.analysis.expected_dice import read_dice_model
from pipeline.benchmark.results import read_benchmark
from pipeline.commands.report import format_times
from pipeline.datasets.splits import load_folds
from pipeline.engine.precision import read_precision_checks
from pipeline.evaluation.document import Evaluation, Fold, read_evaluation
from pipeline.evaluation.figures import all_figures
from pipeline.evaluation.report import format_results
from pipeline.models.registry import TaskInfo, read_model_info

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def shipped() -> TaskInfo:
    return read_model_info(ROOT / "models")


@pytest.fixture(scope="module")
def evaluation(shipped: TaskInfo) -> Evaluation:
    assert shipped.evaluation is not None
    return read_evaluation(shipped.evaluation)


def test_every_patient_was_answered_by_the_fold_that_held_it_out(evaluation: Evaluation) -> None:
    own = {fold.name: set(fold.held_out) for fold in load_folds()}
    measured = {fold.name for fold in evaluation.folds if isinstance(fold, Fold)}
    assert measured
    found = {(row.fold, row.case_id) for row in evaluation.patients}
    assert found == {(name, patient) for name in measured for patient in own[name]}


def test_the_evaluation_is_of_the_shipped_network(
    shipped: TaskInfo, evaluation: Evaluation
) -> None:
    assert evaluation.is_of(shipped.network.digest)


def test_every_registered_figure_was_computed(evaluation: Evaluation) -> None:
    """`evaluate --from-rows` adds what was registered since."""
    assert list(evaluation.figures) == [figure.name for figure in all_figures()]


def test_readme_and_card_hold_the_evaluations_figures(
    shipped: TaskInfo, evaluation: Evaluation
) -> None:
    results = format_results(evaluation)
    assert shipped.network.card is not None
    for path in (ROOT / "README.md", shipped.network.card):
        assert results in path.read_text(encoding="utf-8"), path


def test_the_expected_dice_was_learned_from_the_shipped_evaluation(shipped: TaskInfo) -> None:
    assert read_dice_model(shipped.network) is not None


def test_the_first_standard_is_met(evaluation: Evaluation) -> None:
    figures = evaluation.figures
    assert (figures["slice_auc"].value or 0) >= 0.95
    assert (figures["patient_dice_mean"].value or 0) >= 0.75


def test_the_page_of_times_has_the_benchmarks_figures(shipped: TaskInfo) -> None:
    benchmark = read_benchmark(ROOT / "models")
    assert benchmark is not None
    text = format_times(benchmark, read_precision_checks(shipped.network))
    assert text in (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")


def test_the_shipped_precision_was_shown_for_the_shipped_weights(shipped: TaskInfo) -> None:
    checks = read_precision_checks(shipped.network)
    assert {check.precision for check in checks} == {"bf16", "f32", "int8"}
    for check in checks:
        assert check.passes()
        assert check.patients == len(load_folds()[0].held_out)
