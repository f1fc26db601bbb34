from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.__main__ import main
from pipeline.experiments.configuration import FOLDER, read_configuration
from pipeline.experiments.registry import EXPERIMENTS
from pipeline.experiments.runner import NO_WEIGHTS

SHIPPED = Path(__file__).resolve().parents[3] / "models" / "experiments"


def test_the_list_names_every_experiment(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["experiment", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == list(EXPERIMENTS)


def test_an_experiment_lists_its_rows(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["experiment", "lgg-slices", "--list"]) == 0
    told = capsys.readouterr().out
    assert "  resnet50, strategy 1, without conv5, by patient, 30 epochs" in told
    assert "[only when asked for: " in told


def test_frozen_bases_without_weights_are_written_as_not_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["experiment", "feature-cache", "--weights", str(tmp_path), "--output"]
    assert main([*command, str(tmp_path / "out")]) == 0
    told = capsys.readouterr()
    assert told.out == "feature-cache: 0 rows measured, 7 not run.\n"
    assert told.err.count("Not run: ") == 7
    rows = json.loads((tmp_path / "out" / "feature-cache.json").read_text())["rows"]
    assert {row["initial_weights"] for row in rows} == {NO_WEIGHTS}
    assert all(row["status"] == "not run" and row["reason"] for row in rows)


def test_who_asks_for_rows_that_cannot_be_run_is_reported_by_the_status(tmp_path: Path) -> None:
    command = ["experiment", "feature-cache", "--weights", str(tmp_path)]
    assert main([*command, "--output", str(tmp_path / "out"), "--rows", "resnet18"]) == 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nothing"], "'nothing'"),
        (["lgg-slices", "--weights", "absent"], "There is no folder absent"),
        (["lgg-slices", "--weights", "."], "Give the folder of the LGG set with --data."),
    ],
)
def test_bad_input_is_one_sentence(
    words: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["experiment", *words, "--output", str(tmp_path)]) == 1
    told = capsys.readouterr()
    assert sentence in told.err
    assert "Traceback" not in told.err


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.json")), ids=lambda path: path.stem)
def test_the_shipped_figures_are_of_the_committed_configurations(path: Path) -> None:
    content = json.loads(path.read_text("utf-8"))
    rows = {row["digest"]: row for row in content["rows"]}
    configuration = read_configuration(FOLDER / f"{path.stem}.toml")
    assert set(rows) == {row.digest for row in configuration.rows}
    for row in rows.values():
        measured = row["status"] == "measured"
        assert measured == bool(row["figures"])
        assert measured or row["reason"]
