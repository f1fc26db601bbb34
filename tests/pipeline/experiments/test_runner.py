from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_classifiers import write_weights

from pipeline.classifiers.scoring import score_classifier
from pipeline.classifiers.weights import NotRun, WeightsSource
from pipeline.errors import InputError
from pipeline.experiments.configuration import Configuration, PlannedRow, read_configuration
from pipeline.experiments.documents import DataFacts, Measurement
from pipeline.experiments.plans import RunContext
from pipeline.experiments.runner import NO_WEIGHTS, RowChoice, RunReport, run_experiment

CONFIGURATION = """
title = "Made"
question = "Does it work?"
notes = ["A note."]
[[published]]
label = "ResNet18"
figure = "accuracy 97%"
source = "Somewhere"
[data]
name = "Made images"
licence = "none"
cautions = ["Made."]
[common]
side = 64
split = "by slice"
epochs = 2
[[rows]]
architecture = ["resnet18", "mobilenetv2"]
strategy = ["head", "all"]
minutes = 3
[[rows]]
architecture = "vgg16"
strategy = "all"
minutes = 90
left_out = "It takes long."
"""
ROW_KEYS = {
    "label",
    "architecture",
    "strategy",
    "options",
    "initial_weights",
    "status",
    "split",
    "epochs",
    "seconds_per_epoch",
    "figures",
    "confusion",
    "digest",
}


class Counted:
    """Measures nothing, and counts what it is asked for."""

    def __init__(self, *, data: str = "d1", stop_after: int = 99) -> None:
        self.asked: list[str] = []
        self._data, self._stop_after = data, stop_after

    def facts(self) -> DataFacts:
        return DataFacts("4 images", hashlib.sha256(self._data.encode()).hexdigest())

    def measure(self, row: PlannedRow, progress: Any) -> Measurement:
        if len(self.asked) >= self._stop_after:
            raise KeyboardInterrupt
        self.asked.append(f"{row.architecture} {row.strategy}")
        if row.strategy == "head":
            raise NotRun("Its weights were not available.")
        scores = score_classifier(
            np.array([[0.9, 0.1], [0.2, 0.8]]),
            np.array([0, 1]),
            np.arange(2),
            classes=("no", "yes"),
            draws=20,
        )
        return Measurement("random", scores=scores, seconds_per_epoch=1.5, details={"seen": 2})


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    (tmp_path / "made.toml").write_text(CONFIGURATION)
    return read_configuration(tmp_path / "made.toml")


def run(
    configuration: Configuration,
    path: Path,
    experiment: Counted,
    choice: RowChoice = RowChoice(),  # noqa: B008
    weights: WeightsSource = WeightsSource(),  # noqa: B008
) -> RunReport:
    return run_experiment(
        configuration,
        RunContext(None, weights),
        path,
        open_data=lambda context: experiment,
        choice=choice,
        say=lambda line: None,
        progress=lambda done, total, message: None,
    )


def test_the_file_holds_every_row_and_says_of_each_what_it_is(
    configuration: Configuration, tmp_path: Path
) -> None:
    path = tmp_path / "made.json"
    assert run(configuration, path, Counted()) == RunReport(measured=2, kept=0, failed=2, not_run=3)
    content = json.loads(path.read_text())
    assert set(content) == {
        *("schema", "name", "title", "question", "published", "data", "command"),
        *("rows", "notes"),
    }
    assert (content["schema"], content["name"]) == (1, "made")
    assert content["notes"] == ["All rows: side 64.", "A note."]
    assert content["data"]["cautions"] == ["Made."]
    assert content["command"].endswith("pipeline experiment made --data DIR --weights DIR --again")
    assert all(set(row) >= ROW_KEYS for row in content["rows"])
    assert [row["status"] for row in content["rows"]] == [
        *("not run", "measured", "not run", "measured", "not run")
    ]
    measured = content["rows"][1]
    assert measured["figures"]["accuracy"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert measured["confusion"] == {"labels": ["no", "yes"], "counts": [[1, 0], [0, 1]]}
    assert {"cpu", "cores", "date", "keras"} <= set(measured["environment"])
    assert (measured["label"], measured["strategy"], measured["options"]) == ("ResNet18", "2", {})


def test_what_could_not_be_run_says_why_and_what_was_too_long_how(
    configuration: Configuration, tmp_path: Path
) -> None:
    path = tmp_path / "made.json"
    run(configuration, path, Counted())
    rows = json.loads(path.read_text())["rows"]
    assert rows[0]["reason"] == "Its weights were not available."
    assert (rows[0]["initial_weights"], rows[0]["command"]) == (NO_WEIGHTS, "")
    assert rows[4]["reason"] == "It takes long."
    assert rows[4]["estimate"] == "about 90 minutes on two cores"
    assert rows[4]["command"] == (
        "python -m pipeline experiment made --data DIR --weights DIR --rows vgg16"
    )
    again = Counted()
    run(configuration, path, again, RowChoice(("vgg16",)))
    assert again.asked == ["vgg16 all"]


def test_a_row_without_weights_says_so_even_if_it_was_not_chosen(
    configuration: Configuration, tmp_path: Path
) -> None:
    path = tmp_path / "made.json"
    run(configuration, path, Counted(), RowChoice(("vgg16",)))
    row = json.loads(path.read_text())["rows"][0]
    assert "ResNet18" in row["reason"]
    assert (row["initial_weights"], row["command"]) == (NO_WEIGHTS, "")


def test_a_stopped_run_goes_on_where_it_stopped(
    configuration: Configuration, tmp_path: Path
) -> None:
    path = tmp_path / "made.json"
    with pytest.raises(KeyboardInterrupt):
        run(configuration, path, Counted(stop_after=2))
    rows = json.loads(path.read_text())["rows"]
    assert rows[1]["status"] == "measured"
    assert rows[3]["reason"] == "The run was stopped before this row."
    second = Counted()
    assert run(configuration, path, second) == RunReport(measured=1, kept=1, failed=2, not_run=3)
    assert "resnet18 all" not in second.asked
    assert json.loads(path.read_text())["rows"][1] == rows[1]


def test_rows_are_measured_again_on_request_on_other_data_or_in_another_way(
    configuration: Configuration, tmp_path: Path
) -> None:
    path = tmp_path / "made.json"
    run(configuration, path, Counted())
    for experiment, choice in (
        (Counted(), RowChoice(("resnet18", "strategy 2"), again=True)),
        (Counted(data="d2"), RowChoice(("resnet18", "strategy 2"))),
    ):
        run(configuration, path, experiment, choice)
        assert experiment.asked == ["resnet18 all"]
    (tmp_path / "made.toml").write_text(CONFIGURATION.replace("side = 64", "side = 96"))
    changed = Counted(data="d2")
    report = run(read_configuration(tmp_path / "made.toml"), path, changed)
    assert (report.kept, len(changed.asked)) == (0, 4)


def test_rows_that_were_not_chosen_keep_their_figures(
    configuration: Configuration, tmp_path: Path
) -> None:
    path = tmp_path / "made.json"
    run(configuration, path, Counted())
    report = run(configuration, path, Counted(), RowChoice(("mobilenetv2",), again=True))
    assert report == RunReport(measured=1, kept=1, failed=1, not_run=3)


def test_kept_rows_keep_where_and_when_they_were_measured(
    configuration: Configuration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "made.json"
    run(configuration, path, Counted())
    before = json.loads(path.read_text())
    monkeypatch.setattr("pipeline.evaluation.evaluate.cpu_name", lambda: "Another CPU")
    run(configuration, path, Counted(), RowChoice(("vgg16",)))
    run(configuration, path, Counted(), RowChoice(("mobilenetv2", "strategy 2"), again=True))
    after = json.loads(path.read_text())
    assert after["rows"][1] == before["rows"][1]
    assert [after["rows"][k]["environment"]["cpu"] for k in (3, 4)] == ["Another CPU"] * 2


def test_unknown_rows_are_reported(configuration: Configuration, tmp_path: Path) -> None:
    path = tmp_path / "made.json"
    with pytest.raises(InputError) as told:
        run(configuration, path, Counted(), RowChoice(("vgg16", "strategy 1")))
    assert told.value.message == "No row of made holds vgg16 strategy 1; --list shows them."
    assert not path.exists()


def test_weights_are_named_by_what_they_hold(configuration: Configuration, tmp_path: Path) -> None:
    path = tmp_path / "made.json"
    write_weights(tmp_path)
    (tmp_path / "tiny.npz").rename(tmp_path / "resnet18_imagenet_folded.npz")
    run(configuration, path, Counted(), weights=WeightsSource(tmp_path))
    named = [row["initial_weights"] for row in json.loads(path.read_text())["rows"]]
    assert named[0] == "ImageNet, layer1 to layer3"
    # What should have been downloaded, and could not be, is not claimed.
    run(configuration, path, Counted(data="d2"), weights=WeightsSource(download=True))
    named = [row["initial_weights"] for row in json.loads(path.read_text())["rows"]]
    assert (named[2], named[4]) == (NO_WEIGHTS, "ImageNet, all layers")


def test_another_file_is_not_written_over(configuration: Configuration, tmp_path: Path) -> None:
    path = tmp_path / "made.json"
    for text in ('{"schema": 7}', "[]"):
        path.write_text(text)
        with pytest.raises(InputError):
            run(configuration, path, Counted())
        assert path.read_text() == text
