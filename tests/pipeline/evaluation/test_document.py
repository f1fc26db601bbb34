"""evaluation.json: written and read by one module, refused in a sentence where it is damaged."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from invented_rows import make_evaluation, make_rows

from pipeline.errors import InputError
from pipeline.evaluation.document import (
    NOT_RUN,
    Evaluation,
    FoldNotRun,
    NotRun,
    OldEvaluation,
    dump_evaluation,
    read_evaluation,
    write_evaluation,
)

EVALUATION = make_evaluation(
    make_rows(4, first_tumor=1),
    folds=(FoldNotRun(name="fold 2", patients=3, status=NOT_RUN, command="train it"),),
    leakage=NotRun(status=NOT_RUN, command="train by slice", estimate="9 minutes"),
)


def read(content: object, path: Path) -> Evaluation:
    """Read what a file holds."""
    path.write_text(json.dumps(content))
    return read_evaluation(path)


def content() -> dict[str, Any]:
    """What the file holds, to be changed."""
    return json.loads(json.dumps(dump_evaluation(EVALUATION), allow_nan=False))


def test_an_evaluation_comes_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "evaluation.json"
    write_evaluation(path, EVALUATION)
    assert read_evaluation(path) == EVALUATION
    assert json.loads(path.read_text())["schema"] == 2


def test_figures_that_a_file_lacks_or_that_nobody_knows_are_no_error(tmp_path: Path) -> None:
    changed = content()
    del changed["figures"]["slice_auc"]
    changed["figures"]["another"] = {"value": 0.5, "low": None, "high": None}
    changed["institutions"] = []
    found = read(changed, tmp_path / "evaluation.json")
    assert "slice_auc" not in found.figures
    assert found.figures["another"].value == 0.5


def _drop(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda content: content.pop(name)


# (change, field that the sentence names)
DAMAGE: list[Any] = [
    pytest.param(_drop("patients"), "patients", id="no rows"),
    pytest.param(_drop("figures"), "figures", id="no figures"),
    pytest.param(lambda c: c.update(colour=1), "colour", id="an unknown field"),
    pytest.param(lambda c: c["patients"][0].update(dice="high"), "patients[0].dice", id="a word"),
    pytest.param(lambda c: c["patients"][0].update(dice=True), "patients[0].dice", id="a flag"),
    pytest.param(lambda c: c["patients"][0].update(hair=1), "patients[0].hair", id="unknown"),
    pytest.param(
        lambda c: c["slices_rows"][5].update(score=1.5), "slices_rows[5].score", id="above 1"
    ),
    pytest.param(
        lambda c: c["slices_rows"][5].update(called=1), "slices_rows[5].called", id="no flag"
    ),
    pytest.param(
        lambda c: c["figures"]["brier"].update(value=float("nan")),
        "figures.brier.value",
        id="not a number",
    ),
    pytest.param(lambda c: c["confusion"].update(tp=2.5), "confusion.tp", id="half a slice"),
    pytest.param(lambda c: c["folds"][0].pop("name"), "folds[0]", id="a fold's name"),
    pytest.param(lambda c: c["leakage"].pop("status"), "leakage", id="neither run nor not run"),
    pytest.param(lambda c: c.update(split="x" * 300), "split", id="an endless name"),
    pytest.param(
        lambda c: c["slices_rows"][0].update(case_id="stranger"), "", id="a stranger's slice"
    ),
    pytest.param(lambda c: c["patients"].append(c["patients"][0]), "", id="a patient twice"),
]


@pytest.mark.parametrize(("damage", "field"), DAMAGE)
def test_a_damaged_file_is_refused_in_a_sentence(
    damage: Callable[[dict[str, Any]], None], field: str, tmp_path: Path
) -> None:
    changed = content()
    damage(changed)
    with pytest.raises(InputError) as caught:
        read(changed, tmp_path / "evaluation.json")
    assert caught.value.source == "evaluation.json"
    assert field in caught.value.message


@pytest.mark.parametrize("schema", [1, 3, None, "2"])
def test_a_file_of_another_version_is_told_apart(schema: object, tmp_path: Path) -> None:
    with pytest.raises(OldEvaluation):
        read(content() | {"schema": schema}, tmp_path / "evaluation.json")


def test_a_truncated_file_is_not_of_another_version(tmp_path: Path) -> None:
    path = tmp_path / "evaluation.json"
    write_evaluation(path, EVALUATION)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InputError) as caught:
        read_evaluation(path)
    assert not isinstance(caught.value, OldEvaluation)


def test_a_file_that_is_missing_or_no_evaluation_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "evaluation.json"
    with pytest.raises(InputError) as caught:
        read_evaluation(path)
    assert caught.value.source == "evaluation.json"
    with pytest.raises(InputError):
        read([], path)
