"""``report``: README and model card tell what the evaluation says."""

from pathlib import Path

import pytest
from fake_models import network_folder, write_metadata

from pipeline.__main__ import main
from pipeline.benchmark.results import (
    BenchmarkResults,
    MissingRoute,
    TimedNetwork,
    TimedTask,
    TrainingNotRun,
)
from pipeline.benchmark.tables import format_benchmark
from pipeline.evaluation.computing import collect_evaluation, compute_evaluation
from pipeline.evaluation.document import Evaluation, MeasuredNetwork, write_evaluation
from pipeline.evaluation.report import format_results
from pipeline.evaluation.rows import EvaluationRows, PatientRow, SliceRow
from pipeline.storage.atomic_files import write_json
from pipeline.storage.checked_json import write_document
from tests.small_disk import SmallDisk

TEXT = "before\n<!-- results: made -->\nold\n<!-- end of results -->\nafter\n"


BENCHMARK = BenchmarkResults(
    network=TimedNetwork("resunet-resnet18", "2.0.0", "0" * 64),
    environment=dict.fromkeys(("cpu", "cores", "threads", "date", "command"), "x"),
    tasks=(TimedTask("slice", "One slice", 1, (MissingRoute(route="a", label="OpenVINO"),)),),
    training=TrainingNotRun(),
)


@pytest.fixture
def models(tmp_path: Path) -> Path:
    write_metadata(tmp_path / "models")
    return tmp_path / "models"


def write_report(models: Path) -> int:
    readme = models.parent / "README.md"
    readme.write_text(TEXT)
    times = models.parent / "performance.md"
    times.write_text(TEXT)
    words = ["--readme", str(readme), "--performance", str(times)]
    return main(["report", "--models", str(models), *words])


def write_measured(models: Path) -> Evaluation:
    rows = EvaluationRows(
        (PatientRow("p", "CS", 0.8, 2 / 3, 50, 60, 2),),
        (
            SliceRow("p", 1, True, 0.9, True, 0.8, 50, 60),
            SliceRow("p", 2, False, 0.1, False, None, 0, 0),
        ),
    )
    network = MeasuredNetwork("resunet-resnet18", "2.0.0", "0" * 64)
    given = {"task": "brain-tumor", "split": "held-out", "environment": {"command": "again"}}
    evaluation = compute_evaluation(collect_evaluation(rows, network, **given), draws=10)
    write_evaluation(models / "brain-tumor" / "evaluation.json", evaluation)
    write_document(models / "benchmark.json", BENCHMARK)
    return evaluation


def test_readme_and_card_receive_the_evaluation(models: Path) -> None:
    evaluation = write_measured(models)
    card = network_folder(models) / "README.md"
    card.write_text(TEXT)
    assert write_report(models) == 0
    for path in (models.parent / "README.md", card):
        assert path.read_text() == TEXT.replace("old\n", format_results(evaluation))
    assert format_benchmark(BENCHMARK) in (models.parent / "performance.md").read_text()


def test_a_full_disk_leaves_the_older_document_and_says_so(
    models: Path, small_disk: SmallDisk, capsys: pytest.CaptureFixture[str]
) -> None:
    write_measured(models)
    readme = small_disk.folder / "README.md"
    readme.write_text(TEXT)
    small_disk.fill()
    command = ["report", "--models", str(models), "--readme", str(readme)]
    assert main(command) == 1
    assert capsys.readouterr().err.count("disk is full") == 1
    assert readme.read_text() == TEXT
    assert {path.name for path in small_disk.folder.iterdir()} == {"README.md", "ballast"}


def test_without_an_evaluation_there_is_nothing_to_write(
    models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert write_report(models) == 1
    assert "evaluation.json" in capsys.readouterr().err


@pytest.mark.parametrize("content", [{"schema": 1}, {"schema": 2}])
def test_an_evaluation_that_does_not_fit_is_refused_in_a_sentence(
    models: Path, capsys: pytest.CaptureFixture[str], content: dict[str, int]
) -> None:
    write_json(models / "brain-tumor" / "evaluation.json", content)
    assert write_report(models) == 1
    assert "evaluation.json" in capsys.readouterr().err
