"""``predict --task chest-xray`` with a network that answers by rule."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from predicting import rewrite_part
from tiny_images import CLASSES, TASK, build_network, corner_pixels, write_image, write_shipped

from pipeline.__main__ import main
from pipeline.commands import predict_images
from pipeline.data.reading.collecting import Passed, copies_notice, passed_over_notice
from pipeline.engine.export import export_network
from pipeline.image_tasks.answers import ImageClassifier, make_answer
from pipeline.image_tasks.chest_xray import CONFOUNDING
from pipeline.image_tasks.models import read_image_model
from pipeline.models.quiet_keras import import_keras


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    import_keras()
    folder = tmp_path_factory.mktemp("predict-images")
    write_shipped(folder / "models", model=build_network())
    export_network(read_image_model(folder / "models", TASK), folder / "engine")
    return ["--models", str(folder / "models"), "--engine-dir", str(folder / "engine")]


def predict(folders: list[str], output: Path, *paths: Path) -> tuple[int, dict[str, Any]]:
    given = ["predict", "--task", TASK, *map(str, paths), "--output", str(output), *folders]
    return main(given), json.loads((output / "results.json").read_text())


def test_every_file_is_a_case_with_class_probabilities_and_heat_map(
    folders: list[str], tmp_path: Path
) -> None:
    bright = write_image(tmp_path / "in" / "x_1.png", corner_pixels(230))
    dark = write_image(tmp_path / "in" / "x_2.png", corner_pixels(20))
    status, document = predict(folders, tmp_path / "out", bright.parent)
    assert status == 0
    assert set(document) == {"schema", "task", "models", "cases", "errors", "notices"}
    assert (document["schema"], document["task"], document["errors"]) == (1, TASK, [])
    assert set(document["models"]["classifier"]) == {"name", "digest"}
    answers = {case["slices"][0]["source"]: case["slices"][0] for case in document["cases"]}
    assert {name: answer["class"] for name, answer in answers.items()} == {
        bright.name: "covid",
        dark.name: "normal",
    }
    for case in document["cases"]:
        (answer,) = case["slices"]
        assert list(answer["probabilities"]) == CLASSES
        assert sum(answer["probabilities"].values()) == pytest.approx(1)
        assert max(answer["probabilities"], key=answer["probabilities"].get) == answer["class"]
        assert CONFOUNDING in case["warnings"]
        assert case["tumor"] is case["volume_ml"] is case["dice"] is case["spacing_mm"] is None
        picture = np.asarray(Image.open(tmp_path / "out" / answer["heat_map"]))
        assert picture.shape == (64, 64, 3)


def test_copies_and_passed_over_files_are_counted(folders: list[str], tmp_path: Path) -> None:
    for name in ("x", "x (1)"):
        write_image(tmp_path / "in" / f"{name}.png", corner_pixels(230))
    (tmp_path / "in" / "notes.txt").write_text("text")
    status, document = predict(folders, tmp_path / "out", tmp_path / "in")
    assert status == 0
    assert [case["case_id"] for case in document["cases"]] == ["x"]
    assert document["notices"] == [
        passed_over_notice(Passed.COMPANION, ["notes.txt"]),
        copies_notice(1),
    ]


def test_bad_files_are_reported_and_the_rest_is_answered(
    folders: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_image(tmp_path / "in" / "good.png", corner_pixels())
    (tmp_path / "in" / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    status, document = predict(folders, tmp_path / "in", tmp_path / "in")
    assert status == 1
    assert [case["case_id"] for case in document["cases"]] == ["good"]
    (error,) = document["errors"]
    assert error["source"] == "bad.png"
    assert error["message"] in capsys.readouterr().err
    again = predict(folders, tmp_path / "in", tmp_path / "in")
    assert again == (1, document)


def test_a_second_run_answers_only_what_changed(
    folders: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for k, value in enumerate((230, 120, 20)):
        write_image(tmp_path / "in" / f"x_{k}.png", corner_pixels(value))
    _, first = predict(folders, tmp_path / "out", tmp_path / "in")
    assert capsys.readouterr().out.splitlines()[-1].endswith(" images/s.")
    answered: list[str] = []

    def count(classifier: ImageClassifier, grey: Any, *, source: str) -> Any:
        answered.append(source)
        return make_answer(classifier, grey, source=source)

    monkeypatch.setattr(predict_images, "make_answer", count)
    assert predict(folders, tmp_path / "out", tmp_path / "in") == (0, first)
    assert "Finished before: 3 images." in capsys.readouterr().out
    write_image(tmp_path / "in" / "x_1.png", corner_pixels(200))
    (tmp_path / "in" / "x_2.png").unlink()
    (tmp_path / "out" / "heat_maps" / "x_0.png").write_bytes(b"damaged")
    _, second = predict(folders, tmp_path / "out", tmp_path / "in")
    assert answered == ["x_0.png", "x_1.png"]
    assert [case["case_id"] for case in second["cases"]] == ["x_0", "x_1"]
    assert second["cases"][0] == first["cases"][0]
    assert sorted(p.name for p in (tmp_path / "out" / "heat_maps").iterdir()) == [
        "x_0.png",
        "x_1.png",
    ]
    assert predict(folders, tmp_path / "fresh", tmp_path / "in") == (0, second)


@pytest.mark.parametrize(
    ("name", "value"), [("class", "cat"), ("probabilities", {"a": 1}), ("heat_map", "../x.png")]
)
def test_an_answer_that_does_not_fit_is_made_again(
    folders: list[str], tmp_path: Path, name: str, value: Any
) -> None:
    write_image(tmp_path / "in" / "x.png", corner_pixels())
    _, first = predict(folders, tmp_path / "out", tmp_path / "in")
    (path,) = (tmp_path / "out" / ".parts").glob("*.json")
    untouched = path.read_bytes()
    rewrite_part(path, lambda part: part["case"]["slices"][0].update({name: value}))
    assert path.read_bytes() != untouched
    assert predict(folders, tmp_path / "out", tmp_path / "in") == (0, first)
    assert path.read_bytes() == untouched


def test_an_interrupt_keeps_the_images_that_are_answered(
    folders: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for k in range(3):
        write_image(tmp_path / "in" / f"x_{k}.png", corner_pixels(200 + k))

    def stop_at_last(classifier: ImageClassifier, grey: Any, *, source: str) -> Any:
        if source == "x_2.png":
            raise KeyboardInterrupt
        return make_answer(classifier, grey, source=source)

    with monkeypatch.context() as patch:
        patch.setattr(predict_images, "make_answer", stop_at_last)
        status, document = predict(folders, tmp_path / "out", tmp_path / "in")
    assert status == 130
    assert [case["case_id"] for case in document["cases"]] == ["x_0", "x_1"]
    (error,) = document["errors"]
    assert "2 images" in error["message"]
    status, document = predict(folders, tmp_path / "out", tmp_path / "in")
    assert predict(folders, tmp_path / "fresh", tmp_path / "in") == (status, document)


def test_an_image_that_fails_leaves_the_others(
    folders: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        write_image(tmp_path / "in" / f"{name}.png", corner_pixels())

    def fail_once(classifier: ImageClassifier, grey: Any, *, source: str) -> Any:
        if source == "a.png":
            raise MemoryError
        return make_answer(classifier, grey, source=source)

    monkeypatch.setattr(predict_images, "make_answer", fail_once)
    status, document = predict(folders, tmp_path / "out", tmp_path / "in")
    assert status == 1
    assert [case["case_id"] for case in document["cases"]] == ["b"]
    assert document["errors"] == [
        {
            "source": "a.png",
            "message": "a.png was read as a but cannot be analysed; it is left out.",
        }
    ]


def test_a_missing_model_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_image(tmp_path / "a.png", corner_pixels())
    given = ["predict", "--task", "brain-mri", str(path), "--output", str(tmp_path / "out")]
    assert main([*given, "--models", str(tmp_path / "models")]) == 1
    assert "no model of this task is installed" in capsys.readouterr().err
