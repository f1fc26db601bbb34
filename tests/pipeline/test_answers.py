"""The comparison of answers before and after a change finds every kind of difference."""

from dataclasses import replace
from pathlib import Path

import pytest
from fake_models import fake_stages, make_case, write_metadata

from pipeline.analysis.analyser import Analyser
from pipeline.image_tasks.facade import IMAGE_TASKS
from tests.answers import compare, digest_result, find_pictures


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr("pipeline.analysis.analyser.open_stages", lambda info, **_: fake_stages())
    write_metadata(tmp_path)
    case = make_case(5, masks=True)
    return case, Analyser(tmp_path, engine_dir=tmp_path).analyse(case)


def test_equal_answers_have_equal_digests(answered) -> None:
    case, result = answered
    recorded = {"study": digest_result(case, result)}
    assert compare(recorded, {"study": digest_result(case, result)}) == []


@pytest.mark.parametrize(
    ("name", "reported"), [("probability", "probability"), ("uncertainty", "disagreement")]
)
def test_one_changed_pixel_is_reported(answered, name: str, reported: str) -> None:
    case, result = answered
    before = {"study": digest_result(case, result)}
    getattr(result, name)[1, 0, 0] ^= 1
    sentences = compare(before, {"study": digest_result(case, result)})
    assert [sentence.split(" was ")[0] for sentence in sentences] == [f"study: {reported}"]


def test_cases_that_appear_or_vanish_are_reported() -> None:
    assert compare({"a": {}}, {"b": {}}) == ["a: not analysed any more", "b: not recorded before"]


def test_pictures_are_spread_over_the_classes_of_the_data_set(tmp_path: Path) -> None:
    task = replace(next(iter(IMAGE_TASKS.values())), classes=("cat", "dog"))
    for name in ("a/cat", "b/cat", "b/dog"):
        (tmp_path / name).mkdir(parents=True)
    with pytest.raises(ValueError, match="no folder"):
        find_pictures(replace(task, classes=("cat", "fish")), tmp_path, 2)
    for k in range(6):
        (tmp_path / "b" / "cat" / f"{k}.png").touch()
    (tmp_path / "b" / "dog" / "only.png").touch()
    assert [path.name for path in find_pictures(task, tmp_path, 2)] == [
        "0.png",
        "3.png",
        "only.png",
    ]
